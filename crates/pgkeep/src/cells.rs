//! Values as JSON, in the conventions of the command line's contract: datetimes in RFC 3339,
//! timespans in .NET's form, dynamics as JSON, decimals and guids as text, and what JSON has no
//! number for (NaN, infinities) as words.

use std::error::Error;

use kql::value::Value;
use serde::{Serialize, Serializer};

/// One value.
#[derive(Debug)]
pub(crate) struct Cell<'a>(&'a Value);

/// A row's values.
pub(crate) fn row(row: &[Value]) -> Vec<Cell<'_>> {
    row.iter().map(Cell).collect()
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => to.serialize_unit(),
            Value::Bool(b) => to.serialize_bool(*b),
            Value::Int(n) => to.serialize_i32(*n),
            Value::Long(n) => to.serialize_i64(*n),
            Value::Real(x) if x.is_nan() => to.serialize_str("NaN"),
            Value::Real(x) if x.is_infinite() => {
                to.serialize_str(if *x > 0.0 { "Infinity" } else { "-Infinity" })
            }
            Value::Real(x) => to.serialize_f64(*x),
            Value::Dynamic(json) => json.serialize(to),
            other => to.serialize_str(&other.to_text()),
        }
    }
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text += &format!(": {inner}");
        cause = inner.source();
    }
    text
}
