//! Appending rows.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kql::value::Value;

use super::error::{StoreError, StoreResult};
use super::group::{Entry, Part};
use super::marks::Mark;
use super::rows::encode;
use super::shape::{Shape, days_of};
use super::wal::Record;
use super::{Core, Store};

/// Rows of one table, column by column, in the order of [`Store::schema`]; columns that are
/// missing at the end are absent. All columns are equally long, but that a single value stands for
/// all rows.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// Name of the table
    pub table: String,
    /// Values of each column
    pub columns: Vec<Vec<Value>>,
}

/// What was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// Its first number in the write-ahead log; 0 where there were no rows
    pub seq: u64,
    /// Rows, of all tables
    pub n_rows: usize,
}

/// Bytes counted against a table's limit, given back unless kept.
struct Reserved {
    core: Arc<Core>,
    bytes: usize,
}

impl Reserved {
    fn counter(&self) -> &AtomicUsize {
        &self.core.hot_bytes
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.counter().fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Store {
    /// Appends rows of one table, as [`Store::append_all`] does.
    ///
    /// # Errors
    /// Those of [`Store::append_all`].
    pub fn append(&self, table: &str, rows: &[Vec<Value>]) -> StoreResult<Ack> {
        let width = rows.iter().map(Vec::len).max().unwrap_or(0);
        let value = |row: &Vec<Value>, at| row.get(at).cloned().unwrap_or(Value::Null);
        let column = |at| rows.iter().map(|row| value(row, at)).collect();
        let columns = (0..width).map(column).collect();
        self.append_all(vec![Rows { table: table.to_owned(), columns }], None)
    }

    /// Appends rows of several tables with the mark of their source, all or nothing, also after a
    /// power cut: they are durable and visible when this answers. Points of time are cut to
    /// microseconds, and a row without `TimeGenerated` gets the present.
    ///
    /// The mark is as durable as the rows that come with it; one without rows is moved in memory
    /// only, and is gone when the store is opened again. Appends of one source run one after the
    /// other.
    ///
    /// # Errors
    /// [`StoreError::OldMark`]: somebody else stored these rows of the source.
    /// [`StoreError::Full`] and [`StoreError::DiskFull`]: nothing was stored, try again later.
    /// After [`StoreError::Failed`] nobody knows until the store is opened again. Rows that are
    /// too long or fall on too many days are refused.
    pub fn append_all(&self, rows: Vec<Rows>, mark: Option<Mark>) -> StoreResult<Ack> {
        self.writable()?;
        self.marks.moving(mark.as_ref(), || self.append_rows(rows, mark.as_ref()))
    }

    /// The last mark of a source.
    pub fn position(&self, source: &str) -> Option<u64> {
        self.marks.position(source)
    }

    /// The last marks of all sources.
    pub fn positions(&self) -> Vec<Mark> {
        self.marks.all()
    }

    fn append_rows(&self, rows: Vec<Rows>, mark: Option<&Mark>) -> StoreResult<Ack> {
        let now = self.doors.clock.now();
        let (mut parts, mut reserved) = (Vec::with_capacity(rows.len()), Vec::new());
        let (mut n_rows, mut n_bytes) = (0, 0);
        let most = self.limits.append_bytes;
        for Rows { table, columns } in rows {
            let (core, shape) = self.find(&table)?;
            let batch = shape.batch(columns, now)?;
            if batch.num_rows() == 0 {
                continue;
            }
            n_rows += batch.num_rows();
            let rows = encode(&batch)?;
            let record = Record { table: core.id, mark: mark.cloned(), rows };
            n_bytes += record.len();
            if n_bytes > most {
                let what = format!("{n_bytes} bytes at once, where at most {most} are taken");
                return Err(StoreError::Invalid(what));
            }
            let days = days_of(&batch);
            if days.len() > self.limits.days {
                let what = format!("rows of {} days at once", days.len());
                return Err(StoreError::Invalid(what));
            }
            let bytes = batch.get_array_memory_size();
            reserved.push(self.reserve(core, bytes)?);
            self.reserve_days(&table, days)?;
            parts.push(Part { record, batch, bytes });
        }
        if parts.is_empty() {
            return Ok(Ack { seq: 0, n_rows: 0 });
        }
        let entry = Entry { parts, outcome: Arc::default() };
        let seq = self.group.append(entry, |first, entries| self.publish(first, entries))?;
        // They are given back when the rows are in files.
        reserved.iter_mut().for_each(|reserved| reserved.bytes = 0);
        Ok(Ack { seq, n_rows })
    }

    pub(super) fn find(&self, table: &str) -> StoreResult<(Arc<Core>, Arc<Shape>)> {
        match self.views.lock().get(table) {
            Some(view) => Ok((Arc::clone(&view.core), Arc::clone(&view.shape))),
            None => Err(StoreError::NoTable(table.to_owned())),
        }
    }

    fn reserve(&self, core: Arc<Core>, bytes: usize) -> StoreResult<Reserved> {
        let before = core.hot_bytes.fetch_add(bytes, Ordering::Relaxed);
        let reserved = Reserved { core, bytes };
        if before > 0 && before + bytes > self.limits.hot_bytes {
            let what = format!("table {} has {before} bytes in memory", reserved.core.name);
            return Err(StoreError::Full(what));
        }
        Ok(reserved)
    }

    fn reserve_days(&self, table: &str, days: BTreeSet<i64>) -> StoreResult<()> {
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

    /// Shows rows that are durable: those of one append all at once.
    fn publish(&self, first: u64, entries: Vec<Entry>) {
        let now = self.doors.clock.now();
        let mut views = self.views.lock();
        for (seq, part) in (first..).zip(entries.into_iter().flat_map(|entry| entry.parts)) {
            let view = views.values_mut().find(|view| view.core.id == part.record.table);
            let view = view.expect("because tables are never taken away");
            let mark = part.record.mark.as_ref();
            let pushed = view.active.push(part.batch, part.bytes, seq, mark, now);
            pushed.expect("because batches of one schema can be put together");
        }
    }
}
