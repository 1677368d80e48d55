//! What `pgkeep kql` reads: queries, schemas, tables.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use base::{ExitCode, Fault};
use kql::bind::Tables;
use kql::functions::Context;
use kql::value::{TICKS_PER_SECOND, UNIX_EPOCH, parse_datetime};
use serde::Deserialize;

/// No file of queries or schemas is larger.
const FILE_MAX_BYTES: u64 = 256 << 20;

/// `NAME=FILE`.
#[derive(Clone, Debug)]
pub(super) struct TableFile {
    pub(super) name: String,
    pub(super) path: PathBuf,
}

/// A point of time in ticks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) i64);

/// A query and what it is called.
#[derive(Debug)]
pub(super) struct NamedQuery {
    pub(super) id: String,
    pub(super) text: String,
}

/// Reads `NAME=FILE`.
pub(super) fn table(text: &str) -> Result<TableFile, String> {
    let (name, path) = text.split_once('=').ok_or("expected NAME=FILE")?;
    if name.is_empty() || path.is_empty() {
        return Err("expected NAME=FILE".to_owned());
    }
    Ok(TableFile { name: name.to_owned(), path: path.into() })
}

/// Reads `ADDRESS=FILE`; an address may have `=` in it.
pub(super) fn external(text: &str) -> Result<TableFile, String> {
    let (name, path) = text.rsplit_once('=').ok_or("expected ADDRESS=FILE")?;
    Ok(TableFile { name: name.to_owned(), path: path.into() })
}

/// Reads a datetime as Kusto does.
pub(super) fn moment(text: &str) -> Result<Moment, String> {
    let ticks = parse_datetime(text).ok_or("expected a datetime, such as 2026-01-31T12:00:00Z")?;
    Ok(Moment(ticks))
}

/// What is fixed for a run.
pub(super) fn context(now: Option<Moment>) -> Context {
    let now = now.map_or_else(
        || {
            let now = jiff::Timestamp::now();
            UNIX_EPOCH
                + now.as_second() * TICKS_PER_SECOND
                + i64::from(now.subsec_nanosecond()) / 100
        },
        |moment| moment.0,
    );
    Context { now }
}

/// The queries of a file: `.jsonl` holds one a line, anything else is one query.
pub(super) fn queries(path: &Path) -> Result<Vec<NamedQuery>, Fault> {
    let text = text(path)?;
    let lines = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("jsonl"));
    if !lines {
        let id = match path.file_name() {
            Some(name) if path != Path::new("-") => name.to_string_lossy().into_owned(),
            _ => "-".to_owned(),
        };
        return Ok(vec![NamedQuery { id, text }]);
    }
    let mut queries = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let line: Line = serde_json::from_str(line).map_err(|e| {
            Fault::new("bad_query_file", format!("line {} is not understood", at + 1))
                .detail(format!("{}: {e}", path.display()))
                .hint("each line is an object with \"id\" and \"query\"")
                .exit(ExitCode::Usage)
        })?;
        queries.push(NamedQuery { id: line.id, text: line.query });
    }
    Ok(queries)
}

/// The tables that a file of schemas declares.
pub(super) fn schema(path: Option<&Path>) -> Result<Tables, Fault> {
    let Some(path) = path else { return Ok(Tables::default()) };
    Tables::from_json(&text(path)?).map_err(|e| {
        Fault::new("bad_schema", "the schema is not understood")
            .detail(format!("{}: {e}", path.display()))
            .hint("it is an object of tables, each an object of columns and their Kusto types")
            .exit(ExitCode::Usage)
    })
}

/// A file's text, or standard input's for `-`.
pub(super) fn text(path: &Path) -> Result<String, Fault> {
    let shown = path.display();
    let cannot = |e: &std::io::Error| {
        let fault = Fault::from_error("cannot_read", "could not read a file", e);
        let fault = fault.detail(format!("{shown}: {e}"));
        match e.kind() {
            std::io::ErrorKind::NotFound => fault.exit(ExitCode::NotFound),
            _ => fault,
        }
    };
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path)
            .and_then(|file| file.take(FILE_MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    read.map_err(|e| cannot(&e))?;
    if bytes.len() as u64 > FILE_MAX_BYTES {
        return Err(Fault::new("too_large", format!("\"{shown}\" is too large"))
            .detail(format!("at most {FILE_MAX_BYTES} bytes are read")));
    }
    String::from_utf8(bytes).map_err(|_| {
        Fault::new("not_text", format!("\"{shown}\" is not UTF-8 text")).exit(ExitCode::Usage)
    })
}

/// A line with whatever else stands beside id and query.
#[derive(Debug, Deserialize)]
struct Line {
    id: String,
    query: String,
}
