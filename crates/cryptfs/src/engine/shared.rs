//! What all files of an open store share.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use base::Random;
use parking_lot::Mutex;

use super::keys::{Id, StoreKeys};
use super::log::DirtyLog;
use crate::doors::Volume;
use crate::{CryptFile, Event, EventSink};

/// Tamper events passed on a store; more are only counted, so that a damaged disk cannot flood.
const MAX_TAMPER_EVENTS: u64 = 1000;

/// Running figures.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) n_log_syncs: AtomicU64,
    pub(crate) n_tampered: AtomicU64,
    pub(crate) read_bytes: AtomicU64,
    pub(crate) written_bytes: AtomicU64,
}

/// The shared part of an open store.
pub(crate) struct Shared {
    pub(crate) keys: StoreKeys,
    pub(crate) epoch: u32,
    pub(crate) mount_id: Id,
    pub(crate) log: DirtyLog,
    pub(crate) volume: Arc<dyn Volume>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) events: Arc<dyn EventSink>,
    pub(crate) counters: Counters,
    /// Coarse time: the cleaner advances it.
    pub(crate) tick: AtomicU64,
    /// Every file in use, by inode, so that an inode has one `CryptFile`.
    pub(crate) open: Mutex<HashMap<u64, Weak<CryptFile>>>,
    /// Files with dirty groups stay open until they are clean.
    pub(crate) dirty: Mutex<HashMap<u64, Arc<CryptFile>>>,
}

impl Shared {
    pub(crate) fn now(&self) -> u64 {
        self.tick.load(Ordering::Relaxed)
    }

    pub(crate) fn new_id(&self) -> Id {
        let mut id = [0; 16];
        self.random.fill(&mut id);
        id
    }

    /// Counts a mismatch and tells the owner.
    pub(crate) fn tampered(&self, file: String, unit: Option<u64>, reason: &str) {
        if self.counters.n_tampered.fetch_add(1, Ordering::Relaxed) < MAX_TAMPER_EVENTS {
            self.events.emit(Event::Tamper { file, unit, reason: reason.to_owned() });
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("counters", &self.counters).finish_non_exhaustive()
    }
}
