//! Bytes of the log to events, by the parsers of `siem`; each event goes to whoever sums it up.

use std::collections::BTreeMap;
use std::sync::Arc;

use kql::value::Value;
use siem::{Intake, Library, Origin, Output, Parser, Reason, RowBatch, Settings, Splitter};

use super::coverage::Coverage;
use super::gap;
use super::logins::Logins;
use super::place::{LogFile, Place};
use super::reads::Reads;
use crate::bundle::Gap;

/// Lines in a row that nobody understands and that are no more than noise on standard error.
const NOISE: usize = 20;

/// Columns of one event, from all tables that it has rows of.
pub(super) struct Event<'a> {
    /// When it was written, in ticks
    pub(super) at: i64,
    /// Row of `PGSQLServerLogs`
    pub(super) log: Row<'a>,
    /// Row of `PgkeepConnections`
    pub(super) connection: Option<Row<'a>>,
    /// Row of `PgkeepAudit`
    pub(super) audit: Option<Row<'a>>,
    /// Row of `PgkeepStatements`
    pub(super) statement: Option<Row<'a>>,
}

/// A row of a batch.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    batch: &'a RowBatch,
    at: usize,
}

impl<'a> Row<'a> {
    /// A text; empty where there is none.
    pub(super) fn text(&self, column: &str) -> &'a str {
        match self.batch.value(self.at, column) {
            Some(Value::String(text)) => text,
            _ => "",
        }
    }

    /// A whole number.
    pub(super) fn number(&self, column: &str) -> Option<i64> {
        self.batch.value(self.at, column).and_then(Value::as_integer)
    }

    fn time(&self) -> Option<i64> {
        match self.batch.value(self.at, "TimeGenerated") {
            Some(Value::DateTime(ticks)) => Some(*ticks),
            _ => None,
        }
    }
}

/// Reads files one after the other.
pub(super) struct Reader {
    parser: Arc<Parser>,
    is_stderr: bool,
    since: i64,
    file: Option<(Splitter, Intake)>,
    /// The file was not read from its beginning: its first records may be halves
    is_cut: bool,
    /// Records in a row that nobody understands
    n_dead: usize,
    pub(super) coverage: Coverage,
    pub(super) logins: Logins,
    pub(super) reads: Reads,
}

impl Reader {
    pub(super) fn new(
        place: &Place<'_>,
        since: i64,
        coverage: Coverage,
        logins: Logins,
    ) -> Result<Self, Gap> {
        let timezone = jiff::tz::TimeZone::get(&place.zone).ok();
        let settings = Settings { log_line_prefix: Some(place.prefix.clone()), timezone };
        let parser = Library::new().and_then(|library| library.parser(place.parser, &settings));
        let parser = parser.map_err(|error| {
            let mut message = error.to_string();
            if let Some(source) = std::error::Error::source(&error) {
                message = format!("{message}: {source}");
            }
            gap("internal", message, None)
        })?;
        Ok(Self {
            parser: Arc::new(parser),
            is_stderr: place.parser == "postgresql-stderr",
            since,
            file: None,
            is_cut: false,
            n_dead: 0,
            coverage,
            logins,
            reads: Reads::default(),
        })
    }

    /// Begins with a file, at a place in it.
    pub(super) fn begin(&mut self, file: &LogFile, from: u64) {
        let origin = Origin { source: file.name.as_str().into(), given: Vec::new() };
        let intake = Intake::new(Arc::clone(&self.parser), origin);
        self.file = Some((self.parser.splitter(from), intake));
        self.is_cut = from > 0;
        self.n_dead = 0;
        self.coverage.begin(file);
    }

    /// Takes more bytes of the file.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.coverage.n_bytes += bytes.len() as u64;
        if let Some((splitter, _)) = &mut self.file {
            splitter.feed(bytes);
        }
        self.drain(false);
    }

    /// The file has ended.
    pub(super) fn end(&mut self) {
        if let Some((splitter, _)) = &mut self.file {
            splitter.finish();
        }
        self.drain(true);
        self.file = None;
        self.coverage.end();
    }

    fn drain(&mut self, is_end: bool) {
        let Some((splitter, intake)) = &mut self.file else { return };
        while let Some(record) = splitter.next_record() {
            intake.parse(&record, 0);
        }
        let output = intake.take();
        self.events(&output, is_end);
    }

    /// Events and what is none, in the order of the file.
    fn events(&mut self, output: &Output, is_end: bool) {
        let of = |name: &str| output.batches.iter().find(|batch| *batch.table.name == *name);
        let mut others: [(Option<&RowBatch>, usize); 3] =
            ["PgkeepConnections", "PgkeepAudit", "PgkeepStatements"].map(|name| (of(name), 0));
        // What a second stage did not understand has its row of the log all the same.
        let no_row = |reason: Reason| reason != Reason::Stage && reason != Reason::Unfit;
        let mut dead = output.dead.iter().filter(|letter| no_row(letter.reason)).peekable();
        let logs = of("PGSQLServerLogs");
        for at in 0..logs.map_or(0, RowBatch::n_rows) {
            let Some(batch) = logs else { break };
            let position = batch.positions[at];
            while dead.next_if(|letter| letter.at < position).is_some() {
                self.n_dead += 1;
            }
            let log = Row { batch, at };
            let Some(time) = log.time() else { continue };
            self.settle(Some(time));
            let mut found = others.iter_mut().map(|(batch, next)| {
                let batch = (*batch)?;
                let at = *next;
                (batch.positions.get(at) == Some(&position)).then(|| {
                    *next += 1;
                    Row { batch, at }
                })
            });
            let mut next = || found.next().flatten();
            let (connection, audit, statement) = (next(), next(), next());
            self.event(&Event { at: time, log, connection, audit, statement });
        }
        // The end of the newest file is still being written.
        let rest = dead.filter(|letter| !(is_end && letter.reason == Reason::Incomplete)).count();
        self.n_dead += rest;
        if is_end {
            self.settle(None);
        }
    }

    /// Judges what was not understood before an event, or before the end.
    fn settle(&mut self, next: Option<i64>) {
        let n_dead = std::mem::take(&mut self.n_dead);
        if n_dead == 0 {
            self.is_cut = false;
            return;
        }
        self.coverage.n_unread += n_dead as u64;
        // Programs that the server runs write to its standard error, too; a prefix that was
        // another makes many such lines.
        let is_noise = self.is_stderr && n_dead < NOISE;
        if !is_noise && !std::mem::take(&mut self.is_cut) {
            self.coverage.unread(next, n_dead);
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        self.coverage.event(event);
        if event.at < self.since {
            return;
        }
        self.logins.event(event);
        self.reads.event(event);
    }
}

/// Sums by their keys, up to a number of keys.
#[derive(Debug)]
pub(super) struct Sums<K, V> {
    pub(super) all: BTreeMap<K, V>,
    pub(super) is_full: bool,
}

impl<K, V> Default for Sums<K, V> {
    fn default() -> Self {
        Self { all: BTreeMap::new(), is_full: false }
    }
}

/// Keys of one kind.
pub(super) const KEYS_MAX: usize = 100_000;

impl<K: Ord, V: Default> Sums<K, V> {
    /// The sum of a key; none where there are too many keys.
    pub(super) fn of(&mut self, key: K) -> Option<&mut V> {
        if self.all.len() >= KEYS_MAX && !self.all.contains_key(&key) {
            self.is_full = true;
            return None;
        }
        Some(self.all.entry(key).or_default())
    }
}
