//! Sessions and one-time links.

use api::access::principal::Kind;
use api::access::store::{Hash, Session};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

use super::row;

/// The oldest of an account end when it has more.
const OF_ONE_MAX: u32 = 100;

pub(super) fn one(connection: &Connection, hash: &Hash) -> rusqlite::Result<Option<Session>> {
    connection
        .prepare_cached(
            "SELECT hash, name, kind, assignments, created_at, seen_at
               FROM access_session WHERE hash = ?1",
        )?
        .query_row([hash], |row| {
            Ok(Session {
                hash: row::hash(row, 0)?,
                name: row.get(1)?,
                kind: row::kind(row, 2)?,
                assignments: row::assignments(row, 3)?,
                created_at: row::moment(row, 4)?,
                seen_at: row::moment(row, 5)?,
            })
        })
        .optional()
}

pub(super) fn add(connection: &Connection, session: &Session) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO access_session (hash, name, kind, assignments, created_at, seen_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            session.hash,
            session.name,
            session.kind.as_str(),
            row::assignments_text(&session.assignments)?,
            session.created_at.as_millisecond(),
            session.seen_at.as_millisecond(),
        ],
    )?;
    connection.execute(
        "DELETE FROM access_session WHERE kind = ?1 AND name = ?2 AND hash NOT IN (
             SELECT hash FROM access_session WHERE kind = ?1 AND name = ?2
              ORDER BY seen_at DESC, created_at DESC LIMIT ?3)",
        params![session.kind.as_str(), session.name, OF_ONE_MAX],
    )?;
    Ok(())
}

pub(super) fn sweep(
    connection: &Connection,
    created_before: Timestamp,
    seen_before: Timestamp,
) -> rusqlite::Result<()> {
    connection.execute(
        "DELETE FROM access_session WHERE created_at < ?1 OR seen_at < ?2",
        [created_before.as_millisecond(), seen_before.as_millisecond()],
    )?;
    Ok(())
}

pub(super) fn remove(connection: &Connection, hash: &Hash) -> rusqlite::Result<bool> {
    Ok(connection.execute("DELETE FROM access_session WHERE hash = ?1", [hash])? > 0)
}

pub(super) fn remove_kind(connection: &Connection, kind: Kind) -> rusqlite::Result<()> {
    let sql = "DELETE FROM access_session WHERE kind = ?1";
    connection.execute(sql, [kind.as_str()]).map(|_| ())
}

/// Those of an account, and its links.
pub(super) fn remove_of(connection: &Connection, user: &str) -> rusqlite::Result<()> {
    let sql = "DELETE FROM access_session WHERE kind = ?1 AND name = ?2";
    connection.execute(sql, [Kind::User.as_str(), user])?;
    connection.execute("DELETE FROM access_link WHERE user = ?1", [user]).map(|_| ())
}

pub(super) fn note(connection: &Connection, hash: &Hash, at: Timestamp) -> rusqlite::Result<()> {
    let sql = "UPDATE access_session SET seen_at = ?2 WHERE hash = ?1";
    connection.execute(sql, params![hash, at.as_millisecond()]).map(|_| ())
}

pub(super) fn add_link(
    connection: &Connection,
    hash: &Hash,
    user: &str,
    expires_at: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let now = now.as_millisecond();
    connection.execute("DELETE FROM access_link WHERE expires_at <= ?1", [now])?;
    connection.execute(
        "INSERT INTO access_link (hash, user, expires_at) VALUES (?1, ?2, ?3)",
        params![hash, user, expires_at.as_millisecond()],
    )?;
    Ok(())
}

pub(super) fn take_link(
    connection: &Connection,
    hash: &Hash,
    now: Timestamp,
) -> rusqlite::Result<Option<String>> {
    let sql = "DELETE FROM access_link WHERE hash = ?1 RETURNING user, expires_at";
    let taken = connection
        .query_row(sql, [hash], |row| Ok((row.get(0)?, row::moment(row, 1)?)))
        .optional()?;
    Ok(taken.filter(|(_, expires_at)| *expires_at > now).map(|(user, _)| user))
}
