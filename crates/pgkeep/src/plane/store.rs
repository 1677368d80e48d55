//! What the plane remembers: which servers there are, and the history of their states.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{Fault, ServerName};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::access::SCHEMA as ACCESS_SCHEMA;
use super::logs::SAVED_SCHEMA;
use super::posture::SCHEMA as POSTURE_SCHEMA;
use super::states::{self, SCHEMA as STATES_SCHEMA};

/// One server that exists or is being made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerRow {
    /// Its name.
    pub(crate) name: ServerName,
    /// The port that is reserved for it.
    pub(crate) port: u16,
    /// Since when.
    pub(crate) created_at: Timestamp,
}

/// One state that a server was seen in.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Seen {
    /// The state's name.
    pub(crate) state: String,
    /// Why.
    pub(crate) state_reason: String,
    /// Since when.
    pub(crate) state_since: String,
}

/// Durable state of the plane.
pub(crate) trait Store: Send + Sync {
    /// All servers by name.
    fn servers(&self) -> Result<Vec<ServerRow>, Fault>;
    /// One server.
    fn server(&self, name: &ServerName) -> Result<Option<ServerRow>, Fault>;
    /// Adds a server; false when the name or the port is taken.
    fn add_server(&self, row: &ServerRow) -> Result<bool, Fault>;
    /// Forgets a server and its history.
    fn remove_server(&self, name: &ServerName) -> Result<bool, Fault>;
    /// Adds to the history of a server what is not its newest entry already.
    fn note_state(&self, name: &ServerName, seen: &Seen) -> Result<(), Fault>;
    /// The newest entries of a server's history, newest first.
    fn history(&self, name: &ServerName, limit: u32) -> Result<Vec<Seen>, Fault>;
    /// A remembered word.
    fn mark(&self, key: &str) -> Result<Option<String>, Fault>;
    /// Remembers a word.
    fn set_mark(&self, key: &str, value: &str) -> Result<(), Fault>;
}

/// [`Store`] in one SQLite file, held exclusively by one process.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    connection: Mutex<Connection>,
}

/// Marks the file as ours: "pgkp" in ASCII.
const APPLICATION_ID: i32 = 0x7067_6b70;
/// Version 2 added the tables of access, version 3 saved queries, version 4 the states of all
/// servers in one list, version 5 assessments and what belongs to them.
const SCHEMA_VERSION: i32 = 5;
/// Older entries of a server's history are dropped.
const HISTORY_MAX: u32 = 1000;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS server (
        name       TEXT    PRIMARY KEY,
        port       INTEGER NOT NULL UNIQUE CHECK (port BETWEEN 1 AND 65535),
        created_at TEXT    NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS history (
        id           INTEGER PRIMARY KEY,
        server       TEXT NOT NULL REFERENCES server (name) ON DELETE CASCADE,
        state        TEXT NOT NULL,
        state_reason TEXT NOT NULL,
        state_since  TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS history_server ON history (server, id);
    CREATE TABLE IF NOT EXISTS mark (
        key   TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
";

impl SqliteStore {
    /// Opens or makes the file.
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        let connection = Connection::open(path).and_then(prepare).map_err(|e| {
            Fault::from_error("plane_store", format!("could not open {}", path.display()), &e)
        })?;
        Ok(Self { connection: Mutex::new(connection) })
    }

    /// A panic elsewhere leaves SQLite between transactions, so a poisoned lock is still good.
    pub(super) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn prepare(connection: Connection) -> rusqlite::Result<Connection> {
    connection.busy_timeout(Duration::ZERO)?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    let version: i32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if !matches!((version, application), (0, 0) | (1..=SCHEMA_VERSION, APPLICATION_ID)) {
        return Err(rusqlite::Error::InvalidQuery);
    }
    connection.execute_batch(&format!(
        "BEGIN EXCLUSIVE; {SCHEMA} {ACCESS_SCHEMA} {SAVED_SCHEMA} {STATES_SCHEMA}
         {POSTURE_SCHEMA}
         PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};
         COMMIT;"
    ))?;
    Ok(connection)
}

pub(super) fn failed(e: &rusqlite::Error) -> Fault {
    Fault::from_error("plane_store", "the plane's store failed", e)
}

fn server_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<ServerRow> {
    let bad = |i, e: Box<dyn std::error::Error + Send + Sync>| {
        rusqlite::Error::FromSqlConversionFailure(i, rusqlite::types::Type::Text, e)
    };
    let name: String = row.get(0)?;
    let created_at: String = row.get(2)?;
    Ok(ServerRow {
        name: ServerName::new(&name).map_err(|e| bad(0, e.into()))?,
        port: row.get(1)?,
        created_at: created_at.parse().map_err(|e: jiff::Error| bad(2, e.into()))?,
    })
}

fn seen_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Seen> {
    Ok(Seen { state: row.get(0)?, state_reason: row.get(1)?, state_since: row.get(2)? })
}

impl Store for SqliteStore {
    fn servers(&self) -> Result<Vec<ServerRow>, Fault> {
        let connection = self.connection();
        let query = || -> rusqlite::Result<Vec<ServerRow>> {
            connection
                .prepare_cached("SELECT name, port, created_at FROM server ORDER BY name")?
                .query_map([], server_row)?
                .collect()
        };
        query().map_err(|e| failed(&e))
    }

    fn server(&self, name: &ServerName) -> Result<Option<ServerRow>, Fault> {
        let sql = "SELECT name, port, created_at FROM server WHERE name = ?1";
        let row = self.connection().query_row(sql, [name.as_str()], server_row).optional();
        row.map_err(|e| failed(&e))
    }

    fn add_server(&self, row: &ServerRow) -> Result<bool, Fault> {
        let added = self.connection().execute(
            "INSERT OR IGNORE INTO server (name, port, created_at) VALUES (?1, ?2, ?3)",
            params![row.name.as_str(), row.port, row.created_at.to_string()],
        );
        added.map(|n| n > 0).map_err(|e| failed(&e))
    }

    fn remove_server(&self, name: &ServerName) -> Result<bool, Fault> {
        let sql = "DELETE FROM server WHERE name = ?1";
        let removed = self.connection().execute(sql, [name.as_str()]);
        removed.map(|n| n > 0).map_err(|e| failed(&e))
    }

    fn note_state(&self, name: &ServerName, seen: &Seen) -> Result<(), Fault> {
        let mut connection = self.connection();
        let mut note = || -> rusqlite::Result<()> {
            let transaction = connection.transaction()?;
            let newest = transaction
                .query_row(
                    "SELECT state, state_reason, state_since FROM history
                      WHERE server = ?1 ORDER BY id DESC LIMIT 1",
                    [name.as_str()],
                    seen_row,
                )
                .optional()?;
            if newest.as_ref() == Some(seen) {
                return Ok(());
            }
            // A server that is gone meanwhile gets no history.
            let noted = transaction.execute(
                "INSERT INTO history (server, state, state_reason, state_since)
                 SELECT name, ?2, ?3, ?4 FROM server WHERE name = ?1",
                params![name.as_str(), seen.state, seen.state_reason, seen.state_since],
            )?;
            if noted > 0 {
                states::note(&transaction, name, seen)?;
            }
            transaction.execute(
                "DELETE FROM history WHERE server = ?1 AND id <= (
                     SELECT id FROM history WHERE server = ?1
                      ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                params![name.as_str(), HISTORY_MAX],
            )?;
            transaction.commit()
        };
        note().map_err(|e| failed(&e))
    }

    fn history(&self, name: &ServerName, limit: u32) -> Result<Vec<Seen>, Fault> {
        let connection = self.connection();
        let query = || -> rusqlite::Result<Vec<Seen>> {
            connection
                .prepare_cached(
                    "SELECT state, state_reason, state_since FROM history
                      WHERE server = ?1 ORDER BY id DESC LIMIT ?2",
                )?
                .query_map(params![name.as_str(), limit], seen_row)?
                .collect()
        };
        query().map_err(|e| failed(&e))
    }

    fn mark(&self, key: &str) -> Result<Option<String>, Fault> {
        let sql = "SELECT value FROM mark WHERE key = ?1";
        let value = self.connection().query_row(sql, [key], |row| row.get(0)).optional();
        value.map_err(|e| failed(&e))
    }

    fn set_mark(&self, key: &str, value: &str) -> Result<(), Fault> {
        let sql = "INSERT OR REPLACE INTO mark (key, value) VALUES (?1, ?2)";
        let set = self.connection().execute(sql, [key, value]);
        set.map(|_| ()).map_err(|e| failed(&e))
    }
}

#[cfg(test)]
mod tests {
    use super::{Seen, ServerRow, SqliteStore, Store as _};
    use base::ServerName;

    fn row(name: &str, port: u16) -> ServerRow {
        let name = ServerName::new(name).expect("because it is a good name");
        ServerRow { name, port, created_at: jiff::Timestamp::UNIX_EPOCH }
    }

    fn seen(state: &str) -> Seen {
        let since = "1970-01-01T00:00:00Z".to_owned();
        Seen { state: state.to_owned(), state_reason: String::new(), state_since: since }
    }

    #[test]
    fn keeps_names_and_ports_unique() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("plane.db");
        let store = SqliteStore::open(&path).unwrap();
        assert!(store.add_server(&row("a", 1)).unwrap());
        assert!(!store.add_server(&row("a", 2)).unwrap(), "the name is taken");
        assert!(!store.add_server(&row("b", 1)).unwrap(), "the port is taken");
        assert!(SqliteStore::open(&path).is_err(), "one process only");
        drop(store);
        let store = SqliteStore::open(&path).unwrap();
        assert_eq!(store.servers().unwrap(), [row("a", 1)]);
        assert!(store.remove_server(&row("a", 1).name).unwrap());
        assert!(!store.remove_server(&row("a", 1).name).unwrap());
    }

    #[test]
    fn history_has_changes_only_and_goes_with_the_server() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("plane.db")).unwrap();
        let a = row("a", 1);
        store.note_state(&a.name, &seen("Ready")).unwrap();
        assert!(store.history(&a.name, 10).unwrap().is_empty(), "no such server yet");
        assert!(store.add_server(&a).unwrap());
        for state in ["Starting", "Ready", "Ready", "Stopped"] {
            store.note_state(&a.name, &seen(state)).unwrap();
        }
        let states: Vec<_> =
            store.history(&a.name, 10).unwrap().into_iter().map(|seen| seen.state).collect();
        assert_eq!(states, ["Stopped", "Ready", "Starting"]);
        for i in 0..1100 {
            store.note_state(&a.name, &seen(&format!("S{i}"))).unwrap();
        }
        assert_eq!(store.history(&a.name, 5000).unwrap().len(), 1000);
        assert!(store.remove_server(&a.name).unwrap());
        assert!(store.history(&a.name, 10).unwrap().is_empty());
        // What is followed stays, and goes on counting.
        let all = store.states_after(0, 5000).unwrap();
        assert_eq!((all.len(), all[0].0, &all[2].1["state"]), (1103, 1, &"Stopped".into()));
        assert_eq!(store.states_after(1101, 5000).unwrap(), all[1101..]);
        assert_eq!(store.last_number("server_state").unwrap(), 1103);
        assert_eq!(store.last_number("access_act").unwrap(), 0);
        assert!(store.add_server(&a).unwrap());
        store.note_state(&a.name, &seen("Ready")).unwrap();
        assert_eq!(store.states_after(1103, 5000).unwrap()[0].0, 1104);
    }
}
