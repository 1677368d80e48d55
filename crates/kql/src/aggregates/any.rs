//! `take_any` and its kin: one row of the group, no matter which.

use super::condition::If;
use super::{Accumulator, Call, Table, kept_row, row_bytes};
use crate::value::{Type, Value};

pub(super) const TABLE: Table = &[
    ("take_any", |call| Box::new(Any::new(call))),
    ("any", |call| Box::new(Any::new(call))),
    ("take_anyif", |call| Box::new(If { at: 1, inner: Any::new(call) })),
    ("anyif", |call| Box::new(If { at: 1, inner: Any::new(call) })),
    ("passthrough", |call| Box::new(Any::new(call))),
];

/// The first row; where there is one column, the first value that is neither null nor empty.
#[derive(Debug)]
struct Any {
    outputs: Vec<Type>,
    held: Vec<Value>,
}

impl Any {
    fn new(call: &Call<'_>) -> Self {
        Self { outputs: call.outputs.to_vec(), held: Vec::new() }
    }
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

impl Accumulator for Any {
    fn update(&mut self, arguments: &[Value]) {
        let n = self.outputs.len().min(arguments.len());
        let better = || n == 1 && says_nothing(&self.held[0]) && !says_nothing(&arguments[0]);
        if self.held.is_empty() || better() {
            self.held = arguments[..n].to_vec();
        }
    }

    fn state(&self) -> Vec<Value> {
        self.held.clone()
    }

    fn merge(&mut self, state: &[Value]) {
        if !state.is_empty() {
            self.update(state);
        }
    }

    fn finish(&self) -> Vec<Value> {
        kept_row(&self.held, &self.outputs)
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + row_bytes(&self.held)
    }
}
