//! Where rows come from: files and rows in memory, each with the Kusto types of its columns.

mod csv;
mod parquet;
mod range;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::datasource::MemTable;

use kql::bind::Catalog;
use kql::plan::Schema;
use kql::value::{Type, Value};

pub(crate) use parquet::{Files, Listed, listed};
pub(crate) use range::Range;
pub use write::write_parquet;

use crate::data::{arrow_schema, batch_of};
use crate::error::{Error, Result};

/// Rows of a table in memory are cut into batches of so many.
const BATCH_ROWS: usize = 8192;

/// A table: its columns, and what reads them.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) schema: Schema,
    pub(crate) provider: Arc<dyn TableProvider>,
}

impl Table {
    /// A table of Parquet files that are read in place; a folder stands for the `.parquet` files
    /// in it. `schema` says the types of columns where they are not what the files say.
    ///
    /// # Errors
    /// A file that is missing or is no Parquet.
    pub fn parquet(name: &str, paths: &[PathBuf], schema: Option<&Schema>) -> Result<Self> {
        let files = files_of(name, paths, "parquet")?;
        parquet::open(name, &files, schema)
    }

    /// A table of a CSV file (RFC 4180) with a header. Without a schema the types are found by
    /// reading the file once: `long`, `real`, `datetime`, `bool`, else `string`.
    ///
    /// # Errors
    /// A file that is missing or is no CSV.
    pub fn csv(name: &str, path: &Path, schema: Option<&Schema>) -> Result<Self> {
        csv::open(name, path, schema)
    }

    /// A table of rows that are there.
    ///
    /// # Errors
    /// None that values can cause.
    pub fn rows(schema: Schema, rows: &[Vec<Value>]) -> Result<Self> {
        let types: Vec<Type> = schema.iter().map(|column| column.ty).collect();
        let arrow = arrow_schema(schema.iter().map(|column| (column.name.as_str(), column.ty)));
        let batches = rows
            .chunks(BATCH_ROWS)
            .map(|rows| batch_of(&arrow, &types, rows))
            .collect::<datafusion::error::Result<Vec<_>>>()?;
        let provider = Arc::new(MemTable::try_new(arrow, vec![batches])?);
        Ok(Self { schema, provider })
    }

    /// Its columns.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

/// Tables by name.
#[derive(Debug, Clone, Default)]
pub struct Tables(BTreeMap<String, Table>);

impl Tables {
    /// No tables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a table, or puts it in the place of one of that name.
    pub fn add(&mut self, name: impl Into<String>, table: Table) {
        self.0.insert(name.into(), table);
    }

    /// Adds all of `others`, in the place of those of the same names.
    pub(crate) fn extend(&mut self, others: &Self) {
        self.0.extend(others.0.iter().map(|(name, table)| (name.clone(), table.clone())));
    }

    /// The table of that name.
    pub fn find(&self, name: &str) -> Option<&Table> {
        self.0.get(name)
    }
}

impl Catalog for Tables {
    fn table(&self, name: &str) -> Option<Schema> {
        self.0.get(name).map(|table| table.schema.clone())
    }

    fn tables(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }
}

/// The files that paths stand for, sorted within a folder.
fn files_of(name: &str, paths: &[PathBuf], ending: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let entries = std::fs::read_dir(path).map_err(|e| Error::table(name, e))?;
        let mut inside = Vec::new();
        for entry in entries {
            let path = entry.map_err(|e| Error::table(name, e))?.path();
            if path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending)) {
                inside.push(path);
            }
        }
        inside.sort();
        files.append(&mut inside);
    }
    if files.is_empty() {
        return Err(Error::table(name, format!("no .{ending} file is there")));
    }
    Ok(files)
}
