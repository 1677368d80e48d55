//! Tables of evidence that are computed from others (`source = "derived"`).

mod graph;
mod hba;
mod prefix;

use std::collections::BTreeMap;

use kql::plan::Schema;
use kql::value::Json;

use crate::bundle::{Gap, State, TableEvidence};

pub(crate) use prefix::Addresses;

pub use hba::{Answer, Simulated, simulate};

/// What a table is computed from.
pub(crate) struct Given<'a> {
    /// By name
    pub(crate) tables: &'a BTreeMap<String, TableEvidence>,
    /// The major version of the server
    pub(crate) major: u32,
}

/// Computes the rows of a table, in the order of its columns.
type Compute = fn(&Given<'_>, &Schema) -> Result<Vec<Vec<Json>>, Fault>;

/// Tables by their names.
const TABLES: &[(&str, Compute)] = &[
    ("HbaReach", hba::reach),
    ("HbaShadows", hba::shadows),
    ("RoleEdges", graph::role_edges),
    ("RolePaths", graph::role_paths),
];

/// Why a table could not be computed.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The tables that it is computed from are not what is expected of them
    Odd(String),
    /// It would be too much
    TooMuch(String),
}

/// The cells of a row by the names of their columns, in the order of the columns; null where
/// nothing is said.
pub(crate) fn row(schema: &Schema, cells: &[(&str, Json)]) -> Vec<Json> {
    let cell = |name: &str| cells.iter().find(|(known, _)| *known == name);
    schema.iter().map(|c| cell(&c.name).map_or(Json::Null, |(_, json)| json.clone())).collect()
}

/// A list of texts.
pub(crate) fn list<S: AsRef<str>>(texts: impl IntoIterator<Item = S>) -> Json {
    Json::Array(texts.into_iter().map(|text| Json::String(text.as_ref().into())).collect())
}

/// Computes a table. It lacks what those that it is computed from lack.
pub(crate) fn derive(
    name: &str,
    from: &[String],
    tables: &BTreeMap<String, TableEvidence>,
    major: u32,
) -> TableEvidence {
    let columns = tables.get(name).map(|table| table.columns.clone()).unwrap_or_default();
    let statement = format!("computed from {}", from.join(", "));
    let lacking = |reason: &str, message: String| {
        let gap = Gap { database: None, reason: reason.to_owned(), message, cure: None };
        TableEvidence::unread(columns.clone(), gap, statement.as_str())
    };
    let internal = |message: String| lacking("internal", message);
    let Some((_, compute)) = TABLES.iter().find(|(known, _)| *known == name) else {
        return internal(format!("nothing computes {name}"));
    };
    let mut gaps = Vec::new();
    let mut is_whole = true;
    for source in from {
        let Some(table) = tables.get(source) else {
            return internal(format!("{source} was not collected"));
        };
        gaps.extend(table.gaps.iter().cloned());
        is_whole &= table.state != State::Unread;
    }
    if !is_whole {
        let mut table = TableEvidence::whole(columns, Vec::new(), statement);
        (table.state, table.gaps) = (State::Unread, gaps);
        return table;
    }
    match compute(&Given { tables, major }, &columns) {
        Ok(rows) => {
            let mut table = TableEvidence::whole(columns, rows, statement);
            if !gaps.is_empty() {
                (table.state, table.gaps) = (State::Partial, gaps);
            }
            table
        }
        Err(Fault::Odd(message)) => internal(message),
        Err(Fault::TooMuch(message)) => lacking("limit", message),
    }
}

impl Given<'_> {
    /// The rows of a table; none where it was not read.
    pub(crate) fn rows(&self, table: &str) -> impl Iterator<Item = Cells<'_>> {
        let table = self.tables.get(table);
        table.into_iter().flat_map(|table| {
            table.rows.iter().map(move |row| Cells { columns: &table.columns, row })
        })
    }
}

/// A row whose cells are named.
#[derive(Clone, Copy)]
pub(crate) struct Cells<'a> {
    columns: &'a Schema,
    row: &'a [Json],
}

impl<'a> Cells<'a> {
    /// A cell; `null` where there is no such column.
    pub(crate) fn get(&self, name: &str) -> &'a Json {
        const NULL: &Json = &Json::Null;
        let at = self.columns.iter().position(|column| column.name == name);
        at.and_then(|at| self.row.get(at)).unwrap_or(NULL)
    }

    /// A text; empty where it is none.
    pub(crate) fn text(&self, name: &str) -> &'a str {
        match self.get(name) {
            Json::String(text) => text,
            _ => "",
        }
    }

    /// Whether it is true.
    pub(crate) fn is(&self, name: &str) -> bool {
        matches!(self.get(name), Json::Bool(true))
    }

    /// A whole number.
    pub(crate) fn number(&self, name: &str) -> Option<i64> {
        match self.get(name) {
            Json::Long(n) => Some(*n),
            Json::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// The texts of a list.
    pub(crate) fn texts(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let list: &[Json] = match self.get(name) {
            Json::Array(list) => list,
            _ => &[],
        };
        list.iter().filter_map(|item| match item {
            Json::String(text) => Some(&**text),
            _ => None,
        })
    }
}
