//! Arrays as sets: `set_union()` and its like. Elements keep the order of their first appearance.

use std::collections::HashSet;

use crate::functions::arguments::{array, array_value, or_null, too_large};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("jaccard_index", jaccard),
    ("set_difference", difference),
    ("set_equals", equals),
    ("set_has_element", has_element),
    ("set_intersect", intersect),
    ("set_union", union),
];

/// What makes an element the same as another: whole numbers in either form are.
fn key(element: &Json) -> String {
    match element {
        Json::Real(x) if x.fract() == 0.0 && x.abs() < 9e15 => Json::Long(*x as i64).to_string(),
        other => other.to_string(),
    }
}

fn keys(elements: &[Json]) -> HashSet<String> {
    elements.iter().map(key).collect()
}

/// The arrays of a call; null where an argument is none.
fn arrays(arguments: &[Value]) -> Option<Vec<&[Json]>> {
    (0..arguments.len()).map(|at| array(arguments, at)).collect()
}

/// Elements of the first array that pass, each once.
fn distinct(elements: &[Json], pass: impl Fn(&str) -> bool) -> Vec<Json> {
    let mut seen = HashSet::new();
    let kept = elements.iter().filter(|element| {
        let key = key(element);
        pass(&key) && seen.insert(key)
    });
    kept.cloned().collect()
}

/// What is no array adds nothing.
fn union(arguments: &[Value], _: &Context) -> Value {
    let arrays: Vec<&[Json]> = (0..arguments.len()).filter_map(|at| array(arguments, at)).collect();
    if arrays.is_empty() || too_large(arguments) {
        return Value::Null;
    }
    array_value(distinct(&arrays.concat(), |_| true))
}

fn difference(arguments: &[Value], _: &Context) -> Value {
    let Some(first) = array(arguments, 0) else { return Value::Null };
    let others: HashSet<String> =
        (1..arguments.len()).filter_map(|at| array(arguments, at)).flat_map(keys).collect();
    array_value(distinct(first, |key| !others.contains(key)))
}

fn intersect(arguments: &[Value], _: &Context) -> Value {
    or_null(arrays(arguments), |arrays| {
        let (Some(first), others) = (arrays.first(), arrays.get(1..).unwrap_or_default()) else {
            return Value::Null;
        };
        let others: Vec<HashSet<String>> = others.iter().map(|elements| keys(elements)).collect();
        array_value(distinct(first, |key| others.iter().all(|other| other.contains(key))))
    })
}

fn equals(arguments: &[Value], _: &Context) -> Value {
    or_null(arrays(arguments), |arrays| match arrays[..] {
        [a, b] => Value::Bool(keys(a) == keys(b)),
        _ => Value::Null,
    })
}

fn has_element(arguments: &[Value], _: &Context) -> Value {
    let Some(wanted) = arguments.get(1) else { return Value::Null };
    let wanted = key(&wanted.to_json());
    or_null(array(arguments, 0), |elements| {
        Value::Bool(elements.iter().any(|element| key(element) == wanted))
    })
}

/// The size of the intersection by that of the union.
fn jaccard(arguments: &[Value], _: &Context) -> Value {
    or_null(arrays(arguments), |arrays| {
        let sets: Vec<HashSet<String>> = arrays.iter().map(|elements| keys(elements)).collect();
        let all: HashSet<&String> = sets.iter().flatten().collect();
        let common = all.iter().filter(|key| sets.iter().all(|set| set.contains(**key))).count();
        match all.len() {
            0 => Value::Null,
            total => Value::json(Json::Real(common as f64 / total as f64)),
        }
    })
}
