//! Side-cars that were read, kept for the next query as far as there is room. A data file's name
//! is never used twice, so what was read of its side-car stays true.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use parking_lot::Mutex;

use super::Sidecar;

/// What the entry itself takes.
const ENTRY_BYTES: usize = 256;

/// A side-car by the path of its data file and that file's size.
type Key = (String, u64);

/// Side-cars, the least recently used of which go first.
#[derive(Debug)]
pub(in crate::store) struct Sidecars {
    kept: Mutex<Kept>,
    most_bytes: usize,
}

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<Key, Entry>,
    /// By the moment of the last use
    order: BTreeMap<u64, Key>,
    n_uses: u64,
    bytes: usize,
}

#[derive(Debug)]
struct Entry {
    /// `None`: there is none that says anything
    sidecar: Option<Arc<Sidecar>>,
    bytes: usize,
    used: u64,
}

impl Sidecars {
    pub(in crate::store) fn new(most_bytes: usize) -> Self {
        Self { kept: Mutex::default(), most_bytes }
    }

    /// What is known of a side-car; `None` where it has to be read.
    pub(in crate::store) fn known(&self, path: &str, size: u64) -> Option<Option<Arc<Sidecar>>> {
        let kept = &mut *self.kept.lock();
        let key = (path.to_owned(), size);
        let entry = kept.entries.get_mut(&key)?;
        kept.order.remove(&entry.used);
        kept.n_uses += 1;
        entry.used = kept.n_uses;
        kept.order.insert(entry.used, key);
        Some(entry.sidecar.clone())
    }

    /// Keeps what was read, of so many bytes.
    pub(in crate::store) fn keep(
        &self,
        path: &str,
        size: u64,
        sidecar: Option<Arc<Sidecar>>,
        bytes: usize,
    ) {
        let bytes = bytes + path.len() + ENTRY_BYTES;
        if bytes > self.most_bytes / 4 {
            return;
        }
        let kept = &mut *self.kept.lock();
        kept.n_uses += 1;
        let (used, key) = (kept.n_uses, (path.to_owned(), size));
        if let Some(old) = kept.entries.insert(key.clone(), Entry { sidecar, bytes, used }) {
            kept.order.remove(&old.used);
            kept.bytes -= old.bytes;
        }
        kept.order.insert(used, key);
        kept.bytes += bytes;
        while kept.bytes > self.most_bytes
            && let Some((_, key)) = kept.order.pop_first()
        {
            if let Some(old) = kept.entries.remove(&key) {
                kept.bytes -= old.bytes;
            }
        }
    }
}
