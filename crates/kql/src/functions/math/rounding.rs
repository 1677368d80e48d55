//! Bins and rounding: `bin()`, `bin_at()`, `floor()`, `ceiling()`, `round()`, `format_bytes()`.

use rust_decimal::Decimal;

use crate::functions::arguments::{long, or_null, real, text};
use crate::functions::{Context, Table};
use crate::value::{DATETIME_MAX, Value};

pub(super) const TABLE: Table = &[
    ("bin", bin),
    ("floor", bin),
    ("bin_at", bin_at),
    ("ceiling", ceiling),
    ("round", round),
    ("format_bytes", format_bytes),
];

/// The ticks of a time, or a whole number.
fn ticks(value: &Value) -> Option<i64> {
    match value {
        Value::DateTime(t) | Value::TimeSpan(t) => Some(*t),
        other => other.as_integer(),
    }
}

/// `value` rounded down to `at` plus a multiple of `size`.
fn bin_whole(value: i64, size: i64, at: i64) -> Option<i64> {
    if size <= 0 {
        return None;
    }
    let (value, size, at) = (i128::from(value), i128::from(size), i128::from(at));
    i64::try_from(value - (value - at).rem_euclid(size)).ok()
}

/// The same of any types; the result has the type of the value, or the wider of two numbers.
fn bin_to(value: &Value, size: &Value, at: Option<&Value>) -> Option<Value> {
    let (value, size) = (value.plain(), size.plain());
    let at = at.map(Value::plain);
    match &value {
        Value::DateTime(t) => {
            let binned = bin_whole(*t, time_size(&size)?, at.as_ref().map_or(Some(0), ticks)?)?;
            Some(binned).filter(|t| (0..=DATETIME_MAX).contains(t)).map(Value::DateTime)
        }
        Value::TimeSpan(t) => {
            let at = at.as_ref().map_or(Some(0), ticks)?;
            bin_whole(*t, time_size(&size)?, at).map(Value::TimeSpan)
        }
        _ => {
            let at = at.unwrap_or(Value::Long(0));
            let all = [&value, &size, &at];
            if all.iter().all(|n| n.as_integer().is_some()) {
                let binned = bin_whole(value.as_integer()?, size.as_integer()?, at.as_integer()?);
                return binned.map(Value::Long);
            }
            if all.iter().any(|n| matches!(n, Value::Decimal(_))) {
                let (value, size, at) = (value.to_decimal()?, size.to_decimal()?, at.to_decimal()?);
                if size <= Decimal::ZERO {
                    return None;
                }
                let steps = value.checked_sub(at)?.checked_div(size)?.floor();
                return steps.checked_mul(size)?.checked_add(at).map(Value::Decimal);
            }
            let (value, size, at) = (value.as_real()?, size.as_real()?, at.as_real()?);
            if size <= 0.0 {
                return None;
            }
            Some(Value::Real(((value - at) / size).floor() * size + at))
        }
    }
}

/// The size of a bin of time: a span, or a number of days.
fn time_size(size: &Value) -> Option<i64> {
    match size {
        Value::TimeSpan(t) | Value::DateTime(t) => Some(*t),
        other => Value::Real(other.as_real()? * crate::value::TICKS_PER_DAY as f64).to_long(),
    }
}

fn bin(arguments: &[Value], _: &Context) -> Value {
    match arguments {
        [value, size] => bin_to(value, size, None).unwrap_or(Value::Null),
        [value] => bin_to(value, &Value::Long(1), None).unwrap_or(Value::Null),
        _ => Value::Null,
    }
}

fn bin_at(arguments: &[Value], _: &Context) -> Value {
    let [value, size, at] = arguments else { return Value::Null };
    if at.is_null() {
        return Value::Null;
    }
    bin_to(value, size, Some(at)).unwrap_or(Value::Null)
}

fn ceiling(arguments: &[Value], _: &Context) -> Value {
    match arguments.first().map(Value::plain) {
        Some(Value::Real(x)) => Value::Real(x.ceil()),
        Some(Value::Decimal(d)) => Value::Decimal(d.ceil()),
        Some(n @ (Value::Int(_) | Value::Long(_))) => n,
        _ => Value::Null,
    }
}

/// Rounds halves away from zero, to so many digits after the point; before it where negative.
fn round_real(x: f64, digits: i64) -> f64 {
    if !(-300..=300).contains(&digits) {
        return if digits < 0 { 0.0 } else { x };
    }
    let scale = 10_f64.powi(digits.unsigned_abs() as i32);
    let rounded =
        if digits < 0 { (x / scale).round() * scale } else { (x * scale).round() / scale };
    if rounded.is_finite() { rounded } else { x }
}

fn round_long(n: i64, digits: i64) -> Option<i64> {
    if digits >= 0 {
        return Some(n);
    }
    let scale = 10_i128.checked_pow(u32::try_from(-digits).ok()?)?;
    let n = i128::from(n);
    let half = if n < 0 { -scale / 2 } else { scale / 2 };
    i64::try_from((n + half) / scale * scale).ok()
}

fn round(arguments: &[Value], _: &Context) -> Value {
    let digits = match arguments.get(1) {
        Some(digits) => digits.to_long(),
        None => Some(0),
    };
    let Some(digits) = digits else { return Value::Null };
    match arguments.first().map(Value::plain) {
        Some(Value::Real(x)) => Value::Real(round_real(x, digits)),
        Some(Value::Decimal(d)) => match u32::try_from(digits) {
            Ok(digits) => {
                let away = rust_decimal::RoundingStrategy::MidpointAwayFromZero;
                Value::Decimal(d.round_dp_with_strategy(digits.min(28), away))
            }
            Err(_) => {
                let rounded =
                    Value::Real(round_real(Value::Decimal(d).as_real().unwrap_or(0.0), digits));
                or_null(rounded.to_decimal(), Value::Decimal)
            }
        },
        Some(n @ (Value::Int(_) | Value::Long(_))) => {
            or_null(n.as_integer().and_then(|n| round_long(n, digits)), Value::Long)
        }
        _ => Value::Null,
    }
}

const UNITS: [&str; 7] = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"];

/// `[size, digits, unit]`: the size in the largest unit that it has one of, or in the given one.
fn format_bytes(arguments: &[Value], _: &Context) -> Value {
    let Some(size) = real(arguments, 0).filter(|x| x.is_finite()) else { return Value::text("") };
    let digits = long(arguments, 1).unwrap_or(0).clamp(0, 15);
    let unit = text(arguments, 2);
    let power = if unit.is_empty() {
        let fits = |power: &usize| size.abs() >= 1024_f64.powi(*power as i32);
        (1..UNITS.len()).rev().find(fits).unwrap_or(0)
    } else {
        match UNITS.iter().position(|name| name.eq_ignore_ascii_case(&unit)) {
            Some(at) => at,
            None => return Value::text(""),
        }
    };
    let rounded = round_real(size / 1024_f64.powi(power as i32), digits);
    Value::text(format!("{rounded} {}", UNITS[power]))
}
