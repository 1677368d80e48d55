//! Queries that people save. Those that come with pgkeep are files in `content/queries`.

use api::plane::model::{SavedQuery, SavedQueryUpdate};
use base::{Changed, Fault};
use jiff::Timestamp;
use rusqlite::params;

use crate::plane::store::SqliteStore;

/// So many may be saved.
const MOST: u32 = 1000;

pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS saved_query (
        name        TEXT PRIMARY KEY,
        description TEXT NOT NULL,
        query       TEXT NOT NULL,
        saved_by    TEXT NOT NULL,
        saved_at    TEXT NOT NULL
    ) STRICT;
";

fn failed(e: &rusqlite::Error) -> Fault {
    Fault::from_error("plane_store", "the plane's store failed", e)
}

impl SqliteStore {
    /// What people saved, by name.
    pub(crate) fn saved_queries(&self) -> Result<Vec<SavedQuery>, Fault> {
        let connection = self.connection();
        let mut statement = connection
            .prepare(
                "SELECT name, description, query, saved_by, saved_at FROM saved_query \
                 ORDER BY name",
            )
            .map_err(|e| failed(&e))?;
        let rows = statement.query_map([], |row| {
            let at: String = row.get(4)?;
            Ok(SavedQuery {
                name: row.get(0)?,
                category: String::new(),
                description: row.get(1)?,
                query: row.get(2)?,
                saved_by: row.get(3)?,
                saved_at: at.parse().ok(),
            })
        });
        rows.and_then(Iterator::collect).map_err(|e| failed(&e))
    }

    /// Keeps a query, in the place of one of that name.
    pub(crate) fn save_query(
        &self,
        by: &str,
        name: &str,
        update: SavedQueryUpdate,
    ) -> Result<SavedQuery, Fault> {
        let saved = SavedQuery {
            name: name.to_owned(),
            category: String::new(),
            description: update.description,
            query: update.query,
            saved_by: by.to_owned(),
            saved_at: Some(Timestamp::now()),
        };
        let connection = self.connection();
        let others: u32 = connection
            .query_row("SELECT count(*) FROM saved_query WHERE name <> ?1", params![name], |row| {
                row.get(0)
            })
            .map_err(|e| failed(&e))?;
        if others >= MOST {
            return Err(Fault::new("too_many", format!("{MOST} queries are saved already"))
                .hint("delete one first"));
        }
        let at = saved.saved_at.map(|at| at.to_string()).unwrap_or_default();
        connection
            .execute(
                "INSERT OR REPLACE INTO saved_query VALUES (?1, ?2, ?3, ?4, ?5)",
                params![saved.name, saved.description, saved.query, saved.saved_by, at],
            )
            .map_err(|e| failed(&e))?;
        Ok(saved)
    }

    /// Forgets a query.
    pub(crate) fn forget_query(&self, name: &str) -> Result<Changed, Fault> {
        let connection = self.connection();
        let n = connection
            .execute("DELETE FROM saved_query WHERE name = ?1", params![name])
            .map_err(|e| failed(&e))?;
        Ok(if n > 0 { Changed::Changed } else { Changed::Unchanged })
    }
}
