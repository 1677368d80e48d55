//! Functions of series: arrays of numbers with a constant step, as `make-series` gives them.
//!
//! A function with several outputs gives one array with all of them in order; the binder takes
//! the elements. Elements that are no numbers count as missing; a text that is a full datetime
//! counts as its ticks.

mod decompose;
mod elementwise;
mod fill;
mod filter;
mod fit;
mod fourier;
mod periods;
mod reduce;
#[cfg(test)]
mod tests;

use super::Table;
use crate::value::{Json, Value, parse_datetime};

/// All of them.
pub(super) const TABLES: [Table; 7] = [
    decompose::TABLE,
    elementwise::TABLE,
    fill::TABLE,
    filter::TABLE,
    fit::TABLE,
    periods::TABLE,
    reduce::TABLE,
];

/// An element that is a number.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Number {
    Long(i64),
    Real(f64),
}

impl Number {
    fn of_json(json: &Json) -> Option<Self> {
        match json {
            Json::Long(n) => Some(Self::Long(*n)),
            Json::Real(x) => Some(Self::Real(*x)),
            Json::String(text) => match &**text {
                "NaN" => Some(Self::Real(f64::NAN)),
                "Infinity" => Some(Self::Real(f64::INFINITY)),
                "-Infinity" => Some(Self::Real(f64::NEG_INFINITY)),
                text if text.ends_with('Z') && text.contains('T') => {
                    parse_datetime(text).map(Self::Long)
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// A number in a scalar argument.
    fn of_value(value: &Value) -> Option<Self> {
        match value {
            Value::Dynamic(json) => Self::of_json(json),
            Value::DateTime(t) | Value::TimeSpan(t) => Some(Self::Long(*t)),
            Value::Int(_) | Value::Long(_) => value.as_integer().map(Self::Long),
            other => other.as_real().map(Self::Real),
        }
    }

    fn real(self) -> f64 {
        match self {
            Self::Long(n) => n as f64,
            Self::Real(x) => x,
        }
    }

    fn to_json(self) -> Json {
        match self {
            Self::Long(n) => Json::Long(n),
            Self::Real(x) => Json::Real(x),
        }
    }
}

/// The elements of an argument that is an array.
fn elements(value: Option<&Value>) -> Option<&[Json]> {
    match value? {
        Value::Dynamic(json) => match &**json {
            Json::Array(elements) => Some(elements),
            _ => None,
        },
        _ => None,
    }
}

/// An array's elements as real numbers; `None` where one is missing.
fn reals(value: Option<&Value>) -> Option<Vec<Option<f64>>> {
    let elements = elements(value)?;
    Some(elements.iter().map(|e| Number::of_json(e).map(Number::real)).collect())
}

/// An array's elements as real numbers, NaN where one is missing.
fn reals_or_nan(value: Option<&Value>) -> Option<Vec<f64>> {
    Some(reals(value)?.into_iter().map(|x| x.unwrap_or(f64::NAN)).collect())
}

fn number(value: Option<&Value>) -> Option<f64> {
    value.and_then(Number::of_value).map(Number::real)
}

fn text(value: Option<&Value>) -> Option<&str> {
    match value? {
        Value::String(text) => Some(text),
        _ => None,
    }
}

/// An array of real numbers.
fn array(of: impl IntoIterator<Item = f64>) -> Json {
    Json::Array(of.into_iter().map(Json::Real).collect())
}

/// Several outputs as one value.
fn outputs(of: Vec<Json>) -> Value {
    Value::json(Json::Array(of))
}
