//! A table of evidence as its file says it (`content/evidence/README.md`).

use std::collections::BTreeMap;

use kql::plan::{Column, Schema};
use kql::value::Type;
use serde::Deserialize;

/// The column that tables of the scope `database` have first.
pub(crate) const DATABASE: &str = "database";

/// How one table is filled.
#[derive(Debug, Clone, Deserialize)]
pub struct Evidence {
    /// What it is
    #[serde(default)]
    pub about: String,
    /// Its columns with their types, by the names of Kusto
    pub columns: BTreeMap<String, String>,
    /// Where the query runs
    #[serde(default)]
    pub scope: Scope,
    /// What a role with `pg_monitor` lacks, as the statement that gives it; `{role}` is the reader
    pub needs: Option<String>,
    /// A condition in SQL that says whether the reader sees all of it, where PostgreSQL would
    /// leave rows out instead of refusing
    pub allowed: Option<String>,
    /// A word that has to be asked for, where reading costs more than a look
    pub asked: Option<String>,
    /// The query
    pub sql: Option<String>,
    /// Other queries, by version
    #[serde(default)]
    pub by_major: Vec<ByMajor>,
    /// The collector of the program that fills it instead
    pub source: Option<String>,
    /// For `source = "derived"`: the tables that it is computed from
    #[serde(default)]
    pub from: Vec<String>,
}

/// A query for some versions.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByMajor {
    /// The first; all earlier ones where absent
    pub from: Option<u32>,
    /// The last; all later ones where absent
    pub to: Option<u32>,
    /// The query
    pub sql: String,
}

/// Where a query runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Once
    #[default]
    Cluster,
    /// In every database that can be entered
    Database,
}

impl Evidence {
    /// The columns of the table.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn schema(&self) -> Result<Schema, String> {
        let mut schema = Schema::new();
        if self.scope == Scope::Database {
            schema.push(Column::new(DATABASE, Type::String));
        }
        for (name, ty) in &self.columns {
            let ty = Type::parse(ty).ok_or_else(|| format!("column {name}: no type is {ty}"))?;
            if schema.iter().any(|column| column.name == *name) {
                return Err(format!("column {name} is there already"));
            }
            schema.push(Column::new(name.clone(), ty));
        }
        Ok(schema)
    }

    /// The query for a version: the last that fits, else the one for all.
    pub fn sql(&self, major: u32) -> Option<&str> {
        let fits = |by: &&ByMajor| {
            by.from.is_none_or(|from| from <= major) && by.to.is_none_or(|to| major <= to)
        };
        let by_major = self.by_major.iter().rev().find(fits).map(|by| by.sql.as_str());
        by_major.or(self.sql.as_deref())
    }
}
