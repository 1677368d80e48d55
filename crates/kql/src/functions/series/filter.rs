//! Linear filters and the discrete Fourier transform.

use super::fourier::{Complex, transform};
use super::{array, outputs, reals_or_nan};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("series_fir", fir),
    ("series_iir", iir),
    ("series_fft", |a, _| fourier(a, false)),
    ("series_ifft", |a, _| fourier(a, true)),
];

/// So many products a filter may take: length of the series times coefficients.
const WORK_MAX: usize = 200_000_000;

fn flag(value: Option<&Value>) -> Option<bool> {
    match value? {
        Value::Bool(b) => Some(*b),
        _ => None,
    }
}

/// What lies outside the series counts as 0. Where nothing is said, a filter without negative
/// coefficients is divided by their sum.
fn fir(arguments: &[Value], _: &Context) -> Value {
    let (Some(series), Some(mut filter)) =
        (reals_or_nan(arguments.first()), reals_or_nan(arguments.get(1)))
    else {
        return Value::Null;
    };
    let negative = filter.iter().any(|c| *c < 0.0);
    if flag(arguments.get(2)).unwrap_or(!negative) {
        let sum: f64 = filter.iter().sum();
        if negative || sum == 0.0 {
            return Value::Null;
        }
        filter.iter_mut().for_each(|c| *c /= sum);
    }
    if filter.is_empty() || series.len().saturating_mul(filter.len()) > WORK_MAX {
        return Value::Null;
    }
    let ahead = if flag(arguments.get(3)) == Some(true) { (filter.len() - 1) / 2 } else { 0 };
    let one = |i: usize| {
        let terms = filter
            .iter()
            .enumerate()
            .filter_map(|(j, c)| Some(c * series.get((i + ahead).checked_sub(j)?)?));
        terms.sum::<f64>()
    };
    Value::json(array((0..series.len()).map(one)))
}

fn iir(arguments: &[Value], _: &Context) -> Value {
    let (Some(x), Some(b), Some(a)) = (
        reals_or_nan(arguments.first()),
        reals_or_nan(arguments.get(1)),
        reals_or_nan(arguments.get(2)),
    ) else {
        return Value::Null;
    };
    let Some(a0) = a.first().copied().filter(|a0| *a0 != 0.0) else { return Value::Null };
    if x.len().saturating_mul(a.len() + b.len()) > WORK_MAX {
        return Value::Null;
    }
    let mut y: Vec<f64> = Vec::with_capacity(x.len());
    for i in 0..x.len() {
        let inputs = b.iter().zip((0..=i).rev()).map(|(c, at)| c * x[at]);
        let outputs = a.iter().skip(1).zip((0..i).rev()).map(|(c, at)| c * y[at]);
        y.push((inputs.sum::<f64>() - outputs.sum::<f64>()) / a0);
    }
    Value::json(array(y))
}

fn fourier(arguments: &[Value], inverse: bool) -> Value {
    let Some(real) = reals_or_nan(arguments.first()) else { return Value::Null };
    let imaginary = reals_or_nan(arguments.get(1)).unwrap_or_default();
    let series: Vec<Complex> = real
        .iter()
        .enumerate()
        .map(|(i, x)| Complex(*x, imaginary.get(i).copied().unwrap_or(0.0)))
        .collect();
    let found = transform(&series, inverse);
    let parts: [Json; 2] = [array(found.iter().map(|z| z.0)), array(found.iter().map(|z| z.1))];
    outputs(parts.into())
}
