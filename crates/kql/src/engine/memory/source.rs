//! What gives rows without taking any: tables, `datatable`, `range`, `externaldata`.

use super::external;
use crate::engine::eval::eval;
use crate::engine::rows::shell_bytes;
use crate::engine::step::{Axis, Point};
use crate::engine::{EngineError, Env, Result, Row, Rows};
use crate::plan::{Op, Rel, Scalar, Schema};
use crate::value::Value;

/// The rows of an operator without input.
pub(super) fn leaf(rel: &Rel, env: &Env<'_>) -> Result<Rows> {
    let schema = rel.schema.clone();
    match &*rel.op {
        Op::Table { name } => table(name, schema, env),
        Op::Rows(rows) => Ok(Rows::new(schema, rows.clone())),
        Op::Range { from, to, step } => range(from, to, step, schema, env),
        Op::External { addresses, format, options } => {
            external::run(addresses, format, options, schema, env)
        }
        Op::Shared(n) => Ok(Rows::new(schema, env.shared(*n)?.rows.clone())),
        Op::Inner => match env.inner() {
            Some(rows) => Ok(rows.clone()),
            None => Err(EngineError::Plan("inner rows outside a sub-query".to_owned())),
        },
        // A union of nothing, a plugin or a graph without input.
        _ => super::step(rel, Vec::new(), env),
    }
}

fn table(name: &str, schema: Schema, env: &Env<'_>) -> Result<Rows> {
    let Some(table) = env.source().table(name)? else {
        return Err(EngineError::NoTable { name: name.to_owned() });
    };
    let mut places = Vec::with_capacity(schema.len());
    for column in &schema {
        let Some(at) = table.position(&column.name) else {
            let column = &column.name;
            return Err(EngineError::Plan(format!("table {name} has no column {column}")));
        };
        places.push((at, column.ty, table.schema[at].ty == column.ty));
    }
    let mut tally = env.meter().tally();
    let mut rows = Vec::with_capacity(table.rows.len());
    for row in &table.rows {
        tally.row(shell_bytes(places.len()))?;
        let values = places.iter().map(|&(at, ty, same)| {
            let value = row.get(at).cloned().unwrap_or(Value::Null);
            if same && !value.is_null() { value } else { value.widen(ty) }
        });
        rows.push(values.collect::<Row>());
    }
    Ok(Rows::new(schema, rows))
}

fn range(from: &Scalar, to: &Scalar, step: &Scalar, schema: Schema, env: &Env<'_>) -> Result<Rows> {
    let Some(ty) = schema.first().map(|column| column.ty) else {
        return Err(EngineError::Plan("range without a column".to_owned()));
    };
    let from = eval(from, &[], env)?.widen(ty);
    let to = eval(to, &[], env)?.widen(ty);
    let step = eval(step, &[], env)?;
    let mut rows = Vec::new();
    let (Some(axis), Some(start), Some(end), Some(step)) =
        (Axis::of(&from), Point::of(&from), Point::of(&to), Point::of(&step))
    else {
        return Ok(Rows::new(schema, rows));
    };
    if step.is_nothing() {
        return Err(EngineError::Invalid("the step of range must not be zero".to_owned()));
    }
    let mut tally = env.meter().tally();
    for n in 0.. {
        let Some(point) = Point::at(start, step, n) else { break };
        let inside = if step.is_positive() { point <= end } else { point >= end };
        if !inside {
            break;
        }
        tally.row(shell_bytes(1))?;
        rows.push(vec![axis.value(point)]);
    }
    Ok(Rows::new(schema, rows))
}
