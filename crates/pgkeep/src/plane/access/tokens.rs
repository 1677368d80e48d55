//! API tokens.

use api::access::principal::Kind;
use api::access::store::Token;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::row;

const COLUMNS: &str =
    "id, name, hash, assignments, made_by, maker, created_at, expires_at, used_at";

fn token(row: &Row<'_>) -> rusqlite::Result<Token> {
    Ok(Token {
        id: row.get(0)?,
        name: row.get(1)?,
        hash: row::hash(row, 2)?,
        assignments: row::assignments(row, 3)?,
        made_by: row.get(4)?,
        maker: row::kind(row, 5)?,
        created_at: row::time(row, 6)?,
        expires_at: row::time(row, 7)?,
        used_at: row::time_if_any(row, 8)?,
    })
}

pub(super) fn all(connection: &Connection) -> rusqlite::Result<Vec<Token>> {
    let sql = format!("SELECT {COLUMNS} FROM access_token ORDER BY created_at DESC, id");
    connection.prepare_cached(&sql)?.query_map([], token)?.collect()
}

pub(super) fn one(connection: &Connection, id: &str) -> rusqlite::Result<Option<Token>> {
    let sql = format!("SELECT {COLUMNS} FROM access_token WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], token).optional()
}

pub(super) fn add(connection: &Connection, token: &Token) -> rusqlite::Result<()> {
    let sql = format!(
        "INSERT INTO access_token ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, NULL)"
    );
    connection.execute(
        &sql,
        params![
            token.id,
            token.name,
            token.hash,
            row::assignments_text(&token.assignments)?,
            token.made_by,
            token.maker.as_str(),
            token.created_at.to_string(),
            token.expires_at.to_string(),
        ],
    )?;
    Ok(())
}

pub(super) fn remove(connection: &Connection, id: &str) -> rusqlite::Result<bool> {
    Ok(connection.execute("DELETE FROM access_token WHERE id = ?1", [id])? > 0)
}

/// Those of an account.
pub(super) fn remove_of(connection: &Connection, user: &str) -> rusqlite::Result<()> {
    let sql = "DELETE FROM access_token WHERE made_by = ?1 AND maker = ?2";
    connection.execute(sql, [user, Kind::User.as_str()]).map(|_| ())
}

pub(super) fn note(connection: &Connection, id: &str, at: Timestamp) -> rusqlite::Result<()> {
    let sql = "UPDATE access_token SET used_at = ?2 WHERE id = ?1";
    connection.execute(sql, params![id, at.to_string()]).map(|_| ())
}
