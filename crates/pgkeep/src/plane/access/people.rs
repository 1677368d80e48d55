//! Accounts, and how often each was tried in vain.

use api::access::store::{Failures, User};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::row;

/// Whoever tries names at random must not fill the disk: the oldest failures go.
const FAILURES_MAX: u32 = 10_000;

const COLUMNS: &str = "name, enabled, password, assignments, created_at, password_set_at, \
                       signed_in_at, version";

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    Ok(User {
        name: row.get(0)?,
        enabled: row.get(1)?,
        password: row.get(2)?,
        assignments: row::assignments(row, 3)?,
        created_at: row::time(row, 4)?,
        password_set_at: row::time_if_any(row, 5)?,
        signed_in_at: row::time_if_any(row, 6)?,
        version: row.get::<_, i64>(7)?.unsigned_abs(),
    })
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<User>> {
    let sql = format!("SELECT {COLUMNS} FROM access_user ORDER BY name");
    connection.prepare_cached(&sql)?.query_map([], user)?.collect()
}

pub(super) fn one(connection: &Connection, name: &str) -> rusqlite::Result<Option<User>> {
    let sql = format!("SELECT {COLUMNS} FROM access_user WHERE name = ?1");
    connection.prepare_cached(&sql)?.query_row([name], user).optional()
}

pub(super) fn add(connection: &Connection, user: &User) -> rusqlite::Result<bool> {
    let sql = format!(
        "INSERT OR IGNORE INTO access_user ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1)"
    );
    let added = connection.execute(
        &sql,
        params![
            user.name,
            user.enabled,
            user.password,
            row::assignments_text(&user.assignments)?,
            user.created_at.to_string(),
            user.password_set_at.map(|at| at.to_string()),
            user.signed_in_at.map(|at| at.to_string()),
        ],
    )?;
    Ok(added > 0)
}

pub(super) fn set(connection: &Connection, user: &User) -> rusqlite::Result<bool> {
    let set = connection.execute(
        "UPDATE access_user SET enabled = ?2, password = ?3, assignments = ?4,
                password_set_at = ?5, version = version + 1
          WHERE name = ?1 AND version = ?6",
        params![
            user.name,
            user.enabled,
            user.password,
            row::assignments_text(&user.assignments)?,
            user.password_set_at.map(|at| at.to_string()),
            i64::try_from(user.version).unwrap_or(i64::MAX),
        ],
    )?;
    Ok(set > 0)
}

pub(super) fn remove(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    clear_failures(connection, name)?;
    Ok(connection.execute("DELETE FROM access_user WHERE name = ?1", [name])? > 0)
}

pub(super) fn note_sign_in(
    connection: &Connection,
    name: &str,
    at: Timestamp,
) -> rusqlite::Result<()> {
    let sql = "UPDATE access_user SET signed_in_at = ?2 WHERE name = ?1";
    connection.execute(sql, params![name, at.to_string()]).map(|_| ())
}

pub(super) fn count_failure(
    connection: &Connection,
    name: &str,
    now: Timestamp,
    lock: &dyn Fn(u32) -> Option<Timestamp>,
) -> rusqlite::Result<Failures> {
    let before = connection
        .query_row("SELECT n, locked_until FROM access_failure WHERE name = ?1", [name], |row| {
            let locked: Option<i64> = row.get(1)?;
            let locked_until = locked.map(|_| row::moment(row, 1)).transpose()?;
            Ok(Failures { n: row.get(0)?, locked_until })
        })
        .optional()?
        .unwrap_or_default();
    if before.locked_until.is_some_and(|until| until > now) {
        return Ok(before);
    }
    let n = before.n.saturating_add(1);
    connection.execute(
        "INSERT OR REPLACE INTO access_failure (name, n, locked_until, at)
         VALUES (?1, ?2, ?3, ?4)",
        params![name, n, lock(n).map(Timestamp::as_millisecond), now.as_millisecond()],
    )?;
    connection.execute(
        "DELETE FROM access_failure WHERE at <= (
             SELECT at FROM access_failure ORDER BY at DESC LIMIT 1 OFFSET ?1)",
        [FAILURES_MAX],
    )?;
    Ok(before)
}

pub(super) fn clear_failures(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM access_failure WHERE name = ?1", [name]).map(|_| ())
}
