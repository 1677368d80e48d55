//! Where records lie. A store knows no keys: what must be secret is sealed before it comes here,
//! and it is not trusted: the ledger notices what was changed, removed or put back.

mod counter;
mod sqlite;

pub use counter::{Counter, CounterFile, SLOT_MAX_BYTES};
pub use sqlite::SqliteStore;

use crate::Error;

/// What names a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// What it is, for example `key`.
    pub kind: String,
    /// Which one.
    pub name: String,
    /// Which version of it; empty for what has none.
    pub version: String,
}

impl Address {
    /// Names a record.
    pub fn new(kind: &str, name: &str, version: &str) -> Self {
        Self { kind: kind.to_owned(), name: name.to_owned(), version: version.to_owned() }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)?;
        if self.version.is_empty() { Ok(()) } else { write!(f, "/{}", self.version) }
    }
}

/// One record; its body is opaque here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What names it.
    pub address: Address,
    /// The change of the store that wrote it, counted from 1.
    pub generation: u64,
    /// The sealed bytes.
    pub body: Vec<u8>,
}

/// One step of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds a record or replaces the one of the same address.
    Put(Record),
    /// Removes a record, if it is there, and overwrites what it was.
    Remove(Address),
}

/// Durable records.
pub trait Store: Send + Sync {
    /// Every record there is.
    fn read(&self) -> Result<Vec<Record>, Error>;

    /// Makes all of `changes`, in order, or none. They are on disk when the call returns.
    fn apply(&self, changes: &[Change]) -> Result<(), Error>;
}
