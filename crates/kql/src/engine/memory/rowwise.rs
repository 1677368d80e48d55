//! Operators that look at one row at a time: `where`, `project`, and `union`.

use crate::engine::eval::{compile_all, compile_over, holds};
use crate::engine::rows::shell_bytes;
use crate::engine::{Env, Result, Row, Rows};
use crate::plan::{Named, Scalar, Schema};

/// Rows for which the predicate is true.
pub(super) fn filter(input: Rows, predicate: &Scalar, env: &Env<'_>) -> Result<Rows> {
    let expr = compile_over(predicate, &input.rows, env)?;
    let mut tally = env.meter().tally();
    let mut rows = Vec::new();
    for (at, row) in input.rows.into_iter().enumerate() {
        tally.work()?;
        if holds(&expr.eval(&row, at, &env.context)) {
            rows.push(row);
        }
    }
    Ok(Rows::new(input.schema, rows))
}

/// New columns from each row.
pub(super) fn project(
    input: Rows,
    columns: &[Named],
    schema: Schema,
    env: &Env<'_>,
) -> Result<Rows> {
    let exprs = compile_all(columns.iter().map(|column| &column.value), &input.rows, env)?;
    let mut tally = env.meter().tally();
    let mut rows = Vec::with_capacity(input.rows.len());
    for (at, row) in input.rows.iter().enumerate() {
        let mut bytes = shell_bytes(exprs.len());
        let mut new = Row::with_capacity(exprs.len());
        for expr in &exprs {
            let value = expr.eval(row, at, &env.context);
            if expr.is_computed() {
                bytes += value.heap_bytes();
            }
            new.push(value);
        }
        tally.row(bytes)?;
        rows.push(new);
    }
    Ok(Rows::new(schema, rows))
}

/// All rows of all legs.
pub(super) fn union(schema: Schema, legs: Vec<Rows>) -> Rows {
    let rows = legs.into_iter().flat_map(|leg| leg.rows).collect();
    Rows::new(schema, rows)
}
