//! `pgkeep logs query`.

use std::io::Read as _;
use std::path::PathBuf;

use api::plane::model::{LogsColumn, LogsEnd, LogsLine};
use base::{ExitCode, Fault};
use serde_json::{Value, json};

use super::super::ask::client;
use super::super::one_thread;
use super::super::output::{self, Format, cell, csv_line, say};
use super::super::progress::Steps;
use crate::home::Home;

/// No text of a query is longer.
const TEXT_MAX: u64 = 200_000;

/// Arguments of `pgkeep logs query`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct QueryCommand {
    /// The query
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    query: Option<String>,
    /// A file that holds it; - for standard input
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Which events count: an ISO 8601 duration back from now, such as P1D, or FROM/TO
    #[arg(long, value_name = "TIMESPAN")]
    timespan: Option<String>,
    /// Rows of the answer; further ones are left out, and it is said so
    #[arg(long, value_name = "N", default_value_t = 30_000)]
    max_rows: u32,
    /// Seconds that it may take
    #[arg(long, value_name = "SECONDS", default_value_t = 180)]
    timeout: u32,
}

/// An answer as it comes.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) columns: Vec<LogsColumn>,
    pub(super) rows: Vec<Vec<Value>>,
    /// Further results by name
    pub(super) further: Vec<(String, Vec<LogsColumn>, Vec<Vec<Value>>)>,
    pub(super) end: Option<LogsEnd>,
}

impl Answer {
    /// Takes a line.
    pub(super) fn take(&mut self, line: &str) -> Result<(), Fault> {
        if line.is_empty() {
            return Ok(());
        }
        let line: LogsLine = serde_json::from_str(line).map_err(|e| {
            Fault::from_error("bad_answer", "the plane sent what is no answer", &e)
                .hint("are both of the same version? run pgkeep down, then pgkeep up")
        })?;
        if let Some(error) = line.error {
            let api::plane::ErrorBody { code, message, detail, hint, exit, .. } = error;
            return Err(Fault { code, message, detail, hint, exit });
        }
        if let Some(begin) = line.begin {
            self.columns = begin.columns;
            for found in begin.diagnostics {
                say(&format!("{}: {}", found.severity, found.message));
            }
        }
        if let Some(table) = line.table {
            self.further.push((table.name, table.columns, Vec::new()));
        }
        if let Some(rows) = line.rows {
            match self.further.last_mut() {
                Some((_, _, further)) => further.extend(rows),
                None => self.rows.extend(rows),
            }
        }
        self.end = line.end.or(self.end.take());
        Ok(())
    }
}

/// Asks; an answer that is not whole is a fault.
pub(super) fn ask(home: &Home, wish: &Value) -> Result<Answer, Fault> {
    let mut answer = Answer::default();
    let client = client(home);
    let lines = client.lines("/logs/query", wish, |line| answer.take(line).map(|()| true));
    one_thread()?.block_on(lines)?;
    match answer.end {
        Some(_) => Ok(answer),
        None => Err(Fault::new("hung_up", "the answer is not whole")
            .hint("the plane's log is in the folder log/ of the home")),
    }
}

pub(super) fn run(home: &Home, command: &QueryCommand, format: Format) -> Result<ExitCode, Fault> {
    let text = match (&command.query, &command.file) {
        (Some(text), _) => text.clone(),
        (None, Some(file)) => read(file)?,
        (None, None) => String::new(),
    };
    let wish = json!({
        "query": text,
        "timespan": command.timespan,
        "max_rows": command.max_rows,
        "timeout_s": command.timeout,
    });
    let steps = Steps::new();
    if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
        steps.say("asking");
    }
    let answer = ask(home, &wish);
    steps.done();
    print(&answer?, format)
}

fn read(file: &PathBuf) -> Result<String, Fault> {
    let failed = |e: std::io::Error| {
        let exit = match e.kind() {
            std::io::ErrorKind::NotFound => ExitCode::NotFound,
            _ => ExitCode::Error,
        };
        Fault::from_error("cannot_read", format!("could not read {}", file.display()), &e)
            .exit(exit)
    };
    let mut text = String::new();
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin().lock().take(TEXT_MAX + 1).read_to_string(&mut text),
        false => std::fs::File::open(file)
            .and_then(|file| file.take(TEXT_MAX + 1).read_to_string(&mut text)),
    };
    read.map_err(failed)?;
    Ok(text)
}

fn print(answer: &Answer, format: Format) -> Result<ExitCode, Fault> {
    let end = answer.end.clone().unwrap_or_default();
    match format {
        Format::None => {}
        Format::Json | Format::Jsonc => {
            let further = answer.further.iter().map(
                |(name, columns, rows)| json!({ "name": name, "columns": columns, "rows": rows }),
            );
            let further: Vec<Value> = further.collect();
            let mut document = json!({
                "columns": answer.columns,
                "rows": answer.rows,
                "truncated": end.truncated,
                "elapsed_ms": end.elapsed_ms,
                "render": end.render,
            });
            if !further.is_empty() {
                document["further"] = Value::Array(further);
            }
            output::show(format, &document, &[])?;
        }
        Format::Csv | Format::Tsv | Format::Table => {
            results(format, &answer.columns, &answer.rows)?;
            for (name, columns, rows) in &answer.further {
                say(&format!("{name}:"));
                results(format, columns, rows)?;
            }
        }
    }
    if format == Format::Table || end.truncated {
        let more =
            if end.truncated { ", and more that were left out: raise --max-rows" } else { "" };
        say(&format!("{} rows in {} ms{more}", end.n_rows, end.elapsed_ms));
    }
    Ok(ExitCode::Ok)
}

fn results(format: Format, columns: &[LogsColumn], rows: &[Vec<Value>]) -> Result<(), Fault> {
    let names = columns.iter().map(|column| column.name.clone());
    let cells = |row: &Vec<Value>| -> Vec<String> { row.iter().map(text).collect() };
    let on_one_line = |text: String| text.replace(['\t', '\n', '\r'], " ");
    match format {
        Format::Csv => {
            let names: Vec<String> = names.collect();
            output::print(&csv_line(names.iter().map(String::as_str)))?;
            for row in rows {
                output::print(&csv_line(cells(row).iter().map(String::as_str)))?;
            }
            Ok(())
        }
        Format::Tsv => {
            for row in rows {
                let cells: Vec<String> = cells(row).into_iter().map(on_one_line).collect();
                output::print(&format!("{}\n", cells.join("\t")))?;
            }
            Ok(())
        }
        _ => {
            let rows = rows.iter().map(|row| cells(row).into_iter().map(on_one_line).collect());
            output::print(&output::grid(names.collect(), rows.collect()))
        }
    }
}

/// A value as a person reads it; dynamics stay JSON.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Array(_) | Value::Object(_) => value.to_string(),
        other => cell(Some(other)),
    }
}
