//! The store in one SQLite file.

use std::path::Path;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, params};

use super::{Address, Change, Record, Store};
use crate::Error;

/// [`Store`] in one SQLite file, held exclusively by one process.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Mutex<Connection>,
}

/// Marks the file as ours: "pgkv" in ASCII.
const APPLICATION_ID: i32 = 0x7067_6b76;
/// 1 had no generations.
const SCHEMA_VERSION: i32 = 2;
/// No record is longer.
const BODY_MAX_BYTES: i64 = 4 << 20;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS record (
        kind       TEXT    NOT NULL,
        name       TEXT    NOT NULL,
        version    TEXT    NOT NULL,
        generation INTEGER NOT NULL CHECK (generation > 0),
        body       BLOB    NOT NULL,
        PRIMARY KEY (kind, name, version)
    ) STRICT, WITHOUT ROWID;
";

impl SqliteStore {
    /// Opens or makes the file. A second process that opens it is refused.
    ///
    /// # Errors
    /// `Store` when the file is in use, damaged or of another program, `Format` when another
    /// release made it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Store { doing: "open", source };
        let connection = Connection::open(path).map_err(failed)?;
        let version = prepare(&connection).map_err(failed)?;
        match version {
            0 => connection
                .execute_batch(&format!(
                    "BEGIN EXCLUSIVE; {SCHEMA}
                     PRAGMA application_id = {APPLICATION_ID};
                     PRAGMA user_version = {SCHEMA_VERSION};
                     COMMIT;"
                ))
                .map_err(failed)?,
            SCHEMA_VERSION => {}
            found => return Err(Error::Format { found, expected: SCHEMA_VERSION }),
        }
        Ok(Self { connection: Mutex::new(connection) })
    }
}

/// Takes the file for this process alone and returns the version of its format, 0 for a new one.
fn prepare(connection: &Connection) -> rusqlite::Result<i32> {
    connection.busy_timeout(Duration::ZERO)?;
    // Exclusive before WAL: no shared-memory file, and a second process cannot join.
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    // Takes the exclusive lock also where nothing is to be made.
    connection.execute_batch("BEGIN EXCLUSIVE; COMMIT;")?;
    match (version, application) {
        (0, 0) => Ok(0),
        (version, APPLICATION_ID) if version > 0 => Ok(version),
        _ => Err(rusqlite::Error::InvalidQuery),
    }
}

impl Store for SqliteStore {
    fn read(&self) -> Result<Vec<Record>, Error> {
        let connection = self.connection.lock();
        let read = || -> rusqlite::Result<Vec<Record>> {
            let mut rows = connection.prepare(
                "SELECT kind, name, version, generation, body FROM record
                  WHERE length(body) <= ?1",
            )?;
            let records = rows.query_map([BODY_MAX_BYTES], |row| {
                let address =
                    Address { kind: row.get(0)?, name: row.get(1)?, version: row.get(2)? };
                let generation: i64 = row.get(3)?;
                Ok(Record { address, generation: generation.unsigned_abs(), body: row.get(4)? })
            })?;
            records.collect()
        };
        read().map_err(|source| Error::Store { doing: "read", source })
    }

    fn apply(&self, changes: &[Change]) -> Result<(), Error> {
        let mut connection = self.connection.lock();
        let mut erased = false;
        let mut write = || -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            {
                let mut put = transaction.prepare_cached(
                    "INSERT OR REPLACE INTO record (kind, name, version, generation, body)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?;
                let mut remove = transaction.prepare_cached(
                    "DELETE FROM record WHERE kind = ?1 AND name = ?2 AND version = ?3",
                )?;
                for change in changes {
                    match change {
                        Change::Put(Record { address: at, generation, body }) => {
                            let generation = i64::try_from(*generation)
                                .map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))?;
                            put.execute(params![at.kind, at.name, at.version, generation, body])?;
                        }
                        Change::Remove(at) => {
                            erased |= at.kind != "outbox";
                            remove.execute(params![at.kind, at.name, at.version])?;
                        }
                    }
                }
            }
            transaction.commit()?;
            if erased {
                // The log still holds pages from before: what was removed must go from there too.
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            }
            Ok(())
        };
        write().map_err(|source| Error::Store { doing: "write to", source })
    }
}
