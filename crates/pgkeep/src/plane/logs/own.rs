//! What pgkeep records of itself, on its way into `PgkeepActivity`.
//!
//! Each record is numbered where it was written, and the number goes into the lake with its row:
//! after any break the next one is the one behind the last that is stored.

use std::sync::Arc;

use base::Fault;
use lake::store::Mark;
use siem::{Intake, Origin, Output, Reason, Record};

use super::feed::{Feed, Kept, Refusal};
use super::intake::came_of;
use super::sources::{Came, Known};
use super::{Logs, now};

/// A record of pgkeep's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnRecord {
    /// Name of the source.
    pub(crate) source: &'static str,
    pub(crate) parser: &'static str,
}

/// Its lines behind a place, oldest first.
#[derive(Debug, Default)]
pub(crate) struct OwnLines {
    pub(crate) lines: Vec<OwnLine>,
    /// Whether more stand behind them.
    pub(crate) more: bool,
}

/// One line: a JSON object.
#[derive(Debug)]
pub(crate) struct OwnLine {
    pub(crate) text: String,
    /// The place behind it; grows from line to line.
    pub(crate) end: u64,
    /// What is to be said about it beside its row.
    pub(crate) concern: Option<String>,
}

impl Logs {
    /// How far a record is stored.
    pub(crate) fn own_position(&self, record: OwnRecord) -> u64 {
        self.store.position(record.source).unwrap_or(0)
    }

    /// Notes that a record could not be read.
    pub(crate) fn own_failed(&self, record: OwnRecord, why: &Fault) {
        self.sources.note(known(record), None, Err(why));
    }

    /// Stores lines of a record. Blocks.
    pub(crate) fn take_own(&self, record: OwnRecord, lines: OwnLines) -> Result<(), Fault> {
        let came = self.store_own(record, lines);
        self.sources.note(known(record), None, came.as_ref().copied());
        came.map(drop)
    }

    fn store_own(&self, record: OwnRecord, lines: OwnLines) -> Result<Came, Fault> {
        let Some(last) = lines.lines.last() else { return Ok(Came::default()) };
        let mark = Mark { source: record.source.to_owned(), position: last.end };
        let feed = Feed {
            parser: Arc::new(self.parser(record.parser, None)?),
            origin: Origin { source: record.source.into(), given: Vec::new() },
        };
        let received_at = now();
        let mut intake = Intake::new(Arc::clone(&feed.parser), feed.origin.clone());
        let (mut kept, mut concerns) = (Vec::new(), Vec::new());
        for line in lines.lines {
            // The place of a line is where it ends: that is what is written down of it.
            let record = Kept {
                bytes: line.text.into_bytes(),
                offset: line.end,
                end: line.end,
                defect: None,
            };
            let parsed = Record { bytes: &record.bytes, offset: record.offset, defect: None };
            intake.parse(&parsed, received_at);
            if let Some(concern) = line.concern {
                concerns.push(feed.letter(Reason::Structure, concern, &record, received_at));
            }
            kept.push(record);
        }
        let mut output = intake.take();
        output.dead.extend(concerns.iter().cloned());
        let mut came = came_of(&output);
        came.n_bytes = kept.iter().map(|record| record.bytes.len() as u64).sum();
        match self.store_output(output, Some(mark.clone())) {
            Ok(()) => Ok(came),
            Err(Refusal::All(fault)) => Err(fault),
            Err(Refusal::Rows(why)) => {
                let said = Output { batches: Vec::new(), dead: concerns };
                self.store_output(said, None).map_err(Refusal::into_fault)?;
                came.n_dead += self.one_by_one(&feed, kept, received_at, Some(&mark), &why)?;
                Ok(came)
            }
        }
    }
}

fn known(record: OwnRecord) -> Known<'static> {
    Known { name: record.source, kind: "pgkeep", parser: record.parser, reports: true }
}
