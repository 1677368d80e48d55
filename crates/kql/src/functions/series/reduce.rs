//! One number, or a few, from a series or two.

use super::{Number, elements, number, outputs, reals};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("series_sum", |a, _| fold(a, 0.0, |sum, x| sum + x)),
    ("series_product", |a, _| fold(a, 1.0, |product, x| product * x)),
    ("series_magnitude", magnitude),
    ("series_dot_product", dot_product),
    ("series_cosine_similarity", cosine),
    ("series_pearson_correlation", pearson),
    ("series_stats", stats),
    ("series_stats_dynamic", stats_dynamic),
];

fn fold(arguments: &[Value], start: f64, of: fn(f64, f64) -> f64) -> Value {
    let Some(series) = reals(arguments.first()) else { return Value::Null };
    Value::Real(series.into_iter().flatten().fold(start, of))
}

fn magnitude(arguments: &[Value], _: &Context) -> Value {
    let Some(series) = reals(arguments.first()) else { return Value::Null };
    Value::Real(series.into_iter().flatten().map(|x| x * x).sum::<f64>().sqrt())
}

/// The pairs of numbers of two series up to the shorter one's length, a number standing for a
/// series of itself; `None` where both are no series or one is empty.
fn pairs(arguments: &[Value]) -> Option<Vec<(f64, f64)>> {
    let [a, b, ..] = arguments else { return None };
    let at = |e: &Json| Number::of_json(e).map(Number::real);
    let pairs: Vec<_> = match (elements(Some(a)), elements(Some(b))) {
        (Some(a), Some(b)) if a.is_empty() || b.is_empty() => return None,
        (Some(a), Some(b)) => a.iter().zip(b).map(|(p, q)| (at(p), at(q))).collect(),
        (Some(a), None) => a.iter().map(|p| (at(p), number(Some(b)))).collect(),
        (None, Some(b)) => b.iter().map(|q| (number(Some(a)), at(q))).collect(),
        (None, None) => return None,
    };
    if pairs.is_empty() {
        return None;
    }
    Some(pairs.into_iter().filter_map(|(p, q)| Some((p?, q?))).collect())
}

fn dot_product(arguments: &[Value], _: &Context) -> Value {
    let Some(pairs) = pairs(arguments) else { return Value::Null };
    Value::Real(pairs.iter().map(|(p, q)| p * q).sum())
}

/// The magnitudes may be given, to save their computation.
fn cosine(arguments: &[Value], _: &Context) -> Value {
    let Some(pairs) = pairs(arguments) else { return Value::Null };
    let length = |at: usize, side: fn(&(f64, f64)) -> f64| {
        number(arguments.get(at))
            .unwrap_or_else(|| pairs.iter().map(|pair| side(pair).powi(2)).sum::<f64>().sqrt())
    };
    let dot: f64 = pairs.iter().map(|(p, q)| p * q).sum();
    Value::Real(dot / (length(2, |pair| pair.0) * length(3, |pair| pair.1)))
}

fn pearson(arguments: &[Value], _: &Context) -> Value {
    let all = |at: usize| reals(arguments.get(at))?.into_iter().collect::<Option<Vec<f64>>>();
    let (Some(a), Some(b)) = (all(0), all(1)) else { return Value::Null };
    if a.len() != b.len() || a.is_empty() {
        return Value::Null;
    }
    let mean = |of: &[f64]| of.iter().sum::<f64>() / of.len() as f64;
    let (ma, mb) = (mean(&a), mean(&b));
    let sum: f64 = a.iter().zip(&b).map(|(x, y)| (x - ma) * (y - mb)).sum();
    let squares = |of: &[f64], mean: f64| of.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
    Value::Real(sum / (squares(&a, ma) * squares(&b, mb)).sqrt())
}

struct Stats {
    min: (usize, f64),
    max: (usize, f64),
    n: usize,
    sum: f64,
    variance: f64,
}

/// `None` where there is nothing, or something that is not finite and is not to be ignored.
fn statistics(arguments: &[Value]) -> Option<Stats> {
    let ignore = arguments.get(1) == Some(&Value::Bool(true));
    let mut finite = Vec::new();
    for (i, x) in reals(arguments.first())?.into_iter().enumerate() {
        match x.filter(|x| x.is_finite()) {
            Some(x) => finite.push((i, x)),
            None if ignore => {}
            None => return None,
        }
    }
    let (mut min, mut max) = (*finite.first()?, *finite.first()?);
    for (i, x) in &finite {
        if *x < min.1 {
            min = (*i, *x);
        }
        if *x > max.1 {
            max = (*i, *x);
        }
    }
    let n = finite.len();
    let sum: f64 = finite.iter().map(|(_, x)| x).sum();
    let mean = sum / n as f64;
    let squares: f64 = finite.iter().map(|(_, x)| (x - mean).powi(2)).sum();
    let variance = if n > 1 { squares / (n - 1) as f64 } else { 0.0 };
    Some(Stats { min, max, n, sum, variance })
}

impl Stats {
    fn list(&self) -> Vec<(&'static str, Json)> {
        let index = |i: usize| Json::Long(i as i64);
        vec![
            ("min", Json::Real(self.min.1)),
            ("min_idx", index(self.min.0)),
            ("max", Json::Real(self.max.1)),
            ("max_idx", index(self.max.0)),
            ("avg", Json::Real(self.sum / self.n as f64)),
            ("stdev", Json::Real(self.variance.sqrt())),
            ("variance", Json::Real(self.variance)),
            ("sum", Json::Real(self.sum)),
            ("len", index(self.n)),
        ]
    }
}

fn stats(arguments: &[Value], _: &Context) -> Value {
    let Some(stats) = statistics(arguments) else { return outputs(vec![Json::Null; 7]) };
    outputs(stats.list().into_iter().take(7).map(|(_, value)| value).collect())
}

fn stats_dynamic(arguments: &[Value], _: &Context) -> Value {
    let Some(stats) = statistics(arguments) else { return Value::Null };
    let members = stats.list().into_iter().map(|(key, value)| (key.into(), value));
    Value::json(Json::Bag(members.collect()))
}
