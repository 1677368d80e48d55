//! The probe of pgAudit: statements that it has to record, each with a marker by which the log is
//! searched afterwards.

use std::time::Duration;

use kql::plan::Schema;
use pg::Connection;

use super::{Asked, Probed, gap, text};
use crate::bundle::Gap;
use crate::collect::sql;
use crate::derive::row;

/// What the collector of the log may take to write what it was given.
const WRITTEN: Duration = Duration::from_secs(1);

/// Makes a temporary table, grants, drops, fails to read, and takes all of it back.
pub(super) async fn probe(asked: &Asked<'_>, columns: &Schema) -> Result<Probed, Gap> {
    let connection = asked.connection;
    let marker = format!("pgkeep_probe_{:016x}", asked.nonce);
    let sql = "select quote_ident(current_database())";
    let asked = connection.query_one("ask for the database", sql, &[]).await;
    let database: String = asked.map_err(|error| sql::gap_of(&error, None, None))?.get(0);
    let needs = format!("GRANT TEMPORARY ON DATABASE {database} TO {{role}}");
    let begin = "begin; set local statement_timeout = '10s'; set local lock_timeout = '2s'";
    let begun = connection.batch("begin a probe", begin).await;
    begun.map_err(|error| sql::gap_of(&error, None, None))?;
    let made = statements(connection, &marker, &needs).await;
    let ended = connection.batch("take a probe back", "rollback").await;
    made?;
    ended.map_err(|error| sql::gap_of(&error, None, None))?;
    tokio::time::sleep(WRITTEN).await;
    let rows = ["CREATE TABLE", "GRANT", "DROP TABLE", "failed SELECT"].map(|statement| {
        row(columns, &[("statement", text(statement)), ("marker", text(&marker))])
    });
    Ok(Probed { rows: rows.to_vec(), gaps: Vec::new() })
}

async fn statements(connection: &Connection, marker: &str, needs: &str) -> Result<(), Gap> {
    for statement in [
        format!("create temporary table {marker} (a int)"),
        format!("grant select on {marker} to current_user"),
        format!("drop table {marker}"),
    ] {
        let done = connection.batch("run a probe", &statement).await;
        done.map_err(|error| sql::gap_of(&error, None, Some(needs)))?;
    }
    match connection.batch("run a probe", &format!("select from {marker}")).await {
        Ok(()) => {
            let message = "a table that was dropped could be read".to_owned();
            Err(gap("internal", message, None))
        }
        // 42P01, undefined_table: it has to fail, for every role.
        Err(error) if error.sqlstate() == Some("42P01") => Ok(()),
        Err(error) => Err(sql::gap_of(&error, None, None)),
    }
}
