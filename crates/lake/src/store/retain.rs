//! How long the rows of a table are kept.

use super::error::{StoreError, StoreResult};
use super::{Core, Store, delta, unix_ms};

/// Longest time that can be set: a century.
const DAYS_MOST: u32 = 36_525;

impl Store {
    /// Sets after how many days a day of a table is dropped whole; `None` keeps all. It is kept
    /// in the table itself. Answers whether that changed anything; what is too old goes when
    /// [`Store::tend`] comes to it, and its files after [`StoreLimits::file_retention`].
    ///
    /// # Errors
    /// No such table, no days or more than a century, and failures of the disk.
    ///
    /// [`StoreLimits::file_retention`]: super::StoreLimits::file_retention
    pub fn set_retention(&self, table: &str, days: Option<u32>) -> StoreResult<bool> {
        self.writable()?;
        if days.is_some_and(|days| days == 0 || days > DAYS_MOST) {
            let what = format!("rows are kept from 1 to {DAYS_MOST} days");
            return Err(StoreError::Invalid(what));
        }
        let (core, _) = self.find(table)?;
        let mut log = core.log.lock();
        if log.retention() == days {
            return Ok(false);
        }
        log.set_retention(days, unix_ms(self.doors.clock.now()))?;
        self.show(&core, &log, None)?;
        Ok(true)
    }

    /// After how many days a day of a table is dropped, where that was set.
    ///
    /// # Errors
    /// No such table.
    pub fn retention(&self, table: &str) -> StoreResult<Option<u32>> {
        let views = self.views.lock();
        let view = views.get(table);
        view.map(|view| view.retention).ok_or_else(|| StoreError::NoTable(table.to_owned()))
    }

    /// Drops the days of a table that are too old; answers whether there were any.
    pub(super) fn drop_days(
        &self,
        core: &Core,
        log: &mut delta::Log,
        at: i64,
    ) -> StoreResult<bool> {
        let Some(days) = log.retention() else { return Ok(false) };
        let n_dropped = log.drop_days(days, at)?;
        self.show(core, log, None)?;
        log.tend(&self.limits, at)?;
        Ok(n_dropped > 0)
    }
}
