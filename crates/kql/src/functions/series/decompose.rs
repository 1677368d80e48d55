//! Season, trend and the rest of a series, and what stands out in the rest.

use super::fit::Line;
use super::periods::{period, phases};
use super::{array, number, outputs, reals, text};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("series_decompose", decompose),
    ("series_decompose_anomalies", anomalies),
    ("series_decompose_forecast", forecast),
    ("series_outliers", outliers),
];

/// The score from which a period is taken.
const THRESHOLD: f64 = 0.6;
/// The anomaly score from which a point is flagged.
const ANOMALY: f64 = 1.5;

/// What the arguments ask for.
struct Wish<'a> {
    season: Option<&'a Value>,
    trend: Option<&'a Value>,
    left_out: Option<&'a Value>,
    threshold: Option<&'a Value>,
}

struct Parts {
    seasonal: Vec<f64>,
    trend: Vec<f64>,
    baseline: Vec<f64>,
    /// NaN where the series has a gap
    residual: Vec<f64>,
}

impl Parts {
    fn of(series: &[Option<f64>], wish: &Wish<'_>) -> Self {
        let n = series.len();
        let left_out = number(wish.left_out).unwrap_or(0.0).max(0.0) as usize;
        let learned = &series[..n.saturating_sub(left_out)];
        let threshold = number(wish.threshold).unwrap_or(THRESHOLD);
        let period = match number(wish.season).unwrap_or(-1.0) {
            -1.0 => period(learned, threshold),
            given if given >= 1.0 => Some(given as usize),
            _ => None,
        };
        let seasonal = period.map_or(vec![0.0; n], |period| phases(learned, period, n));
        let level: Vec<Option<f64>> =
            learned.iter().zip(&seasonal).map(|(x, s)| x.map(|x| x - s)).collect();
        let trend = match text(wish.trend).unwrap_or("avg") {
            "none" => vec![0.0; n],
            "linefit" => match Line::through(&level) {
                Some(line) => (0..n).map(|i| line.at(i as f64 + 1.0)).collect(),
                None => vec![0.0; n],
            },
            _ => {
                let known: Vec<f64> = level.iter().flatten().copied().collect();
                vec![known.iter().sum::<f64>() / known.len().max(1) as f64; n]
            }
        };
        let baseline: Vec<f64> = seasonal.iter().zip(&trend).map(|(s, t)| s + t).collect();
        let residual = series.iter().zip(&baseline).map(|(x, b)| x.unwrap_or(f64::NAN) - b);
        let residual = residual.collect();
        Self { seasonal, trend, baseline, residual }
    }
}

/// An array of reals, null where one is NaN.
fn with_gaps(of: &[f64]) -> Json {
    Json::Array(of.iter().map(|x| if x.is_nan() { Json::Null } else { Json::Real(*x) }).collect())
}

/// Arguments: series, season, trend, points left out, threshold; outputs: baseline, seasonal,
/// trend, residual.
fn decompose(arguments: &[Value], _: &Context) -> Value {
    let [season, trend, left_out, threshold] = [1, 2, 3, 4].map(|at| arguments.get(at));
    all_parts(arguments, &Wish { season, trend, left_out, threshold })
}

/// Arguments: series, points to forecast, season, trend, threshold; outputs as `decompose`.
fn forecast(arguments: &[Value], _: &Context) -> Value {
    let [left_out, season, trend, threshold] = [1, 2, 3, 4].map(|at| arguments.get(at));
    all_parts(arguments, &Wish { season, trend, left_out, threshold })
}

fn all_parts(arguments: &[Value], wish: &Wish<'_>) -> Value {
    let Some(series) = reals(arguments.first()) else { return Value::Null };
    let parts = Parts::of(&series, wish);
    outputs(vec![
        array(parts.baseline),
        array(parts.seasonal),
        array(parts.trend),
        with_gaps(&parts.residual),
    ])
}

/// Arguments: series, threshold, season, trend, points left out, method, threshold of the
/// season; outputs: flags, scores, baseline.
fn anomalies(arguments: &[Value], _: &Context) -> Value {
    let Some(series) = reals(arguments.first()) else { return Value::Null };
    let [season, trend, left_out, threshold] = [2, 3, 4, 6].map(|at| arguments.get(at));
    let parts = Parts::of(&series, &Wish { season, trend, left_out, threshold });
    let fence = match text(arguments.get(5)) {
        Some("tukey") => (25.0, 75.0),
        _ => (10.0, 90.0),
    };
    let left_out = number(left_out).unwrap_or(0.0).max(0.0) as usize;
    let learned = series.len().saturating_sub(left_out);
    let scores = scores(&parts.residual, learned, fence);
    let most = number(arguments.get(1)).unwrap_or(ANOMALY);
    let flag = |score: &f64| match score {
        score if *score > most => 1,
        score if *score < -most => -1,
        _ => 0,
    };
    outputs(vec![
        Json::Array(scores.iter().map(|score| Json::Long(flag(score))).collect()),
        array(scores),
        array(parts.baseline),
    ])
}

/// How far each point lies outside a fence between two percentiles; 0 inside, and for gaps.
///
/// Between the quartiles this is Tukey's score (1977), in widths of the fence. Other fences are
/// scaled so that 1.5 means for normal data what it means there, 2.7 standard deviations; Kusto
/// says nothing of a scale, but without one its documented anomalies do not come out.
fn scores(series: &[f64], learned: usize, fence: (f64, f64)) -> Vec<f64> {
    let mut sorted: Vec<f64> =
        series.iter().take(learned).copied().filter(|x| x.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let (Some(first), Some(last)) = (sorted.first(), sorted.last()) else {
        return vec![0.0; series.len()];
    };
    let (low, high) = (quantile(&sorted, fence.0), quantile(&sorted, fence.1));
    // A fence without width would make every other point infinitely far.
    let z = fence.1.max(100.0 - fence.0) / 100.0;
    let scale = 1.5 * (normal(fence.1 / 100.0) - normal(fence.0 / 100.0)) / (TUKEY - normal(z));
    let width = (high - low).max((last - first).max(last.abs()) * 1e-9) / scale;
    let width = width.max(f64::MIN_POSITIVE);
    let score = |x: &f64| match x {
        x if *x > high => (x - high) / width,
        x if *x < low => (x - low) / width,
        _ => 0.0,
    };
    series.iter().map(score).collect()
}

/// Where Tukey's fence ends for normal data at 1.5, in standard deviations.
const TUKEY: f64 = 0.674_489_75 * 4.0;

/// The quantile of the normal distribution, to four digits (Abramowitz and Stegun 26.2.23).
fn normal(p: f64) -> f64 {
    let t = (-2.0 * p.min(1.0 - p).ln()).sqrt();
    let over = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let under = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    (t - over / under) * if p < 0.5 { -1.0 } else { 1.0 }
}

/// Linear interpolation between order statistics (Hyndman and Fan 1996, type 7).
fn quantile(sorted: &[f64], percent: f64) -> f64 {
    let at = percent / 100.0 * (sorted.len() - 1) as f64;
    let (below, above) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    below + (above - below) * at.fract()
}

/// Arguments: series, kind, value to ignore, percentiles of the fence, points left out.
fn outliers(arguments: &[Value], _: &Context) -> Value {
    let Some(series) = reals(arguments.first()) else { return Value::Null };
    let ignored = number(arguments.get(2));
    let fence = match text(arguments.get(1)) {
        Some("tukey") => (25.0, 75.0),
        _ => (
            number(arguments.get(3)).unwrap_or(10.0).clamp(2.0, 98.0),
            number(arguments.get(4)).unwrap_or(90.0).clamp(2.0, 98.0),
        ),
    };
    if fence.0 > fence.1 || fence.0.is_nan() || fence.1.is_nan() {
        return Value::Null;
    }
    let known: Vec<f64> =
        series.iter().map(|x| x.filter(|x| Some(*x) != ignored).unwrap_or(f64::NAN)).collect();
    let left_out = number(arguments.get(5)).unwrap_or(0.0).max(0.0) as usize;
    Value::json(array(scores(&known, known.len().saturating_sub(left_out), fence)))
}
