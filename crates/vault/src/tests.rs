//! The vault over a real store and a real seal file, with a clock that stands still.

mod authority;
mod identities;
mod sealing;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use base::{Changed, Clock, Secret, ServerName};
use crypto::OsRandom;
use jiff::Timestamp;

use crate::{
    Audit, AuditEntry, Caller, Doors, Error, SealFile, SqliteStore, State, Vault, Wrapped,
};

/// OS users of the tests.
const OWN: Caller = Caller { uid: 980 };
const OPERATOR: Caller = Caller { uid: 1000 };
const PLANE: Caller = Caller { uid: 990 };
const AGENT: Caller = Caller { uid: 101 };
const OTHER_AGENT: Caller = Caller { uid: 102 };

struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000).expect("because it is in range")
    }
}

/// Keeps `op subject outcome`; fails when told to.
#[derive(Clone, Default)]
struct Heard {
    lines: Arc<Mutex<Vec<String>>>,
    broken: Arc<Mutex<bool>>,
}

impl Audit for Heard {
    fn record(&mut self, entry: &AuditEntry<'_>) -> std::io::Result<()> {
        if *self.broken.lock().unwrap() {
            return Err(std::io::Error::other("disk full"));
        }
        let line = format!("{} {} {} {}", entry.uid, entry.op, entry.subject, entry.outcome);
        self.lines.lock().unwrap().push(line);
        Ok(())
    }
}

/// One vault's folder.
struct Folder {
    dir: tempfile::TempDir,
    heard: Heard,
}

impl Folder {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), heard: Heard::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn open(&self) -> Vault {
        Vault::open(self.doors()).unwrap()
    }

    fn doors(&self) -> Doors {
        Doors {
            store: Box::new(SqliteStore::open(&self.path("vault.db")).unwrap()),
            seal: Box::new(SealFile::new(self.path("seal.key"))),
            audit: Box::new(self.heard.clone()),
            random: Box::new(OsRandom),
            clock: Box::new(Still),
            operators: vec![OPERATOR.uid],
            plane: PLANE.uid,
            hostnames: vec!["db1".to_owned()],
        }
    }

    /// A new vault with identities for `a` and `b`.
    fn filled(&self) -> Vault {
        let mut vault = self.open();
        assert_eq!(vault.initialize(OWN).unwrap(), Changed::Changed);
        for (server, uid) in [("a", AGENT.uid), ("b", OTHER_AGENT.uid)] {
            let _ = vault.key_create(PLANE, &name(server), uid).unwrap();
        }
        vault
    }
}

fn name(text: &str) -> ServerName {
    ServerName::new(text).unwrap()
}

fn data_key(byte: u8) -> Secret<Vec<u8>> {
    Secret::new(vec![byte; 32])
}

fn wrapped(vault: &mut Vault) -> Wrapped {
    vault.wrap(AGENT, &name("a"), &data_key(7)).unwrap()
}

/// The state and that the reason names what is wrong.
#[track_caller]
fn expect_sealed(vault: &Vault, word: &str) {
    let (state, reason) = vault.status();
    assert_eq!(state, State::Sealed, "{reason}");
    assert!(reason.contains(word), "{reason}");
}

#[track_caller]
fn expect_forbidden<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    assert!(matches!(outcome, Err(Error::Forbidden(_))), "{outcome:?}");
}

/// Every byte of a folder's files, to look for what must not be there.
fn all_bytes(folder: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap();
    files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}
