//! Commits: hot rows become files of the Delta table.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::delta;
use super::error::{Doing as _, StoreError, StoreResult};
use super::memtable::Memtable;
use super::{Core, Store, View, unix_ms};

impl Store {
    /// Commits the tables whose hot rows are old enough or many enough; answers how many. What
    /// fails stands in [`Store::status`] and is tried again after the commit interval.
    pub fn commit_due(&self) -> usize {
        let now = self.doors.clock.now();
        let due: Vec<_> = {
            let views = self.views.lock();
            let due = views.values().filter(|view| self.is_due(view, now));
            due.map(|view| Arc::clone(&view.core)).collect()
        };
        due.into_iter().filter(|core| self.commit(core).is_ok()).count()
    }

    /// Commits all hot rows and removes the write-ahead log: for a clean stop.
    ///
    /// # Errors
    /// The first failure; other tables are committed all the same. Nothing is lost: the rows are
    /// in the write-ahead log.
    pub fn flush(&self) -> StoreResult<()> {
        self.writable()?;
        let done = self.cores().into_iter().map(|core| self.commit(&core));
        let done = done.fold(Ok(()), StoreResult::and);
        self.group.wal.lock().close();
        done.and(self.remove_segments())
    }

    fn is_due(&self, view: &View, now: i64) -> bool {
        if self.damage.is_some() {
            return false;
        }
        if let Some((_, again_at)) = &view.trouble
            && now < *again_at
        {
            return false;
        }
        let interval = self.interval();
        // A clock that was set back must not put commits off.
        let is_old =
            |rows: &Memtable| rows.oldest_at.is_some_and(|at| !(0..interval).contains(&(now - at)));
        view.frozen.is_some()
            || is_old(&view.active)
            || view.active.bytes >= self.limits.commit_bytes
            || view.active.days.len() >= self.limits.days && !view.active.is_empty()
    }

    fn interval(&self) -> i64 {
        i64::try_from(self.limits.commit_interval.as_nanos() / 100).unwrap_or(i64::MAX)
    }

    fn commit(&self, core: &Core) -> StoreResult<()> {
        let done = self.try_commit(core);
        let again_at = self.doors.clock.now().saturating_add(self.interval());
        if let Some(view) = self.views.lock().get_mut(&core.name) {
            view.trouble = done.as_ref().err().map(|why| (why.clone(), again_at));
        }
        done
    }

    fn try_commit(&self, core: &Core) -> StoreResult<()> {
        let mut log = core.log.lock();
        let frozen = {
            let mut views = self.views.lock();
            let Some(view) = views.get_mut(&core.name) else { return Ok(()) };
            if view.frozen.is_none() && !view.active.is_empty() {
                // All numbers up to its last are in it: they are published in their order.
                view.frozen = Some(Arc::new(std::mem::take(&mut view.active)));
            }
            match &view.frozen {
                Some(frozen) => (Arc::clone(frozen), Arc::clone(&view.shape)),
                None => return Ok(()),
            }
        };
        let (frozen, shape) = frozen;
        let at = unix_ms(self.doors.clock.now());
        let random = self.doors.uuid().doing(|| "reading randomness".to_owned())?;
        let group_rows = self.limits.group_rows;
        let write =
            |log: &delta::Log| delta::write_files(log, &shape, &frozen, group_rows, at, random);
        log.add_files(write, frozen.last_seq, &frozen.marks, at)?;
        let files = Arc::new(delta::files(&log, &shape)?);
        {
            let mut views = self.views.lock();
            let Some(view) = views.get_mut(&core.name) else { return Ok(()) };
            // In one step: no query sees these rows twice or not at all.
            (view.files, view.n_files) = (files, log.files.len());
            (view.frozen, view.committed) = (None, log.committed);
        }
        core.hot_bytes.fetch_sub(frozen.bytes, Ordering::Relaxed);
        // The rows are committed whatever becomes of this.
        let tended = log.tend(&self.limits, at);
        drop(log);
        tended.and(self.remove_segments())
    }

    /// Removes the segments of the write-ahead log that hold nothing but committed rows.
    pub(super) fn remove_segments(&self) -> StoreResult<()> {
        let committed: BTreeMap<u128, u64> =
            self.views.lock().values().map(|view| (view.core.id, view.committed)).collect();
        let removed = self.group.wal.lock().remove_committed(&committed);
        removed.map_err(|source| StoreError::Io {
            what: "removing the write-ahead log's old segments".to_owned(),
            source: Arc::new(source),
        })
    }
}
