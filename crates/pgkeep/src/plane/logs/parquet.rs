//! Parquet files: spooled to the disk, since their end says how to read them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use api::plane::backend::Pieces;
use base::{ExitCode, Fault};
use futures_util::StreamExt as _;
use kql::engine::{Cancel, Limits, Row};
use kql::functions::Context;
use kql::plan::{Column, Schema};
use kql::value::{Type, Value};
use lake::Sink;

use super::ingest::{Ingest, needed};
use super::{QUERY_BYTES, faults, now};
use crate::process::blocking;

/// No file is larger.
const FILE_MAX_BYTES: u64 = 4 << 30;
/// The column that says when.
const TIME: &str = "TimeGenerated";

/// A file that goes when it is dropped.
struct Spooled(PathBuf);

impl Drop for Spooled {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Takes a Parquet file into a table, which is made where it is not there.
pub(super) async fn take(
    ingest: &mut Ingest,
    table: Option<&str>,
    mut body: Pieces,
) -> Result<(), Fault> {
    let table = needed(table)?;
    let spooled = Spooled(ingest.logs.spool_file());
    let failed = |e: &std::io::Error| Fault::from_error("lake", "the file cannot be spooled", e);
    let mut file = std::fs::File::create_new(&spooled.0).map_err(|e| failed(&e))?;
    let mut n_bytes = 0;
    while let Some(piece) = body.next().await {
        let piece = piece?;
        n_bytes += piece.len() as u64;
        if n_bytes > FILE_MAX_BYTES {
            return Err(Fault::new("too_large", "the file is too large")
                .detail(format!("at most {} GiB are read", FILE_MAX_BYTES >> 30))
                .exit(ExitCode::Usage));
        }
        file = blocking(move || file.write_all(&piece).map(|()| file))
            .await?
            .map_err(|e| failed(&e))?;
    }
    drop(file);
    let mut own = ingest.take();
    let work = move || {
        let outcome = read(&mut own, &table, &spooled.0, n_bytes);
        (own, outcome)
    };
    let (own, outcome) = blocking(work).await?;
    *ingest = own;
    outcome
}

fn read(ingest: &mut Ingest, name: &str, file: &Path, n_bytes: u64) -> Result<(), Fault> {
    ingest.done.n_bytes = n_bytes;
    let wrong =
        |e: &lake::Error| Fault::new("bad_input", crate::cells::chain(e)).exit(ExitCode::Usage);
    let declared = ingest.logs.store.schema(name);
    let table = lake::Table::parquet("input", &[file.to_owned()], None).map_err(|e| wrong(&e))?;
    let schema = table.schema().clone();
    let target = match declared {
        Some(target) => target,
        None => {
            let mut made: Schema = schema.clone();
            if !made.iter().any(|c| c.name == TIME && c.ty == Type::DateTime) {
                made.insert(0, Column::new(TIME, Type::DateTime));
            }
            ingest.logs.store.declare(name, &made).map_err(|e| faults::of_store(&e))?;
            made
        }
    };
    let mut tables = lake::Tables::new();
    tables.add("input", table);
    let own = lake::Limits { threads: 1, memory_bytes: QUERY_BYTES, ..lake::Limits::default() };
    let lake = lake::Lake::new(tables, own).map_err(|e| wrong(&e))?;
    let context = Context { now: now() };
    let query = kql::bind::compile("input", &lake.snapshot(), context, None).query;
    let query = query.ok_or_else(|| Fault::new("internal", "the file gives no table"))?;
    let at = target.iter().map(|c| schema.iter().position(|known| known.name == c.name));
    let mut rows = Rows {
        ingest,
        table: name,
        at: at.collect(),
        types: target.iter().map(|c| c.ty).collect(),
        n_seen: 0,
        failure: None,
    };
    let limits = Limits { rows: usize::MAX, working_rows: usize::MAX, ..Limits::default() };
    lake.stream_at(context.now, &query, &limits, &Cancel::new(), &mut rows)
        .map_err(|e| wrong(&e))?;
    match rows.failure.take() {
        Some(fault) => Err(fault),
        None => Ok(()),
    }
}

/// Rows of the file on their way into the store.
struct Rows<'a> {
    ingest: &'a mut Ingest,
    table: &'a str,
    /// Where each column of the table stands in the file
    at: Vec<Option<usize>>,
    types: Vec<Type>,
    /// Rows so far: the position in the file, whose rows come in their order
    n_seen: u64,
    failure: Option<Fault>,
}

impl Sink for Rows<'_> {
    fn begin(&mut self, _: Option<&str>, _: &Schema) {}

    fn rows(&mut self, mut rows: Vec<Row>) -> bool {
        let stored = usize::try_from(self.ingest.skip().saturating_sub(self.n_seen));
        self.n_seen += rows.len() as u64;
        rows.drain(..stored.unwrap_or(usize::MAX).min(rows.len()));
        let columns = self.at.iter().zip(&self.types).map(|(at, ty)| {
            let value = |row: &mut Row| match at {
                Some(at) => std::mem::replace(&mut row[*at], Value::Null).convert(*ty),
                None => Value::absent(*ty),
            };
            rows.iter_mut().map(value).collect()
        });
        let columns = columns.collect();
        match self.ingest.append(self.table, columns, rows.len(), self.n_seen) {
            Ok(()) => true,
            Err(fault) => {
                self.failure = Some(fault);
                false
            }
        }
    }
}
