//! `pgkeep kql check`.

use std::path::PathBuf;

use base::{ExitCode, Fault};
use kql::diagnostic::{Diagnostic, Severity};
use kql::engine::Limits;
use kql::plan::Schema;
use serde::Serialize;

use super::super::output::{self, Format};
use super::tables::{Bench, Empty};
use super::{TablesArgs, files, spans};
use crate::cells;

/// Arguments of `pgkeep kql check`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct CheckCommand {
    #[command(flatten)]
    tables: TablesArgs,
    /// Queries: .kql, .jsonl, or - for standard input
    file: PathBuf,
}

/// What is printed about one query.
#[derive(Debug, Serialize)]
struct Verdict<'a> {
    id: &'a str,
    /// Parsed, bound and lowered to a plan that can run
    ok: bool,
    columns: Schema,
    /// Whether rows may bring more columns (`bag_unpack`, `pivot`)
    open: bool,
    diagnostics: Vec<Diagnostic>,
}

pub(super) fn run(command: &CheckCommand, format: Format) -> Result<ExitCode, Fault> {
    let queries = files::queries(&command.file)?;
    let bench = Bench::open(&command.tables, Limits::default(), Empty::Allowed)?;
    let mut n_wrong = 0_usize;
    for query in &queries {
        let binding = kql::bind::compile(&query.text, &bench.catalog, bench.context, None);
        let mut verdict = Verdict {
            id: &query.id,
            ok: false,
            columns: Schema::new(),
            open: false,
            diagnostics: binding.diagnostics,
        };
        if let Some(bound) = &binding.query {
            verdict.columns.clone_from(&bound.rel.schema);
            verdict.open = bound.open;
            match bench.explain(bound) {
                Ok(_) => verdict.ok = true,
                Err(e) => {
                    let whole = kql::syntax::Span::new(0, query.text.len());
                    let found = Diagnostic::error("KQL400", whole, cells::chain(&e));
                    verdict.diagnostics.push(found);
                }
            }
        }
        n_wrong += usize::from(!verdict.ok);
        match format {
            Format::Json | Format::Jsonc => {
                let line = serde_json::to_string(&verdict)
                    .map_err(|e| Fault::from_error("output", "could not write JSON", &e))?;
                output::print(&format!("{line}\n"))?;
            }
            Format::None => {}
            Format::Table | Format::Tsv | Format::Csv => person(&verdict, &query.text)?,
        }
    }
    if format == Format::Table && queries.len() > 1 {
        let n = queries.len();
        output::say(&format!("{} of {n} queries are right", n - n_wrong));
    }
    Ok(if n_wrong == 0 { ExitCode::Ok } else { ExitCode::Gate })
}

fn person(verdict: &Verdict<'_>, text: &str) -> Result<(), Fault> {
    if !verdict.diagnostics.is_empty() {
        output::say(spans::shown(verdict.id, text, &verdict.diagnostics).trim_end());
    }
    let columns: Vec<String> =
        verdict.columns.iter().map(|c| format!("{}: {}", c.name, c.ty)).collect();
    let state = match verdict.ok {
        true => "ok",
        false => "wrong",
    };
    let n_warnings = verdict.diagnostics.iter().filter(|d| d.severity == Severity::Warning).count();
    let warned = if n_warnings > 0 { format!(", {n_warnings} warnings") } else { String::new() };
    let more = if verdict.open { ", …" } else { "" };
    let shown = match verdict.ok {
        true => format!("  ({}{more})", columns.join(", ")),
        false => String::new(),
    };
    output::print(&format!("{}: {state}{warned}{shown}\n", verdict.id))
}
