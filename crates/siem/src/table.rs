//! Tables as files say them, and batches of their rows, column by column.

use std::sync::Arc;

use kql::value::{Type, Value};

use crate::{Error, Position};

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, as queries write it.
    pub name: Arc<str>,
    /// Its type.
    pub kind: Type,
    /// What it holds, in a few words.
    pub meaning: String,
}

/// A table: its name and columns, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: Arc<str>,
    /// Its columns.
    pub columns: Vec<Column>,
}

impl Table {
    /// Reads `content/tables/NAME.tsv`: a line of titles, then name, type, meaning.
    pub fn parse(name: &str, text: &str) -> Result<Self, Error> {
        let wrong = |what: String| Error::Table { table: name.to_owned(), what };
        let mut columns: Vec<Column> = Vec::new();
        for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
            let mut parts = line.split('\t');
            let (Some(column), Some(kind), Some(meaning), None) =
                (parts.next(), parts.next(), parts.next(), parts.next())
            else {
                return Err(wrong(format!("\"{line}\" is not name, type and meaning")));
            };
            let kind = Type::parse(kind).ok_or_else(|| wrong(format!("no type \"{kind}\"")))?;
            if columns.iter().any(|other| &*other.name == column) {
                return Err(wrong(format!("column \"{column}\" occurs twice")));
            }
            columns.push(Column { name: column.into(), kind, meaning: meaning.to_owned() });
        }
        Ok(Self { name: name.into(), columns })
    }

    /// Where the column of this name stands.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| &*column.name == name)
    }
}

/// Rows of one table, column by column.
#[derive(Debug, Clone)]
pub struct RowBatch {
    /// The table.
    pub table: Arc<Table>,
    /// Which source the rows came from.
    pub source: Arc<str>,
    /// One list of values a column of the table: one for each row, or a single one that all rows
    /// have.
    pub columns: Vec<Vec<Value>>,
    /// Where each row came from.
    pub positions: Vec<Position>,
}

impl RowBatch {
    /// A batch without rows.
    pub fn new(table: Arc<Table>, source: Arc<str>) -> Self {
        let columns = vec![Vec::new(); table.columns.len()];
        Self { table, source, columns, positions: Vec::new() }
    }

    /// Adds a row: one value for each column, of its type or null. Null text becomes `""`.
    ///
    /// # Errors
    /// [`Error::Row`] where number or types do not fit; the batch is as it was.
    pub fn push(&mut self, values: Vec<Value>, at: Position) -> Result<(), Error> {
        let table = &self.table;
        let wrong = |what: String| Error::Row { table: table.name.to_string(), what };
        if values.len() != table.columns.len() {
            let (is, must) = (values.len(), table.columns.len());
            return Err(wrong(format!("{is} values for {must} columns")));
        }
        for (value, column) in values.iter().zip(&table.columns) {
            if let Some(kind) = value.kind().filter(|kind| *kind != column.kind) {
                let (name, must) = (&column.name, column.kind);
                return Err(wrong(format!("column \"{name}\" is {must}, not {kind}")));
            }
        }
        self.push_row(values, at);
        Ok(())
    }

    /// The same where number and types are known to fit.
    pub(crate) fn push_row(&mut self, values: Vec<Value>, at: Position) {
        for (i, value) in values.into_iter().enumerate() {
            let kind = self.table.columns[i].kind;
            self.columns[i].push(if value.is_null() { Value::absent(kind) } else { value });
        }
        self.positions.push(at);
    }

    /// How many rows it holds.
    pub fn n_rows(&self) -> usize {
        self.positions.len()
    }

    /// The value of a column in a row.
    pub fn value(&self, row: usize, column: &str) -> Option<&Value> {
        self.at(row, self.table.position(column)?)
    }

    /// The value of a column, by its place, in a row.
    pub fn at(&self, row: usize, column: usize) -> Option<&Value> {
        match self.columns.get(column)?.as_slice() {
            [all] if row < self.n_rows() => Some(all),
            each => each.get(row),
        }
    }
}
