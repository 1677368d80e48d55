//! What servers went through, in one list with numbers that are never given twice: what the
//! history of each is cannot be followed, because it goes with its server.

use base::{Fault, ServerName};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Value, json};

use super::store::{Seen, SqliteStore, failed};

/// Older entries are dropped; they are in the log lake by then.
const MOST: u32 = 10_000;

/// Part of the plane's schema since version 4.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS server_state (
        id           INTEGER PRIMARY KEY AUTOINCREMENT,
        at           TEXT NOT NULL,
        server       TEXT NOT NULL,
        state        TEXT NOT NULL,
        state_reason TEXT NOT NULL,
        state_since  TEXT NOT NULL
    ) STRICT;
";

pub(super) fn note(
    connection: &Connection,
    name: &ServerName,
    seen: &Seen,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO server_state (at, server, state, state_reason, state_since)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            jiff::Timestamp::now().to_string(),
            name.as_str(),
            seen.state,
            seen.state_reason,
            seen.state_since,
        ])?;
    connection.execute(
        "DELETE FROM server_state WHERE id <= (
             SELECT id FROM server_state ORDER BY id DESC LIMIT 1 OFFSET ?1)",
        [MOST],
    )?;
    Ok(())
}

impl SqliteStore {
    /// The last number that a list has given, whether its line is still there or not.
    pub(super) fn last_number(&self, list: &str) -> Result<u64, Fault> {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
        let last = self.connection().query_row(sql, [list], |row| row.get::<_, i64>(0)).optional();
        last.map(|last| last.map_or(0, i64::unsigned_abs)).map_err(|e| failed(&e))
    }

    /// Changes behind the one of this number, oldest first, as the parser `pgkeep-state` reads
    /// them.
    pub(super) fn states_after(&self, id: u64, limit: u32) -> Result<Vec<(u64, Value)>, Fault> {
        let connection = self.connection();
        let query = || -> rusqlite::Result<Vec<(u64, Value)>> {
            connection
                .prepare_cached(
                    "SELECT id, at, server, state, state_reason, state_since FROM server_state
                      WHERE id > ?1 ORDER BY id LIMIT ?2",
                )?
                .query_map(params![i64::try_from(id).unwrap_or(i64::MAX), limit], |row| {
                    let id = row.get::<_, i64>(0)?.unsigned_abs();
                    let text = |at| row.get::<_, String>(at);
                    let server = text(2)?;
                    let line = json!({
                        "id": id,
                        "at": text(1)?,
                        "resource": format!("/servers/{server}"),
                        "server": server,
                        "state": text(3)?,
                        "state_reason": text(4)?,
                        "details": { "state_since": text(5)? },
                    });
                    Ok((id, line))
                })?
                .collect()
        };
        query().map_err(|e| failed(&e))
    }
}
