//! `pgkeep kql explain`.

use std::path::PathBuf;

use base::{ExitCode, Fault};
use kql::diagnostic::{Diagnostic, Severity};
use kql::engine::Limits;
use serde::Serialize;

use super::super::output::{self, Format};
use super::tables::{Bench, Empty};
use super::{TablesArgs, files, spans};
use crate::cells;

/// Arguments of `pgkeep kql explain`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ExplainCommand {
    #[command(flatten)]
    tables: TablesArgs,
    /// Queries: .kql, .jsonl, or - for standard input
    file: PathBuf,
}

/// What is printed about one query.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    id: &'a str,
    ok: bool,
    /// The bound query: what it means
    query: Option<&'a kql::plan::Query>,
    /// The engine's plan, a line an operator
    plan: Option<String>,
    diagnostics: &'a [Diagnostic],
}

pub(super) fn run(command: &ExplainCommand, format: Format) -> Result<ExitCode, Fault> {
    let queries = files::queries(&command.file)?;
    let bench = Bench::open(&command.tables, Limits::default(), Empty::Allowed)?;
    let mut worst = ExitCode::Ok;
    for query in &queries {
        let mut binding = kql::bind::compile(&query.text, &bench.catalog, bench.context, None);
        let plan = match &binding.query {
            Some(bound) => match bench.explain(bound) {
                Ok(plan) => Some(plan),
                Err(e) => {
                    let whole = kql::syntax::Span::new(0, query.text.len());
                    let found = Diagnostic::error("KQL400", whole, cells::chain(&e));
                    binding.diagnostics.push(found);
                    None
                }
            },
            None => None,
        };
        let failed = binding.diagnostics.iter().any(|d| d.severity == Severity::Error);
        if failed || plan.is_none() {
            worst = ExitCode::Gate;
        }
        match format {
            Format::Json | Format::Jsonc => {
                let explained = Explained {
                    id: &query.id,
                    ok: plan.is_some(),
                    query: binding.query.as_ref(),
                    plan,
                    diagnostics: &binding.diagnostics,
                };
                let line = serde_json::to_string(&explained)
                    .map_err(|e| Fault::from_error("output", "could not write JSON", &e))?;
                output::print(&format!("{line}\n"))?;
            }
            Format::None => {}
            Format::Table | Format::Tsv | Format::Csv => {
                if !binding.diagnostics.is_empty() {
                    let shown = spans::shown(&query.id, &query.text, &binding.diagnostics);
                    output::say(shown.trim_end());
                }
                if let Some(plan) = plan {
                    output::print(&format!("{}\n{}\n", query.id, plan.trim_end()))?;
                }
            }
        }
    }
    Ok(worst)
}
