//! `array_sort_asc()` and `array_sort_desc()`.
//!
//! The first array is sorted, the others follow it. With several arrays the result is an array of
//! the sorted arrays, of which the binder takes the elements.

use std::cmp::Ordering;

use crate::functions::Table;
use crate::functions::arguments::array_value;
use crate::value::{Json, Value, order_json};

pub(super) const TABLE: Table =
    &[("array_sort_asc", |a, _| sort(a, false)), ("array_sort_desc", |a, _| sort(a, true))];

/// Kinds in the order that Kusto gives arrays of mixed kinds: numbers, text, all others.
fn rank(json: &Json) -> u8 {
    match json {
        Json::Long(_) | Json::Real(_) => 0,
        Json::String(_) => 1,
        _ => 2,
    }
}

fn compare(a: &Json, b: &Json, descending: bool, nulls_last: bool) -> Ordering {
    match (a, b) {
        (Json::Null, Json::Null) => return Ordering::Equal,
        (Json::Null, _) | (_, Json::Null) => {
            let first = matches!(a, Json::Null) != nulls_last;
            return if first { Ordering::Less } else { Ordering::Greater };
        }
        _ => {}
    }
    let within = || {
        let order = order_json(a, b);
        if descending { order.reverse() } else { order }
    };
    rank(a).cmp(&rank(b)).then_with(within)
}

fn elements(value: &Value) -> Option<&[Json]> {
    match value {
        Value::Dynamic(json) => match &**json {
            Json::Array(elements) => Some(elements),
            _ => None,
        },
        _ => None,
    }
}

fn sort(arguments: &[Value], descending: bool) -> Value {
    let (arrays, nulls_last) = match arguments {
        [arrays @ .., Value::Bool(nulls_last)] => (arrays, *nulls_last),
        arrays => (arrays, true),
    };
    let Some(first) = arrays.first().and_then(elements) else { return Value::Null };
    let mut order: Vec<usize> = (0..first.len()).collect();
    order.sort_by(|a, b| compare(&first[*a], &first[*b], descending, nulls_last));
    let arranged = |value: &Value| match elements(value) {
        Some(elements) if elements.len() == order.len() => {
            Json::Array(order.iter().map(|at| elements[*at].clone()).collect())
        }
        _ => Json::Null,
    };
    match arrays {
        [one] => Value::json(arranged(one)),
        several => array_value(several.iter().map(arranged).collect()),
    }
}
