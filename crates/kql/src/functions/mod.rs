//! The scalar functions and operators: one meaning for every engine.
//!
//! A function takes values and gives a value. It never fails: what cannot be computed is null,
//! or `""` for strings (Kusto page "null values"). Arguments come as the binder typed them, but
//! any may be `Null`, and a `dynamic` one may hold anything. Operators go by their text (`+`,
//! `==`, `has`, `in`, `[]`, `neg`); `in` and its like get the needle and then each item.

mod arguments;
mod conditions;
mod convert;
mod dynamic;
mod geo;
mod hash;
mod math;
mod net;
mod operators;
mod parse;
mod regex;
mod series;
mod session;
mod sketch;
mod text;
mod times;
mod units;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use regex::{compile_regex, regex_error};

use crate::value::Value;

/// What is fixed once a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// `now()`, in ticks
    pub now: i64,
}

/// A scalar function.
pub type Scalar = fn(&[Value], &Context) -> Value;

/// One topic's functions by name.
type Table = &'static [(&'static str, Scalar)];

/// All topics; each has a list of tables.
const TOPICS: &[&[Table]] = &[
    &[conditions::TABLE, convert::TABLE, hash::TABLE, session::TABLE, sketch::TABLE],
    &dynamic::TABLES,
    &geo::TABLES,
    &math::TABLES,
    &net::TABLES,
    &operators::TABLES,
    &parse::TABLES,
    &series::TABLES,
    &text::TABLES,
    &times::TABLES,
    &units::TABLES,
];

static BY_NAME: LazyLock<HashMap<&'static str, Scalar>> = LazyLock::new(|| {
    TOPICS.iter().copied().flatten().flat_map(|table| table.iter().copied()).collect()
});

/// The function or operator of this name.
pub fn scalar(name: &str) -> Option<Scalar> {
    BY_NAME.get(name).copied()
}

#[cfg(test)]
mod tests;
