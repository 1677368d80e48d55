//! `partition`: a sub-query for each value of a key.

use std::collections::HashMap;

use crate::engine::eval::compile_over;
use crate::engine::rows::row_bytes;
use crate::engine::{Env, Part, Result, Row, Rows};
use crate::plan::{Rel, Scalar, Schema};

/// The results of all sub-queries, in the order in which keys appear.
pub(super) fn run(
    input: Rows,
    by: &Scalar,
    body: &Rel,
    schema: Schema,
    env: &Env<'_>,
) -> Result<Rows> {
    let expr = compile_over(by, &input.rows, env)?;
    let mut index: HashMap<Part, usize> = HashMap::new();
    let mut partitions: Vec<Vec<Row>> = Vec::new();
    for (at, row) in input.rows.into_iter().enumerate() {
        let part = Part::of(&expr.eval(&row, at, &env.context));
        let place = *index.entry(part).or_insert(partitions.len());
        if place == partitions.len() {
            partitions.push(Vec::new());
        }
        partitions[place].push(row);
    }
    let mut tally = env.meter().tally();
    let mut rows = Vec::new();
    for partition in partitions {
        let partition = Rows::new(input.schema.clone(), partition);
        let found = super::run(body, &env.within(&partition))?;
        for row in found.rows {
            tally.row(row_bytes(&row))?;
            rows.push(row);
        }
    }
    Ok(Rows::new(schema, rows))
}
