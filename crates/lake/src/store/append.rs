//! Appending rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kql::value::Value;

use super::Store;
use super::error::{StoreError, StoreResult};
use super::group::Entry;
use super::shape::{days_of, encode};
use super::wal::Record;

/// What was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// Its number in the write-ahead log; 0 where there were no rows
    pub seq: u64,
    /// Rows
    pub n_rows: usize,
}

/// Bytes counted against a table's limit, given back unless kept.
struct Reserved<'a> {
    counter: &'a AtomicUsize,
    bytes: usize,
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        self.counter.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Store {
    /// Appends rows, all or none: they are durable and visible when this answers. Values stand in
    /// the order of [`Store::schema`]; those that are missing at the end are absent. Points of
    /// time are cut to microseconds, and a row without `TimeGenerated` gets the present.
    ///
    /// # Errors
    /// [`StoreError::Full`] and [`StoreError::DiskFull`]: nothing was stored, try again later.
    /// After [`StoreError::Failed`] nobody knows until the store is opened again. Rows that are
    /// too long or fall on too many days are refused.
    pub fn append(&self, table: &str, rows: &[Vec<Value>]) -> StoreResult<Ack> {
        self.writable()?;
        let (core, shape) = match self.views.lock().get(table) {
            Some(view) => (Arc::clone(&view.core), Arc::clone(&view.shape)),
            None => return Err(StoreError::NoTable(table.to_owned())),
        };
        if rows.is_empty() {
            return Ok(Ack { seq: 0, n_rows: 0 });
        }
        let batch = shape.batch(rows, self.doors.clock.now())?;
        let record = Record { table: core.id, rows: encode(&batch)? };
        let most = self.limits.append_bytes;
        if record.len() > most {
            let what = format!("{} bytes at once, where at most {most} are taken", record.len());
            return Err(StoreError::Invalid(what));
        }
        let days = days_of(&batch);
        if days.len() > self.limits.days {
            let what = format!("rows of {} days at once", days.len());
            return Err(StoreError::Invalid(what));
        }
        let bytes = batch.get_array_memory_size();
        let mut reserved = self.reserve(&core.hot_bytes, bytes, table)?;
        self.reserve_days(table, days)?;
        let entry = Entry { record, batch, bytes, outcome: Arc::default() };
        let seq = self.group.append(entry, |first, entries| self.publish(first, entries))?;
        // They are given back when the rows are in files.
        reserved.bytes = 0;
        Ok(Ack { seq, n_rows: rows.len() })
    }

    fn reserve<'a>(
        &self,
        counter: &'a AtomicUsize,
        bytes: usize,
        table: &str,
    ) -> StoreResult<Reserved<'a>> {
        let before = counter.fetch_add(bytes, Ordering::Relaxed);
        let reserved = Reserved { counter, bytes };
        if before > 0 && before + bytes > self.limits.hot_bytes {
            let what = format!("table {table} has {before} bytes in memory");
            return Err(StoreError::Full(what));
        }
        Ok(reserved)
    }

    fn reserve_days(&self, table: &str, days: std::collections::BTreeSet<i64>) -> StoreResult<()> {
        let mut views = self.views.lock();
        let Some(view) = views.get_mut(table) else { return Ok(()) };
        let known = &mut view.active.days;
        if known.len() + days.difference(known).count() > self.limits.days {
            let what = format!("table {table} has rows of {} days in memory", known.len());
            return Err(StoreError::Full(what));
        }
        known.extend(days);
        Ok(())
    }

    /// Shows rows that are durable.
    fn publish(&self, first: u64, entries: Vec<Entry>) {
        let now = self.doors.clock.now();
        let mut views = self.views.lock();
        for (seq, entry) in (first..).zip(entries) {
            let view = views.values_mut().find(|view| view.core.id == entry.record.table);
            let view = view.expect("because tables are never taken away");
            let pushed = view.active.push(entry.batch, entry.bytes, seq, now);
            pushed.expect("because batches of one schema can be put together");
        }
    }
}
