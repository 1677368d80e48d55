//! Group commit: whoever comes while a frame is being synced waits for the next one, which then
//! holds all that waited. One of them writes it.

use std::io;
use std::sync::{Arc, OnceLock};

use datafusion::arrow::array::RecordBatch;
use parking_lot::{Condvar, Mutex};

use super::error::{StoreError, StoreResult, is_full};
use super::wal::{Record, Wal, WriteFailure};

/// An append on its way: its parts go into one frame, of which a power cut leaves all or nothing.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) parts: Vec<Part>,
    pub(super) outcome: Arc<OnceLock<Result<u64, WriteFailure>>>,
}

impl Entry {
    /// Bytes it takes in a frame.
    fn len(&self) -> usize {
        self.parts.iter().map(|part| part.record.len()).sum()
    }
}

/// The rows of one table in an append.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) record: Record,
    pub(super) batch: RecordBatch,
    /// What it is counted as in memory
    pub(super) bytes: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    entries: Vec<Entry>,
    bytes: usize,
    is_writing: bool,
}

/// The log and who waits for it.
#[derive(Debug)]
pub(super) struct Group {
    waiting: Mutex<Waiting>,
    written: Condvar,
    pub(super) wal: Mutex<Wal>,
    waiting_bytes: usize,
}

impl Group {
    pub(super) fn new(wal: Wal, waiting_bytes: usize) -> Self {
        let (waiting, written) = (Mutex::default(), Condvar::new());
        Self { waiting, written, wal: Mutex::new(wal), waiting_bytes }
    }

    /// Answers the number of the entry's first record when it is durable. `publish` gets all
    /// entries of a frame and the number of the first, before any of them is answered; frames
    /// come to it in their order.
    pub(super) fn append(
        &self,
        entry: Entry,
        publish: impl Fn(u64, Vec<Entry>),
    ) -> StoreResult<u64> {
        let outcome = Arc::clone(&entry.outcome);
        let len = entry.len();
        let mut waiting = self.waiting.lock();
        if waiting.bytes + len > self.waiting_bytes && !waiting.entries.is_empty() {
            let what = format!("{} bytes wait for the disk", waiting.bytes);
            return Err(StoreError::Full(what));
        }
        waiting.bytes += len;
        waiting.entries.push(entry);
        loop {
            if let Some(outcome) = outcome.get() {
                return outcome.clone().map_err(failure);
            }
            if waiting.is_writing {
                self.written.wait(&mut waiting);
                continue;
            }
            waiting.is_writing = true;
            waiting.bytes = 0;
            let entries = std::mem::take(&mut waiting.entries);
            drop(waiting);
            let outcomes = entries.iter().map(|entry| Arc::clone(&entry.outcome)).collect();
            let turn = Turn { group: self, outcomes };
            self.write(entries, &publish);
            drop(turn);
            waiting = self.waiting.lock();
        }
    }

    fn write(&self, mut entries: Vec<Entry>, publish: &impl Fn(u64, Vec<Entry>)) {
        let outcomes: Vec<_> = entries.iter().map(|entry| Arc::clone(&entry.outcome)).collect();
        let starts: Vec<u64> = entries
            .iter()
            .scan(0, |next, entry| {
                let start = *next;
                *next += entry.parts.len() as u64;
                Some(start)
            })
            .collect();
        let records: Vec<Record> = entries
            .iter_mut()
            .flat_map(|entry| &mut entry.parts)
            .map(|Part { record, .. }| {
                let rows = std::mem::take(&mut record.rows);
                Record { table: record.table, mark: record.mark.clone(), rows }
            })
            .collect();
        let written = self.wal.lock().write(&records);
        if let Ok(first) = &written {
            publish(*first, entries);
        }
        for (start, outcome) in starts.into_iter().zip(outcomes) {
            let _ = outcome.set(written.clone().map(|first| first + start));
        }
    }
}

/// The turn of one that writes. Where a panic ends it, all that wait still get an answer, and the
/// log takes no more: what of the frame is there nobody knows.
struct Turn<'a> {
    group: &'a Group,
    outcomes: Vec<Arc<OnceLock<Result<u64, WriteFailure>>>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.outcomes.iter().any(|outcome| outcome.get().is_none()) {
            let error = io::Error::other("writing the write-ahead log was broken off");
            let error = Arc::new(error);
            self.group.wal.lock().fail(&error);
            for outcome in &self.outcomes {
                let _ = outcome.set(Err(WriteFailure::Unknown(Arc::clone(&error))));
            }
        }
        self.group.waiting.lock().is_writing = false;
        self.group.written.notify_all();
    }
}

fn failure(failure: WriteFailure) -> StoreError {
    match failure {
        WriteFailure::Unknown(error) => StoreError::Failed(error),
        WriteFailure::TakenBack(error) if is_full(&error) => StoreError::DiskFull(error),
        WriteFailure::TakenBack(source) => {
            StoreError::Io { what: "writing the write-ahead log".to_owned(), source }
        }
    }
}
