//! What the file system has to tell its owner: nothing that matters is only logged.

use serde::{Deserialize, Serialize};

/// One thing that happened. `file` is the path in the mount where it is known, else the inode.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The mount answers.
    Ready {
        /// Where.
        mountpoint: String,
        /// Device number of the mount, `major:minor`; names its entry under `/sys/class/bdi`.
        device: String,
    },
    /// A unit, header or group does not match its authentication code.
    Tamper {
        /// Which file.
        file: String,
        /// Unit number, where it is about one.
        unit: Option<u64>,
        /// What exactly does not match.
        reason: String,
    },
    /// After an unclean stop: what was found in dirty groups and accepted once.
    Recovered {
        /// Dirty groups that were read.
        n_groups: u64,
        /// Units in them that did not match and were accepted.
        n_accepted: u64,
        /// Files that had at least one accepted unit; at most the first 100 paths.
        files: Vec<String>,
        /// How long it took.
        duration_ms: u64,
    },
    /// A write or sync of the backing file failed; the file takes no more writes.
    Poisoned {
        /// Which file.
        file: String,
        /// The answer of the backing file system.
        reason: String,
    },
}

/// Where events go; implementations must not block.
pub trait EventSink: Send + Sync {
    /// Takes one event.
    fn emit(&self, event: Event);
}
