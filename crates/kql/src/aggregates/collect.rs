//! `make_list`, `make_set`, `make_bag`: the values of a group as one dynamic.
//!
//! A set of arrays is the set of their elements, a list of arrays the list of them (Kusto pages
//! "make_set", "geo_h3cell_rings").

use std::collections::HashSet;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::condition::If;
use super::{Accumulator, Table};
use crate::value::{Json, Value};

/// Most elements, and the default.
const SIZE_MAX: usize = 1_048_576;
/// The default of the functions that are no longer recommended.
const SIZE_LEGACY: usize = 128;

pub(super) const TABLE: Table = &[
    ("make_list", |_| Box::new(List::new(1, SIZE_MAX))),
    ("make_list_if", |_| Box::new(If { at: 1, inner: List::new(2, SIZE_MAX) })),
    ("make_list_with_nulls", |_| Box::new(List { nulls: true, ..List::new(1, SIZE_MAX) })),
    ("makelist", |_| Box::new(List::new(1, SIZE_LEGACY))),
    ("make_set", |_| Box::new(Set::new(1, SIZE_MAX))),
    ("make_set_if", |_| Box::new(If { at: 1, inner: Set::new(2, SIZE_MAX) })),
    ("makeset", |_| Box::new(Set::new(1, SIZE_LEGACY))),
    ("make_bag", |_| Box::new(Bag::new(1, SIZE_MAX))),
    ("make_bag_if", |_| Box::new(If { at: 1, inner: Bag::new(2, SIZE_MAX) })),
    ("make_dictionary", |_| Box::new(Bag::new(1, SIZE_LEGACY))),
];

/// The size that a call asks for, if it does.
fn size(arguments: &[Value], at: usize) -> Option<usize> {
    let asked = arguments.get(at)?.as_integer()?;
    Some(usize::try_from(asked).unwrap_or(0).min(SIZE_MAX))
}

fn elements(state: &[Value]) -> &[Json] {
    match state.first() {
        Some(Value::Dynamic(json)) => match &**json {
            Json::Array(elements) => elements,
            _ => &[],
        },
        _ => &[],
    }
}

/// What a state of these is: the elements, then the size.
fn state(elements: Vec<Json>, size: usize) -> Vec<Value> {
    vec![Value::json(Json::Array(elements)), Value::Long(size as i64)]
}

#[derive(Debug)]
struct List {
    size_at: usize,
    size: usize,
    nulls: bool,
    held: Vec<Json>,
    bytes: usize,
}

impl List {
    fn new(size_at: usize, size: usize) -> Self {
        Self { size_at, size, nulls: false, held: Vec::new(), bytes: 0 }
    }

    fn push(&mut self, element: Json, bytes: usize) {
        if self.held.len() < self.size {
            self.bytes += bytes;
            self.held.push(element);
        }
    }
}

impl Accumulator for List {
    fn update(&mut self, arguments: &[Value]) {
        if let Some(size) = size(arguments, self.size_at) {
            self.size = size;
        }
        let Some(value) = arguments.first() else { return };
        if self.held.len() >= self.size {
            return;
        }
        match value {
            Value::Null if !self.nulls => {}
            Value::Dynamic(json) if matches!(**json, Json::Array(_)) => {
                for element in elements(arguments) {
                    self.push(element.clone(), Value::of_json(element).heap_bytes());
                }
            }
            value => self.push(value.to_json(), value.heap_bytes()),
        }
    }

    fn state(&self) -> Vec<Value> {
        state(self.held.clone(), self.size)
    }

    fn merge(&mut self, state: &[Value]) {
        if let Some(size) = size(state, 1) {
            self.size = size;
        }
        for element in elements(state) {
            self.push(element.clone(), Value::of_json(element).heap_bytes());
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![Value::json(Json::Array(self.held.clone()))]
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.held.capacity() * size_of::<Json>() + self.bytes
    }
}

/// An element of a set: equal where its text is.
#[derive(Debug, Clone)]
struct Member(Arc<Json>);

impl PartialEq for Member {
    fn eq(&self, other: &Self) -> bool {
        match (&*self.0, &*other.0) {
            (Json::Real(a), Json::Real(b)) => a.to_bits() == b.to_bits(),
            (a @ (Json::Array(_) | Json::Bag(_)), b @ (Json::Array(_) | Json::Bag(_))) => {
                a.to_string() == b.to_string()
            }
            (a, b) => a == b,
        }
    }
}

impl Eq for Member {}

impl Hash for Member {
    fn hash<H: Hasher>(&self, to: &mut H) {
        match &*self.0 {
            Json::Null => 0.hash(to),
            Json::Bool(b) => b.hash(to),
            Json::Long(n) => n.hash(to),
            Json::Real(x) => x.to_bits().hash(to),
            Json::String(s) => s.hash(to),
            other => other.to_string().hash(to),
        }
    }
}

#[derive(Debug)]
struct Set {
    size_at: usize,
    size: usize,
    seen: HashSet<Member>,
    held: Vec<Arc<Json>>,
    bytes: usize,
}

impl Set {
    fn new(size_at: usize, size: usize) -> Self {
        Self { size_at, size, seen: HashSet::new(), held: Vec::new(), bytes: 0 }
    }

    fn add(&mut self, element: Json, bytes: usize) {
        if self.held.len() >= self.size || element == Json::Null {
            return;
        }
        let element = Arc::new(element);
        if self.seen.insert(Member(Arc::clone(&element))) {
            self.bytes += bytes + size_of::<Json>();
            self.held.push(element);
        }
    }

    fn list(&self) -> Vec<Json> {
        self.held.iter().map(|element| (**element).clone()).collect()
    }
}

impl Accumulator for Set {
    fn update(&mut self, arguments: &[Value]) {
        if let Some(size) = size(arguments, self.size_at) {
            self.size = size;
        }
        match arguments.first() {
            Some(Value::Dynamic(json)) => match &**json {
                Json::Array(elements) => {
                    for element in elements {
                        self.add(element.clone(), Value::of_json(element).heap_bytes());
                    }
                }
                other => self.add(other.clone(), arguments[0].heap_bytes()),
            },
            Some(value) => self.add(value.to_json(), value.heap_bytes()),
            None => {}
        }
    }

    fn state(&self) -> Vec<Value> {
        state(self.list(), self.size)
    }

    fn merge(&mut self, state: &[Value]) {
        if let Some(size) = size(state, 1) {
            self.size = size;
        }
        for element in elements(state) {
            self.add(element.clone(), Value::of_json(element).heap_bytes());
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![Value::json(Json::Array(self.list()))]
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.held.capacity() * 8 + self.seen.capacity() * 9 + self.bytes
    }
}

/// The first value of each key.
#[derive(Debug)]
struct Bag {
    size_at: usize,
    size: usize,
    seen: HashSet<Arc<str>>,
    held: Vec<(Arc<str>, Json)>,
    bytes: usize,
}

impl Bag {
    fn new(size_at: usize, size: usize) -> Self {
        Self { size_at, size, seen: HashSet::new(), held: Vec::new(), bytes: 0 }
    }

    fn add(&mut self, value: Option<&Value>) {
        let Some(Value::Dynamic(json)) = value else { return };
        let Json::Bag(members) = &**json else { return };
        for (key, value) in members {
            if self.held.len() < self.size && self.seen.insert(Arc::clone(key)) {
                self.bytes += key.len() + Value::of_json(value).heap_bytes();
                self.held.push((Arc::clone(key), value.clone()));
            }
        }
    }
}

impl Accumulator for Bag {
    fn update(&mut self, arguments: &[Value]) {
        if let Some(size) = size(arguments, self.size_at) {
            self.size = size;
        }
        self.add(arguments.first());
    }

    fn state(&self) -> Vec<Value> {
        vec![Value::json(Json::Bag(self.held.clone())), Value::Long(self.size as i64)]
    }

    fn merge(&mut self, state: &[Value]) {
        if let Some(size) = size(state, 1) {
            self.size = size;
        }
        self.add(state.first());
    }

    fn finish(&self) -> Vec<Value> {
        if self.held.is_empty() {
            return vec![Value::json(Json::Array(Vec::new()))];
        }
        vec![Value::json(Json::Bag(self.held.clone()))]
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.held.capacity() * 64 + self.bytes
    }
}
