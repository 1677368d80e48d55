//! Roots, powers, logarithms, angles, signs.

use crate::functions::Table;
use crate::functions::arguments::{or_null, real};
use crate::value::Value;

pub(super) const TABLE: Table = &[
    ("abs", |a, _| abs(a)),
    ("acos", |a, _| one(a, |x| ((-1.0..=1.0).contains(&x)).then(|| x.acos()))),
    ("asin", |a, _| one(a, |x| ((-1.0..=1.0).contains(&x)).then(|| x.asin()))),
    ("atan", |a, _| one(a, |x| Some(x.atan()))),
    ("atan2", |a, _| two(a, f64::atan2)),
    ("cos", |a, _| one(a, |x| Some(x.cos()))),
    ("cot", |a, _| one(a, |x| Some(1.0 / x.tan()))),
    ("degrees", |a, _| one(a, |x| Some(x * (180.0 / std::f64::consts::PI)))),
    ("exp", |a, _| one(a, |x| Some(x.exp()))),
    ("exp10", |a, _| one(a, |x| Some(10_f64.powf(x)))),
    ("exp2", |a, _| one(a, |x| Some(x.exp2()))),
    ("isfinite", |a, _| test(a, f64::is_finite)),
    ("isinf", |a, _| test(a, f64::is_infinite)),
    ("isnan", |a, _| test(a, f64::is_nan)),
    ("log", |a, _| one(a, |x| (x >= 0.0).then(|| x.ln()))),
    ("log10", |a, _| one(a, |x| (x >= 0.0).then(|| x.log10()))),
    ("log2", |a, _| one(a, |x| (x >= 0.0).then(|| x.log2()))),
    ("pi", |_, _| Value::Real(std::f64::consts::PI)),
    ("pow", |a, _| two(a, f64::powf)),
    ("radians", |a, _| one(a, |x| Some(x * (std::f64::consts::PI / 180.0)))),
    ("sign", |a, _| one(a, |x| Some(if x == 0.0 || x.is_nan() { x } else { x.signum() }))),
    ("sin", |a, _| one(a, |x| Some(x.sin()))),
    ("sqrt", |a, _| one(a, |x| (x >= 0.0 || x.is_nan()).then(|| x.sqrt()))),
    ("tan", |a, _| one(a, |x| Some(x.tan()))),
];

/// A function of one real number, null where it has no value.
pub(super) fn one(arguments: &[Value], of: fn(f64) -> Option<f64>) -> Value {
    or_null(real(arguments, 0).and_then(of), Value::Real)
}

fn two(arguments: &[Value], of: fn(f64, f64) -> f64) -> Value {
    let result = || Some(of(real(arguments, 0)?, real(arguments, 1)?));
    or_null(result(), Value::Real)
}

fn test(arguments: &[Value], of: fn(f64) -> bool) -> Value {
    or_null(real(arguments, 0), |x| Value::Bool(of(x)))
}

fn abs(arguments: &[Value]) -> Value {
    match arguments.first().map(Value::plain) {
        Some(Value::Int(n)) => Value::Long(i64::from(n).abs()),
        Some(Value::Long(n)) => Value::Long(n.wrapping_abs()),
        Some(Value::Real(x)) => Value::Real(x.abs()),
        Some(Value::Decimal(d)) => Value::Decimal(d.abs()),
        Some(Value::TimeSpan(t)) => or_null(t.checked_abs(), Value::TimeSpan),
        _ => Value::Null,
    }
}
