//! Values as keys of hash tables: equal where Kusto's joins and groups take them for equal.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::value::{Json, Value};

/// A value made comparable: one number has one form in all numeric types, null equals null, NaN
/// equals NaN, a dynamic text equals the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are those of the values")]
pub enum Part {
    Null,
    Bool(bool),
    Integer(i64),
    /// Bits of a number that is no whole one
    Real(u64),
    Decimal(Decimal),
    DateTime(i64),
    TimeSpan(i64),
    Guid(u128),
    Text(Arc<str>),
    /// Canonical JSON text of an array or bag
    Json(String),
}

/// The parts of a key.
pub type Key = Vec<Part>;

impl Part {
    /// A value as part of a key.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(b) => Self::Bool(*b),
            Value::Int(n) => Self::Integer((*n).into()),
            Value::Long(n) => Self::Integer(*n),
            Value::Real(x) => Self::of_real(*x),
            Value::Decimal(d) => Self::of_decimal(*d),
            Value::DateTime(t) => Self::DateTime(*t),
            Value::TimeSpan(t) => Self::TimeSpan(*t),
            Value::Guid(g) => Self::Guid(*g),
            Value::String(s) => Self::Text(Arc::clone(s)),
            Value::Dynamic(json) => match &**json {
                Json::Null => Self::Null,
                Json::Bool(b) => Self::Bool(*b),
                Json::Long(n) => Self::Integer(*n),
                Json::Real(x) => Self::of_real(*x),
                Json::String(s) => Self::Text(Arc::clone(s)),
                other => Self::Json(other.to_string()),
            },
        }
    }

    /// A value that has this part.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(*b),
            Self::Integer(n) => Value::Long(*n),
            Self::Real(bits) => Value::Real(f64::from_bits(*bits)),
            Self::Decimal(d) => Value::Decimal(*d),
            Self::DateTime(t) => Value::DateTime(*t),
            Self::TimeSpan(t) => Value::TimeSpan(*t),
            Self::Guid(g) => Value::Guid(*g),
            Self::Text(text) => Value::String(Arc::clone(text)),
            Self::Json(text) => Json::parse(text).map_or(Value::Null, Value::json),
        }
    }

    /// The key of several values.
    pub fn key<'a>(values: impl IntoIterator<Item = &'a Value>) -> Key {
        values.into_iter().map(Self::of).collect()
    }

    /// Bytes it holds outside itself; texts are shared with the value they came from.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Json(text) => text.len(),
            _ => 0,
        }
    }

    fn of_real(x: f64) -> Self {
        if x.is_nan() {
            return Self::Real(f64::NAN.to_bits());
        }
        // 2^63 itself is no i64; the cast of anything below is exact for whole numbers.
        if x.fract() == 0.0 && (-9.2e18..9.2e18).contains(&x) {
            return Self::Integer(x as i64);
        }
        Self::Real(x.to_bits())
    }

    fn of_decimal(d: Decimal) -> Self {
        if d.is_integer()
            && let Ok(n) = i64::try_from(d)
        {
            return Self::Integer(n);
        }
        Self::Decimal(d.normalize())
    }
}
