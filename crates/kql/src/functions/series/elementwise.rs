//! Arithmetic, comparison and functions, element by element.

use super::{Number, elements};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("series_add", |a, _| both(a, |p, q| exact(p, q, i64::wrapping_add, |x, y| x + y))),
    ("series_subtract", |a, _| both(a, |p, q| exact(p, q, i64::wrapping_sub, |x, y| x - y))),
    ("series_multiply", |a, _| both(a, |p, q| exact(p, q, i64::wrapping_mul, |x, y| x * y))),
    ("series_divide", |a, _| both(a, |p, q| Json::Real(p.real() / q.real()))),
    ("series_pow", |a, _| both(a, |p, q| Json::Real(p.real().powf(q.real())))),
    ("series_equals", |a, _| both(a, |p, q| Json::Bool(p.real() == q.real()))),
    ("series_not_equals", |a, _| both(a, |p, q| Json::Bool(p.real() != q.real()))),
    ("series_less", |a, _| both(a, |p, q| Json::Bool(p.real() < q.real()))),
    ("series_less_equals", |a, _| both(a, |p, q| Json::Bool(p.real() <= q.real()))),
    ("series_greater", |a, _| both(a, |p, q| Json::Bool(p.real() > q.real()))),
    ("series_greater_equals", |a, _| both(a, |p, q| Json::Bool(p.real() >= q.real()))),
    ("series_abs", |a, _| each(a, abs)),
    ("series_sign", |a, _| each(a, sign)),
    ("series_ceiling", |a, _| each(a, |p| Json::Real(p.real().ceil()))),
    ("series_floor", |a, _| each(a, |p| Json::Real(p.real().floor()))),
    ("series_exp", |a, _| each(a, |p| Json::Real(p.real().exp()))),
    ("series_log", |a, _| each(a, |p| Json::Real(p.real().ln()))),
    ("series_sin", |a, _| each(a, |p| Json::Real(p.real().sin()))),
    ("series_cos", |a, _| each(a, |p| Json::Real(p.real().cos()))),
    ("series_tan", |a, _| each(a, |p| Json::Real(p.real().tan()))),
    ("series_asin", |a, _| each(a, |p| Json::Real(p.real().asin()))),
    ("series_acos", |a, _| each(a, |p| Json::Real(p.real().acos()))),
    ("series_atan", |a, _| each(a, |p| Json::Real(p.real().atan()))),
];

const _: fn(&[Value], &Context) -> Value = |a, _| each(a, abs);

fn each(arguments: &[Value], of: fn(Number) -> Json) -> Value {
    let Some(elements) = elements(arguments.first()) else { return Value::Null };
    let result = elements.iter().map(|e| Number::of_json(e).map_or(Json::Null, of));
    Value::json(Json::Array(result.collect()))
}

fn abs(p: Number) -> Json {
    match p {
        Number::Long(n) => Json::Long(n.wrapping_abs()),
        Number::Real(x) => Json::Real(x.abs()),
    }
}

fn sign(p: Number) -> Json {
    match p {
        Number::Long(n) => Json::Long(n.signum()),
        Number::Real(0.0) => Json::Real(0.0),
        Number::Real(x) => Json::Real(x.signum()),
    }
}

/// Whole numbers stay whole.
fn exact(p: Number, q: Number, whole: fn(i64, i64) -> i64, real: fn(f64, f64) -> f64) -> Json {
    match (p, q) {
        (Number::Long(m), Number::Long(n)) => Json::Long(whole(m, n)),
        (p, q) => Json::Real(real(p.real(), q.real())),
    }
}

/// Two series, or one and a number for all its elements; an element without a partner gives null.
fn both(arguments: &[Value], of: fn(Number, Number) -> Json) -> Value {
    let [a, b, ..] = arguments else { return Value::Null };
    let one = |p: Option<Number>, q: Option<Number>| match (p, q) {
        (Some(p), Some(q)) => of(p, q),
        _ => Json::Null,
    };
    let result = match (elements(Some(a)), elements(Some(b))) {
        (Some(a), Some(b)) => {
            let at = |e: &[Json], i: usize| e.get(i).and_then(Number::of_json);
            (0..a.len().max(b.len())).map(|i| one(at(a, i), at(b, i))).collect()
        }
        (Some(a), None) => {
            let Some(q) = Number::of_value(b) else { return Value::Null };
            a.iter().map(|p| one(Number::of_json(p), Some(q))).collect()
        }
        (None, Some(b)) => {
            let Some(p) = Number::of_value(a) else { return Value::Null };
            b.iter().map(|q| one(Some(p), Number::of_json(q))).collect()
        }
        (None, None) => return Value::Null,
    };
    Value::json(Json::Array(result))
}
