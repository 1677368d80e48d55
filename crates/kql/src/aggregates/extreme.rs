//! `min`, `max`, `arg_min`, `arg_max`.

use std::cmp::Ordering;

use super::condition::If;
use super::{Accumulator, Call, Table, kept_row, row_bytes};
use crate::value::{Type, Value};

pub(super) const TABLE: Table = &[
    ("min", |call| Box::new(Extreme::new(call, Ordering::Less))),
    ("max", |call| Box::new(Extreme::new(call, Ordering::Greater))),
    ("minif", |call| Box::new(If { at: 1, inner: Extreme::new(call, Ordering::Less) })),
    ("maxif", |call| Box::new(If { at: 1, inner: Extreme::new(call, Ordering::Greater) })),
    ("arg_min", |call| Box::new(Row::new(call, Ordering::Less))),
    ("arg_max", |call| Box::new(Row::new(call, Ordering::Greater))),
    ("argmin", |call| Box::new(Row::new(call, Ordering::Less))),
    ("argmax", |call| Box::new(Row::new(call, Ordering::Greater))),
];

/// Whether a new key takes the place of the one held: nulls and NaN never win over a value.
fn wins(new: &Value, held: &Value, side: Ordering) -> bool {
    let poor = |value: &Value| match value {
        Value::Null => 2,
        Value::Real(x) if x.is_nan() => 1,
        _ => 0,
    };
    match poor(new).cmp(&poor(held)) {
        Ordering::Equal => new.order(held) == side,
        order => order == Ordering::Less,
    }
}

#[derive(Debug)]
struct Extreme {
    side: Ordering,
    output: Type,
    held: Option<Value>,
}

impl Extreme {
    fn new(call: &Call<'_>, side: Ordering) -> Self {
        let output = call.outputs.first().copied().unwrap_or(Type::Dynamic);
        Self { side, output, held: None }
    }
}

impl Accumulator for Extreme {
    fn update(&mut self, arguments: &[Value]) {
        let Some(new) = arguments.first().filter(|value| !value.is_null()) else { return };
        if self.held.as_ref().is_none_or(|held| wins(new, held, self.side)) {
            self.held = Some(new.clone());
        }
    }

    fn state(&self) -> Vec<Value> {
        vec![self.held.clone().unwrap_or(Value::Null)]
    }

    fn merge(&mut self, state: &[Value]) {
        self.update(state);
    }

    fn finish(&self) -> Vec<Value> {
        vec![self.held.clone().unwrap_or_else(|| Value::absent(self.output))]
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.held.as_ref().map_or(0, Value::heap_bytes)
    }
}

/// The row with the extreme key, which is the first argument; the first of those that tie.
#[derive(Debug)]
struct Row {
    side: Ordering,
    outputs: Vec<Type>,
    held: Vec<Value>,
}

impl Row {
    fn new(call: &Call<'_>, side: Ordering) -> Self {
        Self { side, outputs: call.outputs.to_vec(), held: Vec::new() }
    }
}

impl Accumulator for Row {
    fn update(&mut self, arguments: &[Value]) {
        let Some(new) = arguments.first() else { return };
        if self.held.first().is_none_or(|held| wins(new, held, self.side)) {
            self.held = arguments.to_vec();
        }
    }

    fn state(&self) -> Vec<Value> {
        self.held.clone()
    }

    fn merge(&mut self, state: &[Value]) {
        self.update(state);
    }

    fn finish(&self) -> Vec<Value> {
        kept_row(&self.held, &self.outputs)
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + row_bytes(&self.held)
    }
}
