//! `dcount`, `count_distinct`, `hll` and `hll_merge`.

use std::collections::HashSet;

use super::condition::If;
use super::{Accumulator, Table};
use crate::sketch::hll::Hll;
use crate::value::{Json, Value};

/// So many distinct values `count_distinct` takes (Kusto page "count_distinct").
const DISTINCT_MAX: usize = 100_000_000;

pub(super) const TABLE: Table = &[
    ("dcount", |_| Box::new(Sketch::new(1, true))),
    ("dcountif", |_| Box::new(If { at: 1, inner: Sketch::new(2, true) })),
    ("hll", |_| Box::new(Sketch::new(1, false))),
    ("hll_if", |_| Box::new(If { at: 1, inner: Sketch::new(2, false) })),
    ("hll_merge", |_| Box::new(Merge(None))),
    ("count_distinct", |_| Box::new(Exact::default())),
    ("count_distinctif", |_| Box::new(If { at: 1, inner: Exact::default() })),
];

#[derive(Debug)]
struct Sketch {
    accuracy_at: usize,
    count: bool,
    hll: Option<Hll>,
}

impl Sketch {
    fn new(accuracy_at: usize, count: bool) -> Self {
        Self { accuracy_at, count, hll: None }
    }
}

impl Accumulator for Sketch {
    fn update(&mut self, arguments: &[Value]) {
        let Some(value) = arguments.first().filter(|value| !value.is_null()) else { return };
        let accuracy = arguments.get(self.accuracy_at).and_then(Value::as_integer);
        self.hll.get_or_insert_with(|| Hll::new(accuracy)).add(value);
    }

    fn state(&self) -> Vec<Value> {
        vec![self.hll.as_ref().map_or(Value::Null, |hll| Value::json(hll.to_json()))]
    }

    fn merge(&mut self, state: &[Value]) {
        merge(&mut self.hll, state.first());
    }

    fn finish(&self) -> Vec<Value> {
        match &self.hll {
            _ if !self.count => self.state(),
            Some(hll) => vec![Value::Long(hll.count())],
            None => vec![Value::Long(0)],
        }
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.hll.as_ref().map_or(0, Hll::bytes)
    }
}

fn merge(into: &mut Option<Hll>, state: Option<&Value>) {
    let Some(Value::Dynamic(json)) = state else { return };
    let Some(other) = Hll::of_json(json) else { return };
    match into {
        Some(hll) => hll.merge(&other),
        None => *into = Some(other),
    }
}

#[derive(Debug)]
struct Merge(Option<Hll>);

impl Accumulator for Merge {
    fn update(&mut self, arguments: &[Value]) {
        merge(&mut self.0, arguments.first());
    }

    fn state(&self) -> Vec<Value> {
        vec![self.0.as_ref().map_or(Value::Null, |hll| Value::json(hll.to_json()))]
    }

    fn merge(&mut self, state: &[Value]) {
        merge(&mut self.0, state.first());
    }

    fn finish(&self) -> Vec<Value> {
        self.state()
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.0.as_ref().map_or(0, Hll::bytes)
    }
}

/// Every value, by its text; all values of one call have one type.
#[derive(Debug, Default)]
struct Exact {
    seen: HashSet<Box<str>>,
    bytes: usize,
}

impl Exact {
    fn add(&mut self, text: &str) {
        if self.seen.len() < DISTINCT_MAX && !self.seen.contains(text) {
            self.seen.insert(text.into());
            self.bytes += text.len();
        }
    }
}

impl Accumulator for Exact {
    fn update(&mut self, arguments: &[Value]) {
        match arguments.first() {
            None | Some(Value::Null) => {}
            Some(Value::Dynamic(json)) => self.add(&json.to_string()),
            Some(value) => self.add(&value.to_text()),
        }
    }

    fn state(&self) -> Vec<Value> {
        let seen = self.seen.iter().map(|text| Json::String((&**text).into())).collect();
        vec![Value::json(Json::Array(seen))]
    }

    fn merge(&mut self, state: &[Value]) {
        let Some(Value::Dynamic(json)) = state.first() else { return };
        let Json::Array(seen) = &**json else { return };
        for text in seen {
            if let Json::String(text) = text {
                self.add(text);
            }
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![Value::Long(self.seen.len() as i64)]
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.seen.capacity() * 17 + self.bytes
    }
}
