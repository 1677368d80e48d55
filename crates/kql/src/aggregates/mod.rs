//! The aggregate functions: one meaning for every engine.
//!
//! Nulls are left out by all but `count`, `take_any` and `make_list_with_nulls` (Kusto page
//! "summarize", default values): what an aggregate of nothing gives stands there too.

mod any;
mod collect;
mod condition;
mod distinct;
mod extreme;
mod moments;
mod rank;
mod schema;
mod sums;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::functions::Context;
use crate::value::{Type, Value};

/// Collects the rows of one group.
pub trait Accumulator: Send + std::fmt::Debug {
    /// Takes the arguments of one row, in the order of the call, constants too.
    fn update(&mut self, arguments: &[Value]);

    /// What was collected, so that another accumulator of the same call can go on from it.
    fn state(&self) -> Vec<Value>;

    /// Takes in what another accumulator of the same call collected.
    fn merge(&mut self, state: &[Value]);

    /// The results, one for each output of the call.
    fn finish(&self) -> Vec<Value>;

    /// Bytes held, for limits of memory.
    fn bytes(&self) -> usize;
}

/// What a call of an aggregate looks like.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// Types of the arguments
    pub arguments: &'a [Type],
    /// Types of the outputs
    pub outputs: &'a [Type],
    /// What is fixed once a query
    pub context: Context,
}

/// Makes an accumulator for a call.
pub type Make = fn(&Call<'_>) -> Box<dyn Accumulator>;

/// A row that was kept, or what an absent one has.
fn kept_row(kept: &[Value], outputs: &[Type]) -> Vec<Value> {
    let cell = |(i, ty): (usize, &Type)| kept.get(i).cloned().unwrap_or_else(|| Value::absent(*ty));
    outputs.iter().enumerate().map(cell).collect()
}

/// Bytes of a row that is kept.
fn row_bytes(kept: &[Value]) -> usize {
    kept.iter().map(|value| value.heap_bytes() + size_of::<Value>()).sum()
}

/// One topic's functions by name.
type Table = &'static [(&'static str, Make)];

/// All topics.
const TABLES: &[Table] = &[
    any::TABLE,
    collect::TABLE,
    distinct::TABLE,
    extreme::TABLE,
    moments::TABLE,
    rank::TABLE,
    schema::TABLE,
    sums::TABLE,
];

static BY_NAME: LazyLock<HashMap<&'static str, Make>> =
    LazyLock::new(|| TABLES.iter().flat_map(|table| table.iter().copied()).collect());

/// The aggregate of this name.
pub fn aggregate(name: &str) -> Option<Make> {
    BY_NAME.get(name).copied()
}
