//! Whole bodies: files and what programs push, in a parser's form or by the names of columns.
//!
//! A body that names its source is taken in once: with its rows goes how far it was read, and what
//! was read before is skipped when it comes again.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::plane::backend::Pieces;
use api::plane::model::{LogsIngestQuery, LogsIngested};
use base::{ExitCode, Fault};
use futures_util::StreamExt as _;
use kql::value::Value;
use lake::store::{Mark, Rows, StoreError};
use siem::{ByName, Form, Input, Intake, LoadLimits, Origin, Output, RowBatch, Splitter};

use super::intake::came_of;
use super::sources::{Came, Known};
use super::{Logs, faults, now, parquet, schema_of};
use crate::process::blocking;

/// Bytes that are parsed and stored at once.
const PIECE_BYTES: usize = 1 << 20;
/// Rows that are stored at once.
const SLICE_ROWS: usize = 20_000;

/// How long a body waits for room, and how often it looks.
const FULL_MAX: Duration = Duration::from_secs(60);
const FULL_PAUSE: Duration = Duration::from_millis(50);

/// One body on its way in.
pub(super) struct Ingest {
    pub(super) logs: Arc<Logs>,
    source: Option<String>,
    /// Bytes at the beginning that are stored already.
    skip: u64,
    pub(super) done: LogsIngested,
    came: Came,
}

impl Logs {
    /// Takes a body in.
    pub(crate) async fn ingest(
        self: Arc<Self>,
        by: &str,
        how: LogsIngestQuery,
        body: Pieces,
    ) -> Result<LogsIngested, Fault> {
        own_only(&how)?;
        let skip = how.source.as_deref().and_then(|source| self.store.position(source));
        let mut ingest = Ingest {
            logs: Arc::clone(&self),
            source: how.source.clone(),
            skip: skip.unwrap_or(0),
            done: LogsIngested::default(),
            came: Came::default(),
        };
        let name = how.source.clone().unwrap_or_else(|| format!("push/{by}"));
        let outcome = match how.format.as_str() {
            "csv" => ingest.by_name(Form::Csv, how.table.as_deref(), body).await,
            "json" => ingest.by_name(Form::Json, how.table.as_deref(), body).await,
            "jsonl" => ingest.by_name(Form::JsonLines, how.table.as_deref(), body).await,
            "parquet" => parquet::take(&mut ingest, how.table.as_deref(), body).await,
            parser => ingest.parsed(parser, body).await,
        };
        let kind = if name.starts_with("file/") { "file" } else { "push" };
        let known = Known { name: &name, kind, parser: &how.format, reports: false };
        let came = outcome.as_ref().map(|()| ingest.came);
        self.sources.note(known, None, came);
        let Err(fault) = outcome else { return Ok(ingest.done) };
        let n_rows: u64 = ingest.done.rows.values().sum();
        if n_rows == 0 {
            return Err(fault);
        }
        let before = fault.detail.clone().map(|d| format!("; {d}")).unwrap_or_default();
        Err(fault.detail(format!("{n_rows} rows before it are stored{before}")))
    }

    /// What reads rows into a table: one that is there, or one made for the input.
    fn reader(&self, table: &str, input: &Input<'_>) -> Result<ByName, Fault> {
        if let Some(known) = self.library.by_name(table) {
            return Ok(known);
        }
        if let Some(schema) = self.store.schema(table) {
            let columns = schema.into_iter().map(|column| siem::Column {
                name: column.name.into(),
                kind: column.ty,
                meaning: String::new(),
            });
            let made = siem::Table { name: table.into(), columns: columns.collect() };
            return Ok(ByName::new(Arc::new(made)));
        }
        let made = siem::infer(table, input, None, &LoadLimits::FILE).map_err(|e| wrong(&e))?;
        self.store.declare(table, &schema_of(made.table())).map_err(|e| faults::of_store(&e))?;
        Ok(made)
    }
}

impl Ingest {
    /// JSON or CSV into one table. All of it is held, because the columns of a new table depend
    /// on all of it; rows are stored piece by piece.
    async fn by_name(
        &mut self,
        form: Form,
        table: Option<&str>,
        body: Pieces,
    ) -> Result<(), Fault> {
        let table = needed(table)?;
        // One after the other: each is held whole.
        let logs = Arc::clone(&self.logs);
        let _place = logs.bodies.lock().await;
        let bytes = whole(body).await?;
        let mut ingest = self.take();
        let work = move || {
            let outcome = ingest.read_by_name(form, &table, &bytes);
            (ingest, outcome)
        };
        let (ingest, outcome) = blocking(work).await?;
        *self = ingest;
        outcome
    }

    fn read_by_name(&mut self, form: Form, table: &str, bytes: &[u8]) -> Result<(), Fault> {
        let source: Arc<str> = self.source.clone().unwrap_or_else(|| "push".to_owned()).into();
        let origin = Origin { source, given: Vec::new() };
        let received_at = now();
        let all = Input { form, bytes, origin: &origin, offset: 0, received_at };
        let reader = self.logs.reader(table, &all)?;
        let header = if form == Form::Csv { header_of(bytes) } else { 0..0 };
        for piece in pieces(form, bytes, header.end) {
            let end = piece.end as u64;
            if end <= self.skip {
                self.done.skipped_bytes += piece.len() as u64;
                continue;
            }
            let (text, offset) = match header.is_empty() {
                true => (bytes[piece.clone()].to_vec(), piece.start),
                // Offsets count from where the piece stands in the body.
                false => {
                    let mut text = bytes[header.clone()].to_vec();
                    text.extend_from_slice(&bytes[piece.clone()]);
                    (text, piece.start - header.len())
                }
            };
            let input = Input { bytes: &text, offset: offset as u64, ..all };
            let loaded = reader.read(&input, &LoadLimits::FILE).map_err(|e| wrong(&e))?;
            for (name, n) in loaded.dropped.names {
                *self.done.dropped.entry(name).or_default() += n;
            }
            let output = Output { batches: vec![loaded.batch], dead: loaded.dead };
            self.store(output, piece.len() as u64, end)?;
        }
        self.done.n_bytes = bytes.len() as u64;
        Ok(())
    }

    /// What a parser reads, as it comes.
    async fn parsed(&mut self, parser: &str, mut body: Pieces) -> Result<(), Fault> {
        let parser = Arc::new(self.logs.parser(parser, None)?);
        let source: Arc<str> = self.source.clone().unwrap_or_else(|| "push".to_owned()).into();
        let mut intake = Intake::new(Arc::clone(&parser), Origin { source, given: Vec::new() });
        let mut splitter = parser.splitter(self.skip);
        let mut at = 0_u64;
        let mut waiting: Vec<u8> = Vec::new();
        loop {
            let piece = body.next().await.transpose()?;
            let is_over = piece.is_none();
            if let Some(piece) = piece {
                let seen = usize::try_from(self.skip.saturating_sub(at)).unwrap_or(usize::MAX);
                let seen = seen.min(piece.len());
                at += piece.len() as u64;
                self.done.skipped_bytes += seen as u64;
                waiting.extend_from_slice(&piece[seen..]);
            }
            if waiting.len() < PIECE_BYTES && !is_over {
                continue;
            }
            let bytes = std::mem::take(&mut waiting);
            let mut ingest = self.take();
            let work = move || {
                let outcome = ingest.parse(&mut splitter, &mut intake, &bytes, is_over);
                (ingest, splitter, intake, outcome)
            };
            let (ingest, splitter_back, intake_back, outcome) = blocking(work).await?;
            *self = ingest;
            (splitter, intake) = (splitter_back, intake_back);
            outcome?;
            if is_over {
                self.done.n_bytes = at;
                return Ok(());
            }
        }
    }

    fn parse(
        &mut self,
        splitter: &mut Splitter,
        intake: &mut Intake,
        bytes: &[u8],
        is_over: bool,
    ) -> Result<(), Fault> {
        splitter.feed(bytes);
        if is_over {
            splitter.finish();
        }
        let received_at = now();
        while let Some(record) = splitter.next_record() {
            intake.parse(&record, received_at);
        }
        self.store(intake.take(), bytes.len() as u64, splitter.offset())
    }

    /// Stores what was read up to `end` of the body.
    pub(super) fn store(&mut self, output: Output, n_bytes: u64, end: u64) -> Result<(), Fault> {
        let came = came_of(&output);
        let counts: Vec<(String, u64)> = output
            .batches
            .iter()
            .map(|batch| (batch.table.name.to_string(), batch.n_rows() as u64))
            .collect();
        let large = output.batches.iter().any(|batch| batch.n_rows() > SLICE_ROWS);
        let mark = self.source.clone().map(|source| Mark { source, position: end });
        let slices = if large { sliced(output)? } else { vec![output] };
        let last = slices.len();
        for (at, slice) in slices.into_iter().enumerate() {
            // Only all of them together are the piece.
            let mark = if at + 1 == last { mark.clone() } else { None };
            let rows = self.logs.all_rows(slice)?;
            self.append_all(rows, mark)?;
        }
        for (table, n) in counts.into_iter().filter(|(_, n)| *n > 0) {
            *self.done.rows.entry(table).or_default() += n;
        }
        self.done.n_dead_letters += came.n_dead;
        self.came.n_events += came.n_events;
        self.came.n_dead += came.n_dead;
        self.came.n_bytes += n_bytes;
        self.came.newest = self.came.newest.max(came.newest);
        Ok(())
    }

    /// Stores rows that need no parsing, up to `end` of the source.
    pub(super) fn append(
        &mut self,
        table: &str,
        columns: Vec<Vec<Value>>,
        n_rows: usize,
        end: u64,
    ) -> Result<(), Fault> {
        if n_rows == 0 {
            return Ok(());
        }
        let mark = self.source.clone().map(|source| Mark { source, position: end });
        let rows = Rows { table: table.to_owned(), columns };
        self.append_all(vec![rows], mark)?;
        *self.done.rows.entry(table.to_owned()).or_default() += n_rows as u64;
        self.came.n_events += n_rows as u64;
        Ok(())
    }

    /// Appends, and waits while rows come faster than they are put away: whoever sends waits too.
    fn append_all(&self, rows: Vec<Rows>, mark: Option<Mark>) -> Result<(), Fault> {
        let until = Instant::now() + FULL_MAX;
        loop {
            match self.logs.append(rows.clone(), mark.clone()) {
                Ok(()) => return Ok(()),
                Err(StoreError::Full(_)) if Instant::now() < until => {
                    std::thread::sleep(FULL_PAUSE);
                }
                Err(error) => return Err(faults::of_store(&error)),
            }
        }
    }

    /// How far the source is stored already.
    pub(super) fn skip(&self) -> u64 {
        self.skip
    }

    /// Moves it out, for a thread that may block.
    pub(super) fn take(&mut self) -> Self {
        Self {
            logs: Arc::clone(&self.logs),
            source: self.source.clone(),
            skip: self.skip,
            done: std::mem::take(&mut self.done),
            came: std::mem::take(&mut self.came),
        }
    }
}

/// Batches in slices that the store takes at once.
fn sliced(output: Output) -> Result<Vec<Output>, Fault> {
    let failed = |e: siem::Error| Fault::from_error("internal", "rows cannot be divided", &e);
    let mut slices = Vec::new();
    for batch in output.batches {
        let (width, mut row) = (batch.columns.len(), 0);
        for positions in batch.positions.chunks(SLICE_ROWS) {
            let mut slice = RowBatch::new(Arc::clone(&batch.table), Arc::clone(&batch.source));
            for at in positions {
                let value = |column| batch.at(row, column).cloned().unwrap_or(Value::Null);
                slice.push((0..width).map(value).collect(), *at).map_err(failed)?;
                row += 1;
            }
            slices.push(Output { batches: vec![slice], dead: Vec::new() });
        }
    }
    match slices.first_mut() {
        Some(first) => first.dead = output.dead,
        None => slices.push(Output { batches: Vec::new(), dead: output.dead }),
    }
    Ok(slices)
}

/// The header of a CSV with its end of line.
fn header_of(bytes: &[u8]) -> Range<usize> {
    0..line_end(bytes, 0, true).unwrap_or(bytes.len())
}

/// Behind the next end of line from `from` on; for CSV one that is outside quotes.
fn line_end(bytes: &[u8], from: usize, csv: bool) -> Option<usize> {
    let mut is_quoted = false;
    for (at, byte) in bytes[from..].iter().enumerate() {
        match byte {
            b'"' if csv => is_quoted = !is_quoted,
            b'\n' if !is_quoted => return Some(from + at + 1),
            _ => {}
        }
    }
    None
}

/// The body from `begin` on, in pieces of whole records. JSON is one piece.
fn pieces(form: Form, bytes: &[u8], begin: usize) -> Vec<Range<usize>> {
    let mut pieces = Vec::new();
    let mut start = begin;
    while start < bytes.len() {
        let mut end = start;
        if form == Form::Json {
            end = bytes.len();
        }
        while end < bytes.len() && end - start < PIECE_BYTES {
            end = line_end(bytes, end, form == Form::Csv).unwrap_or(bytes.len());
        }
        pieces.push(start..end);
        start = end;
    }
    pieces
}

async fn whole(mut body: Pieces) -> Result<Vec<u8>, Fault> {
    let most = LoadLimits::FILE.bytes;
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await {
        bytes.extend_from_slice(&piece?);
        if bytes.len() > most {
            return Err(Fault::new("too_large", "the body is too large")
                .detail(format!("at most {} MiB are read at once", most >> 20))
                .hint("divide the file")
                .exit(ExitCode::Usage));
        }
    }
    Ok(bytes)
}

/// Sources that only pgkeep's own processes and listeners may name: who moved their marks would
/// keep out what they send.
const OWN_SOURCES: [&str; 4] = ["pgkeep/", "server/", "syslog/", "otlp/"];
/// What pgkeep says of itself is said by nobody else.
pub(super) const OWN_TABLE: &str = "PgkeepActivity";
const OWN_PARSERS: &str = "pgkeep-";

/// Refuses a push that would pass for what pgkeep records.
fn own_only(how: &LogsIngestQuery) -> Result<(), Fault> {
    let refused = |why: String| Err(Fault::new("bad_request", why).exit(ExitCode::Usage));
    let own = |source: &str| OWN_SOURCES.iter().any(|own| source.starts_with(own));
    match &how.source {
        Some(source) if own(source) => refused(format!("the source \"{source}\" is pgkeep's own")),
        _ if how.table.as_deref() == Some(OWN_TABLE) || how.format.starts_with(OWN_PARSERS) => {
            refused(format!("{OWN_TABLE} is written by pgkeep alone"))
        }
        _ => Ok(()),
    }
}

/// The table's name, which this form does not know by itself.
pub(super) fn needed(table: Option<&str>) -> Result<String, Fault> {
    table.map(str::to_owned).ok_or_else(|| {
        Fault::new("bad_request", "which table shall the rows go to")
            .hint("name it: table=NAME")
            .exit(ExitCode::Usage)
    })
}

fn wrong(error: &siem::Error) -> Fault {
    Fault::new("bad_input", crate::cells::chain(error))
        .hint("nothing of what is wrong was taken")
        .exit(ExitCode::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_records() {
        let mut csv = String::from("a,\"b\n\"\n");
        let header = header_of(csv.as_bytes());
        assert_eq!(&csv[header.clone()], "a,\"b\n\"\n");
        let row = format!("1,\"{}\n{}\"\n", "x".repeat(300_000), "y".repeat(300_000));
        for _ in 0..5 {
            csv += &row;
        }
        let found = pieces(Form::Csv, csv.as_bytes(), header.end);
        assert_eq!(
            found.iter().map(|piece| piece.len() / row.len()).collect::<Vec<_>>(),
            [2, 2, 1]
        );
        assert_eq!((found[0].start, found[2].end), (header.end, csv.len()));
        let lines = "{}\n".repeat(10) + "{}";
        let found = pieces(Form::JsonLines, lines.as_bytes(), 0);
        assert_eq!((found.len(), found[0].clone()), (1, 0..32));
        assert!(pieces(Form::JsonLines, b"", 0).is_empty());
    }
}
