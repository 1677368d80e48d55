//! Plugins that find patterns in rows: `basket`, `autocluster`, `diffpatterns`.

use super::Call;
use super::patterns::{Bits, Pattern, Search, Weights};
use super::timeline::long;
use crate::engine::eval::eval;
use crate::engine::{Result, Row};
use crate::value::{Type, Value};

/// So many independent values does a pattern have, unless told.
const DIMENSIONS: usize = 5;
/// The part of the rows that a pattern must have, unless told.
const THRESHOLD: f64 = 0.05;
/// So many patterns are shown by those plugins that choose.
const SHOWN_MAX: usize = 30;

/// What all three have in common.
struct Frame {
    weights: Weights,
    /// What stands for any value, by type
    wildcards: Vec<(Type, Value)>,
    dimensions: usize,
    threshold: f64,
}

impl Frame {
    fn of(call: &Call<'_>) -> Result<Self> {
        let mut wildcards = Vec::new();
        for scalar in call.scalars("CustomWildcard") {
            wildcards.push((scalar.ty, eval(scalar, &[], call.env)?));
        }
        let number = |name: &str| -> Result<Option<f64>> {
            Ok(call.constant(name)?.and_then(|value| value.as_real()))
        };
        let dimensions = number("MaxDimensions")?.filter(|n| *n >= 1.0).map(|n| n as usize);
        let threshold = number("Threshold")?.filter(|t| *t > 0.0).map(|t| t.min(1.0));
        Ok(Self {
            weights: Weights::of(call)?,
            wildcards,
            dimensions: dimensions.unwrap_or(DIMENSIONS),
            threshold: threshold.unwrap_or(THRESHOLD),
        })
    }

    /// The columns that patterns are made of: not the weight's, and not these.
    fn columns(&self, call: &Call<'_>, but: Option<usize>) -> Result<Vec<usize>> {
        let weight = match call.scalar("WeightColumn") {
            Some(_) => call.over("WeightColumn")?.column(),
            None => None,
        };
        let all = 0..call.input.schema.len();
        Ok(all.filter(|at| Some(*at) != weight && Some(*at) != but).collect())
    }

    /// A row: numbers, then the pattern's values by the names of the output's columns.
    fn row(&self, call: &Call<'_>, numbers: Vec<Value>, pattern: &Pattern) -> Row {
        let mut row = numbers;
        for column in &call.schema[row.len()..] {
            let at = call.input.position(&column.name);
            let found = pattern.values.iter().find(|(of, _)| Some(*of) == at);
            let wildcard = self.wildcards.iter().find(|(ty, _)| *ty == column.ty);
            row.push(match (found, wildcard) {
                (Some((_, value)), _) => value.clone().widen(column.ty),
                (None, Some((_, wildcard))) => wildcard.clone(),
                (None, None) => Value::absent(column.ty),
            });
        }
        row
    }
}

fn percent(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { 100.0 * part / whole } else { 0.0 }
}

fn weight(sum: f64) -> Value {
    Value::Long(sum.round() as i64)
}

/// All closed patterns that enough rows have.
pub(super) fn basket(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let frame = Frame::of(call)?;
    let total = frame.weights.sum(&Bits::all(call.input.rows.len()));
    let enough = total * frame.threshold;
    let mut tally = call.env.meter().tally();
    let search = Search {
        columns: frame.columns(call, None)?,
        dimensions: frame.dimensions,
        frequent: &|rows| frame.weights.sum(rows) >= enough,
    };
    let mut found = search.run(&call.input, &mut tally)?;
    found.sort_by_key(|pattern| std::cmp::Reverse(pattern.values.len()));
    let row = |(at, pattern): (usize, &Pattern)| {
        let sum = frame.weights.sum(&pattern.rows);
        let numbers = vec![long(at), weight(sum), Value::Real(percent(sum, total))];
        frame.row(call, numbers, pattern)
    };
    Ok(found.iter().enumerate().map(row).collect())
}

/// A few patterns that together tell what the rows are like: each time the one that is best, by
/// how many rows it has and how much it says of them, among rows that none has yet.
pub(super) fn autocluster(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let frame = Frame::of(call)?;
    let size_weight = call.constant("SizeWeight")?.and_then(|value| value.as_real());
    let size_weight = size_weight.unwrap_or(0.5).clamp(0.0, 1.0);
    let all = Bits::all(call.input.rows.len());
    let total = frame.weights.sum(&all);
    let columns = frame.columns(call, None)?;
    let n_columns = columns.len().max(1) as f64;
    let mut tally = call.env.meter().tally();
    let search = Search {
        columns,
        dimensions: frame.dimensions,
        frequent: &|rows| frame.weights.sum(rows) >= total * THRESHOLD,
    };
    let mut found = search.run(&call.input, &mut tally)?;
    let mut left = all;
    let mut rows = Vec::new();
    while rows.len() < SHOWN_MAX {
        let mut best: Option<(f64, usize)> = None;
        for (at, pattern) in found.iter().enumerate() {
            tally.work()?;
            let new = frame.weights.sum(&pattern.rows.and(&left));
            if new < total * THRESHOLD {
                continue;
            }
            let says = pattern.values.len() as f64 / n_columns;
            let score = (new / total).powf(size_weight) * says.powf(1.0 - size_weight);
            if best.is_none_or(|(known, _)| score > known) {
                best = Some((score, at));
            }
        }
        let Some((_, at)) = best else { break };
        let pattern = found.swap_remove(at);
        let sum = frame.weights.sum(&pattern.rows);
        let numbers = vec![long(rows.len()), weight(sum), Value::Real(percent(sum, total))];
        rows.push(frame.row(call, numbers, &pattern));
        left = left.without(&pattern.rows);
    }
    Ok(rows)
}

/// Patterns whose parts of two sets of rows differ most.
pub(super) fn diffpatterns(call: &mut Call<'_>) -> Result<Vec<Row>> {
    let frame = Frame::of(call)?;
    let split = call.over("SplitColumn")?;
    let mut sets = Vec::new();
    for parameter in ["SplitValueA", "SplitValueB"] {
        let wanted = call.needed(parameter)?.to_text();
        let mut set = Bits::none(call.input.rows.len());
        for (at, row) in call.input.rows.iter().enumerate() {
            if call.eval(&split, row, at).to_text() == wanted {
                set.set(at);
            }
        }
        sets.push(set);
    }
    let totals: Vec<f64> = sets.iter().map(|set| frame.weights.sum(set)).collect();
    let parts = |rows: &Bits| -> Vec<(f64, f64)> {
        let part = |(set, total): (&Bits, &f64)| {
            let sum = frame.weights.sum(&rows.and(set));
            (sum, percent(sum, *total))
        };
        sets.iter().zip(&totals).map(part).collect()
    };
    let least = frame.threshold * 100.0;
    let mut tally = call.env.meter().tally();
    let search = Search {
        columns: frame.columns(call, split.column())?,
        dimensions: frame.dimensions,
        frequent: &|rows| parts(rows).iter().any(|(_, percent)| *percent >= least),
    };
    let mut ranked = Vec::new();
    for pattern in search.run(&call.input, &mut tally)? {
        let parts = parts(&pattern.rows);
        let difference = (parts[0].1 - parts[1].1).abs();
        if difference >= least {
            ranked.push((difference, parts, pattern));
        }
    }
    ranked.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
    let mut shown: Vec<Vec<(usize, Value)>> = Vec::new();
    let mut rows = Vec::new();
    for (difference, parts, pattern) in ranked {
        tally.work()?;
        // A pattern that says more or less of what was shown already is no news.
        let within = |a: &[(usize, Value)], b: &[(usize, Value)]| a.iter().all(|v| b.contains(v));
        let known = |other: &Vec<(usize, Value)>| {
            within(other, &pattern.values) || within(&pattern.values, other)
        };
        if shown.iter().any(known) {
            continue;
        }
        if rows.len() >= SHOWN_MAX {
            break;
        }
        let numbers = vec![
            long(rows.len()),
            weight(parts[0].0),
            weight(parts[1].0),
            Value::Real(parts[0].1),
            Value::Real(parts[1].1),
            Value::Real(difference),
        ];
        rows.push(frame.row(call, numbers, &pattern));
        shown.push(pattern.values);
    }
    Ok(rows)
}
