//! `summarize` and `distinct`.

use super::aggregate::{Calls, Groups};
use crate::engine::eval::compile_all;
use crate::engine::rows::row_bytes;
use crate::engine::{Env, Result, Row, Rows};
use crate::plan::{Aggregate, Named, Schema};

/// One row a group: its key, then the outputs of the aggregates. Without keys all rows are one
/// group, which is there even if no row is.
pub(super) fn run(
    input: &Rows,
    keys: &[Named],
    aggregates: &[Aggregate],
    schema: Schema,
    env: &Env<'_>,
) -> Result<Rows> {
    let calls = Calls::compile(aggregates, &input.rows, env)?;
    let exprs = compile_all(keys.iter().map(|key| &key.value), &input.rows, env)?;
    let mut tally = env.meter().tally();
    let mut groups = Groups::new(&calls);
    for (at, row) in input.rows.iter().enumerate() {
        let key: Row = exprs.iter().map(|expr| expr.eval(row, at, &env.context)).collect();
        groups.update(key, row, at, &mut tally)?;
    }
    if keys.is_empty() && groups.keys.is_empty() {
        groups.keys.push(Row::new());
        groups.collected.push(calls.fresh());
    }
    let mut tally = env.meter().tally();
    let mut rows = Vec::with_capacity(groups.keys.len());
    for (mut key, collected) in groups.keys.into_iter().zip(groups.collected) {
        key.extend(calls.finish(&collected));
        tally.row(row_bytes(&key))?;
        rows.push(key);
    }
    Ok(Rows::new(schema, rows))
}
