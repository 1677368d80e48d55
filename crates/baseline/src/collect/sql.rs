//! Queries for evidence, and what becomes of those that fail.

use std::time::Instant;

use kql::plan::Column;
use kql::value::Json;
use pg::Connection;

use super::host::Identity;
use crate::bundle::Gap;
use crate::error::Result;
use crate::evidence::Evidence;

/// Rows of one table in one database.
const ROWS_MAX: usize = 500_000;
/// What one statement may take.
const TIMEOUT: &str = "20s";

/// The reason of gaps that a grant would close.
const MISSING_RIGHT: &str = "missing-right";

/// Who reads, and what.
pub(super) struct About {
    pub(super) role: String,
    /// As an identifier of SQL
    pub(super) quoted_role: String,
    pub(super) database: String,
    pub(super) major: u32,
}

/// What a query gave.
pub(super) struct Answer {
    pub(super) rows: std::result::Result<Vec<Vec<Json>>, Gap>,
    /// Why there are not all of them
    pub(super) cut: Option<String>,
    pub(super) took_ms: u64,
}

pub(super) async fn about(connection: &Connection) -> Result<About> {
    let sql = "select current_user::text, current_database()::text, \
               current_setting('server_version_num')::int, quote_ident(current_user)";
    let row = connection.query_one("ask who is asking", sql, &[]).await?;
    let number: i32 = row.get(2);
    let major = u32::try_from(number / 10_000).unwrap_or(0);
    Ok(About { role: row.get(0), quoted_role: row.get(3), database: row.get(1), major })
}

/// What tells the running server from all others, to compare with its host.
pub(super) async fn identity(connection: &Connection) -> std::result::Result<Identity, Gap> {
    let sql = "select system_identifier::text, current_setting('port')::int, \
               extract(epoch from pg_postmaster_start_time())::bigint \
               from pg_catalog.pg_control_system()";
    let row = connection.query_one("ask which server this is", sql, &[]).await;
    let row = row.map_err(|error| gap_of(&error, None, None))?;
    Ok(Identity { system: row.get(0), port: row.get(1), started_s: row.get(2) })
}

/// The databases that can be entered.
pub(super) async fn databases(connection: &Connection) -> Result<Vec<String>> {
    let sql = "select datname::text from pg_catalog.pg_database where datallowconn order by 1";
    let rows = connection.query("list databases", sql, &[]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Reads the columns of a table.
pub(super) async fn read(
    connection: &Connection,
    sql: &str,
    columns: &[Column],
    evidence: &Evidence,
) -> Answer {
    let started = Instant::now();
    let rows = match &evidence.allowed {
        Some(condition) => allowed(connection, condition, evidence).await,
        None => Ok(()),
    };
    let rows = match rows {
        Ok(()) => {
            let rows = within(connection, sql).await;
            rows.map_err(|error| gap_of(&error, None, evidence.needs.as_deref()))
        }
        Err(gap) => Err(gap),
    };
    let took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let cut = rows.as_ref().is_ok_and(|rows| rows.len() > ROWS_MAX);
    let cut = cut.then(|| format!("only the first {ROWS_MAX} rows"));
    let rows =
        rows.and_then(|rows| rows.iter().take(ROWS_MAX).map(|row| cells(row, columns)).collect());
    Answer { rows, cut, took_ms }
}

/// Whether the reader sees all that a query is about.
async fn allowed(
    connection: &Connection,
    condition: &str,
    evidence: &Evidence,
) -> std::result::Result<(), Gap> {
    let asked = within(connection, &format!("select ({condition}) as allowed")).await;
    let asked = asked.map_err(|error| gap_of(&error, None, evidence.needs.as_deref()))?;
    if asked.iter().any(|row| row.contains("true")) {
        return Ok(());
    }
    Err(Gap {
        database: None,
        reason: MISSING_RIGHT.to_owned(),
        message: "the reading role would not see all of it".to_owned(),
        cure: evidence.needs.as_deref().map(|needs| needs.trim().to_owned()),
    })
}

/// Runs a query in a read-only transaction that ends whatever happens.
async fn within(connection: &Connection, sql: &str) -> pg::Result<Vec<String>> {
    let begin = format!(
        "begin read only; set local search_path = pg_catalog; \
         set local statement_timeout = '{TIMEOUT}'; set local lock_timeout = '2s'; \
         set local standard_conforming_strings = on"
    );
    connection.batch("begin to read evidence", &begin).await?;
    let sql = sql.trim().trim_end_matches(';');
    let whole = format!(
        "select pg_catalog.to_jsonb(evidence)::text from (\n{sql}\n) as evidence limit {}",
        ROWS_MAX + 1
    );
    let rows = connection.query("read evidence", &whole, &[]).await;
    let end = connection.batch("end reading evidence", "rollback").await;
    let rows = rows?;
    end?;
    Ok(rows.iter().map(|row| row.get::<_, Option<String>>(0).unwrap_or_default()).collect())
}

/// The cells of a row, in the order of its columns.
fn cells(row: &str, columns: &[Column]) -> std::result::Result<Vec<Json>, Gap> {
    let odd = |message: String| Gap {
        database: None,
        reason: "internal".to_owned(),
        message,
        cure: None,
    };
    let row = Json::parse(row).ok_or_else(|| odd("a row is no JSON".to_owned()))?;
    let cell = |column: &Column| match row.member(&column.name) {
        Some(value) => Ok(value.clone()),
        None => Err(odd(format!("the query gives no column {}", column.name))),
    };
    columns.iter().map(cell).collect()
}

/// Why something could not be read.
pub(super) fn gap_of(error: &pg::Error, database: Option<&str>, needs: Option<&str>) -> Gap {
    let fault = error.fault();
    let reason = match error.sqlstate() {
        Some("42501" | "28000" | "28P01") => MISSING_RIGHT,
        Some("57014" | "55P03") => "timeout",
        Some(_) => "query-error",
        None => "unreachable",
    };
    let cure = (reason == MISSING_RIGHT).then(|| needs.map(str::trim).map(str::to_owned));
    let message = match fault.detail {
        Some(detail) => format!("{}: {detail}", fault.message),
        None => fault.message,
    };
    let database = database.map(str::to_owned);
    Gap { database, reason: reason.to_owned(), message, cure: cure.flatten() }
}
