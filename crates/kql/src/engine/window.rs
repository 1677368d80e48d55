//! Functions that see the rows around: `prev`, `next`, `row_number`, `row_cumsum`,
//! `row_rank_dense`, `row_rank_min`, `row_window_session` (Kusto page "window functions").

use super::eval::{Expr, holds};
use super::{EngineError, Env, Part, Result, Row};
use crate::functions::Context;
use crate::value::{Type, Value};

/// The values of a call, one for each row.
pub(super) fn values(
    function: &str,
    arguments: &[Expr],
    ty: Type,
    rows: &[Row],
    env: &Env<'_>,
) -> Result<Vec<Value>> {
    let call = Call { function, arguments, ty, rows, context: &env.context };
    let mut tally = env.meter().tally();
    let mut values = Vec::with_capacity(rows.len());
    let mut step = call.start()?;
    for at in 0..rows.len() {
        let value = step(at);
        tally.grow(size_of::<Value>())?;
        tally.work()?;
        values.push(value);
    }
    Ok(values)
}

struct Call<'a> {
    function: &'a str,
    arguments: &'a [Expr],
    ty: Type,
    rows: &'a [Row],
    context: &'a Context,
}

/// Gives the value at each position, asked in order.
type Step<'a> = Box<dyn FnMut(usize) -> Value + 'a>;

impl<'a> Call<'a> {
    fn start(self) -> Result<Step<'a>> {
        let needed = match self.function {
            "row_number" => 0,
            "row_window_session" => 3,
            _ => 1,
        };
        if self.arguments.len() < needed {
            let function = self.function;
            return Err(EngineError::Plan(format!("{function}() has too few arguments")));
        }
        match self.function {
            "prev" => self.neighbour(-1),
            "next" => self.neighbour(1),
            "row_number" => self.number(),
            "row_cumsum" => Ok(self.sum()),
            "row_rank_dense" => Ok(self.rank(true)),
            "row_rank_min" => Ok(self.rank(false)),
            "row_window_session" => Ok(self.session()),
            name => {
                let name = name.to_owned();
                Err(EngineError::Unsupported { kind: "window function", name })
            }
        }
    }

    /// Argument `n` at a row; null where it was not given.
    fn argument(&self, n: usize, at: usize) -> Value {
        match (self.arguments.get(n), self.rows.get(at)) {
            (Some(argument), Some(row)) => argument.eval(row, at, self.context),
            _ => Value::Null,
        }
    }

    fn restarts(&self, n: usize, at: usize) -> bool {
        self.arguments.len() > n && holds(&self.argument(n, at))
    }

    fn neighbour(self, direction: i64) -> Result<Step<'a>> {
        let offset = match self.arguments.get(1).map(Expr::literal) {
            None => 1,
            Some(Some(value)) => value.as_integer().unwrap_or(1),
            Some(None) => {
                let message = format!("the offset of {}() must be constant", self.function);
                return Err(EngineError::Invalid(message));
            }
        };
        let distance = offset.saturating_mul(direction);
        Ok(Box::new(move |at| {
            let there = i64::try_from(at).ok().and_then(|at| at.checked_add(distance));
            let there = there.and_then(|there| usize::try_from(there).ok());
            match there.filter(|there| *there < self.rows.len()) {
                Some(there) => self.argument(0, there).widen(self.ty),
                None => self.argument(2, at).widen(self.ty),
            }
        }))
    }

    fn number(self) -> Result<Step<'a>> {
        let first = match self.arguments.first().map(Expr::literal) {
            None => 1,
            Some(Some(value)) => value.as_integer().unwrap_or(1),
            Some(None) => {
                let message = "the first number of row_number() must be constant".to_owned();
                return Err(EngineError::Invalid(message));
            }
        };
        let mut number = first;
        Ok(Box::new(move |at| {
            if at > 0 {
                let restart = self.restarts(1, at);
                number = if restart { first } else { number.saturating_add(1) };
            }
            Value::Long(number)
        }))
    }

    /// Nulls add nothing; a sum out of range wraps, as `sum()` does.
    fn sum(self) -> Step<'a> {
        let mut sum = Value::Null;
        Box::new(move |at| {
            if at == 0 || self.restarts(1, at) {
                sum = Value::Null;
            }
            let term = self.argument(0, at);
            sum = match (&sum, &term) {
                (Value::Null, _) => term,
                (_, Value::Null) => sum.clone(),
                (Value::Decimal(a), Value::Decimal(b)) => {
                    a.checked_add(*b).map_or(Value::Null, Value::Decimal)
                }
                (Value::TimeSpan(a), Value::TimeSpan(b)) => Value::TimeSpan(a.wrapping_add(*b)),
                (a, b) => match (a.as_integer(), b.as_integer()) {
                    (Some(a), Some(b)) => Value::Long(a.wrapping_add(b)),
                    _ => match (a.as_real(), b.as_real()) {
                        (Some(a), Some(b)) => Value::Real(a + b),
                        _ => Value::Null,
                    },
                },
            };
            sum.clone().widen(self.ty)
        })
    }

    fn rank(self, dense: bool) -> Step<'a> {
        let mut last: Option<Part> = None;
        let (mut rank, mut n_rows) = (0_i64, 0_i64);
        Box::new(move |at| {
            let term = Part::of(&self.argument(0, at));
            if at == 0 || self.restarts(1, at) {
                (rank, n_rows, last) = (0, 0, None);
            }
            n_rows += 1;
            if last.as_ref() != Some(&term) {
                rank = if dense { rank + 1 } else { n_rows };
                last = Some(term);
            }
            Value::Long(rank)
        })
    }

    fn session(self) -> Step<'a> {
        let ticks = |value: Value| match value {
            Value::DateTime(t) | Value::TimeSpan(t) => Some(t),
            other => other.as_integer(),
        };
        let mut start: Option<i64> = None;
        let mut last: Option<i64> = None;
        Box::new(move |at| {
            let now = ticks(self.argument(0, at));
            let span = ticks(self.argument(1, at));
            let gap = ticks(self.argument(2, at));
            let reached = |from: Option<i64>, distance: Option<i64>| match (from, distance, now) {
                (Some(from), Some(distance), Some(now)) => now >= from.saturating_add(distance),
                _ => false,
            };
            let anew = start.is_none()
                || last.is_none()
                || reached(start, span)
                || reached(last, gap)
                || self.restarts(3, at);
            if anew {
                start = now;
            }
            last = now;
            start.map_or(Value::Null, |start| Value::DateTime(start).widen(self.ty))
        })
    }
}
