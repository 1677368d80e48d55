//! `==`, `!=`, `=~`, `!~`, `<`, `<=`, `>`, `>=`, `between` and `!between`.
//!
//! Equality with one null side is false, with two null; its negation with one null side is true.
//! Order with a null side is null (Kusto page "null values").

use std::cmp::Ordering;

use super::text::fold_eq;
use crate::functions::{Context, Table};
use crate::value::{Json, Type, Value};

pub(super) const TABLE: Table = &[
    ("==", |a, _| two(a, equal)),
    ("!=", |a, _| negated(two(a, equal))),
    ("=~", |a, _| two(a, equal_fold)),
    ("!~", |a, _| negated(two(a, equal_fold))),
    ("<", |a, _| ordered(a, Ordering::is_lt)),
    ("<=", |a, _| ordered(a, Ordering::is_le)),
    (">", |a, _| ordered(a, Ordering::is_gt)),
    (">=", |a, _| ordered(a, Ordering::is_ge)),
    ("between", between),
    ("!between", not_between),
];

fn two(arguments: &[Value], equal: fn(&Value, &Value) -> Option<bool>) -> Value {
    let [a, b] = arguments else { return Value::Null };
    equal(a, b).map_or(Value::Null, Value::Bool)
}

fn negated(value: Value) -> Value {
    match value {
        Value::Bool(b) => Value::Bool(!b),
        other => other,
    }
}

/// `a == b`; `None` where both are null.
pub(super) fn equal(a: &Value, b: &Value) -> Option<bool> {
    use Value::{Bool, DateTime, Decimal, Dynamic, Guid, Int, Long, Null, Real, String, TimeSpan};
    Some(match (a, b) {
        (Null, Null) => return None,
        (Null, _) | (_, Null) => false,
        (String(x), String(y)) => x == y,
        (Int(_) | Long(_), Int(_) | Long(_)) => a.as_integer() == b.as_integer(),
        (Int(_) | Long(_) | Real(_), Int(_) | Long(_) | Real(_)) => a.as_real() == b.as_real(),
        (Decimal(_), Int(_) | Long(_) | Real(_) | Decimal(_))
        | (Int(_) | Long(_) | Real(_), Decimal(_)) => {
            a.to_decimal().is_some_and(|x| b.to_decimal() == Some(x))
        }
        (Bool(x), Bool(y)) => x == y,
        (Bool(x), n @ (Int(_) | Long(_) | Real(_)))
        | (n @ (Int(_) | Long(_) | Real(_)), Bool(x)) => {
            n.to_real() == Some(f64::from(u8::from(*x)))
        }
        (DateTime(x), DateTime(y)) | (TimeSpan(x), TimeSpan(y)) => x == y,
        (Guid(x), Guid(y)) => x == y,
        (Dynamic(x), Dynamic(y)) => equal_json(x, y),
        (Dynamic(x), y) => match (a.plain(), y) {
            (Dynamic(_), String(y)) => x.to_string() == **y,
            (Dynamic(_), _) => false,
            (x, String(y)) => *x.to_text() == **y,
            (x, y) => equal(&x, y)?,
        },
        (_, Dynamic(_)) => return equal(b, a),
        (String(_), typed) => same_after_conversion(typed, a),
        (typed, String(_)) => same_after_conversion(typed, b),
        _ => false,
    })
}

/// Text beside a typed value is read as that type; beside any number, as a number.
fn read_as(typed: &Value, text: &Value) -> Value {
    match typed.kind() {
        Some(Type::Int | Type::Long) => match text.convert(Type::Long) {
            Value::Null => text.convert(Type::Real),
            whole => whole,
        },
        Some(kind) => text.convert(kind),
        None => Value::Null,
    }
}

fn same_after_conversion(typed: &Value, text: &Value) -> bool {
    equal(typed, &read_as(typed, text)) == Some(true)
}

/// Equality of parts of dynamics: numbers by value, bags without regard to order.
pub(in crate::functions) fn equal_json(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Long(x), Json::Real(y)) | (Json::Real(y), Json::Long(x)) => *x as f64 == *y,
        (Json::Array(x), Json::Array(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(x, y)| equal_json(x, y))
        }
        (Json::Bag(x), Json::Bag(_)) => {
            let Json::Bag(y) = b else { return false };
            x.len() == y.len()
                && x.iter().enumerate().all(|(at, (key, value))| {
                    let same = y.get(at).filter(|(k, _)| k == key).map(|(_, v)| v);
                    same.or_else(|| b.member(key)).is_some_and(|other| equal_json(value, other))
                })
        }
        (a, b) => a == b,
    }
}

/// `a =~ b`; `None` where both are null.
pub(super) fn equal_fold(a: &Value, b: &Value) -> Option<bool> {
    match (a, b) {
        (Value::Null, Value::Null) => None,
        (Value::Null, _) | (_, Value::Null) => Some(false),
        (a, b) => Some(fold_eq(&a.to_text(), &b.to_text())),
    }
}

/// The order of two values; `None` with null, NaN, or types that have none.
fn order(a: &Value, b: &Value) -> Option<Ordering> {
    use Value::{Bool, DateTime, Decimal, Dynamic, Guid, Int, Long, Real, String, TimeSpan};
    match (a, b) {
        (Int(_) | Long(_), Int(_) | Long(_)) => Some(a.as_integer()?.cmp(&b.as_integer()?)),
        (Decimal(_), Int(_) | Long(_) | Real(_) | Decimal(_))
        | (Int(_) | Long(_) | Real(_), Decimal(_)) => Some(a.to_decimal()?.cmp(&b.to_decimal()?)),
        (Int(_) | Long(_) | Real(_), Int(_) | Long(_) | Real(_)) => {
            a.as_real()?.partial_cmp(&b.as_real()?)
        }
        (Bool(_), Bool(_) | Int(_) | Long(_) | Real(_)) | (Int(_) | Long(_) | Real(_), Bool(_)) => {
            a.to_real()?.partial_cmp(&b.to_real()?)
        }
        (String(x), String(y)) => Some(x.cmp(y)),
        (DateTime(x), DateTime(y)) | (TimeSpan(x), TimeSpan(y)) => Some(x.cmp(y)),
        (Guid(x), Guid(y)) => Some(x.cmp(y)),
        (Dynamic(_), _) | (_, Dynamic(_)) => match (a.plain(), b.plain()) {
            (Dynamic(_), _) | (_, Dynamic(_)) => None,
            (a, b) => order(&a, &b),
        },
        (String(_), typed) => order(&read_as(typed, a), b),
        (typed, String(_)) => order(a, &read_as(typed, b)),
        _ => None,
    }
}

fn ordered(arguments: &[Value], test: fn(Ordering) -> bool) -> Value {
    let [a, b] = arguments else { return Value::Null };
    holds(a, b, test).map_or(Value::Null, Value::Bool)
}

fn holds(a: &Value, b: &Value, test: fn(Ordering) -> bool) -> Option<bool> {
    if a.is_null() || b.is_null() {
        return None;
    }
    match order(a, b) {
        Some(order) => Some(test(order)),
        None => is_nan(a).or_else(|| is_nan(b)),
    }
}

/// Comparisons with NaN are false, not null.
fn is_nan(value: &Value) -> Option<bool> {
    value.plain().as_real().filter(|x| x.is_nan()).map(|_| false)
}

/// `[value, low, high]`, both ends inclusive; a span at the high end is counted from the low end.
fn inside(arguments: &[Value]) -> Option<bool> {
    let [value, low, high] = arguments else { return None };
    let from = match (low, high) {
        (Value::DateTime(start), Value::TimeSpan(span)) => {
            Value::DateTime(start.saturating_add(*span))
        }
        _ => high.clone(),
    };
    let above = holds(value, low, Ordering::is_ge);
    let below = holds(value, &from, Ordering::is_le);
    match (above, below) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), Some(true)) => Some(true),
        _ => None,
    }
}

fn between(arguments: &[Value], _: &Context) -> Value {
    inside(arguments).map_or(Value::Null, Value::Bool)
}

fn not_between(arguments: &[Value], _: &Context) -> Value {
    inside(arguments).map_or(Value::Null, |b| Value::Bool(!b))
}
