//! Plans written by hand, and both engines that run them.

use std::sync::Arc;

use kql::engine::memory::Memory;
use kql::engine::{Answer, Cancel, Engine as _, Limits, Rows, Source};
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

    pub(crate) fn lake(&self, query: &Query) -> Answer {
        let limits = Limits::default();
        match self.lake.run_at(NOW, query, &limits, &Cancel::new()) {
            Ok(answer) => answer,
            Err(e) => panic!("{}", chain(&e)),
        }
    }

    /// The answer of both, which must be the same. Rows without an order are compared sorted.
    pub(crate) fn same(&self, query: &Query, ordered: bool) -> Vec<Vec<Value>> {
        let memory = Memory::new(&self.memory, Context { now: NOW });
        let limits = Limits::default();
        let expected = memory.run(query, &limits, &Cancel::new()).unwrap();
        let got = self.lake(query);
        assert_eq!(got.schema, expected.schema);
        let (mut got, mut expected) = (got.rows, expected.rows);
        if !ordered {
            let key = |row: &Vec<Value>| format!("{row:?}");
            got.sort_by_key(key);
            expected.sort_by_key(key);
        }
        assert_eq!(text(&got), text(&expected));
        got
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
