//! Checkpoints are written, and what they make needless is removed from the log ("Metadata
//! cleanup"). Nothing here changes what the table holds.

use serde_json::json;

use super::action::{Action, Txn};
use super::checkpoint;
use super::load::checkpoint_name;
use super::log::{LOG, Log, commit_name};
use crate::store::error::{Doing as _, StoreResult};
use crate::store::limits::StoreLimits;

/// Who reads the table finds the last checkpoint here.
const HINT: &str = "_last_checkpoint";
/// The newest checkpoints, which somebody may be reading; of older ones the first of a day stays.
const NEWEST: usize = 3;
/// The longest commit that is read for its time.
const COMMIT_MOST: u64 = 64 << 20;
const MS_PER_DAY: i64 = 86_400_000;

impl Log {
    /// Writes a checkpoint where enough commits came since the last; then removes commits and
    /// checkpoints that are older than the retention and covered by a checkpoint.
    pub(crate) fn tend(&mut self, limits: &StoreLimits, at: i64) -> StoreResult<()> {
        let n_since = self.next - self.checkpoint.map_or(0, |version| version + 1);
        if n_since < limits.checkpoint_commits.max(1) {
            return Ok(());
        }
        self.sure()?;
        self.write_checkpoint(at)?;
        let kept_ms = i64::try_from(limits.log_retention.as_millis()).unwrap_or(i64::MAX);
        self.clean_up(at.saturating_sub(kept_ms))
    }

    fn write_checkpoint(&mut self, at: i64) -> StoreResult<()> {
        let version = self.next - 1;
        let actions = self.state();
        let bytes = checkpoint::encode(&actions)?;
        let doing = || format!("writing checkpoint {version} of table {}", self.name());
        let hint = json!({
            "version": version,
            "size": actions.len(),
            "sizeInBytes": bytes.len(),
            "numOfAddFiles": self.files.len(),
        });
        let hint = serde_json::to_vec(&hint).expect("because numbers are JSON");
        // One that is there already was made of the same commits.
        self.objects.put_if_absent(&checkpoint_name(version), bytes).doing(doing)?;
        self.objects.replace(&format!("{LOG}/{HINT}"), hint).doing(doing)?;
        self.checkpoint = Some(version);
        self.times.insert(version, at);
        Ok(())
    }

    /// All that the log says, one action each.
    fn state(&self) -> Vec<Action> {
        let txn = |txn: &Txn| Action { txn: Some(txn.clone()), ..Action::default() };
        let removed = self.removed.values().map(|remove| {
            let mut remove = remove.clone();
            remove.data_change = false;
            Action { remove: Some(remove), ..Action::default() }
        });
        let files = self.files.values().map(|add| {
            let mut add = add.clone();
            add.data_change = false;
            Action { add: Some(add), ..Action::default() }
        });
        let mut actions = vec![
            Action { protocol: Some(self.protocol.clone()), ..Action::default() },
            Action { meta_data: Some(self.meta.clone()), ..Action::default() },
        ];
        actions.extend(self.txns.values().map(txn).chain(removed).chain(files));
        actions
    }

    /// Removes what comes before the newest checkpoint that was made before `before`; then
    /// checkpoints that newer ones replace.
    fn clean_up(&mut self, before: i64) -> StoreResult<()> {
        let listing = self.listing()?;
        let times: Vec<(u64, Option<i64>)> =
            listing.checkpoints.iter().map(|version| (*version, self.time_of(*version))).collect();
        let is_old = |(_, time): &&(u64, Option<i64>)| time.is_some_and(|time| time < before);
        let cut = times.iter().rev().find(is_old).map(|(version, _)| *version);
        if let Some(cut) = cut
            && listing.commits.range(..cut).next().is_some()
        {
            // What it replaces is gone for ever: it must be readable.
            self.read_checkpoint(cut)?;
            for version in listing.commits.range(..cut) {
                self.remove(&commit_name(*version))?;
            }
        }
        let mut last_day = None;
        for (at, (version, time)) in times.iter().enumerate() {
            let day = time.map(|time| time.div_euclid(MS_PER_DAY));
            let is_first_of_day = day.is_some() && day != last_day;
            last_day = day;
            let is_newest = at + NEWEST >= times.len();
            let is_before = cut.is_some_and(|cut| *version < cut);
            let is_cut = cut == Some(*version);
            if is_before || !(is_newest || is_cut || is_first_of_day) {
                self.remove(&checkpoint_name(*version))?;
                self.times.remove(version);
            }
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> StoreResult<()> {
        let path = self.objects.path(name);
        self.objects.place().remove(&path).doing(|| format!("removing \"{path}\""))
    }

    /// When a version was made, where its commit is there and says so.
    fn time_of(&mut self, version: u64) -> Option<i64> {
        if let Some(time) = self.times.get(&version) {
            return Some(*time);
        }
        let path = self.objects.path(&commit_name(version));
        let bytes = self.objects.place().read(&path, COMMIT_MOST).ok()?;
        let info = bytes
            .split(|byte| *byte == b'\n')
            .find_map(|line| serde_json::from_slice::<Action>(line).ok()?.commit_info);
        let time = info?.get("timestamp")?.as_i64()?;
        self.times.insert(version, time);
        Some(time)
    }
}
