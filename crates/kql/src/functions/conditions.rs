//! Choosing and testing: `iff()`, `case()`, `coalesce()`, `max_of()`, `isempty()` and their like.

use super::{Context, Table, scalar};
use crate::value::Value;

pub(super) const TABLE: Table = &[
    ("iff", iff),
    ("iif", iff),
    ("case", case),
    ("coalesce", coalesce),
    ("max_of", |a, _| extreme(a, true)),
    ("min_of", |a, _| extreme(a, false)),
    ("isnull", |a, _| Value::Bool(is_null(a))),
    ("isnotnull", |a, _| Value::Bool(!is_null(a))),
    ("notnull", |a, _| Value::Bool(!is_null(a))),
    ("isempty", |a, _| Value::Bool(is_empty(a))),
    ("isnotempty", |a, _| Value::Bool(!is_empty(a))),
    ("notempty", |a, _| Value::Bool(!is_empty(a))),
    ("assert", assert),
    ("around", around),
];

fn is_null(arguments: &[Value]) -> bool {
    arguments.first().is_none_or(Value::is_null)
}

fn is_empty(arguments: &[Value]) -> bool {
    match arguments.first() {
        None | Some(Value::Null) => true,
        Some(Value::String(s)) => s.is_empty(),
        Some(value @ Value::Dynamic(_)) => value.to_text().is_empty(),
        Some(_) => false,
    }
}

/// A null condition is not true.
fn iff(arguments: &[Value], _: &Context) -> Value {
    let [condition, yes, no] = arguments else { return Value::Null };
    if condition.to_bool() == Some(true) { yes.clone() } else { no.clone() }
}

/// Pairs of a condition and a value, then what else.
fn case(arguments: &[Value], _: &Context) -> Value {
    let mut rest = arguments;
    while let [condition, value, after @ ..] = rest {
        if condition.to_bool() == Some(true) {
            return value.clone();
        }
        rest = after;
    }
    rest.first().cloned().unwrap_or(Value::Null)
}

fn coalesce(arguments: &[Value], _: &Context) -> Value {
    let found = arguments.iter().find(|value| !is_empty(std::slice::from_ref(value)));
    found.or(arguments.last()).cloned().unwrap_or(Value::Null)
}

/// The largest or smallest argument that is not null.
fn extreme(arguments: &[Value], largest: bool) -> Value {
    let present = arguments.iter().filter(|value| !value.is_null());
    let found =
        if largest { present.max_by(|a, b| a.order(b)) } else { present.min_by(|a, b| a.order(b)) };
    found.cloned().unwrap_or(Value::Null)
}

/// The condition itself: an engine decides what a broken promise does.
fn assert(arguments: &[Value], _: &Context) -> Value {
    arguments.first().cloned().unwrap_or(Value::Null)
}

/// `[value, center, delta]`: whether the value is at most so far from the center.
fn around(arguments: &[Value], context: &Context) -> Value {
    let [value, center, delta] = arguments else { return Value::Null };
    let bound = |name: &str| {
        let operator = scalar(name).expect("because it is an operator");
        operator(&[center.clone(), delta.clone()], context)
    };
    let between = scalar("between").expect("because it is an operator");
    between(&[value.clone(), bound("-"), bound("+")], context)
}
