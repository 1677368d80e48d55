//! The bounded journal of one server: its states and what its storage reported.
//!
//! One JSON object a line, numbered without gaps, no secrets. The plane collects it by number.
//! When it grows past a limit the older half goes; the numbers go on.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base::StateRecord;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::custody::ClockUsed;
use crate::customer::{KeyFailure, KeyReference};
use crate::status::{Recovery, Tamper};
use crate::{Error, durable};

/// The journal is halved when it is larger.
const MAX_BYTES: u64 = 1 << 20;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts up by one, from 1.
    pub seq: u64,
    /// When it was written.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What can happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// A state was entered.
    State(StateRecord),
    /// Stored bytes were not what was written.
    Tamper(Tamper),
    /// The store was opened after an unclean stop.
    Recovery(Recovery),
    /// A write or sync of the backing store failed.
    Poisoned {
        /// Which file.
        file: String,
        /// What the backing file system answered.
        reason: String,
    },
    /// What holds for the key of the owner has changed.
    Key(KeyTransition),
    /// The data key was wrapped anew.
    Rewrap(KeyRewrap),
    /// Something else worth keeping, in one sentence.
    Note {
        /// The sentence.
        text: String,
    },
}

/// What holds for a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyHealth {
    /// Nobody has looked yet.
    Unchecked,
    /// It may be used and opens.
    Usable,
    /// Nothing is known; the server goes on for the grace time.
    Doubtful,
    /// It may not be used, or nothing was known for too long.
    Lost,
}

/// A change of what holds for the owner's key. Status and code of the vault stand in `failure`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyTransition {
    /// What held before.
    pub from: KeyHealth,
    /// What holds now.
    pub to: KeyHealth,
    /// What made it so; `None` when the key is usable.
    pub failure: Option<KeyFailure>,
    /// The key.
    #[serde(flatten)]
    pub reference: KeyReference,
    /// The version that wraps the data key.
    pub key_version: String,
    /// Whose clock judged the dates of a usable key.
    pub clock: Option<ClockUsed>,
}

/// The data key was wrapped by another version, key or identity; the old wrapping is forgotten.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRewrap {
    /// Key and identity before.
    pub from: KeyReference,
    /// Version before.
    pub from_version: String,
    /// Key and identity now.
    pub to: KeyReference,
    /// Version now.
    pub to_version: String,
}

/// The journal, open for appending.
#[derive(Debug)]
pub struct History {
    path: PathBuf,
    next: u64,
}

impl History {
    /// Opens the journal and finds its last number; lines that cannot be read are passed over,
    /// because a line torn by a crash must not stop a server.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let last = read(path)?.last().map_or(0, |entry| entry.seq);
        Ok(Self { path: path.to_owned(), next: last + 1 })
    }

    /// Everything that is still kept, oldest first.
    pub fn entries(&self) -> Result<Vec<Entry>, Error> {
        read(&self.path)
    }

    /// Appends one event.
    pub fn append(&mut self, at: Timestamp, event: Event) -> Result<(), Error> {
        let entry = Entry { seq: self.next, at, event };
        let mut line = serde_json::to_vec(&entry).expect("because an entry has only string keys");
        line.push(b'\n');
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&self.path)
            .map_err(Error::io("open", &self.path))?;
        // One write, so that a crash tears at most this line; the newline before the next one
        // is not needed, since a torn line and its successor are passed over together.
        file.write_all(&line).map_err(Error::io("write", &self.path))?;
        self.next += 1;
        let size = file.metadata().map_err(Error::io("look at", &self.path))?.len();
        if size > MAX_BYTES { self.halve() } else { Ok(()) }
    }

    fn halve(&self) -> Result<(), Error> {
        let entries = self.entries()?;
        let mut kept = Vec::new();
        for entry in &entries[entries.len() / 2..] {
            serde_json::to_writer(&mut kept, entry).expect("because an entry has only string keys");
            kept.push(b'\n');
        }
        durable::replace(&self.path, &kept, 0o600)
    }
}

fn read(path: &Path) -> Result<Vec<Entry>, Error> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(Error::io("read", path)(e)),
    };
    let lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(text: &str) -> Event {
        Event::Note { text: text.to_owned() }
    }

    #[test]
    fn numbers_go_on_after_reopening_and_after_a_torn_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        let now = Timestamp::UNIX_EPOCH;
        let mut history = History::open(&path).unwrap();
        history.append(now, note("one")).unwrap();
        history.append(now, note("two")).unwrap();
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"seq\":3,\"at\"\n").unwrap();
        let mut history = History::open(&path).unwrap();
        history.append(now, note("three")).unwrap();
        let seen: Vec<_> = history.entries().unwrap().iter().map(|e| e.seq).collect();
        assert_eq!(seen, [1, 2, 3]);
    }

    #[test]
    fn stays_bounded_and_keeps_the_newest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history.jsonl");
        let mut history = History::open(&path).unwrap();
        let text = "x".repeat(10_000);
        for _ in 0..300 {
            history.append(Timestamp::UNIX_EPOCH, note(&text)).unwrap();
            assert!(path.metadata().unwrap().len() <= MAX_BYTES + 20_000);
        }
        let entries = history.entries().unwrap();
        assert_eq!(entries.last().unwrap().seq, 300);
        assert!(entries.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
    }
}
