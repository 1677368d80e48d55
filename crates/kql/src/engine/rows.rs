//! Rows with their columns.

use crate::plan::Schema;
use crate::value::{Type, Value};

/// One row, in the order of its schema.
pub type Row = Vec<Value>;

/// Rows of one schema.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// Columns
    pub schema: Schema,
    /// Rows, each as long as the schema
    pub rows: Vec<Row>,
}

impl Rows {
    /// Rows of a schema.
    pub fn new(schema: Schema, rows: Vec<Row>) -> Self {
        Self { schema, rows }
    }

    /// The position of a column.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.schema.iter().position(|column| column.name == name)
    }

    /// The types of the columns.
    pub fn types(&self) -> Vec<Type> {
        self.schema.iter().map(|column| column.ty).collect()
    }

    /// Bytes that the rows hold.
    pub fn bytes(&self) -> usize {
        self.rows.iter().map(|row| row_bytes(row)).sum()
    }
}

/// Bytes of a row whose values are all its own.
pub(super) fn row_bytes(row: &[Value]) -> usize {
    shell_bytes(row.len()) + row.iter().map(Value::heap_bytes).sum::<usize>()
}

/// Bytes of a row that shares its texts and dynamics with another.
pub(super) fn shell_bytes(n_columns: usize) -> usize {
    size_of::<Row>() + n_columns * size_of::<Value>()
}

/// A row with nothing in it: `""` for strings, null for the rest.
pub(super) fn absent_row(types: impl IntoIterator<Item = Type>) -> Row {
    types.into_iter().map(Value::absent).collect()
}
