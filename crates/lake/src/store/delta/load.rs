//! The log of a Delta table read when the store is opened: from the last checkpoint that can be
//! read, and the commits behind it.

use std::collections::BTreeSet;

use super::action::{Action, MetaData};
use super::checkpoint;
use super::log::{LOG, Log};
use super::objects::ASIDE;
use crate::store::doors::Doors;
use crate::store::error::{Doing as _, StoreResult};

/// The longest checkpoint that is read.
const CHECKPOINT_MOST: u64 = 512 << 20;
/// How the names of checkpoints end.
const CHECKPOINT: &str = ".checkpoint.parquet";

/// The log's file of a checkpoint of a version.
pub(super) fn checkpoint_name(version: u64) -> String {
    format!("{LOG}/{version:020}{CHECKPOINT}")
}

/// What is in the folder of a log.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) commits: BTreeSet<u64>,
    pub(super) checkpoints: BTreeSet<u64>,
    pub(super) aside: Vec<String>,
}

impl Listing {
    /// The greatest version that is there.
    fn last(&self) -> Option<u64> {
        self.commits.last().max(self.checkpoints.last()).copied()
    }
}

impl Log {
    /// Reads a table; `None` where the folder holds none.
    ///
    /// A checkpoint that cannot be read is no loss while there is an older one, or all commits;
    /// where neither is, the table is refused.
    pub(crate) fn load(doors: &Doors, name: &str) -> StoreResult<Option<Self>> {
        let empty = || Self::empty(doors, name, MetaData::default(), 0);
        let listing = empty().listing()?;
        for path in &listing.aside {
            doors.tables().remove(path).doing(|| format!("removing \"{path}\""))?;
        }
        let Some(last) = listing.last() else { return Ok(None) };
        let mut unreadable = None;
        for version in listing.checkpoints.iter().rev() {
            let mut log = empty();
            match log.start_at(*version) {
                Ok(()) => return log.go_on(last).map(Some),
                Err(why) => unreadable = unreadable.or(Some(why)),
            }
        }
        match empty().go_on(last) {
            Ok(log) => Ok(Some(log)),
            Err(why) => Err(unreadable.unwrap_or(why)),
        }
    }

    pub(super) fn listing(&self) -> StoreResult<Listing> {
        let folder = self.objects.path(LOG);
        let entries = self.objects.place().list(&folder);
        let mut listing = Listing::default();
        for entry in entries.doing(|| format!("listing \"{folder}\""))? {
            let name = entry.name.as_str();
            if name.starts_with(ASIDE) {
                listing.aside.push(format!("{folder}/{name}"));
            } else if let Some(version) = name.strip_suffix(".json").and_then(version) {
                listing.commits.insert(version);
            } else if let Some(version) = name.strip_suffix(CHECKPOINT).and_then(version) {
                listing.checkpoints.insert(version);
            }
        }
        Ok(listing)
    }

    /// Takes the state of a checkpoint.
    fn start_at(&mut self, version: u64) -> StoreResult<()> {
        let mut actions = self.read_checkpoint(version)?;
        // The number of rows in files is known by the id of the table.
        actions.sort_by_key(|action| action.meta_data.is_none());
        for action in actions {
            self.apply(action)?;
        }
        self.checkpoint = Some(version);
        self.next = version + 1;
        Ok(())
    }

    /// The actions of a checkpoint that says all that a table needs.
    pub(super) fn read_checkpoint(&self, version: u64) -> StoreResult<Vec<Action>> {
        let path = self.objects.path(&checkpoint_name(version));
        let bytes = self.objects.place().read(&path, CHECKPOINT_MOST);
        let bytes = bytes.doing(|| format!("reading \"{path}\""))?;
        let actions = checkpoint::decode(bytes)?;
        let has = |is: fn(&Action) -> bool| actions.iter().filter(|a| is(a)).count() == 1;
        if !has(|action| action.protocol.is_some()) || !has(|action| action.meta_data.is_some()) {
            return Err(self.refuse(format!("checkpoint {version} says no columns")));
        }
        Ok(actions)
    }

    /// Reads the commits behind; all up to a version must be there.
    fn go_on(mut self, last: u64) -> StoreResult<Self> {
        self.refresh()?;
        if self.next <= last {
            let next = self.next;
            return Err(self.refuse(format!("its log ends at version {next} and goes on behind")));
        }
        if self.meta.id.is_empty() {
            return Err(self.refuse("its log says no columns"));
        }
        Ok(self.settled())
    }
}

fn version(digits: &str) -> Option<u64> {
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}
