//! The encrypted tree of one backing folder.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{CryptFile, Error, EventSink, FileKind};

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Make the store when the folder is empty or missing.
    pub create: bool,
    /// Groups without a write for so long are made clean in the background.
    pub clean_after: std::time::Duration,
}

/// Figures of a running store; `fs stat` prints them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Groups (1 MiB each) whose authentication codes are only in memory now: the window in
    /// which a change made right after a crash would be accepted.
    pub n_dirty_groups: u64,
    /// Times a first write to a clean group had to wait for the dirty log.
    pub n_log_syncs: u64,
    /// Units read that failed their check since the mount.
    pub n_tampered: u64,
    /// Bytes decrypted since the mount.
    pub read_bytes: u64,
    /// Bytes encrypted since the mount.
    pub written_bytes: u64,
}

/// An open store. Dropping it without [`Store::close`] is an unclean stop.
#[derive(Debug)]
pub struct Store {}

impl Store {
    /// Opens (or makes) the store in `backing` and recovers it after an unclean stop.
    ///
    /// Fails with `WrongKey`, `Format`, `InUse` or `Io`; never changes what it cannot open.
    pub fn open(
        _backing: &Path,
        _key: &crypto::DataKey,
        _options: &StoreOptions,
        _events: Arc<dyn EventSink>,
    ) -> Result<Arc<Self>, Error> {
        unreachable!("skeleton")
    }

    /// The folder that holds the tree (names and folders are plain): all `*at` calls start here.
    pub fn tree(&self) -> BorrowedFd<'_> {
        unreachable!("skeleton")
    }

    /// The encrypted file behind `fd` (a regular file of the tree, opened O_RDWR, or O_RDONLY
    /// when it may not be written). The same inode always gives the same `CryptFile`.
    /// `kind` counts only while the file has no header yet, that is while it is empty.
    pub fn file(&self, _fd: OwnedFd, _kind: FileKind) -> Result<Arc<CryptFile>, Error> {
        unreachable!("skeleton")
    }

    /// Makes everything clean and durable and marks the store as cleanly stopped.
    /// Call after the unmount, when no `CryptFile` is used any more.
    pub fn close(&self) -> Result<(), Error> {
        unreachable!("skeleton")
    }

    /// Present figures.
    pub fn stats(&self) -> Stats {
        Stats::default()
    }
}
