//! How often a series repeats itself.
//!
//! Kusto does not say how it scores a period. Here a period is a peak of the autocorrelation,
//! its score the least autocorrelation at it and its multiples up to half of the length; that
//! agrees with the documented figures (pages "series_periods_detect", "series_seasonal").

use super::fit::Line;
use super::fourier::autocorrelation;
use super::{array, number, outputs, reals};
use crate::functions::{Context, Table};
use crate::value::{Json, Value};

pub(super) const TABLE: Table = &[
    ("series_periods_detect", detect),
    ("series_periods_validate", validate),
    ("series_seasonal", seasonal),
];

/// The least period, in points.
const PERIOD_MIN: usize = 4;
/// The greatest period.
const PERIOD_MAX: usize = 65_536;
/// So many periods are asked for at most.
const PERIODS_MAX: usize = 1000;
/// A multiple of a period is one of its own where the period's score is below this share of its.
const MULTIPLE: f64 = 0.9;
/// The score from which `series_seasonal` takes a period.
const SEASONAL_THRESHOLD: f64 = 0.7;

/// Scores of periods, by period; 0 for what is none.
struct Scores(Vec<f64>);

impl Scores {
    /// Gaps are filled with the mean, which does not correlate with anything.
    fn of(series: &[Option<f64>]) -> Self {
        let known: Vec<f64> = series.iter().flatten().copied().filter(|x| x.is_finite()).collect();
        if known.len() < 2 * PERIOD_MIN {
            return Self(Vec::new());
        }
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let filled: Vec<f64> =
            series.iter().map(|x| x.filter(|x| x.is_finite()).unwrap_or(mean)).collect();
        let mut of = autocorrelation(&filled);
        of.truncate(PERIOD_MAX);
        // What white noise reaches in one of twenty cases.
        let least = 2.0 / (filled.len() as f64).sqrt();
        let score = |k: usize| {
            // A peak is the highest point around; beside a period there are lower ones.
            let around = k - k / 4..=(k + (k / 4).max(1)).min(of.len().saturating_sub(1));
            let beside = |k: usize| of[k - 1] > of[k] || of[k + 1] > of[k];
            if k < PERIOD_MIN
                || k + 1 >= of.len()
                || beside(k)
                || around.into_iter().any(|j| of[j] > of[k])
            {
                return 0.0;
            }
            let worst = (1..).map(|m| m * k).take_while(|at| *at < of.len()).map(|at| of[at]);
            let worst = worst.fold(1.0, f64::min);
            if worst < least { 0.0 } else { worst }
        };
        Self((0..of.len()).map(score).collect())
    }

    /// Periods between two lengths, best first, without multiples that say nothing more.
    fn best(&self, min: f64, max: f64) -> Vec<(usize, f64)> {
        let mut found: Vec<(usize, f64)> = Vec::new();
        for (period, score) in self.0.iter().enumerate().filter(|(_, score)| **score > 0.0) {
            if (period as f64) < min || period as f64 > max {
                continue;
            }
            if !found.iter().any(|(p, s)| period % p == 0 && *s >= score * MULTIPLE) {
                found.push((period, *score));
            }
        }
        found.sort_by(|a, b| b.1.total_cmp(&a.1));
        found
    }
}

/// The best period of a series with at least this score, as it is or without its trend, which
/// hides the correlation of what is far apart.
pub(super) fn period(series: &[Option<f64>], threshold: f64) -> Option<usize> {
    let best = |series: &[Option<f64>]| {
        let best = Scores::of(series).best(0.0, f64::INFINITY).first().copied()?;
        (best.1 >= threshold).then_some(best.0)
    };
    best(series).or_else(|| best(&without_trend(series)?))
}

fn without_trend(series: &[Option<f64>]) -> Option<Vec<Option<f64>>> {
    let line = Line::through(series)?;
    let level = |(i, x): (usize, &Option<f64>)| x.map(|x| x - line.at(i as f64 + 1.0));
    Some(series.iter().enumerate().map(level).collect())
}

fn detect(arguments: &[Value], _: &Context) -> Value {
    let (Some(series), Some(min), Some(max), Some(n)) = (
        reals(arguments.first()),
        number(arguments.get(1)),
        number(arguments.get(2)),
        number(arguments.get(3)),
    ) else {
        return Value::Null;
    };
    let n = (n.max(0.0) as usize).min(PERIODS_MAX);
    let mut found = Scores::of(&series).best(min, max);
    if found.is_empty()
        && let Some(level) = without_trend(&series)
    {
        found = Scores::of(&level).best(min, max);
    }
    found.resize(n, (0, 0.0));
    outputs(vec![
        array(found.iter().map(|(period, _)| *period as f64)),
        array(found.iter().map(|(_, score)| *score)),
    ])
}

fn validate(arguments: &[Value], _: &Context) -> Value {
    let Some(series) = reals(arguments.first()) else { return Value::Null };
    let scores = Scores::of(&series);
    let asked: Vec<f64> =
        arguments[1..].iter().map(|p| number(Some(p)).unwrap_or(f64::NAN)).collect();
    let score = |period: &f64| scores.0.get(period.round() as usize).copied().unwrap_or(0.0);
    let found: Vec<f64> = asked.iter().map(score).collect();
    outputs(vec![array(asked), array(found)])
}

/// The median of each phase of a period, for a series of `n`, learned from `series`.
pub(super) fn phases(series: &[Option<f64>], period: usize, n: usize) -> Vec<f64> {
    let median = |phase: usize| {
        let mut values: Vec<f64> =
            series.iter().skip(phase).step_by(period).flatten().copied().collect();
        values.retain(|x| x.is_finite());
        values.sort_by(f64::total_cmp);
        match (values.len() / 2, values.len() % 2) {
            (0, 0) => 0.0,
            (at, 0) => (values[at - 1] + values[at]) / 2.0,
            (at, _) => values[at],
        }
    };
    let medians: Vec<f64> = (0..period.min(n)).map(median).collect();
    (0..n).map(|i| medians[i % period]).collect()
}

/// Arguments: the series, its period (-1: to be found), points at the end to leave out.
fn seasonal(arguments: &[Value], _: &Context) -> Value {
    let Some(series) = reals(arguments.first()) else { return Value::Null };
    let n = series.len();
    let left_out = number(arguments.get(2)).unwrap_or(0.0).max(0.0) as usize;
    let learned = &series[..n.saturating_sub(left_out)];
    let period = match number(arguments.get(1)).unwrap_or(-1.0) {
        -1.0 => period(learned, SEASONAL_THRESHOLD),
        given if given >= 1.0 => Some(given as usize),
        _ => None,
    };
    let found: Json = match period {
        Some(period) => array(phases(learned, period, n)),
        None => array(vec![0.0; n]),
    };
    Value::json(found)
}
