//! Commits: hot rows become files of the Delta table.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::delta::{self, Log};
use super::error::{Doing as _, StoreError, StoreResult};
use super::memtable::Memtable;
use super::shape::Shape;
use super::{Core, Store, Trouble, View, unix_ms};

/// Of zstd, for files that are merged soon.
const COMMIT_LEVEL: i32 = 3;
/// After a commit that failed the next waits for the interval, then for twice that, up to so many
/// doublings: eight minutes where a table is committed every minute.
const DOUBLINGS: u32 = 3;

impl Store {
    /// Commits the tables whose hot rows are old enough or many enough; answers how many. What
    /// fails stands in [`Store::status`] and is tried again after the commit interval, then after
    /// twice that, and so on up to eight of them.
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
        if let Some(trouble) = &view.trouble
            && now < trouble.again_at
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
        super::tend::ticks(self.limits.commit_interval)
    }

    fn commit(&self, core: &Core) -> StoreResult<()> {
        let done = self.try_commit(core);
        let now = self.doors.clock.now();
        if let Some(view) = self.views.lock().get_mut(&core.name) {
            let n_before = view.trouble.take().map_or(0, |trouble| trouble.n_tries);
            view.trouble = done.as_ref().err().map(|why| Trouble {
                why: why.clone(),
                again_at: now.saturating_add(self.interval() << n_before.min(DOUBLINGS)),
                n_tries: n_before.saturating_add(1),
            });
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
        let how = self.how(COMMIT_LEVEL, frozen.n_rows);
        let write = |log: &Log| delta::write_files(log, &shape, &frozen, how, at, random);
        log.add_files(write, frozen.last_seq, &frozen.marks, at)?;
        self.show(core, &log, None)?;
        // The rows are committed whatever becomes of this.
        let tended = log.tend(&self.limits, at);
        drop(log);
        tended.and(self.remove_segments())
    }

    /// How files of so many rows are written.
    pub(super) fn how(&self, level: i32, n_rows: usize) -> delta::How {
        let terms = n_rows >= self.limits.term_rows;
        delta::How { group_rows: self.limits.group_rows, level, terms }
    }

    /// Lets queries see the files that a table's log says, with these columns where they are new.
    /// Hot rows that are in the files go in the same step, also where their commit was in doubt
    /// until now: no query sees a row twice or not at all.
    pub(super) fn show(&self, core: &Core, log: &Log, new: Option<Arc<Shape>>) -> StoreResult<()> {
        let known = self.views.lock().get(&core.name).map(|view| Arc::clone(&view.shape));
        let Some(shape) = new.or(known) else { return Ok(()) };
        let files = Arc::new(delta::files(log, &shape)?);
        let mut views = self.views.lock();
        let Some(view) = views.get_mut(&core.name) else { return Ok(()) };
        (view.shape, view.files, view.n_files) = (shape, files, log.files.len());
        (view.file_bytes, view.committed) = (log.file_bytes(), log.committed);
        view.retention = log.retention();
        if let Some(frozen) = view.frozen.take_if(|frozen| frozen.last_seq <= log.committed) {
            core.hot_bytes.fetch_sub(frozen.bytes, Ordering::Relaxed);
        }
        Ok(())
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
