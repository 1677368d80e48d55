//! `pgkeep kql run`.

use std::path::PathBuf;
use std::time::Duration;

use base::{ExitCode, Fault};
use kql::diagnostic::{Diagnostic, Severity};
use kql::engine::{Answer, Limits};
use kql::plan::{Query, Schema};
use kql::value::Value;
use serde::Serialize;

use super::super::output::{self, Format};
use super::super::progress::Steps;
use super::tables::{Bench, Empty};
use super::{TablesArgs, files, spans};
use crate::cells;

/// Arguments of `pgkeep kql run`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RunCommand {
    #[command(flatten)]
    tables: TablesArgs,
    /// Rows of a result; further ones are left out, and it is said so
    #[arg(long, value_name = "N", default_value_t = 500_000)]
    max_rows: usize,
    /// Seconds that one query may take
    #[arg(long, value_name = "SECONDS", default_value_t = 240)]
    timeout: u64,
    /// Memory that one query may use, in MiB; larger sorts and groups go to disk
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    memory: usize,
    /// A file that stands for an address of externaldata; no other address is read (repeatable)
    #[arg(long = "external", value_name = "ADDRESS=FILE", value_parser = files::external)]
    external: Vec<files::TableFile>,
    /// Queries: .kql, .jsonl, or - for standard input
    file: PathBuf,
}

/// What is printed about one query.
#[derive(Debug, Serialize)]
struct Printed<'a> {
    id: &'a str,
    ok: bool,
    columns: &'a Schema,
    rows: Vec<Vec<cells::Cell<'a>>>,
    /// Whether rows were left out
    truncated: bool,
    /// `render`, for whoever draws
    #[serde(skip_serializing_if = "Option::is_none")]
    render: Option<&'a kql::plan::Render>,
    error: Option<String>,
}

pub(super) fn run(command: &RunCommand, format: Format) -> Result<ExitCode, Fault> {
    let queries = files::queries(&command.file)?;
    let limits = Limits {
        rows: command.max_rows,
        bytes: command.memory.saturating_mul(1 << 20),
        time: Duration::from_secs(command.timeout),
        ..Limits::default()
    };
    let mut bench = Bench::open(&command.tables, limits, Empty::Refused)?;
    for external in &command.external {
        bench.allow_external(&external.name, &external.path);
    }
    let steps = Steps::new();
    let mut n_failed = 0_usize;
    for (at, query) in queries.iter().enumerate() {
        if queries.len() > 1 && format == Format::Table {
            steps.say(&format!("query {} of {}", at + 1, queries.len()));
        }
        let answer = one(&bench, query, format);
        n_failed += usize::from(answer.is_err());
        print(query, &answer, format)?;
    }
    Ok(if n_failed == 0 { ExitCode::Ok } else { ExitCode::Error })
}

fn one(bench: &Bench, query: &files::NamedQuery, format: Format) -> Result<Answer, String> {
    let discover = |query: &Query| bench.discover(query);
    let binding = kql::bind::compile(&query.text, &bench.catalog, bench.context, Some(&discover));
    if format == Format::Table && !binding.diagnostics.is_empty() {
        let shown = spans::shown(&query.id, &query.text, &binding.diagnostics);
        output::say(shown.trim_end());
    }
    let bound = binding.query.ok_or_else(|| first_error(&binding.diagnostics))?;
    bench.run(&bound).map_err(|e| cells::chain(&e))
}

fn first_error(diagnostics: &[Diagnostic]) -> String {
    let first = diagnostics.iter().find(|found| found.severity == Severity::Error);
    first.map_or_else(
        || "the text holds no query".to_owned(),
        |found| format!("{}: {} (at {}..{})", found.code, found.message, found.start, found.end),
    )
}

fn print(
    query: &files::NamedQuery,
    answer: &Result<Answer, String>,
    format: Format,
) -> Result<(), Fault> {
    match (format, answer) {
        (Format::None, _) => Ok(()),
        (Format::Json | Format::Jsonc, _) => {
            let none = Schema::new();
            let printed = Printed {
                id: &query.id,
                ok: answer.is_ok(),
                columns: answer.as_ref().map_or(&none, |answer| &answer.schema),
                rows: answer.as_ref().map_or_else(
                    |_| Vec::new(),
                    |answer| answer.rows.iter().map(|row| cells::row(row)).collect(),
                ),
                truncated: answer.as_ref().is_ok_and(|answer| answer.truncated),
                render: answer.as_ref().ok().and_then(|answer| answer.render.as_ref()),
                error: answer.as_ref().err().cloned(),
            };
            let line = serde_json::to_string(&printed)
                .map_err(|e| Fault::from_error("output", "could not write JSON", &e))?;
            output::print(&format!("{line}\n"))
        }
        (_, Err(why)) => {
            output::say(&format!("{}: {why}", query.id));
            Ok(())
        }
        (Format::Tsv, Ok(answer)) => {
            let mut text = String::new();
            for row in &answer.rows {
                let cells: Vec<String> = row.iter().map(plain).collect();
                text += &format!("{}\n", cells.join("\t"));
            }
            output::print(&text)
        }
        (Format::Csv, Ok(answer)) => {
            let mut text = output::csv_line(answer.schema.iter().map(|c| c.name.as_str()));
            for row in &answer.rows {
                let cells: Vec<_> = row.iter().map(Value::to_text).collect();
                text += &output::csv_line(cells.iter().map(|cell| &**cell));
            }
            output::print(&text)
        }
        (Format::Table, Ok(answer)) => {
            output::print(&output::grid(
                answer.schema.iter().map(|column| column.name.clone()).collect(),
                answer.rows.iter().map(|row| row.iter().map(plain).collect()).collect(),
            ))?;
            let n = answer.rows.len();
            let more = if answer.truncated { ", and more that were left out" } else { "" };
            output::say(&format!("{n} rows{more}"));
            Ok(())
        }
    }
}

fn plain(value: &Value) -> String {
    value.to_text().replace(['\t', '\n', '\r'], " ")
}
