//! Functions that take arrays apart and put them together: `array_slice()`, `array_concat()` …

use super::{COPIES_MAX_BYTES, ELEMENTS_MAX};
use crate::functions::arguments::{array, array_value, long, or_null, too_large};
use crate::functions::operators::equal_json;
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("array_concat", concat),
    ("array_iff", iff),
    ("array_iif", iff),
    ("array_index_of", index_of),
    ("array_length", length),
    ("arraylength", length),
    ("array_reverse", reverse),
    ("array_rotate_left", |a, _| rotate(a, false)),
    ("array_rotate_right", |a, _| rotate(a, true)),
    ("array_shift_left", |a, _| shift(a, false)),
    ("array_shift_right", |a, _| shift(a, true)),
    ("array_slice", slice),
    ("array_split", split),
    ("array_sum", sum),
];

/// What is no array adds nothing.
fn concat(arguments: &[Value], _: &Context) -> Value {
    let arrays: Vec<&[Json]> = (0..arguments.len()).filter_map(|at| array(arguments, at)).collect();
    let total: usize = arrays.iter().map(|elements| elements.len()).sum();
    if arrays.is_empty() || total > ELEMENTS_MAX || too_large(arguments) {
        return Value::Null;
    }
    array_value(arrays.concat())
}

/// The element of an array, or the value itself where it is no array.
fn element_of(argument: &Value, at: usize) -> Json {
    match array(std::slice::from_ref(argument), 0) {
        Some(elements) => elements.get(at).cloned().unwrap_or(Json::Null),
        None => argument.to_json(),
    }
}

/// Numbers other than 0 are true; what is neither a number nor a bool gives null.
fn iff(arguments: &[Value], _: &Context) -> Value {
    let [_, yes, no] = arguments else { return Value::Null };
    // A value that is no array is copied to each place.
    let copied = [yes, no].into_iter().filter(|v| array(std::slice::from_ref(v), 0).is_none());
    let copied: usize = copied.map(Value::heap_bytes).sum();
    let fits = |conditions: &&[Json]| conditions.len().saturating_mul(copied) < COPIES_MAX_BYTES;
    or_null(array(arguments, 0).filter(fits), |conditions| {
        let chosen = conditions.iter().enumerate().map(|(at, condition)| match condition {
            Json::Bool(true) => element_of(yes, at),
            Json::Bool(false) => element_of(no, at),
            Json::Long(n) => element_of(if *n != 0 { yes } else { no }, at),
            Json::Real(x) => element_of(if *x != 0.0 { yes } else { no }, at),
            _ => Json::Null,
        });
        array_value(chosen.collect())
    })
}

/// A position that may count from the end, as a place from 0; before the start is the start.
fn place(position: i64, length: usize) -> usize {
    if position < 0 {
        let from_end = usize::try_from(position.unsigned_abs()).unwrap_or(usize::MAX);
        length.saturating_sub(from_end)
    } else {
        usize::try_from(position).unwrap_or(usize::MAX)
    }
}

/// `[array, value, start, length, occurrence]`
fn index_of(arguments: &[Value], _: &Context) -> Value {
    let Some(elements) = array(arguments, 0) else { return Value::Null };
    let number = |at: usize, default: i64| match arguments.get(at) {
        Some(value) => value.to_long(),
        None => Some(default),
    };
    let (Some(start), Some(limit), Some(occurrence)) = (number(2, 0), number(3, -1), number(4, 1))
    else {
        return Value::Null;
    };
    if limit < -1 || occurrence < 1 {
        return Value::Null;
    }
    let wanted = arguments.get(1).map_or(Json::Null, Value::to_json);
    let start = place(start, elements.len());
    let found = elements
        .iter()
        .enumerate()
        .skip(start)
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .filter(|(_, element)| equal_json(element, &wanted))
        .nth(usize::try_from(occurrence - 1).unwrap_or(usize::MAX));
    Value::Long(found.map_or(-1, |(at, _)| at as i64))
}

fn length(arguments: &[Value], _: &Context) -> Value {
    or_null(array(arguments, 0), |elements| Value::Long(elements.len() as i64))
}

fn reverse(arguments: &[Value], _: &Context) -> Value {
    or_null(array(arguments, 0), |elements| array_value(elements.iter().rev().cloned().collect()))
}

fn rotate(arguments: &[Value], right: bool) -> Value {
    let (Some(elements), Some(count)) = (array(arguments, 0), long(arguments, 1)) else {
        return Value::Null;
    };
    let mut rotated = elements.to_vec();
    if !rotated.is_empty() {
        let steps = count.rem_euclid(elements.len() as i64) as usize;
        if right { rotated.rotate_right(steps) } else { rotated.rotate_left(steps) }
    }
    array_value(rotated)
}

/// Elements that come in are the default: null, or `""` in an array of strings.
fn shift(arguments: &[Value], right: bool) -> Value {
    let (Some(elements), Some(count)) = (array(arguments, 0), long(arguments, 1)) else {
        return Value::Null;
    };
    let of_strings =
        !elements.is_empty() && elements.iter().all(|element| matches!(element, Json::String(_)));
    let default = match arguments.get(2) {
        Some(value) => value.to_json(),
        None if of_strings => Json::String("".into()),
        None => Json::Null,
    };
    let count = if right { count.saturating_neg() } else { count };
    let moved = (0..elements.len()).map(|at| {
        let from = i64::try_from(at).ok().and_then(|at| at.checked_add(count));
        let from = from.and_then(|from| usize::try_from(from).ok());
        from.and_then(|from| elements.get(from)).unwrap_or(&default).clone()
    });
    array_value(moved.collect())
}

/// From start to end, both inclusive, either may count from the end.
fn slice(arguments: &[Value], _: &Context) -> Value {
    let (Some(elements), Some(start), Some(end)) =
        (array(arguments, 0), long(arguments, 1), long(arguments, 2))
    else {
        return Value::Null;
    };
    let length = elements.len() as i64;
    let end = if end < 0 { end.saturating_add(length) } else { end };
    let start = place(start, elements.len());
    let end = usize::try_from(end.saturating_add(1)).unwrap_or(0).min(elements.len());
    array_value(elements.get(start..end).unwrap_or_default().to_vec())
}

/// Cuts at each index.
fn split(arguments: &[Value], _: &Context) -> Value {
    let Some(elements) = array(arguments, 0) else { return Value::Null };
    let indices: Option<Vec<i64>> = match array(arguments, 1) {
        Some(indices) => indices.iter().map(|index| Value::of_json(index).to_long()).collect(),
        None => long(arguments, 1).map(|index| vec![index]),
    };
    or_null(indices, |indices| {
        let mut parts = Vec::new();
        let mut from = 0;
        for index in indices {
            let to = place(index, elements.len()).clamp(from, elements.len());
            parts.push(Json::Array(elements[from..to].to_vec()));
            from = to;
        }
        parts.push(Json::Array(elements[from..].to_vec()));
        array_value(parts)
    })
}

fn sum(arguments: &[Value], _: &Context) -> Value {
    let number = |element: &Json| Value::of_json(element).plain().as_real();
    or_null(array(arguments, 0), |elements| {
        or_null(elements.iter().map(number).sum::<Option<f64>>(), Value::Real)
    })
}
