//! `make-series`: rows are filtered and grouped by bin here; the engine in memory then lays out
//! the few rows that are left.

use std::sync::Arc;

use kql::plan::{Aggregate, Named, Op, Rel, Scalar, ScalarKind, Schema};
use kql::value::{Type, Value};

use super::scalar::has_window;
use super::{Lowered, Lowering};
use crate::error::Result;

/// The bins of an axis of whole numbers or times.
struct Bins {
    origin: i64,
    step: i64,
    /// First and last bin, where given
    first: Option<i64>,
    last: Option<i64>,
}

fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::DateTime(n) | Value::TimeSpan(n) => Some(*n),
        other => other.as_integer(),
    }
}

impl Lowering<'_> {
    /// The operator over grouped rows, or over all of them where its axis is of another kind.
    pub(super) fn make_series(&mut self, rel: &Rel, input: Lowered) -> Result<Lowered> {
        match self.binned(rel)? {
            Some((steps, series)) => {
                let mut below = input;
                for step in &steps {
                    let all = vec![true; step.schema.len()];
                    below = self.step(step, below, &all)?;
                }
                self.operator(&series, vec![below])
            }
            None => self.operator(rel, vec![input]),
        }
    }

    /// The operator in two: rows grouped by key and bin, and the series made of them.
    fn binned(&self, rel: &Rel) -> Result<Option<(Vec<Rel>, Rel)>> {
        let Op::MakeSeries { input, keys, aggregates, axis, .. } = &*rel.op else {
            return Ok(None);
        };
        let windows = keys.iter().any(|key| has_window(&key.value))
            || aggregates.iter().flat_map(|a| &a.arguments).any(has_window)
            || has_window(&axis.value);
        let ty = axis.value.ty;
        let known = matches!(ty, Type::Long | Type::DateTime | Type::TimeSpan);
        let (Some(bins), true, false) = (self.bins(rel)?, known, windows) else { return Ok(None) };
        let literal = |n: i64| Scalar {
            kind: ScalarKind::Literal(match ty {
                Type::DateTime => Value::DateTime(n),
                Type::TimeSpan => Value::TimeSpan(n),
                _ => Value::Long(n),
            }),
            ty,
        };
        // Rows outside the bins that are shown are left out first.
        let mut predicate = call("isnotnull", vec![axis.value.clone()], Type::Bool);
        let mut bound = |function: &str, bin: i64| {
            let at = bin.checked_mul(bins.step).and_then(|n| n.checked_add(bins.origin));
            let Some(at) = at else { return };
            let test = call(function, vec![axis.value.clone(), literal(at)], Type::Bool);
            predicate = call("and", vec![predicate.clone(), test], Type::Bool);
        };
        if let Some(first) = bins.first {
            bound(">=", first);
        }
        if let Some(last) = bins.last {
            bound("<", last.saturating_add(1));
        }
        let filter = Rel {
            op: Box::new(Op::Where { input: input.clone(), predicate }),
            schema: input.schema.clone(),
        };
        let step = if ty == Type::DateTime { Type::TimeSpan } else { ty };
        let step = Scalar {
            kind: ScalarKind::Literal(match step {
                Type::TimeSpan => Value::TimeSpan(bins.step),
                _ => Value::Long(bins.step),
            }),
            ty: step,
        };
        let bin = call("bin_at", vec![axis.value.clone(), step, literal(bins.origin)], ty);
        let mut groups = keys.clone();
        groups.push(Named { name: axis.name.clone(), value: bin });
        let mut schema: Schema =
            groups.iter().map(|key| kql::plan::Column::new(&key.name, key.value.ty)).collect();
        schema.extend(aggregates.iter().flat_map(|a| a.outputs.iter().cloned()));
        let grouped = Rel {
            op: Box::new(Op::Summarize {
                input: filter.clone(),
                keys: groups,
                aggregates: aggregates.clone(),
            }),
            schema: schema.clone(),
        };
        let series = over_groups(rel, schema);
        Ok(Some((vec![filter, grouped], series)))
    }

    /// As the engine in memory has them; `None` where they are not whole numbers.
    fn bins(&self, rel: &Rel) -> Result<Option<Bins>> {
        let Op::MakeSeries { from, to, step, end_inclusive, .. } = &*rel.op else {
            return Ok(None);
        };
        let scope = self.bare();
        let number =
            |scalar: &Scalar| Ok::<_, crate::Error>(scope.folded(scalar)?.as_ref().and_then(whole));
        let Some(step) = number(step)?.filter(|step| *step > 0) else { return Ok(None) };
        let mut ends = [None, None];
        for (end, scalar) in ends.iter_mut().zip([from, to]) {
            if let Some(scalar) = scalar {
                match number(scalar)? {
                    Some(n) => *end = Some(n),
                    None => return Ok(None),
                }
            }
        }
        let [from, to] = ends;
        let origin = from.filter(|_| !end_inclusive).unwrap_or(0);
        let bin = |n: i64| (i128::from(n) - i128::from(origin)).div_euclid(step.into());
        let mut last = to.map(bin);
        if let (Some(bin), Some(to), false) = (last, to, *end_inclusive)
            && bin * i128::from(step) + i128::from(origin) == i128::from(to)
        {
            // The end itself is no part of the series.
            last = Some(bin - 1);
        }
        // A bin is never further than a value is, but one step more may be.
        let narrow = |bin: i128| i64::try_from(bin).unwrap_or(i64::MAX);
        Ok(Some(Bins { origin, step, first: from.map(bin).map(narrow), last: last.map(narrow) }))
    }
}

/// The operator over rows that are grouped: each key and bin has one row, so any of them will do.
fn over_groups(rel: &Rel, schema: Schema) -> Rel {
    let mut rel = rel.clone();
    if let Op::MakeSeries { input, keys, aggregates, axis, .. } = &mut *rel.op {
        let column = |at: usize| Scalar { kind: ScalarKind::Column(at), ty: schema[at].ty };
        for (at, key) in keys.iter_mut().enumerate() {
            key.value = column(at);
        }
        axis.value = column(keys.len());
        let mut at = keys.len() + 1;
        for aggregate in aggregates.iter_mut() {
            let outputs = aggregate.outputs.clone();
            let arguments = (at..at + outputs.len()).map(column).collect();
            at += outputs.len();
            *aggregate = Aggregate { function: Arc::from("take_any"), arguments, outputs };
        }
        *input = Rel { op: Box::new(Op::Rows(Vec::new())), schema };
    }
    rel
}

fn call(function: &str, arguments: Vec<Scalar>, ty: Type) -> Scalar {
    Scalar { kind: ScalarKind::Call { function: Arc::from(function), arguments }, ty }
}
