//! Which files of a table are merged into one, and the commit that puts it in their place.

use std::collections::BTreeMap;

use serde_json::json;

use super::action::{Action, Add, Remove};
use super::log::{Log, info};
use super::parquet::Written;
use super::read::n_rows_of;
use super::write::{MERGED, add};
use crate::store::error::StoreResult;
use crate::store::limits::StoreLimits;
use crate::store::shape::DAY;

/// A day is closed so long after its end, and a file is left alone so long after it was made,
/// before few files are merged.
const QUIET_MS: i64 = 3_600_000;
/// Files that are merged at once.
const FILES_MOST: usize = 32;
/// Below it sizes of files are as good as equal.
const TINY_BYTES: u64 = 1 << 20;
pub(super) const MS_PER_DAY: i64 = 86_400_000;

/// Files of a day that are to become one.
#[derive(Debug)]
pub(crate) struct Plan {
    day: String,
    pub(crate) files: Vec<Add>,
    /// Of the new file
    pub(crate) name: String,
}

impl Plan {
    /// Rows that there are at least.
    pub(crate) fn n_rows(&self) -> usize {
        self.files.iter().filter_map(n_rows_of).sum()
    }

    /// Whether a file has as many rows as those that it is made of, as far as that is known.
    pub(crate) fn is_whole(&self, file: &Written) -> bool {
        let n_rows = self.files.iter().map(n_rows_of).sum::<Option<usize>>();
        n_rows.is_none_or(|n| n as u64 == file.n_rows)
    }
}

impl Log {
    /// Files worth merging: many of about one size, so that a row is rewritten a few times only;
    /// on a closed day any that are small. Those that `is_foreign` stay as they are.
    pub(crate) fn plan(
        &self,
        limits: &StoreLimits,
        at: i64,
        random: u128,
        is_foreign: impl Fn(&str) -> bool,
    ) -> Option<Plan> {
        let mut days: BTreeMap<&str, Vec<&Add>> = BTreeMap::new();
        for add in self.files.values().filter(|add| !is_foreign(&add.path)) {
            if let Some(Some(day)) = add.partition_values.get(DAY)
                && add.size < limits.merge_bytes / 2
            {
                days.entry(day).or_default().push(add);
            }
        }
        let (day, files) = days.into_iter().find_map(|(day, mut files)| {
            files.sort_by_key(|add| add.size);
            let newest = files.iter().map(|add| add.modification_time).max();
            let is_quiet = newest.is_some_and(|newest| at - newest >= QUIET_MS)
                && day_ms(day).is_some_and(|start| at >= start + MS_PER_DAY + QUIET_MS);
            let least = if is_quiet { 2 } else { limits.merge_files.max(2) };
            let (mut n, mut sum) = (0, 0_u64);
            for add in files.iter().take(FILES_MOST.max(limits.merge_files)) {
                let fits = is_quiet || n == 0 || add.size <= (2 * sum).max(TINY_BYTES);
                if !fits || sum + add.size > limits.merge_bytes {
                    break;
                }
                (n, sum) = (n + 1, sum + add.size);
            }
            (n >= least)
                .then(|| (day.to_owned(), files[..n].iter().map(|a| (*a).clone()).collect()))
        })?;
        let name = format!("{DAY}={day}/{MERGED}{random:032x}.parquet");
        Some(Plan { day, files, name })
    }

    /// Puts a merged file in the place of those it was made of; answers whether they were all
    /// still there.
    pub(crate) fn merged(&mut self, plan: &Plan, file: &Written, at: i64) -> StoreResult<bool> {
        let new = add(plan.name.clone(), plan.day.clone(), file, at, false);
        self.replace("OPTIMIZE", &plan.files, vec![new], false, at)
    }

    /// Takes files away and adds others, in one commit; answers whether those were all there.
    pub(crate) fn replace(
        &mut self,
        operation: &str,
        old: &[Add],
        new: Vec<Add>,
        data_change: bool,
        at: i64,
    ) -> StoreResult<bool> {
        self.sure()?;
        let remove = |add: &Add| Remove {
            path: add.path.clone(),
            deletion_timestamp: Some(at),
            data_change,
            extended_file_metadata: Some(true),
            partition_values: Some(add.partition_values.clone()),
            size: Some(add.size),
        };
        let removes =
            old.iter().map(|add| Action { remove: Some(remove(add)), ..Action::default() });
        let adds = new.into_iter().map(|add| Action { add: Some(add), ..Action::default() });
        let mut actions = vec![info(at, operation, json!({}))];
        actions.extend(removes.chain(adds));
        self.commit_if(&actions, |log| old.iter().all(|add| log.files.contains_key(&add.path)))
    }

    /// Whether a file belongs to the table, or did so short ago that somebody may read it.
    pub(crate) fn knows(&self, path: &str) -> bool {
        self.files.contains_key(path) || self.removed.contains_key(path)
    }

    /// Removes the files from the disk that were taken away before a moment; answers how many.
    pub(crate) fn vacuum(&mut self, before: i64) -> StoreResult<usize> {
        self.sure()?;
        let is_old = |remove: &Remove| remove.deletion_timestamp.unwrap_or(0) < before;
        let old: Vec<String> = self
            .removed
            .values()
            .filter(|remove| is_old(remove))
            .map(|remove| remove.path.clone())
            .collect();
        for name in &old {
            self.objects.remove_file(name)?;
        }
        // What was erased must not come back with the power.
        self.objects.sync_folders_of(&old)?;
        for name in &old {
            self.removed.remove(name);
        }
        Ok(old.len())
    }
}

/// When a day begins, in milliseconds since 1970.
pub(super) fn day_ms(day: &str) -> Option<i64> {
    let ticks = kql::value::parse_datetime(day)?;
    Some(crate::store::unix_ms(ticks))
}
