//! Records of one source on their way into the store.

use std::sync::Arc;

use base::{ExitCode, Fault};
use lake::store::{Mark, Rows, StoreError};
use siem::{DeadLetter, Defect, Intake, Origin, Output, Position, Raw, Reason, Record};

use super::{Logs, faults};

/// Who reads records, and whose they are.
#[derive(Clone)]
pub(super) struct Feed {
    pub(super) parser: Arc<siem::Parser>,
    pub(super) origin: Origin,
}

/// A record that is tried alone when those beside it are refused.
pub(super) struct Kept {
    pub(super) bytes: Vec<u8>,
    pub(super) offset: u64,
    /// How far the source is stored with it.
    pub(super) end: u64,
    pub(super) defect: Option<Defect>,
}

/// Records in one buffer: nearly always nobody asks for them again, so they are to cost little.
#[derive(Default)]
pub(super) struct Copies {
    bytes: Vec<u8>,
    /// Length, offset and defect of each
    records: Vec<(usize, u64, Option<Defect>)>,
}

impl Copies {
    /// With room for so many bytes.
    pub(super) fn new(n_bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(n_bytes), records: Vec::new() }
    }

    pub(super) fn push(&mut self, record: &Record<'_>) {
        self.bytes.extend_from_slice(record.bytes);
        self.records.push((record.bytes.len(), record.offset, record.defect));
    }

    /// Each for itself.
    pub(super) fn kept(&self) -> Vec<Kept> {
        let mut rest = self.bytes.as_slice();
        let each = self.records.iter().map(|&(len, offset, defect)| {
            let (bytes, behind) = rest.split_at(len);
            rest = behind;
            Kept { bytes: bytes.to_vec(), offset, end: offset + len as u64, defect }
        });
        each.collect()
    }
}

/// Why rows were not stored.
pub(super) enum Refusal {
    /// They never will be.
    Rows(String),
    /// The store takes nothing now.
    All(Fault),
}

impl Refusal {
    pub(super) fn into_fault(self) -> Fault {
        match self {
            Self::Rows(why) => Fault::new("bad_request", why).exit(ExitCode::Usage),
            Self::All(fault) => fault,
        }
    }
}

impl Logs {
    /// Stores what a parser gave, dead letters included, all or nothing.
    pub(super) fn store_output(&self, output: Output, mark: Option<Mark>) -> Result<(), Refusal> {
        let rows = self.all_rows(output).map_err(Refusal::All)?;
        match self.append(rows, mark) {
            Ok(()) => Ok(()),
            // Not the state of the store but these rows.
            Err(error @ StoreError::Invalid(_)) => Err(Refusal::Rows(error.to_string())),
            Err(error) => Err(Refusal::All(faults::of_store(&error))),
        }
    }

    /// Rows of all tables that a parser's output fills, dead letters included.
    pub(super) fn all_rows(&self, output: Output) -> Result<Vec<Rows>, Fault> {
        let mut batches = output.batches;
        let dead = self
            .library
            .dead_letters(&output.dead)
            .map_err(|e| Fault::from_error("internal", "dead letters cannot be written", &e))?;
        batches.extend(dead);
        batches.into_iter().map(|batch| self.rows(batch)).collect()
    }

    /// Some records hold rows that the store never takes: the others are stored, and these become
    /// dead letters, so that they do not hold up what comes behind them. Answers how many. Without
    /// `end` the source keeps no place.
    pub(super) fn one_by_one(
        &self,
        feed: &Feed,
        kept: Vec<Kept>,
        received_at: i64,
        end: Option<&Mark>,
        why: &str,
    ) -> Result<u64, Fault> {
        let mut n_dead = 0;
        for record in &kept {
            let mut intake = Intake::new(Arc::clone(&feed.parser), feed.origin.clone());
            let Kept { bytes, offset, end: behind, defect } = record;
            let parsed = Record { bytes, offset: *offset, defect: *defect };
            intake.parse(&parsed, received_at);
            let mark = end.map(|end| Mark {
                source: end.source.clone(),
                position: (*behind).min(end.position),
            });
            match self.store_output(intake.take(), mark.clone()) {
                Ok(()) => {}
                Err(Refusal::All(fault)) => return Err(fault),
                Err(Refusal::Rows(_)) => {
                    let detail = format!("the lake does not take its rows: {why}");
                    let letter = feed.letter(Reason::Structure, detail, record, received_at);
                    n_dead += 1;
                    let output = Output { batches: Vec::new(), dead: vec![letter] };
                    self.store_output(output, mark).map_err(Refusal::into_fault)?;
                }
            }
        }
        Ok(n_dead)
    }
}

impl Feed {
    /// What a record becomes that gives no row, or about which more is to be said.
    pub(super) fn letter(
        &self,
        reason: Reason,
        detail: String,
        record: &Kept,
        received_at: i64,
    ) -> DeadLetter {
        DeadLetter {
            reason,
            detail,
            parser: self.parser.name().into(),
            raw: Raw::of(&record.bytes),
            n_bytes: record.bytes.len(),
            source: Arc::clone(&self.origin.source),
            at: Position { offset: record.offset, part: 0 },
            received_at,
        }
    }
}
