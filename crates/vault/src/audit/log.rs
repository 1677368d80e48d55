//! The chain of records and its writer.
//!
//! A line is `{"seq":N,"prev":"P","generation":G,` followed by the fields of the event and ended
//! by `,"hash":"H"}`. `H` is `hex(SHA-256(every byte of the line before ,"hash":"))`, `P` the `H`
//! of the line before (64 zeros for the first), `N` counts from 1 without a gap across files, and
//! `G` is the newest change of the store that has a record. So each line fixes all before it. The
//! first line of a file also has `"file":F,` with the file's number, so that older files may be
//! taken away whole, but no line from the beginning of one.
//!
//! Lines are written in groups: whoever waits for a record writes and syncs all that are queued.
//! After a failed write or sync nothing more is taken: a half line must not be followed by others
//! as if it were whole.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crypto::sha256;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::list::{self, AuditPage, Cursor};
use super::since::{self, AuditLines};
use super::{AuditFolder, Event};
use crate::group::Group;

/// A file that has grown beyond is followed by a new one.
const FILE_MAX_BYTES: u64 = 64 << 20;
/// `prev` of the first line.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The end of the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Number of the last record, 0 when there is none.
    pub seq: u64,
    /// Its hash, 64 hex digits.
    pub hash: String,
}

impl Default for Head {
    fn default() -> Self {
        Self { seq: 0, hash: GENESIS.to_owned() }
    }
}

/// What was wrong with the files when they were opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// A crash left half a line, which was cut off.
    TornLine {
        /// How many bytes were cut.
        n_bytes: usize,
    },
    /// The newest file does not hold together; a new one was begun.
    Broken,
}

/// A queued record.
struct Entry {
    /// JSON object of the event.
    json: Vec<u8>,
    /// The change of the store that it is about.
    generation: Option<u64>,
}

/// The writer of the chain.
pub(crate) struct AuditLog {
    group: Group<Entry>,
    writer: Mutex<Writer>,
    file_max_bytes: AtomicU64,
    damage: Option<Damage>,
}

struct Writer {
    folder: Box<dyn AuditFolder>,
    number: u32,
    length: u64,
    head: Head,
    generation: u64,
}

impl AuditLog {
    /// Opens the folder and takes up the chain where it ended.
    pub(crate) fn open(mut folder: Box<dyn AuditFolder>) -> io::Result<Self> {
        let numbers = folder.numbers()?;
        let (mut head, mut generation, mut damage) = (Head::default(), 0, None);
        let (mut number, mut length) = (0, 0);
        // An empty file was begun right before a crash: the end is in the one before.
        for candidate in numbers.iter().rev().copied() {
            let bytes = folder.read(candidate)?;
            let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
            if number == 0 {
                (number, length) = (candidate, whole as u64);
                if whole < bytes.len() {
                    folder.truncate(candidate, length)?;
                    damage = Some(Damage::TornLine { n_bytes: bytes.len() - whole });
                }
            }
            if whole == 0 {
                continue;
            }
            match tail(&bytes[..whole]) {
                Some(found) => (head, generation) = found,
                None => damage = Some(Damage::Broken),
            }
            break;
        }
        if number == 0 || damage == Some(Damage::Broken) {
            number += 1;
            length = 0;
            folder.begin(number)?;
        } else {
            folder.resume(number)?;
        }
        Ok(Self {
            group: Group::new(),
            writer: Mutex::new(Writer { folder, number, length, head, generation }),
            file_max_bytes: AtomicU64::new(FILE_MAX_BYTES),
            damage,
        })
    }

    /// What was wrong when it was opened.
    pub(crate) fn damage(&self) -> Option<Damage> {
        self.damage
    }

    /// The end of the chain: all of it is durable.
    pub(crate) fn head(&self) -> Head {
        self.writer.lock().head.clone()
    }

    /// The newest change of the store that has a record.
    pub(crate) fn generation(&self) -> u64 {
        self.writer.lock().generation
    }

    /// Whether nothing more can be recorded.
    pub(crate) fn is_broken(&self) -> bool {
        self.group.has_failed()
    }

    /// Begins a new file once one is longer.
    pub(crate) fn rotate_at(&self, n_bytes: u64) {
        self.file_max_bytes.store(n_bytes, Ordering::Relaxed);
    }

    /// Records an event; durable when the call returns.
    pub(crate) fn record(&self, event: &Event) -> io::Result<()> {
        self.wait(self.enqueue(event.to_json(), None))
    }

    /// Queues the JSON of an event; its ticket is for [`Self::wait`].
    pub(crate) fn enqueue(&self, json: Vec<u8>, generation: Option<u64>) -> u64 {
        self.group.enqueue(Entry { json, generation })
    }

    /// Returns when the record of a ticket is durable.
    pub(crate) fn wait(&self, ticket: u64) -> io::Result<()> {
        self.group.wait(ticket, |batch| self.write(batch)).map_err(|_| {
            io::Error::other("a record of the audit could not be written; restart the vault")
        })
    }

    /// Whether the record of a ticket is durable.
    pub(crate) fn is_durable(&self, ticket: u64) -> bool {
        self.group.is_done(ticket)
    }

    /// A page of the durable lines, newest first. The writer is held for one part at a time.
    pub(crate) fn page(
        &self,
        vault: Option<&str>,
        cursor: Option<Cursor>,
        limit: usize,
    ) -> io::Result<AuditPage> {
        let files = self.files()?;
        let read = |number, offset, n_bytes| self.read_part(number, offset, n_bytes);
        list::page(&files, &read, vault, cursor, limit)
    }

    /// The durable lines behind a place, oldest first.
    pub(crate) fn since(&self, after: u64) -> io::Result<AuditLines> {
        let files = self.files()?;
        let read = |number, offset, n_bytes| self.read_part(number, offset, n_bytes);
        since::since(&files, &read, after)
    }

    /// Numbers and durable lengths of the files.
    fn files(&self) -> io::Result<Vec<(u32, u64)>> {
        let writer = self.writer.lock();
        let mut files = list::files(&*writer.folder)?;
        // What lies beyond was not synced.
        for (number, length) in &mut files {
            if *number == writer.number {
                *length = writer.length;
            }
        }
        Ok(files)
    }

    fn read_part(&self, number: u32, offset: u64, n_bytes: u64) -> io::Result<Vec<u8>> {
        self.writer.lock().folder.read_part(number, offset, n_bytes)
    }

    fn write(&self, batch: Vec<Entry>) -> bool {
        if batch.is_empty() {
            return true;
        }
        let mut writer = self.writer.lock();
        writer.write(batch, self.file_max_bytes.load(Ordering::Relaxed)).is_ok()
    }
}

impl Writer {
    fn write(&mut self, batch: Vec<Entry>, file_max_bytes: u64) -> io::Result<()> {
        if self.length >= file_max_bytes {
            self.folder.begin(self.number + 1)?;
            self.number += 1;
            self.length = 0;
        }
        let mut head = self.head.clone();
        let mut generation = self.generation;
        let mut lines = Vec::with_capacity(batch.iter().map(|e| e.json.len() + 256).sum());
        let mut begins = (self.length == 0).then_some(self.number);
        for entry in batch {
            generation = generation.max(entry.generation.unwrap_or(0));
            head = chain(&mut lines, &head, generation, begins.take(), &entry.json);
        }
        self.folder.append(&lines)?;
        self.folder.sync()?;
        self.length += lines.len() as u64;
        (self.head, self.generation) = (head, generation);
        Ok(())
    }
}

/// Appends one line to `out` and returns the new end of the chain.
fn chain(
    out: &mut Vec<u8>,
    head: &Head,
    generation: u64,
    begins: Option<u32>,
    json: &[u8],
) -> Head {
    let start = out.len();
    let seq = head.seq + 1;
    let prev = &head.hash;
    out.extend_from_slice(
        format!("{{\"seq\":{seq},\"prev\":\"{prev}\",\"generation\":{generation},").as_bytes(),
    );
    if let Some(number) = begins {
        out.extend_from_slice(format!("\"file\":{number},").as_bytes());
    }
    // Without its braces: `{…}` becomes `…`.
    out.extend_from_slice(json.get(1..json.len() - 1).unwrap_or_default());
    let hash = hex::encode(sha256(&out[start..]));
    out.extend_from_slice(format!(",\"hash\":\"{hash}\"}}\n").as_bytes());
    Head { seq, hash }
}

/// The place of a line in the chain.
#[derive(Debug, Deserialize)]
pub(super) struct Place {
    pub(super) seq: u64,
    pub(super) prev: String,
    pub(super) generation: u64,
    /// Number of the file that the line begins.
    pub(super) file: Option<u32>,
    pub(super) hash: String,
}

/// Reads a line without its newline; `None` when its hash does not fit its bytes.
pub(super) fn place(line: &[u8]) -> Option<Place> {
    const TAIL_BYTES: usize = ",\"hash\":\"\"}".len() + 64;
    let place: Place = serde_json::from_slice(line).ok()?;
    let (body, tail) = line.split_at_checked(line.len().checked_sub(TAIL_BYTES)?)?;
    let hash = hex::encode(sha256(body));
    let expected = format!(",\"hash\":\"{hash}\"}}");
    (tail == expected.as_bytes() && place.hash == hash).then_some(place)
}

/// The end of the chain and the newest generation, when the whole file holds together.
fn tail(bytes: &[u8]) -> Option<(Head, u64)> {
    let mut last: Option<Place> = None;
    for line in bytes.split_inclusive(|b| *b == b'\n') {
        let next = place(line.strip_suffix(b"\n")?)?;
        if let Some(last) = &last
            && (next.seq != last.seq + 1 || next.prev != last.hash)
        {
            return None;
        }
        last = Some(next);
    }
    last.map(|place| (Head { seq: place.seq, hash: place.hash }, place.generation))
}
