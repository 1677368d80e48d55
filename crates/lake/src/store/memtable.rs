//! The hot tail of a table: rows that are durable in the write-ahead log and in no file yet.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;

use super::error::StoreResult;
use super::marks::{Mark, advance};
use super::shape::{compact, days_of};

/// So many small batches are put together, or so many rows.
const SMALL_BATCHES: usize = 64;
const SMALL_ROWS: usize = 8192;

/// Rows in the order in which they became durable.
#[derive(Debug, Default)]
pub(super) struct Memtable {
    large: Vec<RecordBatch>,
    small: Vec<RecordBatch>,
    n_small_rows: usize,
    pub(super) n_rows: usize,
    /// What its appends were counted as
    pub(super) bytes: usize,
    /// The last number in it
    pub(super) last_seq: u64,
    /// When its first rows came
    pub(super) oldest_at: Option<i64>,
    pub(super) days: BTreeSet<i64>,
    /// How far the sources of its rows were read
    pub(super) marks: BTreeMap<String, u64>,
}

impl Memtable {
    pub(super) fn push(
        &mut self,
        batch: RecordBatch,
        bytes: usize,
        seq: u64,
        mark: Option<&Mark>,
        now: i64,
    ) -> StoreResult<()> {
        self.oldest_at.get_or_insert(now);
        self.last_seq = seq;
        if let Some(mark) = mark {
            advance(&mut self.marks, mark);
        }
        self.bytes += bytes;
        self.n_rows += batch.num_rows();
        self.days.append(&mut days_of(&batch));
        if self.small.first().is_some_and(|first| first.schema() != batch.schema()) {
            self.merge()?;
        }
        self.n_small_rows += batch.num_rows();
        self.small.push(batch);
        if self.small.len() >= SMALL_BATCHES || self.n_small_rows >= SMALL_ROWS {
            self.merge()?;
        }
        Ok(())
    }

    fn merge(&mut self) -> StoreResult<()> {
        let small = std::mem::take(&mut self.small);
        self.n_small_rows = 0;
        match small.as_slice() {
            [] => {}
            [one] => self.large.push(one.clone()),
            [first, ..] => {
                let schema = first.schema();
                let merged = concat_batches(&schema, &small)?;
                let arrays = merged.columns().iter().map(compact).collect();
                self.large.push(RecordBatch::try_new(schema, arrays)?);
            }
        }
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.n_rows == 0
    }

    pub(super) fn batches(&self) -> impl Iterator<Item = &RecordBatch> {
        self.large.iter().chain(&self.small)
    }
}
