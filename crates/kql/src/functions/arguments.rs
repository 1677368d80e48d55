//! Reading the arguments of a call.

use std::sync::Arc;

use crate::value::{Json, Value};

/// The text of an argument; `""` where it is absent or null.
pub(super) fn text(arguments: &[Value], at: usize) -> Arc<str> {
    arguments.get(at).map_or_else(|| "".into(), Value::to_text)
}

/// A whole number.
pub(super) fn long(arguments: &[Value], at: usize) -> Option<i64> {
    arguments.get(at)?.to_long()
}

/// A number.
pub(super) fn real(arguments: &[Value], at: usize) -> Option<f64> {
    arguments.get(at)?.to_real()
}

/// The elements of an array.
pub(super) fn array(arguments: &[Value], at: usize) -> Option<&[Json]> {
    match arguments.get(at)? {
        Value::Dynamic(json) => match &**json {
            Json::Array(elements) => Some(elements),
            _ => None,
        },
        _ => None,
    }
}

/// The members of a bag.
pub(super) fn bag(arguments: &[Value], at: usize) -> Option<&[(Arc<str>, Json)]> {
    match arguments.get(at)? {
        Value::Dynamic(json) => match &**json {
            Json::Bag(members) => Some(members),
            _ => None,
        },
        _ => None,
    }
}

/// A value, or null.
pub(super) fn or_null<T>(found: Option<T>, make: impl FnOnce(T) -> Value) -> Value {
    found.map_or(Value::Null, make)
}

/// A dynamic array.
pub(super) fn array_value(elements: Vec<Json>) -> Value {
    Value::json(Json::Array(elements))
}

/// What all arguments hold together may not be more where they are put into one dynamic.
const DYNAMIC_MAX_BYTES: usize = 64 << 20;

/// Whether the arguments are too large to be put into one dynamic.
pub(super) fn too_large(arguments: &[Value]) -> bool {
    arguments.iter().map(Value::heap_bytes).sum::<usize>() > DYNAMIC_MAX_BYTES
}
