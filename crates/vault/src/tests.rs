//! The vault over a real store, a real seal file and a real audit, with a clock that is set.

mod authority;
mod calls;
mod chain;
mod crashes;
mod due;
mod identities;
mod plane;
mod roles;
mod sealing;
mod seals;
mod simulated;
mod tokens;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base::{Changed, Clock, Secret, ServerName};
use crypto::OsRandom;
use jiff::Timestamp;
use serde_json::Value;

use crate::keyvault::model::{
    Answer, Call, Context, KeyBundle, KeyParameters, Op, Operation, OperationResult, Principal,
    Refusal, Reply,
};
use crate::{
    Attestation, Caller, CounterFile, Doors, Error, FolderFiles, KeyVaults, NewVault, Role,
    SealFile, Seals, SqliteStore, State, Vault, Wrapped,
};

/// OS users of the tests.
const OWN: Caller<'static> = Caller::own(980);
const OPERATOR: Caller<'static> = Caller::own(1000);
const PLANE: Caller<'static> = Caller::own(990);
const AGENT: Caller<'static> = Caller::own(101);
const OTHER_AGENT: Caller<'static> = Caller::own(102);

/// 2027-01-15T08:00:00Z.
const START: i64 = 1_800_000_000;
const DAY: i64 = 24 * 3600;

/// A clock that stands where it is set.
#[derive(Clone)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(START)))
    }

    fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::SeqCst);
    }

    fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::SeqCst)).unwrap()
    }
}

/// One vault's folder.
struct Folder {
    dir: tempfile::TempDir,
    clock: Hand,
}

impl Folder {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock: Hand::new() }
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
            counter: Box::new(CounterFile::new(self.path("vault.counter"))),
            seals: Seals::new(Box::new(SealFile::new(self.path("seal.key")))),
            audit: Box::new(FolderFiles::new(self.path("audit"))),
            random: Box::new(OsRandom),
            clock: Box::new(self.clock.clone()),
            operators: vec![OPERATOR.uid],
            plane: PLANE.uid,
            hostnames: vec!["db1".to_owned()],
            authority: "vault.localhost:8443".to_owned(),
        }
    }

    /// A new vault with identities for the servers `a` and `b`.
    fn filled(&self) -> Vault {
        let vault = self.open();
        assert_eq!(vault.initialize(OWN).unwrap(), Changed::Changed);
        for (server, uid) in [("a", AGENT.uid), ("b", OTHER_AGENT.uid)] {
            let _ = vault.key_create(PLANE, &name(server), uid).unwrap();
        }
        vault
    }

    /// Every line of the audit.
    fn audit(&self) -> Vec<Value> {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(self.path("audit")).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        files
            .iter()
            .flat_map(|file| {
                let text = std::fs::read_to_string(file).unwrap();
                text.lines().map(|l| serde_json::from_str(l).unwrap()).collect::<Vec<Value>>()
            })
            .collect()
    }

    /// `operation status` of every line of the audit.
    fn heard(&self) -> Vec<String> {
        let line = |line: &Value| {
            let operation = line["operationName"].as_str().unwrap();
            format!("{operation} {}", line["properties"]["httpStatusCode"])
        };
        self.audit().iter().map(line).collect()
    }
}

/// A vault process with one key vault `v`.
struct House {
    folder: Folder,
    vault: Vault,
    kv: KeyVaults,
}

impl House {
    fn new() -> Self {
        Self::with(&NewVault { name: "v-1".to_owned(), ..NewVault::default() })
    }

    fn with(new: &NewVault) -> Self {
        let folder = Folder::new();
        let vault = folder.filled();
        let kv = vault.key_vaults();
        let (_, changed) = kv.vault_create(OPERATOR, new).unwrap();
        assert_eq!(changed, Changed::Changed);
        Self { folder, vault, kv }
    }

    fn clock(&self) -> &Hand {
        &self.folder.clock
    }

    /// An identity with a role for the whole vault.
    fn identity(&self, name: &str, role: Role) -> Principal {
        let (identity, _) =
            self.kv.identity_create(OPERATOR, name, &Attestation::default()).unwrap();
        let _ = self.kv.role_assign(OPERATOR, "v-1", None, role, name).unwrap();
        identity.principal()
    }

    fn ask(&self, principal: &Principal, op: Op) -> Result<Answer, Refusal> {
        self.kv.call(call(principal, op))
    }

    /// As an operator.
    fn does(&self, op: Op) -> Result<Reply, Refusal> {
        self.ask(&operator(), op).map(|answer| answer.reply)
    }

    #[track_caller]
    fn bundle(&self, op: Op) -> KeyBundle {
        match self.does(op) {
            Ok(Reply::Key(bundle)) => *bundle,
            other => panic!("expected a key, got {other:?}"),
        }
    }

    #[track_caller]
    fn result(&self, op: Op) -> OperationResult {
        match self.does(op) {
            Ok(Reply::Result(result)) => result,
            other => panic!("expected a result, got {other:?}"),
        }
    }

    /// A small and quick key.
    fn ec(&self, key: &str) -> KeyBundle {
        self.bundle(create(key, "EC"))
    }

    #[track_caller]
    fn refused(&self, op: Op, status: u16, inner: Option<&str>) -> Refusal {
        expect_refusal(self.does(op), status, inner)
    }
}

fn operator() -> Principal {
    Principal::Local { uid: OPERATOR.uid }
}

fn call(principal: &Principal, op: Op) -> Call {
    let context = Context {
        request_id: "r-1".to_owned(),
        api_version: "2025-07-01".to_owned(),
        caller_address: "127.0.0.1".to_owned(),
        ..Context::default()
    };
    Call { vault: "V-1".to_owned(), principal: principal.clone(), op, context }
}

fn create(key: &str, kty: &str) -> Op {
    let parameters = KeyParameters { kty: kty.to_owned(), ..KeyParameters::default() };
    Op::Create { name: key.to_owned(), parameters }
}

fn get(key: &str) -> Op {
    Op::Get { name: key.to_owned(), version: None }
}

fn operation(alg: &str, value: &[u8]) -> Operation {
    let value = Secret::new(value.to_vec());
    Operation { alg: alg.to_owned(), value, iv: None, aad: None, tag: None }
}

fn sign(key: &str) -> Op {
    let parameters = operation("ES256", &[7; 32]);
    Op::Sign { name: key.to_owned(), version: None, parameters }
}

#[track_caller]
fn expect_refusal<T: std::fmt::Debug>(
    outcome: Result<T, Refusal>,
    status: u16,
    inner: Option<&str>,
) -> Refusal {
    match outcome {
        Err(refusal) => {
            assert_eq!((refusal.status, refusal.inner_code), (status, inner), "{refusal:?}");
            refusal
        }
        Ok(answer) => panic!("expected {status} {inner:?}, got {answer:?}"),
    }
}

fn name(text: &str) -> ServerName {
    ServerName::new(text).unwrap()
}

fn data_key(byte: u8) -> Secret<Vec<u8>> {
    Secret::new(vec![byte; 32])
}

fn wrapped(vault: &Vault) -> Wrapped {
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
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(all_bytes(&path));
        } else {
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    bytes
}
