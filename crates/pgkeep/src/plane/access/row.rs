//! Between the columns of access and its types.

use api::access::principal::{Assignment, Kind};
use api::access::store::Hash;
use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;

fn bad(column: usize, e: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, e.into())
}

pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    row.get::<_, String>(column)?.parse().map_err(|e: jiff::Error| bad(column, e))
}

pub(super) fn time_if_any(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| text.parse().map_err(|e: jiff::Error| bad(column, e))).transpose()
}

/// Moments that SQL compares are milliseconds since 1970.
pub(super) fn moment(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?).map_err(|e| bad(column, e))
}

pub(super) fn assignments(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Assignment>> {
    serde_json::from_str(&row.get::<_, String>(column)?).map_err(|e| bad(column, e))
}

pub(super) fn assignments_text(assignments: &[Assignment]) -> rusqlite::Result<String> {
    serde_json::to_string(assignments)
        .map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
}

pub(super) fn kind_if_any(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Kind>> {
    let text: String = row.get(column)?;
    match [Kind::User, Kind::Token, Kind::Local, Kind::Oidc]
        .into_iter()
        .find(|kind| kind.as_str() == text)
    {
        None if !text.is_empty() => Err(bad(column, "not a kind of principal")),
        kind => Ok(kind),
    }
}

pub(super) fn kind(row: &Row<'_>, column: usize) -> rusqlite::Result<Kind> {
    kind_if_any(row, column)?.ok_or_else(|| bad(column, "no kind of principal"))
}

pub(super) fn hash(row: &Row<'_>, column: usize) -> rusqlite::Result<Hash> {
    row.get(column)
}
