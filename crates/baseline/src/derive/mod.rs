//! Tables of evidence that are computed from others (`source = "derived"`).

use std::collections::BTreeMap;

use kql::plan::Schema;
use kql::value::Json;

use crate::bundle::{Gap, State, TableEvidence};

/// What a table is computed from.
pub(crate) struct Given<'a> {
    tables: &'a BTreeMap<String, TableEvidence>,
    /// The major version of the server
    pub(crate) major: u32,
}

/// Computes the rows of a table, in the order of its columns.
type Compute = fn(&Given<'_>, &Schema) -> Result<Vec<Vec<Json>>, String>;

/// Tables by their names.
const TABLES: &[(&str, Compute)] = &[];

/// Computes a table. It lacks what those that it is computed from lack.
pub(crate) fn derive(
    name: &str,
    from: &[String],
    tables: &BTreeMap<String, TableEvidence>,
    major: u32,
) -> TableEvidence {
    let columns = tables.get(name).map(|table| table.columns.clone()).unwrap_or_default();
    let statement = format!("computed from {}", from.join(", "));
    let internal = |message: String| {
        let gap = Gap { database: None, reason: "internal".to_owned(), message, cure: None };
        TableEvidence::unread(columns.clone(), gap, statement.as_str())
    };
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
        Err(message) => internal(message),
    }
}

impl Given<'_> {
    /// A cell of a row, by the name of its column.
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
