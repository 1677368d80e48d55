//! Making arrays: `pack_array()`, `range()`, `repeat()`, `zip()`.

use super::{COPIES_MAX_BYTES, ELEMENTS_MAX};
use crate::functions::arguments::{array, array_value, long, too_large};
use crate::functions::{Context, Table};
use crate::value::{DATETIME_MAX, Json, TICKS_PER_HOUR, Value};

pub(super) const TABLE: Table =
    &[("pack_array", pack_array), ("range", range), ("repeat", repeat), ("zip", zip)];

fn pack_array(arguments: &[Value], _: &Context) -> Value {
    if too_large(arguments) {
        return Value::Null;
    }
    array_value(arguments.iter().map(Value::to_json).collect())
}

fn repeat(arguments: &[Value], _: &Context) -> Value {
    let Some(value) = arguments.first() else { return Value::Null };
    let Some(count) = long(arguments, 1).and_then(|n| usize::try_from(n).ok()) else {
        return Value::Null;
    };
    let count = count.min(ELEMENTS_MAX);
    if count.saturating_mul(value.heap_bytes()) > COPIES_MAX_BYTES {
        return Value::Null;
    }
    array_value(vec![value.to_json(); count])
}

/// As many elements as the longest array has; what is missing is null.
fn zip(arguments: &[Value], _: &Context) -> Value {
    if too_large(arguments) {
        return Value::Null;
    }
    let arrays: Vec<&[Json]> =
        (0..arguments.len()).map(|at| array(arguments, at).unwrap_or_default()).collect();
    let longest = arrays.iter().map(|elements| elements.len()).max().unwrap_or(0);
    let nth = |at: usize| {
        let elements = arrays.iter().map(|a| a.get(at).cloned().unwrap_or(Json::Null));
        Json::Array(elements.collect())
    };
    array_value((0..longest).map(nth).collect())
}

/// Whole numbers from start to stop.
fn steps(start: i64, stop: i64, step: i64) -> Option<impl Iterator<Item = i64>> {
    if step == 0 {
        return None;
    }
    let next = move |at: &i64| at.checked_add(step);
    let within = move |at: &i64| if step > 0 { *at <= stop } else { *at >= stop };
    Some(std::iter::successors(Some(start), next).take_while(within).take(ELEMENTS_MAX))
}

/// `[start, stop, step]` of numbers or times; the step is 1 or an hour.
fn range(arguments: &[Value], _: &Context) -> Value {
    let (Some(start), Some(stop)) = (arguments.first(), arguments.get(1)) else {
        return Value::Null;
    };
    let (start, stop) = (start.plain(), stop.plain());
    let step = arguments.get(2).map(Value::plain);
    let elements: Option<Vec<Json>> = match (&start, &stop) {
        (Value::DateTime(from), Value::DateTime(to)) => {
            let step = step.map_or(Some(TICKS_PER_HOUR), |step| step.to_timespan());
            step.and_then(|step| steps(*from, (*to).min(DATETIME_MAX), step)).map(|ticks| {
                let inside = ticks.take_while(|t| *t >= 0);
                inside.map(|t| Value::DateTime(t).to_json()).collect()
            })
        }
        (Value::TimeSpan(from), Value::TimeSpan(to)) => {
            let step = step.map_or(Some(TICKS_PER_HOUR), |step| step.to_timespan());
            step.and_then(|step| steps(*from, *to, step))
                .map(|ticks| ticks.map(|t| Value::TimeSpan(t).to_json()).collect())
        }
        _ => numbers(&start, &stop, &step.unwrap_or(Value::Long(1))),
    };
    elements.map_or(Value::Null, array_value)
}

fn numbers(start: &Value, stop: &Value, step: &Value) -> Option<Vec<Json>> {
    if let (Some(start), Some(stop), Some(step)) =
        (start.as_integer(), stop.as_integer(), step.as_integer())
    {
        return Some(steps(start, stop, step)?.map(Json::Long).collect());
    }
    let (start, stop, step) = (start.as_real()?, stop.as_real()?, step.as_real()?);
    if step == 0.0 || !(start.is_finite() && stop.is_finite() && step.is_finite()) {
        return None;
    }
    let within = |x: &f64| if step > 0.0 { *x <= stop } else { *x >= stop };
    let values = (0..ELEMENTS_MAX).map(|n| start + n as f64 * step).take_while(within);
    Some(values.map(Json::Real).collect())
}
