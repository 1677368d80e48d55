//! The tables of a command line: those of files with their rows, those of a schema by their
//! columns only.

use std::path::{Path, PathBuf};

use base::{ExitCode, Fault};
use kql::bind::{Catalog as _, Tables};
use kql::engine::{self, Answer, Cancel, Env, Rows, Source};
use kql::functions::Context;
use kql::plan::{Op, Query, Schema};

use super::{TablesArgs, files};
use crate::cells;

/// What queries are bound against and run on.
pub(super) struct Bench {
    pub(super) catalog: Tables,
    pub(super) context: Context,
    lake: lake::Lake,
    limits: engine::Limits,
    cancel: Cancel,
}

/// Whether tables that have columns only are there without rows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Empty {
    /// For plans that are not run
    Allowed,
    /// A query over one fails: no rows would be a wrong answer
    Refused,
}

impl Bench {
    /// Opens the files.
    pub(super) fn open(
        args: &TablesArgs,
        limits: engine::Limits,
        empty: Empty,
    ) -> Result<Self, Fault> {
        let mut catalog = files::schema(args.schema.as_deref())?;
        let mut tables = lake::Tables::new();
        for file in &args.tables {
            let declared = catalog.table(&file.name);
            let table = open(&file.name, &file.path, declared.as_ref())?;
            catalog.add(file.name.clone(), table.schema().clone());
            tables.add(file.name.clone(), table);
        }
        if empty == Empty::Allowed {
            for name in catalog.tables() {
                if let (None, Some(schema)) = (tables.find(&name), catalog.table(&name)) {
                    tables.add(name, lake::Table::rows(schema, &[]).map_err(|e| failed(&e))?);
                }
            }
        }
        let own = lake::Limits { memory_bytes: limits.bytes, ..lake::Limits::default() };
        let lake = lake::Lake::new(tables, own).map_err(|e| failed(&e))?;
        let context = files::context(args.now);
        Ok(Self { catalog, context, lake, limits, cancel: Cancel::new() })
    }

    /// Lets `externaldata` read a file in place of an address.
    pub(super) fn allow_external(&mut self, address: &str, file: &Path) {
        self.lake.allow_external(address, file);
    }

    /// The engine's plan of a query, as text.
    pub(super) fn explain(&self, query: &Query) -> Result<String, lake::Error> {
        self.lake.explain(self.context.now, query)
    }

    /// Runs a query.
    pub(super) fn run(&self, query: &Query) -> Result<Answer, lake::Error> {
        self.lake.run_at(self.context.now, query, &self.limits, &self.cancel)
    }

    /// The columns of a plugin that depend on its rows: its input is run first. `None` where that
    /// fails; the query then fails by itself.
    pub(super) fn discover(&self, query: &Query) -> Option<Schema> {
        let mut inputs = Vec::new();
        if let Op::Plugin { input: Some(input), .. } = &*query.rel.op {
            let before = Query { rel: input.clone(), ..query.clone() };
            let limits = engine::Limits { rows: self.limits.working_rows, ..self.limits };
            let answer = self.lake.run_at(self.context.now, &before, &limits, &self.cancel).ok()?;
            inputs.push(Rows::new(answer.schema, answer.rows));
        }
        let env = Env::new(query, &Nothing, self.context, &self.limits, &self.cancel);
        engine::plugin_schema(&query.rel, inputs, &env).ok()?
    }
}

/// No tables: what a plugin needs is handed to it.
struct Nothing;

impl Source for Nothing {
    fn table(&self, _name: &str) -> engine::Result<Option<std::sync::Arc<Rows>>> {
        Ok(None)
    }
}

fn open(name: &str, path: &Path, schema: Option<&Schema>) -> Result<lake::Table, Fault> {
    let shown = path.display();
    if !path.exists() {
        return Err(
            Fault::new("not_found", format!("\"{shown}\" does not exist")).exit(ExitCode::NotFound)
        );
    }
    let ending = path.extension().map(|e| e.to_ascii_lowercase());
    let table = match ending.as_ref().and_then(|e| e.to_str()) {
        Some("csv") => lake::Table::csv(name, path, schema),
        Some("parquet") => lake::Table::parquet(name, &[PathBuf::from(path)], schema),
        _ if path.is_dir() => lake::Table::parquet(name, &[PathBuf::from(path)], schema),
        _ => {
            return Err(Fault::new("bad_table", format!("\"{shown}\" is neither CSV nor Parquet"))
                .hint("the file's name ends in .csv or .parquet, or it is a folder of .parquet")
                .exit(ExitCode::Usage));
        }
    };
    table.map_err(|e| {
        Fault::new("bad_table", format!("\"{shown}\" could not be read")).detail(cells::chain(&e))
    })
}

fn failed(e: &lake::Error) -> Fault {
    Fault::new("engine", "the query engine could not be set up").detail(cells::chain(e))
}
