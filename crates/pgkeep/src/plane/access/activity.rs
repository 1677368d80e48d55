//! The activity log and the settings of sign-in.

use api::access::principal::Kind;
use api::access::store::{Act, ActFilter};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::row;

/// Older lines are dropped, those of nobody sooner: knocking must not push out what was done.
const OF_SOMEBODY_MAX: u32 = 100_000;
const OF_NOBODY_MAX: u32 = 5_000;

pub(super) fn note(connection: &Connection, act: &Act) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO access_act (at, principal, kind, operation, target, status, request_id)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            act.at.to_string(),
            act.principal,
            act.kind.map_or("", Kind::as_str),
            act.operation,
            act.target,
            act.status,
            act.request_id,
        ])?;
    // Once in a while is enough.
    if connection.last_insert_rowid() % 64 != 0 {
        return Ok(());
    }
    for (of_nobody, max) in [(true, OF_NOBODY_MAX), (false, OF_SOMEBODY_MAX)] {
        connection.execute(
            "DELETE FROM access_act WHERE (principal = '') = ?1 AND id <= (
                 SELECT id FROM access_act WHERE (principal = '') = ?1
                  ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            params![of_nobody, max],
        )?;
    }
    Ok(())
}

pub(super) fn acts(
    connection: &Connection,
    filter: &ActFilter,
) -> rusqlite::Result<Vec<(u64, Act)>> {
    let before = filter.before.and_then(|id| i64::try_from(id).ok()).unwrap_or(i64::MAX);
    connection
        .prepare_cached(
            "SELECT id, at, principal, kind, operation, target, status, request_id
               FROM access_act
              WHERE id < ?1 AND (?2 IS NULL OR principal = ?2)
                AND (?3 IS NULL OR operation = ?3)
              ORDER BY id DESC LIMIT ?4",
        )?
        .query_map(params![before, filter.principal, filter.operation, filter.limit], numbered)?
        .collect()
}

/// What came behind the line of this number, oldest first.
pub(super) fn acts_after(
    connection: &Connection,
    id: u64,
    limit: u32,
) -> rusqlite::Result<Vec<(u64, Act)>> {
    connection
        .prepare_cached(
            "SELECT id, at, principal, kind, operation, target, status, request_id
               FROM access_act WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?
        .query_map(params![i64::try_from(id).unwrap_or(i64::MAX), limit], numbered)?
        .collect()
}

fn numbered(row: &rusqlite::Row<'_>) -> rusqlite::Result<(u64, Act)> {
    let act = Act {
        at: row::time(row, 1)?,
        principal: row.get(2)?,
        kind: row::kind_if_any(row, 3)?,
        operation: row.get(4)?,
        target: row.get(5)?,
        status: row.get(6)?,
        request_id: row.get(7)?,
    };
    Ok((row.get::<_, i64>(0)?.unsigned_abs(), act))
}

pub(super) fn setting(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT value FROM access_setting WHERE key = ?1";
    connection.query_row(sql, [key], |row| row.get(0)).optional()
}

pub(super) fn set_setting(connection: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO access_setting (key, value) VALUES (?1, ?2)";
    connection.execute(sql, [key, value]).map(|_| ())
}
