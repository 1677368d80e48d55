//! Care for the files of tables: small ones are merged, those that nobody needs are removed.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use super::delta::{self, Merged};
use super::error::{Doing as _, StoreError, StoreResult};
use super::{Core, Store, unix_ms};

/// Of zstd, for files that stay.
pub(super) const MERGE_LEVEL: i32 = 9;

/// Held by who rewrites files of a table; queries, appends and commits go on.
#[derive(Debug, Default)]
pub(super) struct Tending {
    /// Files that somebody else made, or that could not be merged
    foreign: BTreeSet<String>,
    /// Why the first of those could not
    broken: Option<StoreError>,
    /// The last file that was made of others: its commit may have failed, or had no place; and
    /// the version that it was to be
    doubtful: Option<(String, u64)>,
    /// When there was nothing to do
    idle_at: Option<i64>,
}

impl Store {
    /// Does what is due for the files of its tables: removes those that are no part of a table
    /// any more and were kept long enough, and merges small ones. Commits that fall due meanwhile
    /// are made in between. Answers how many jobs were done; what fails stands in
    /// [`Store::status`] and is tried again after [`StoreLimits::tend_interval`].
    ///
    /// [`StoreLimits::tend_interval`]: super::StoreLimits::tend_interval
    pub fn tend(&self) -> usize {
        self.tend_while(&|| true)
    }

    /// As [`Store::tend`], until it should not go on.
    pub(super) fn tend_while(&self, go_on: &dyn Fn() -> bool) -> usize {
        if self.damage.is_some() {
            return 0;
        }
        let mut n_done = 0;
        for core in self.cores() {
            n_done += self.tend_table(&core, go_on);
        }
        n_done
    }

    fn tend_table(&self, core: &Core, go_on: &dyn Fn() -> bool) -> usize {
        let Some(mut tending) = core.tending.try_lock() else { return 0 };
        let now = self.doors.clock.now();
        let interval = ticks(self.limits.tend_interval);
        if tending.idle_at.is_some_and(|at| (0..interval).contains(&(now - at))) {
            return 0;
        }
        let mut n_done = 0;
        while go_on() {
            let done = self.tend_once(core, &mut tending, go_on);
            if let Some(view) = self.views.lock().get_mut(&core.name) {
                view.untended = done.as_ref().err().cloned().or_else(|| tending.broken.clone());
            }
            match done {
                Ok(true) => n_done += 1,
                // What was broken off is still to be done.
                Ok(false) if !go_on() => break,
                Ok(false) | Err(_) => {
                    tending.idle_at = Some(self.doors.clock.now());
                    break;
                }
            }
        }
        n_done
    }

    /// One job; answers whether there was one.
    fn tend_once(
        &self,
        core: &Core,
        tending: &mut Tending,
        go_on: &dyn Fn() -> bool,
    ) -> StoreResult<bool> {
        let at = unix_ms(self.doors.clock.now());
        self.vacuum(core, tending, at)?;
        self.merge(core, tending, at, go_on)
    }

    fn vacuum(&self, core: &Core, tending: &mut Tending, at: i64) -> StoreResult<()> {
        let kept_ms = i64::try_from(self.limits.file_retention.as_millis()).unwrap_or(i64::MAX);
        let mut log = core.log.lock();
        log.vacuum(at.saturating_sub(kept_ms))?;
        self.drop_days(core, &mut log, at)?;
        // What a failed commit left in doubt is known when its version is another's: until then
        // it may still arrive.
        let is_over = |(_, version): &mut (String, u64)| log.is_over(*version);
        if let Some((name, _)) = tending.doubtful.take_if(is_over)
            && !log.knows(&name)
        {
            log.objects().remove_file(&name)?;
        }
        self.show(core, &log, None)
    }

    fn merge(
        &self,
        core: &Core,
        tending: &mut Tending,
        at: i64,
        go_on: &dyn Fn() -> bool,
    ) -> StoreResult<bool> {
        let random = self.doors.uuid().doing(|| "reading randomness".to_owned())?;
        let (plan, objects, shape) = {
            let log = core.log.lock();
            let is_foreign = |path: &str| tending.foreign.contains(path);
            let Some(plan) = log.plan(&self.limits, at, random, is_foreign) else {
                return Ok(false);
            };
            let Some(shape) = self.shape(core) else { return Ok(false) };
            (plan, log.objects().clone(), shape)
        };
        let how = self.how(MERGE_LEVEL, plan.n_rows());
        let mut pause = || {
            self.commit_due();
            if go_on() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let merged = delta::merge(&objects, &shape, &plan.files, &plan.name, how, &mut pause);
        let merged = match merged {
            Ok(Merged::Done(file)) if !plan.is_whole(&file) => {
                objects.remove_file(&plan.name)?;
                let what = format!("rows of table {} are gone when they are merged", core.name);
                Err(StoreError::Invalid(what))
            }
            merged => merged,
        };
        if let Err(why @ (StoreError::Encoding(_) | StoreError::Invalid(_))) = &merged {
            // One of them is damaged; the other days go on, and this stays said.
            tending.foreign.extend(plan.files.iter().map(|file| file.path.clone()));
            tending.broken.get_or_insert_with(|| why.clone());
        }
        match merged? {
            Merged::Done(file) => {
                let mut log = core.log.lock();
                let at = unix_ms(self.doors.clock.now());
                // What of it stays when it is not put is removed as what is in doubt.
                let merged = log.merged(&plan, &file, at);
                tending.doubtful = Some((plan.name.clone(), log.next_version()));
                merged?;
                self.show(core, &log, None)?;
                log.tend(&self.limits, at).map(|()| true)
            }
            Merged::Foreign(path) => {
                tending.foreign.insert(path);
                Ok(true)
            }
            Merged::Stopped => Ok(false),
        }
    }

    fn shape(&self, core: &Core) -> Option<Arc<super::Shape>> {
        self.views.lock().get(&core.name).map(|view| Arc::clone(&view.shape))
    }
}

/// A duration in ticks.
pub(super) fn ticks(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos() / 100).unwrap_or(i64::MAX)
}
