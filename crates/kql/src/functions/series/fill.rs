//! Filling what is missing in a series: elements equal to a placeholder, null unless given.

use super::{Number, elements};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("series_fill_backward", |a, _| carry(a, true)),
    ("series_fill_forward", |a, _| carry(a, false)),
    ("series_fill_const", constant),
    ("series_fill_linear", linear),
];

/// Whether an element is one to fill.
fn is_missing(element: &Json, placeholder: Option<&Value>) -> bool {
    match (element, placeholder) {
        (Json::Null, None | Some(Value::Null)) => true,
        (_, None | Some(Value::Null)) => false,
        (element, Some(placeholder)) => {
            let (a, b) = (Number::of_json(element), Number::of_value(placeholder));
            match (a, b) {
                (Some(a), Some(b)) => {
                    a.real() == b.real() || (a.real().is_nan() && b.real().is_nan())
                }
                _ => *element == placeholder.to_json(),
            }
        }
    }
}

/// Fills each gap with the value before it, or behind it.
fn carry(arguments: &[Value], backward: bool) -> Value {
    let Some(elements) = elements(arguments.first()) else { return Value::Null };
    let placeholder = arguments.get(1);
    let mut result = elements.to_vec();
    let mut held: Option<Json> = None;
    for i in 0..result.len() {
        let at = if backward { result.len() - 1 - i } else { i };
        if is_missing(&result[at], placeholder) {
            if let Some(held) = &held {
                result[at] = held.clone();
            }
        } else {
            held = Some(result[at].clone());
        }
    }
    Value::json(Json::Array(result))
}

fn constant(arguments: &[Value], _: &Context) -> Value {
    let Some(elements) = elements(arguments.first()) else { return Value::Null };
    let fill = arguments.get(1).map_or(Json::Long(0), Value::to_json);
    let one = |e: &Json| if is_missing(e, arguments.get(2)) { fill.clone() } else { e.clone() };
    Value::json(Json::Array(elements.iter().map(one).collect()))
}

/// Fills gaps on a line between their neighbours, cut to whole numbers where all are whole; the
/// edges with the nearest value; a series of nothing else with a constant.
fn linear(arguments: &[Value], _: &Context) -> Value {
    let Some(elements) = elements(arguments.first()) else { return Value::Null };
    let missing = |i: usize| is_missing(&elements[i], arguments.get(1));
    let edges = arguments.get(2) != Some(&Value::Bool(false));
    let known: Vec<(usize, Number)> = (0..elements.len())
        .filter(|i| !missing(*i))
        .filter_map(|i| Some((i, Number::of_json(&elements[i])?)))
        .collect();
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        if !(0..elements.len()).all(missing) {
            return Value::json(Json::Array(elements.to_vec()));
        }
        let fill = arguments.get(3).map_or(Json::Real(0.0), Value::to_json);
        return Value::json(Json::Array(vec![fill; elements.len()]));
    };
    let whole = known.iter().all(|(_, number)| matches!(number, Number::Long(_)));
    let mut result = elements.to_vec();
    if edges {
        for i in (0..first.0).filter(|i| missing(*i)) {
            result[i] = first.1.to_json();
        }
        for i in (last.0 + 1..elements.len()).filter(|i| missing(*i)) {
            result[i] = last.1.to_json();
        }
    }
    for pair in known.windows(2) {
        let ((from, a), (to, b)) = (pair[0], pair[1]);
        for (i, place) in result.iter_mut().enumerate().take(to).skip(from + 1) {
            if missing(i) {
                let share = (i - from) as f64 / (to - from) as f64;
                let x = a.real() + (b.real() - a.real()) * share;
                *place = if whole { Json::Long(x as i64) } else { Json::Real(x) };
            }
        }
    }
    Value::json(Json::Array(result))
}
