//! The dirty log: an append-only file that says which groups may be ahead of their codes.
//!
//! `meta/dirty.log` = a 4096-byte header and records of 64 bytes. Each record has a code under a
//! key of the log's generation, so a cut or forged log can only turn into false alarms, never
//! into silence. Records are appended before the write they speak of and synced in batches:
//! whoever needs a record durable waits for one sync that may serve many.

use std::collections::HashMap;

use crypto::{UnitMac, constant_time_eq};
use parking_lot::{Condvar, Mutex};

use super::dirty::DirtySet;
use super::keys::Id;
use crate::Error;
use crate::doors::{Backing, Volume};

pub(crate) const LOG_NAME: &str = "dirty.log";
const MAGIC: &[u8; 8] = b"PGKEEPD1";
const HEADER: usize = 4096;
const RECORD: usize = 64;
/// The file is grown ahead in steps, so that a sync of a record has no size to write.
const GROW: u64 = 1 << 20;
/// Past this the log is written anew with only what is still dirty.
const COMPACT_AT: u64 = 16 << 20;

/// What is known of one file's dirty groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Dirty {
    pub(crate) groups: DirtySet,
    /// Inode of a file whose header may not be durable yet.
    pub(crate) new_ino: Option<u64>,
}

/// One record: what becomes true of a file's groups `from..to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// May be ahead of their codes from now on.
    Dirty { file_id: Id, from: u32, to: u32 },
    /// Data and codes are durable.
    Clean { file_id: Id, from: u32, to: u32 },
    /// A file got its id: all groups dirty, and its header is not durable yet.
    New { file_id: Id, ino: u64 },
}

/// Position in the log; durable once [`DirtyLog::wait`] returned for it.
pub(crate) type Seq = u64;

struct State {
    file: std::sync::Arc<dyn Backing>,
    mac: UnitMac,
    /// Records so far in this generation.
    n_records: u64,
    /// Bytes not yet written.
    pending: Vec<u8>,
    pending_at: u64,
    allocated: u64,
    dirty: HashMap<Id, Dirty>,
    appended: Seq,
    durable: Seq,
    syncing: bool,
    failed: bool,
}

/// The open log.
pub(crate) struct DirtyLog {
    state: Mutex<State>,
    synced: Condvar,
}

/// What reading a log found.
pub(crate) struct Replay {
    /// The last stop was clean: nothing is dirty.
    pub(crate) clean: bool,
    pub(crate) dirty: HashMap<Id, Dirty>,
}

/// Begins a generation: header and one record for each range that is dirty now.
fn image(
    generation: &Id,
    clean: bool,
    mac: &UnitMac,
    dirty: &HashMap<Id, Dirty>,
) -> (Vec<u8>, u64) {
    let mut bytes = vec![0u8; HEADER];
    bytes[..8].copy_from_slice(MAGIC);
    bytes[8..24].copy_from_slice(generation);
    bytes[24] = u8::from(clean);
    let code = mac.code(0, *b"dlgh", &bytes[..48]);
    bytes[48..64].copy_from_slice(&code);
    let mut n_records = 0;
    let mut push = |record: Record| {
        bytes.extend_from_slice(&encode(&record, n_records, mac));
        n_records += 1;
    };
    for (file_id, file) in dirty {
        if let Some(ino) = file.new_ino {
            push(Record::New { file_id: *file_id, ino });
        }
        for (from, to) in file.groups.ranges() {
            push(Record::Dirty { file_id: *file_id, from, to });
        }
    }
    (bytes, n_records)
}

fn encode(record: &Record, number: u64, mac: &UnitMac) -> [u8; RECORD] {
    let mut bytes = [0u8; RECORD];
    let (kind, file_id, from, to, ino) = match record {
        Record::Dirty { file_id, from, to } => (1u32, file_id, *from, *to, 0),
        Record::Clean { file_id, from, to } => (2, file_id, *from, *to, 0),
        Record::New { file_id, ino } => (3, file_id, 0, super::dirty::END, *ino),
    };
    bytes[..4].copy_from_slice(&kind.to_le_bytes());
    bytes[4..8].copy_from_slice(&from.to_le_bytes());
    bytes[8..12].copy_from_slice(&to.to_le_bytes());
    bytes[16..32].copy_from_slice(file_id);
    bytes[32..40].copy_from_slice(&ino.to_le_bytes());
    let code = mac.code(number, *b"dlgr", &bytes[..48]);
    bytes[48..].copy_from_slice(&code);
    bytes
}

fn decode(bytes: &[u8], number: u64, mac: &UnitMac) -> Option<Record> {
    let code = mac.code(number, *b"dlgr", &bytes[..48]);
    if !constant_time_eq(&code, &bytes[48..RECORD]) {
        return None;
    }
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
    let file_id: Id = bytes[16..32].try_into().expect("sixteen bytes");
    let (from, to) = (word(4), word(8));
    match word(0) {
        1 => Some(Record::Dirty { file_id, from, to }),
        2 => Some(Record::Clean { file_id, from, to }),
        3 => {
            let ino = u64::from_le_bytes(bytes[32..40].try_into().expect("eight bytes"));
            Some(Record::New { file_id, ino })
        }
        _ => None,
    }
}

fn apply(record: &Record, dirty: &mut HashMap<Id, Dirty>) {
    match record {
        Record::Dirty { file_id, from, to } => {
            dirty.entry(*file_id).or_default().groups.insert(*from, *to);
        }
        Record::New { file_id, ino } => {
            let file = dirty.entry(*file_id).or_default();
            file.groups.insert(0, super::dirty::END);
            file.new_ino = Some(*ino);
        }
        Record::Clean { file_id, from, to } => {
            if let Some(file) = dirty.get_mut(file_id) {
                file.groups.remove(*from, *to);
                file.new_ino = None;
                if file.groups.is_empty() {
                    dirty.remove(file_id);
                }
            }
        }
    }
}

/// Reads the log of a store. `mac_of` makes the code key of a generation.
pub(crate) fn replay(file: &dyn Backing, mac_of: impl Fn(&Id) -> UnitMac) -> Result<Replay, Error> {
    let failed = |source| Error::Io { doing: "read the dirty log", source };
    let mut header = vec![0u8; HEADER];
    let n = file.read_at(0, &mut header).map_err(failed)?;
    let generation: Id = header[8..24].try_into().expect("sixteen bytes");
    let mac = mac_of(&generation);
    if n < HEADER
        || &header[..8] != MAGIC
        || !constant_time_eq(&mac.code(0, *b"dlgh", &header[..48]), &header[48..64])
    {
        return Err(Error::Format("its dirty log is damaged".to_owned()));
    }
    let mut found = Replay { clean: header[24] == 1, dirty: HashMap::new() };
    let mut chunk = vec![0u8; GROW as usize];
    let (mut at, mut number) = (HEADER as u64, 0);
    'chunks: loop {
        let n = file.read_at(at, &mut chunk).map_err(failed)?;
        for bytes in chunk[..n].chunks_exact(RECORD) {
            // The first record that does not fit its place ends the log: it was never synced.
            let Some(record) = decode(bytes, number, &mac) else { break 'chunks };
            apply(&record, &mut found.dirty);
            number += 1;
        }
        if n < chunk.len() {
            break;
        }
        at += n as u64;
    }
    Ok(found)
}

/// Writes the log of a store that was stopped cleanly, or is new.
pub(crate) fn write_clean(volume: &dyn Volume, generation: Id, mac: &UnitMac) -> Result<(), Error> {
    let (bytes, _) = image(&generation, true, mac, &HashMap::new());
    volume
        .replace_meta(LOG_NAME, &bytes)
        .map(drop)
        .map_err(|source| Error::Io { doing: "write the dirty log", source })
}

impl DirtyLog {
    /// Begins a new generation with nothing dirty; the store counts as unclean from now on.
    pub(crate) fn begin(volume: &dyn Volume, generation: Id, mac: UnitMac) -> Result<Self, Error> {
        let (bytes, n_records) = image(&generation, false, &mac, &HashMap::new());
        let file = volume
            .replace_meta(LOG_NAME, &bytes)
            .map_err(|source| Error::Io { doing: "write the dirty log", source })?;
        let end = bytes.len() as u64;
        Ok(Self {
            state: Mutex::new(State {
                file: file.into(),
                mac,
                n_records,
                pending: Vec::new(),
                pending_at: end,
                allocated: end,
                dirty: HashMap::new(),
                appended: 0,
                durable: 0,
                syncing: false,
                failed: false,
            }),
            synced: Condvar::new(),
        })
    }

    /// Appends a record in memory. It counts for a crash only after [`DirtyLog::wait`].
    pub(crate) fn append(&self, record: Record) -> Seq {
        let mut state = self.state.lock();
        let bytes = encode(&record, state.n_records, &state.mac);
        state.n_records += 1;
        state.pending.extend_from_slice(&bytes);
        apply(&record, &mut state.dirty);
        state.appended += 1;
        state.appended
    }

    /// Waits until the log is durable up to `seq`; one of the waiters does the sync for all.
    /// Returns whether this call did a sync. After a failure nothing is ever durable again.
    pub(crate) fn wait(&self, seq: Seq) -> Result<bool, Error> {
        let mut state = self.state.lock();
        loop {
            if state.durable >= seq {
                return Ok(false);
            }
            if state.failed {
                return Err(Error::Poisoned);
            }
            if !state.syncing {
                break;
            }
            self.synced.wait(&mut state);
        }
        state.syncing = true;
        let bytes = std::mem::take(&mut state.pending);
        let (at, target) = (state.pending_at, state.appended);
        state.pending_at += bytes.len() as u64;
        let grow =
            (state.pending_at > state.allocated).then(|| state.pending_at.next_multiple_of(GROW));
        let file = state.file.clone();
        drop(state);
        let result = grow
            .map_or(Ok(()), |len| file.set_len(len))
            .and_then(|()| file.write_at(at, &bytes))
            .and_then(|()| file.sync(true));
        let mut state = self.state.lock();
        state.syncing = false;
        match &result {
            Ok(()) => {
                state.durable = state.durable.max(target);
                state.allocated = grow.unwrap_or(state.allocated);
            }
            Err(_) => state.failed = true,
        }
        self.synced.notify_all();
        result.map(|()| true).map_err(|source| Error::Io { doing: "sync the dirty log", source })
    }

    /// Bytes of this generation, as a reason to [`DirtyLog::compact`].
    pub(crate) fn is_long(&self) -> bool {
        self.state.lock().n_records * RECORD as u64 > COMPACT_AT
    }

    /// Writes the log anew with only what is dirty now. No append gets lost: the lock is held.
    pub(crate) fn compact(
        &self,
        volume: &dyn Volume,
        generation: Id,
        mac: UnitMac,
    ) -> Result<(), Error> {
        let mut state = self.state.lock();
        while state.syncing {
            self.synced.wait(&mut state);
        }
        if state.failed {
            return Err(Error::Poisoned);
        }
        let (bytes, n_records) = image(&generation, false, &mac, &state.dirty);
        match volume.replace_meta(LOG_NAME, &bytes) {
            Ok(file) => {
                state.file = file.into();
                state.mac = mac;
                state.n_records = n_records;
                state.pending.clear();
                state.pending_at = bytes.len() as u64;
                state.allocated = bytes.len() as u64;
                state.durable = state.appended;
                self.synced.notify_all();
                Ok(())
            }
            Err(source) => {
                state.failed = true;
                self.synced.notify_all();
                Err(Error::Io { doing: "write the dirty log", source })
            }
        }
    }
}
