//! What goes to standard output, and in which shape.
//!
//! With `-o json` one JSON document and nothing else; all other words go to standard error.

use std::io::{IsTerminal as _, Write as _};

use base::{ExitCode, Fault};
use baseline::report;
use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Map, Value};

/// The shape of what a command prints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For a person.
    #[default]
    Table,
    /// One JSON document, indented.
    Json,
    /// One JSON document on one line.
    Jsonc,
    /// One record a line, fields divided by tabs.
    Tsv,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// Nothing.
    None,
}

/// What `-o` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// A shape that every command prints
    Plain(Format),
    /// The format of a report, which only `pgkeep baseline assess` prints
    Report(report::Format),
}

impl Output {
    /// Reads it on the command line.
    pub(crate) fn parser() -> impl TypedValueParser<Value = Self> {
        let plain: Vec<PossibleValue> =
            Format::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect();
        let is_plain = |name: &str| Format::from_str(name, true).is_ok();
        let reports = report::Format::ALL.iter().map(|format| format.name());
        let reports = reports.filter(|name| !is_plain(name));
        let reports: Vec<PossibleValue> =
            reports.map(|name| PossibleValue::new(name).hide(true)).collect();
        let all = plain.into_iter().chain(reports);
        PossibleValuesParser::new(all).map(|name| match Format::from_str(&name, true) {
            Ok(format) => Self::Plain(format),
            Err(_) => report::Format::parse(&name)
                .map_or_else(|| Self::Plain(Format::default()), Self::Report),
        })
    }

    /// The shape, where it is one that every command prints.
    pub(crate) fn plain(self) -> Result<Format, Fault> {
        match self {
            Self::Plain(format) => Ok(format),
            Self::Report(format) => {
                let message = format!("this is not printed as {}", format.name());
                Err(Fault::new("usage", message)
                    .hint("only `pgkeep baseline assess` is")
                    .exit(ExitCode::Usage))
            }
        }
    }
}

/// Writes text to standard output. A reader that went away early (`| head`) is no failure.
pub(crate) fn print(text: &str) -> Result<(), Fault> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Fault::from_error("output", "could not write to standard output", &e))
        }
        _ => Ok(()),
    }
}

/// Writes one line to standard error. There is nowhere left to report a failure to.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// Prints `value`: as JSON whole, as a table or TSV only `columns` (all when none are named).
pub(crate) fn show(format: Format, value: &Value, columns: &[&str]) -> Result<(), Fault> {
    match format {
        Format::Json => print(&format!("{value:#}\n")),
        Format::Jsonc => print(&format!("{value}\n")),
        Format::None => Ok(()),
        Format::Tsv => print(&tsv(value, columns)),
        Format::Csv => print(&csv(value, columns)),
        Format::Table => print(&table(value, columns)),
    }
}

/// Columns of text below which wrapping makes a table harder to read.
const WIDTH_MIN: u16 = 60;

fn table(value: &Value, columns: &[&str]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    // A terminal that does not know its width gets the rows as they are.
    let wide = table.width().is_some_and(|columns| columns >= WIDTH_MIN);
    let arrangement = if wide && std::io::stdout().is_terminal() {
        ContentArrangement::Dynamic
    } else {
        ContentArrangement::Disabled
    };
    table.set_content_arrangement(arrangement);
    match value {
        Value::Array(rows) if rows.is_empty() => return String::new(),
        Value::Array(rows) => {
            let names = names_of(rows.first(), columns);
            table.set_header(names.iter().map(|name| name.replace('_', " ").to_uppercase()));
            for row in rows {
                table.add_row(names.iter().map(|name| cell(row.pointer(&pointer(name)))));
            }
        }
        Value::Object(_) => {
            for (name, text) in flat(value, columns) {
                table.add_row([name, text]);
            }
        }
        other => return format!("{}\n", cell(Some(other))),
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    format!("{}\n", lines.join("\n"))
}

/// Rows under their names, as a person reads them.
pub(crate) fn grid(names: Vec<String>, rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(names);
    table.add_rows(rows);
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    format!("{}\n", lines.join("\n"))
}

fn tsv(value: &Value, columns: &[&str]) -> String {
    let line = |row: &Value, names: &[String]| {
        let cells = names.iter().map(|name| cell(row.pointer(&pointer(name))));
        let cells: Vec<String> = cells.map(|text| text.replace(['\t', '\n'], " ")).collect();
        format!("{}\n", cells.join("\t"))
    };
    match value {
        Value::Array(rows) => {
            let names = names_of(rows.first(), columns);
            rows.iter().map(|row| line(row, &names)).collect()
        }
        Value::Object(_) => line(value, &names_of(Some(value), columns)),
        other => format!("{}\n", cell(Some(other))),
    }
}

fn csv(value: &Value, columns: &[&str]) -> String {
    let rows = match value {
        Value::Array(rows) => rows.as_slice(),
        one => std::slice::from_ref(one),
    };
    let names = names_of(rows.first(), columns);
    let mut text = csv_line(names.iter().map(String::as_str));
    for row in rows {
        let cells: Vec<String> =
            names.iter().map(|name| cell(row.pointer(&pointer(name)))).collect();
        text += &csv_line(cells.iter().map(String::as_str));
    }
    text
}

/// One record with its end of line; what needs quotes gets them.
pub(crate) fn csv_line<'a>(fields: impl Iterator<Item = &'a str>) -> String {
    let quoted = fields.map(|field| {
        let is_plain = !field.contains(['"', ',', '\n', '\r']);
        if is_plain { field.to_owned() } else { format!("\"{}\"", field.replace('"', "\"\"")) }
    });
    let mut line = quoted.collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line
}

/// The columns to show; a dot leads into an object.
fn names_of(first: Option<&Value>, columns: &[&str]) -> Vec<String> {
    if !columns.is_empty() {
        return columns.iter().map(|&name| name.to_owned()).collect();
    }
    let fields = first.and_then(Value::as_object).map(Map::keys);
    fields.map_or_else(|| vec![String::new()], |keys| keys.cloned().collect())
}

fn pointer(name: &str) -> String {
    if name.is_empty() { String::new() } else { format!("/{}", name.replace('.', "/")) }
}

/// An object as lines of name and text; nested objects as dotted names.
fn flat(value: &Value, columns: &[&str]) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    if columns.is_empty() {
        walk("", value, &mut lines);
    } else {
        for &name in columns {
            lines.push((name.replace('_', " "), cell(value.pointer(&pointer(name)))));
        }
    }
    lines
}

fn walk(path: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                walk(&path, inner, lines);
            }
        }
        other => lines.push((path.replace('_', " "), cell(Some(other)))),
    }
}

pub(crate) fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => {
            let texts: Vec<String> = items.iter().map(|item| cell(Some(item))).collect();
            texts.join(", ")
        }
        Some(other) => other.to_string(),
    }
}
