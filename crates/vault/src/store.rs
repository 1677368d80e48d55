//! Where records lie. A store knows no keys: what must be secret is sealed before it comes here.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::Error;

/// One record; its body is opaque here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it is, for example `key`.
    pub kind: String,
    /// Which one.
    pub name: String,
    /// Counts from 1 within a name.
    pub version: u32,
    /// The sealed bytes.
    pub body: Vec<u8>,
}

/// Durable records. A write is on disk when the call returns.
pub trait Store: Send {
    /// The newest version of a record.
    fn newest(&self, kind: &str, name: &str) -> Result<Option<Record>, Error>;

    /// One version of a record.
    fn version(&self, kind: &str, name: &str, version: u32) -> Result<Option<Record>, Error>;

    /// Adds or replaces all of `records`, or none.
    fn put(&self, records: &[Record]) -> Result<(), Error>;

    /// Removes every version of a record; true when there was one.
    fn remove(&self, kind: &str, name: &str) -> Result<bool, Error>;

    /// True when there is no record at all.
    fn is_empty(&self) -> Result<bool, Error>;
}

/// [`Store`] in one SQLite file, held exclusively by one process.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Mutex<Connection>,
}

/// Marks the file as ours: "pgkv" in ASCII.
const APPLICATION_ID: i32 = 0x7067_6b76;
const SCHEMA_VERSION: i32 = 1;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS record (
        kind    TEXT    NOT NULL,
        name    TEXT    NOT NULL,
        version INTEGER NOT NULL CHECK (version > 0),
        body    BLOB    NOT NULL,
        PRIMARY KEY (kind, name, version)
    ) STRICT, WITHOUT ROWID;
";

impl SqliteStore {
    /// Opens or makes the file. A second process that opens it is refused.
    ///
    /// # Errors
    /// `Store` when the file is in use, damaged, of another program, or of a newer format.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Store { doing: "open", source };
        let connection = Connection::open(path).map_err(failed)?;
        prepare(&connection).map_err(failed)?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// A panic elsewhere leaves SQLite between transactions, so a poisoned lock is still good.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(Duration::ZERO)?;
    // Exclusive before WAL: no shared-memory file, and a second process cannot join.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    match (version, application) {
        (0, 0) | (SCHEMA_VERSION, APPLICATION_ID) => {}
        _ => return Err(rusqlite::Error::InvalidQuery),
    }
    connection.execute_batch(&format!(
        "BEGIN EXCLUSIVE; {SCHEMA}
         PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};
         COMMIT;"
    ))
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record { kind: row.get(0)?, name: row.get(1)?, version: row.get(2)?, body: row.get(3)? })
}

impl Store for SqliteStore {
    fn newest(&self, kind: &str, name: &str) -> Result<Option<Record>, Error> {
        self.connection()
            .query_row(
                "SELECT kind, name, version, body FROM record
                  WHERE kind = ?1 AND name = ?2 ORDER BY version DESC LIMIT 1",
                params![kind, name],
                read,
            )
            .optional()
            .map_err(|source| Error::Store { doing: "read", source })
    }

    fn version(&self, kind: &str, name: &str, version: u32) -> Result<Option<Record>, Error> {
        self.connection()
            .query_row(
                "SELECT kind, name, version, body FROM record
                  WHERE kind = ?1 AND name = ?2 AND version = ?3",
                params![kind, name, version],
                read,
            )
            .optional()
            .map_err(|source| Error::Store { doing: "read", source })
    }

    fn put(&self, records: &[Record]) -> Result<(), Error> {
        let mut connection = self.connection();
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            for record in records {
                transaction.execute(
                    "INSERT OR REPLACE INTO record (kind, name, version, body)
                     VALUES (?1, ?2, ?3, ?4)",
                    params![record.kind, record.name, record.version, record.body],
                )?;
            }
            transaction.commit()
        };
        write(&mut connection).map_err(|source| Error::Store { doing: "write to", source })
    }

    fn remove(&self, kind: &str, name: &str) -> Result<bool, Error> {
        self.connection()
            .execute("DELETE FROM record WHERE kind = ?1 AND name = ?2", params![kind, name])
            .map(|n| n > 0)
            .map_err(|source| Error::Store { doing: "write to", source })
    }

    fn is_empty(&self) -> Result<bool, Error> {
        self.connection()
            .query_row("SELECT NOT EXISTS (SELECT 1 FROM record)", [], |row| row.get(0))
            .map_err(|source| Error::Store { doing: "read", source })
    }
}
