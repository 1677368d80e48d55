//! Queries that look at a running server for its history: bounded in time, rows and bytes, and
//! never in anybody's way.

use tokio_postgres::Row;

use crate::{Connection, Result};

/// What one look may cost. Waits for no lock that somebody holds, writes nothing, and names come
/// from the catalog alone, whatever the database's owner has made.
const MODESTY: &str = "begin transaction read only;
    set local statement_timeout = '5s';
    set local lock_timeout = '500ms';
    set local idle_in_transaction_session_timeout = '10s';
    set local max_parallel_workers_per_gather = 0;
    set local search_path = pg_catalog, pg_temp;
    set local timezone = 'UTC'";

/// Rows of a sample, each a JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The rows.
    pub rows: Vec<String>,
    /// Whether there were more than asked for.
    pub is_cut: bool,
}

impl Connection {
    /// Runs one query, which must be a `SELECT` of ours, and answers at most `most` rows.
    pub async fn sample(&self, sql: &str, most: u32) -> Result<Sample> {
        self.batch("begin a look at the server", MODESTY).await?;
        // A comment may end the query: the bracket stands on a line of its own.
        let sql = format!(
            "select pg_catalog.row_to_json(looked)::text from (\n{sql}\n) as looked limit $1"
        );
        let asked = i64::from(most) + 1;
        let found = self.query("look at the server", &sql, &[&asked]).await;
        let ended = self.batch("end a look at the server", "rollback").await;
        let found: Vec<Row> = found?;
        ended?;
        let rows = found.iter().take(most as usize).map(|row| row.get(0));
        Ok(Sample { rows: rows.collect(), is_cut: found.len() > most as usize })
    }

    /// Names of the databases that can be entered, at most `most`.
    pub async fn databases(&self, most: u32) -> Result<Vec<String>> {
        let sql = "select datname::text from pg_catalog.pg_database
                    where datallowconn and not datistemplate order by 1 limit $1";
        let found = self.query("list the databases", sql, &[&i64::from(most)]).await?;
        Ok(found.iter().map(|row| row.get(0)).collect())
    }
}
