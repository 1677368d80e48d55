//! Plans written by hand, and both engines that run them.

use std::sync::Arc;

use kql::engine::memory::Memory;
use kql::engine::{Cancel, Engine as _, Limits, Rows, Source};
use kql::functions::Context;
use kql::plan::{Aggregate, Column, Named, Op, Query, Rel, Scalar, ScalarKind, Schema, SortKey};
use kql::value::{Type, Value};
use lake::{Lake, Table, Tables};

pub(crate) const NOW: i64 = 638_000_000_000_000_000;

pub(crate) fn schema(columns: &[(&str, Type)]) -> Schema {
    columns.iter().map(|(name, ty)| Column::new(*name, *ty)).collect()
}

pub(crate) fn rows(columns: &[(&str, Type)], rows: Vec<Vec<Value>>) -> Rel {
    Rel { op: Box::new(Op::Rows(rows)), schema: schema(columns) }
}

pub(crate) fn lit(value: Value) -> Scalar {
    let ty = value.kind().unwrap_or(Type::Long);
    Scalar { kind: ScalarKind::Literal(value), ty }
}

pub(crate) fn call(function: &str, arguments: Vec<Scalar>, ty: Type) -> Scalar {
    Scalar { kind: ScalarKind::Call { function: Arc::from(function), arguments }, ty }
}

/// Operators, one after the other.
pub(crate) trait Pipe {
    fn col(&self, name: &str) -> Scalar;
    fn filter(self, predicate: Scalar) -> Rel;
    fn project(self, columns: Vec<(&str, Scalar)>) -> Rel;
    fn summarize(self, keys: Vec<(&str, Scalar)>, all: Vec<(&str, &str, Vec<Scalar>, Type)>)
    -> Rel;
    fn sort(self, keys: Vec<(Scalar, bool)>) -> Rel;
    fn take(self, n: i64) -> Rel;
}

impl Pipe for Rel {
    fn col(&self, name: &str) -> Scalar {
        let at = self.schema.iter().position(|c| c.name == name).unwrap();
        Scalar { kind: ScalarKind::Column(at), ty: self.schema[at].ty }
    }

    fn filter(self, predicate: Scalar) -> Rel {
        let schema = self.schema.clone();
        Rel { op: Box::new(Op::Where { input: self, predicate }), schema }
    }

    fn project(self, columns: Vec<(&str, Scalar)>) -> Rel {
        let schema = columns.iter().map(|(name, s)| Column::new(*name, s.ty)).collect();
        let columns = named(columns);
        Rel { op: Box::new(Op::Project { input: self, columns }), schema }
    }

    fn summarize(
        self,
        keys: Vec<(&str, Scalar)>,
        all: Vec<(&str, &str, Vec<Scalar>, Type)>,
    ) -> Rel {
        let mut schema: Schema = keys.iter().map(|(name, s)| Column::new(*name, s.ty)).collect();
        let aggregates = all
            .into_iter()
            .map(|(name, function, arguments, ty)| {
                schema.push(Column::new(name, ty));
                let outputs = vec![Column::new(name, ty)];
                Aggregate { function: Arc::from(function), arguments, outputs }
            })
            .collect();
        let keys = named(keys);
        Rel { op: Box::new(Op::Summarize { input: self, keys, aggregates }), schema }
    }

    fn sort(self, keys: Vec<(Scalar, bool)>) -> Rel {
        let schema = self.schema.clone();
        let keys = keys
            .into_iter()
            .map(|(value, descending)| SortKey { value, descending, nulls_first: !descending })
            .collect();
        Rel { op: Box::new(Op::Sort { input: self, keys }), schema }
    }

    fn take(self, n: i64) -> Rel {
        let schema = self.schema.clone();
        Rel { op: Box::new(Op::Take { input: self, count: lit(Value::Long(n)) }), schema }
    }
}

fn named(columns: Vec<(&str, Scalar)>) -> Vec<Named> {
    columns.into_iter().map(|(name, value)| Named { name: name.to_owned(), value }).collect()
}

pub(crate) fn query(rel: Rel) -> Query {
    Query {
        rel,
        open: false,
        render: None,
        options: Vec::new(),
        shared: Vec::new(),
        scalars: Vec::new(),
        further: Vec::new(),
    }
}

/// Tables for the engine in memory.
#[derive(Default)]
pub(crate) struct InMemory(pub(crate) Vec<(String, Arc<Rows>)>);

impl Source for InMemory {
    fn table(&self, name: &str) -> kql::engine::Result<Option<Arc<Rows>>> {
        Ok(self.0.iter().find(|(n, _)| n == name).map(|(_, rows)| Arc::clone(rows)))
    }
}

/// Both engines over the same tables.
pub(crate) struct Both {
    pub(crate) lake: Lake,
    pub(crate) memory: InMemory,
}

impl Both {
    pub(crate) fn new(tables: Vec<(&str, Rows)>) -> Self {
        let mut lake = Tables::new();
        let mut memory = InMemory::default();
        for (name, rows) in tables {
            lake.add(name, Table::rows(rows.schema.clone(), &rows.rows).unwrap());
            memory.0.push((name.to_owned(), Arc::new(rows)));
        }
        let mut lake = Lake::new(lake, lake::Limits::default()).unwrap();
        // Whatever a test runs goes through the codec too.
        lake.through_bytes(true);
        Self { lake, memory }
    }

    /// The same over Parquet files that `lake` writes in stored types of their own.
    pub(crate) fn in_parquet(name: &str, rows: Rows, folder: &std::path::Path) -> Self {
        let file = folder.join("rows.parquet");
        lake::write_parquet(&file, &rows.schema, &rows.rows, 100).unwrap();
        let table = Table::parquet(name, &[folder.to_owned()], Some(&rows.schema)).unwrap();
        assert_eq!(*table.schema(), rows.schema);
        let mut tables = Tables::new();
        tables.add(name, table);
        let mut lake = Lake::new(tables, lake::Limits::default()).unwrap();
        lake.through_bytes(true);
        let memory = InMemory(vec![(name.to_owned(), Arc::new(rows))]);
        Self { lake, memory }
    }

    /// A text as a bound query.
    pub(crate) fn bound(&self, text: &str) -> Query {
        let discover = |query: &Query| self.lake.discover(NOW, query);
        let context = Context { now: NOW };
        let binding = kql::bind::compile(text, self.lake.tables(), context, Some(&discover));
        binding.query.unwrap_or_else(|| panic!("{text}: {:?}", binding.diagnostics))
    }

    /// Runs a text on both engines; rows in any order.
    pub(crate) fn kql(&self, text: &str) -> Vec<Vec<Value>> {
        self.same(&self.bound(text), false)
    }

    /// Runs a text on both engines; rows in their order.
    pub(crate) fn sorted(&self, text: &str) -> Vec<Vec<Value>> {
        self.same(&self.bound(text), true)
    }

    /// The answer of both, which must be the same.
    pub(crate) fn same(&self, query: &Query, ordered: bool) -> Vec<Vec<Value>> {
        self.compared(query, ordered).unwrap_or_else(|why| panic!("{why}"))
    }

    /// The answer of both, or how they differ. Rows without an order are compared sorted.
    pub(crate) fn compared(&self, query: &Query, ordered: bool) -> Result<Vec<Vec<Value>>, String> {
        let memory = Memory::new(&self.memory, Context { now: NOW });
        let limits = Limits::default();
        let expected = memory.run(query, &limits, &Cancel::new()).map_err(|e| chain(&e))?;
        let got = self.lake.run_at(NOW, query, &limits, &Cancel::new()).map_err(|e| chain(&e))?;
        assert_eq!(got.schema, expected.schema);
        let (mut left, mut right) = (text(&got.rows), text(&expected.rows));
        if !ordered {
            left.sort();
            right.sort();
        }
        if left == right {
            return Ok(got.rows);
        }
        let n = left.iter().zip(&right).take_while(|(l, r)| l == r).count();
        let (l, r) = (left.get(n), right.get(n));
        let (a, b) = (left.len(), right.len());
        Err(format!("{a} rows for {b}, first:\n  got      {l:?}\n  expected {r:?}"))
    }

    /// How a text's answers differ on both engines, if they do.
    pub(crate) fn difference(&self, text: &str) -> Option<String> {
        let query = self.bound(text);
        self.compared(&query, false).err().map(|why| format!("{text}: {why}"))
    }
}

/// NaN is like NaN here.
pub(crate) fn text(rows: &[Vec<Value>]) -> Vec<String> {
    rows.iter().map(|row| format!("{row:?}")).collect()
}

pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(source) = at {
        text = format!("{text}: {source}");
        at = source.source();
    }
    text
}
