//! `in`, `!in`, `in~`, `!in~`, `has_any`, `has_all`: the needle, then each item.
//!
//! An item that is a dynamic array stands for its elements.

use super::compare::{equal, equal_fold};
use super::text::{fold, has_term};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("in", |a, _| inside(a, equal)),
    ("!in", |a, _| negated(inside(a, equal))),
    ("in~", |a, _| inside(a, equal_fold)),
    ("!in~", |a, _| negated(inside(a, equal_fold))),
    ("has_any", has_any),
    ("has_all", has_all),
];

fn negated(value: Value) -> Value {
    match value {
        Value::Bool(b) => Value::Bool(!b),
        other => other,
    }
}

fn inside(arguments: &[Value], equal: fn(&Value, &Value) -> Option<bool>) -> Value {
    let Some((needle, items)) = arguments.split_first() else { return Value::Null };
    let mut unknown = false;
    let mut test = |item: &Value| match equal(needle, item) {
        Some(found) => found,
        None => {
            unknown = true;
            false
        }
    };
    for item in items {
        let found = match array(item) {
            Some(elements) => elements.iter().any(|element| test(&Value::of_json(element))),
            None => test(item),
        };
        if found {
            return Value::Bool(true);
        }
    }
    if unknown { Value::Null } else { Value::Bool(false) }
}

fn array(value: &Value) -> Option<&[Json]> {
    match value {
        Value::Dynamic(json) => match &**json {
            Json::Array(elements) => Some(elements),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a term of each item, until `stop` says so, is in the text.
fn terms(arguments: &[Value], stop: bool) -> Value {
    let Some((text, items)) = arguments.split_first() else { return Value::Null };
    if text.is_null() {
        return Value::Bool(!stop && items.is_empty());
    }
    let text = text.to_text();
    let text = fold(&text);
    let test = |needle: &Value| has_term(&text, &fold(&needle.to_text()), true, true);
    for item in items {
        let stopped = match array(item) {
            Some(elements) => elements.iter().any(|e| test(&Value::of_json(e)) == stop),
            None => test(item) == stop,
        };
        if stopped {
            return Value::Bool(stop);
        }
    }
    Value::Bool(!stop)
}

fn has_any(arguments: &[Value], _: &Context) -> Value {
    terms(arguments, true)
}

fn has_all(arguments: &[Value], _: &Context) -> Value {
    terms(arguments, false)
}
