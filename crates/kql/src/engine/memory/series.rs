//! `make-series`: aggregates in bins along an axis, as arrays.

use std::collections::{BTreeMap, HashMap};

use super::aggregate::{Calls, Groups};
use crate::engine::eval::{Expr, compile, compile_all, compile_over, eval};
use crate::engine::rows::row_bytes;
use crate::engine::step::{Axis, Point, point};
use crate::engine::{EngineError, Env, Key, Part, Result, Row, Rows};
use crate::plan::{Op, Schema};
use crate::value::{Json, Value};

/// So long may a series be.
const LENGTH_MAX: i64 = 1 << 20;

/// The bins of an axis.
struct Bins {
    axis: Axis,
    origin: Point,
    step: Point,
    /// First and last bin, where given
    first: Option<i64>,
    last: Option<i64>,
}

/// One row for each key: keys, series, axis.
pub(super) fn run(input: &Rows, op: &Op, schema: Schema, env: &Env<'_>) -> Result<Rows> {
    let Op::MakeSeries { keys, aggregates, series, axis, .. } = op else {
        return Err(EngineError::Plan("make-series expected".to_owned()));
    };
    let bins = Bins::of(op, env)?;
    let calls = Calls::compile(aggregates, &input.rows, env)?;
    let axis = compile_over(&axis.value, &input.rows, env)?;
    let key_exprs = compile_all(keys.iter().map(|key| &key.value), &input.rows, env)?;
    let outputs: Vec<(Expr, Value)> = series
        .iter()
        .map(|(scalar, default)| Ok((compile(scalar, env)?, default.clone().widen(scalar.ty))))
        .collect::<Result<_>>()?;

    let mut tally = env.meter().tally();
    let mut groups = Groups::new(&calls);
    for (at, row) in input.rows.iter().enumerate() {
        let Some(bin) = bins.bin(&axis.eval(row, at, &env.context)) else {
            tally.work()?;
            continue;
        };
        let mut key: Row = key_exprs.iter().map(|key| key.eval(row, at, &env.context)).collect();
        key.push(Value::Long(bin));
        groups.update(key, row, at, &mut tally)?;
    }

    let mut index: HashMap<Key, usize> = HashMap::new();
    let mut all: Vec<(Row, BTreeMap<i64, Row>)> = Vec::new();
    for (mut key, collected) in groups.keys.into_iter().zip(groups.collected) {
        let Some(Value::Long(bin)) = key.pop() else { continue };
        let place = *index.entry(Part::key(&key)).or_insert(all.len());
        if place == all.len() {
            all.push((key, BTreeMap::new()));
        }
        let results = calls.finish(&collected);
        let values = outputs.iter().map(|(expr, _)| expr.eval(&results, 0, &env.context));
        all[place].1.insert(bin, values.collect());
    }
    let nonempty = matches!(op, Op::MakeSeries { nonempty: true, .. });
    if all.is_empty() && nonempty && keys.is_empty() {
        all.push((Row::new(), BTreeMap::new()));
    }

    let mut tally = env.meter().tally();
    let mut rows = Vec::with_capacity(all.len());
    for (key, found) in all {
        let row = bins.row(key, &found, &outputs)?;
        tally.row(row_bytes(&row))?;
        rows.push(row);
    }
    Ok(Rows::new(schema, rows))
}

impl Bins {
    fn of(op: &Op, env: &Env<'_>) -> Result<Self> {
        let Op::MakeSeries { axis, from, to, step, end_inclusive, .. } = op else {
            return Err(EngineError::Plan("make-series expected".to_owned()));
        };
        let step = point(&eval(step, &[], env)?, "the step of make-series")?;
        if !step.is_positive() {
            let message = "the step of make-series must be above zero".to_owned();
            return Err(EngineError::Invalid(message));
        }
        let end = |scalar: &Option<crate::plan::Scalar>, what: &str| match scalar {
            Some(scalar) => point(&eval(scalar, &[], env)?, what).map(Some),
            None => Ok(None),
        };
        let from = end(from, "the start of make-series")?;
        let to = end(to, "the end of make-series")?;
        let zero = Point::Whole(0);
        // `in range()` bins as `bin()` does, `from` as `bin_at()` does.
        let origin = match from {
            Some(from) if !end_inclusive => from,
            _ => zero,
        };
        let first = from.and_then(|from| from.steps_from(origin, step));
        let last = match to {
            None => None,
            Some(to) => {
                let bin = to.steps_from(origin, step);
                let at = |bin| Point::at(origin, step, bin);
                // The end itself is no part of the series unless told.
                bin.map(|bin| if !end_inclusive && at(bin) == Some(to) { bin - 1 } else { bin })
            }
        };
        let kind = match axis.value.ty {
            crate::value::Type::Int => Axis::Int,
            crate::value::Type::Real => Axis::Real,
            crate::value::Type::Decimal => Axis::Decimal,
            crate::value::Type::DateTime => Axis::DateTime,
            crate::value::Type::TimeSpan => Axis::TimeSpan,
            _ => Axis::Long,
        };
        Ok(Self { axis: kind, origin, step, first, last })
    }

    /// The bin of a value that is within the series.
    fn bin(&self, value: &Value) -> Option<i64> {
        let bin = Point::of(value)?.steps_from(self.origin, self.step)?;
        let inside =
            self.first.is_none_or(|first| bin >= first) && self.last.is_none_or(|l| bin <= l);
        inside.then_some(bin)
    }

    fn row(
        &self,
        mut row: Row,
        found: &BTreeMap<i64, Row>,
        outputs: &[(Expr, Value)],
    ) -> Result<Row> {
        let first = self.first.or_else(|| found.keys().next().copied());
        let last = self.last.or_else(|| found.keys().next_back().copied());
        let (first, last) = match (first, last) {
            (Some(first), Some(last)) if first <= last => (first, last),
            _ => (0, -1),
        };
        if last.saturating_sub(first) >= LENGTH_MAX {
            let limit = LENGTH_MAX as u64;
            return Err(EngineError::Limit { what: "bins in a series", limit });
        }
        let mut series: Vec<Vec<Json>> = vec![Vec::new(); outputs.len()];
        let mut axis = Vec::new();
        for bin in first..=last {
            let values = found.get(&bin);
            for (at, series) in series.iter_mut().enumerate() {
                let value = values.and_then(|values| values.get(at)).unwrap_or(&outputs[at].1);
                series.push(value.to_json());
            }
            let point = Point::at(self.origin, self.step, bin);
            axis.push(point.map_or(Json::Null, |point| self.axis.value(point).to_json()));
        }
        row.extend(series.into_iter().map(|series| Value::json(Json::Array(series))));
        row.push(Value::json(Json::Array(axis)));
        Ok(row)
    }
}
