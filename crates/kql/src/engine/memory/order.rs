//! Operators about the order and the number of rows: `sort`, `top`, `take`, `sample`,
//! `sample-distinct`.

use std::cmp::Ordering;
use std::collections::HashSet;

use crate::engine::eval::{Expr, compile_all, compile_over, eval};
use crate::engine::rows::shell_bytes;
use crate::engine::{EngineError, Env, Part, Result, Row, Rows};
use crate::plan::{Scalar, Schema, SortKey};
use crate::value::Value;

/// Sorted rows; rows that tie keep their order.
pub(super) fn sort(input: Rows, keys: &[SortKey], env: &Env<'_>) -> Result<Rows> {
    let rows = sorted(input.rows, keys, env)?;
    Ok(Rows::new(input.schema, rows))
}

/// Sorts rows by keys.
pub(super) fn sorted(rows: Vec<Row>, keys: &[SortKey], env: &Env<'_>) -> Result<Vec<Row>> {
    let exprs = compile_all(keys.iter().map(|key| &key.value), &rows, env)?;
    let mut tally = env.meter().tally();
    let mut keyed = Vec::with_capacity(rows.len());
    for (at, row) in rows.into_iter().enumerate() {
        let mut bytes = shell_bytes(exprs.len());
        let mut values = Row::with_capacity(exprs.len());
        for expr in &exprs {
            let value = expr.eval(&row, at, &env.context);
            if expr.is_computed() {
                bytes += value.heap_bytes();
            }
            values.push(value);
        }
        tally.row(bytes)?;
        keyed.push((values, row));
    }
    keyed.sort_by(|(a, _), (b, _)| order(a, b, keys));
    env.meter().check()?;
    Ok(keyed.into_iter().map(|(_, row)| row).collect())
}

fn order(a: &[Value], b: &[Value], keys: &[SortKey]) -> Ordering {
    for ((a, b), key) in a.iter().zip(b).zip(keys) {
        let found = match (is_nothing(a), is_nothing(b)) {
            // NaN and null stand together; between them the usual order counts.
            (true, false) => nulls(key.nulls_first),
            (false, true) => nulls(key.nulls_first).reverse(),
            _ if key.descending => b.order(a),
            _ => a.order(b),
        };
        if found != Ordering::Equal {
            return found;
        }
    }
    Ordering::Equal
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Real(x) => x.is_nan(),
        _ => false,
    }
}

fn nulls(first: bool) -> Ordering {
    if first { Ordering::Less } else { Ordering::Greater }
}

/// The first rows.
pub(super) fn take(mut input: Rows, count: &Scalar, env: &Env<'_>) -> Result<Rows> {
    input.rows.truncate(number(count, "take", env)?);
    Ok(input)
}

/// The first rows in an order.
pub(super) fn top(input: Rows, count: &Scalar, keys: &[SortKey], env: &Env<'_>) -> Result<Rows> {
    let count = number(count, "top", env)?;
    let mut rows = sorted(input.rows, keys, env)?;
    rows.truncate(count);
    Ok(Rows::new(input.schema, rows))
}

/// Random rows, in the order of the input.
pub(super) fn sample(mut input: Rows, count: &Scalar, env: &Env<'_>) -> Result<Rows> {
    let count = number(count, "sample", env)?;
    let n_rows = input.rows.len();
    if count >= n_rows {
        return Ok(input);
    }
    let mut dice = Dice::new(env);
    let mut left = count;
    let mut seen = 0;
    // Selection sampling (Knuth, algorithm S): each row is taken with the chance that is left.
    input.rows.retain(|_| {
        let rest = n_rows - seen;
        seen += 1;
        let chosen = dice.below(rest as u64) < left as u64;
        left -= usize::from(chosen);
        chosen
    });
    Ok(input)
}

/// Random distinct values; nulls are values too.
pub(super) fn sample_distinct(
    input: &Rows,
    count: &Scalar,
    of: &Scalar,
    schema: Schema,
    env: &Env<'_>,
) -> Result<Rows> {
    let count = number(count, "sample-distinct", env)?;
    let expr: Expr = compile_over(of, &input.rows, env)?;
    let mut tally = env.meter().tally();
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    for (at, row) in input.rows.iter().enumerate() {
        if rows.len() >= count {
            break;
        }
        tally.work()?;
        let value = expr.eval(row, at, &env.context);
        if seen.insert(Part::of(&value)) {
            tally.row(shell_bytes(2) + value.heap_bytes())?;
            rows.push(vec![value]);
        }
    }
    Ok(Rows::new(schema, rows))
}

/// A constant number of rows.
fn number(count: &Scalar, what: &str, env: &Env<'_>) -> Result<usize> {
    let count = eval(count, &[], env)?;
    let count = match &count {
        Value::Real(x) if x.fract() == 0.0 && x.abs() < 9e15 => Some(*x as i64),
        other => other.as_integer(),
    };
    match count {
        Some(n) if n >= 0 => Ok(usize::try_from(n).unwrap_or(usize::MAX)),
        _ => Err(EngineError::Invalid(format!("{what} needs a number of rows, 0 or more"))),
    }
}

/// Numbers that look random and are the same for the same query at the same time.
struct Dice(u64);

impl Dice {
    fn new(env: &Env<'_>) -> Self {
        Self(env.context.now as u64)
    }

    /// A number below `n` (splitmix64).
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n.max(1)
    }
}
