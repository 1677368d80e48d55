//! `top-nested` and `top-hitters`.

use super::aggregate::{Calls, Collected};
use crate::engine::env::Tally;
use crate::engine::eval::{Expr, compile, compile_over};
use crate::engine::rows::row_bytes;
use crate::engine::{EngineError, Env, Part, Result, Row, Rows};
use crate::plan::{Scalar, Schema, TopNested};
use crate::value::{Type, Value};
use std::collections::HashMap;

/// So many levels may be nested.
const LEVELS_MAX: usize = 32;

struct Level {
    count: usize,
    of: Expr,
    others: Option<Value>,
    calls: Calls,
    rank: Expr,
    descending: bool,
}

struct Nest<'a> {
    rows: &'a [Row],
    levels: Vec<Level>,
    env: &'a Env<'a>,
    tally: Tally<'a>,
    out: Vec<Row>,
}

/// One row for each path through the levels: for each level its value and what it ranks by.
pub(super) fn top_nested(
    input: &Rows,
    clauses: &[TopNested],
    schema: Schema,
    env: &Env<'_>,
) -> Result<Rows> {
    if clauses.len() > LEVELS_MAX {
        let limit = LEVELS_MAX as u64;
        return Err(EngineError::Limit { what: "levels of top-nested", limit });
    }
    let level = |clause: &TopNested| {
        Ok(Level {
            count: clause.count.map_or(usize::MAX, |n| usize::try_from(n).unwrap_or(usize::MAX)),
            of: compile_over(&clause.of, &input.rows, env)?,
            others: clause.others.clone().map(|others| others.widen(clause.of.ty)),
            calls: Calls::compile(&clause.by, &input.rows, env)?,
            rank: compile(&clause.rank, env)?,
            descending: clause.descending,
        })
    };
    let levels = clauses.iter().map(level).collect::<Result<_>>()?;
    let tally = env.meter().tally();
    let mut nest = Nest { rows: &input.rows, levels, env, tally, out: Vec::new() };
    let all: Vec<usize> = (0..input.rows.len()).collect();
    nest.descend(0, &all, &Row::new(), false)?;
    Ok(Rows::new(schema, nest.out))
}

impl Nest<'_> {
    /// Puts out the paths below `path`, over the rows of these positions. Below the rest of a
    /// level nothing is ranked: all is the rest.
    fn descend(&mut self, level: usize, rows: &[usize], path: &Row, of_rest: bool) -> Result<()> {
        let Some(here) = self.levels.get(level) else {
            self.tally.row(row_bytes(path))?;
            self.out.push(path.clone());
            return Ok(());
        };
        let mut groups: Vec<(Value, Vec<usize>)> = Vec::new();
        let mut index: HashMap<Part, usize> = HashMap::new();
        if !of_rest {
            for &at in rows {
                let value = here.of.eval(&self.rows[at], at, &self.env.context);
                let place = *index.entry(Part::of(&value)).or_insert(groups.len());
                if place == groups.len() {
                    groups.push((value, Vec::new()));
                }
                groups[place].1.push(at);
                self.tally.work()?;
            }
        }
        let mut ranked: Vec<(Value, Value, Vec<usize>)> = groups
            .into_iter()
            .map(|(value, members)| (self.rank(here, &members), value, members))
            .collect();
        ranked.sort_by(|(a, ..), (b, ..)| {
            // Nulls come last in both directions.
            let order = if here.descending { b.order(a) } else { a.order(b) };
            a.is_null().cmp(&b.is_null()).then(order)
        });
        let rest: Vec<usize> = match of_rest {
            true => rows.to_vec(),
            false => ranked.iter().skip(here.count).flat_map(|(.., m)| m).copied().collect(),
        };
        ranked.truncate(here.count);
        let others = match &here.others {
            Some(others) if !rest.is_empty() => Some((self.rank(here, &rest), others.clone())),
            None if of_rest => Some((Value::Null, Value::absent(here.of.ty()))),
            _ => None,
        };
        for (rank, value, members) in ranked {
            self.descend(level + 1, &members, &extended(path, value, rank), false)?;
        }
        if let Some((rank, others)) = others {
            self.descend(level + 1, &rest, &extended(path, others, rank), true)?;
        }
        Ok(())
    }

    fn rank(&self, level: &Level, members: &[usize]) -> Value {
        let mut collected: Collected = level.calls.fresh();
        let mut scratch = Row::new();
        for &at in members {
            level.calls.update(&mut collected, &self.rows[at], at, &mut scratch);
        }
        level.rank.eval(&level.calls.finish(&collected), 0, &self.env.context)
    }
}

fn extended(path: &Row, value: Value, rank: Value) -> Row {
    let mut row = path.clone();
    row.push(value);
    row.push(rank);
    row
}

/// The most frequent values, or those of the largest sums; counted exactly.
pub(super) fn top_hitters(
    input: &Rows,
    count: u64,
    of: &Scalar,
    by: Option<&Scalar>,
    schema: Schema,
    env: &Env<'_>,
) -> Result<Rows> {
    let of = compile_over(of, &input.rows, env)?;
    let by = by.map(|by| compile_over(by, &input.rows, env)).transpose()?;
    let sum_type = schema.last().map_or(Type::Long, |column| column.ty);
    let mut index: HashMap<Part, usize> = HashMap::new();
    let mut found: Vec<(Value, Weight)> = Vec::new();
    let mut tally = env.meter().tally();
    for (at, row) in input.rows.iter().enumerate() {
        tally.work()?;
        let value = of.eval(row, at, &env.context);
        let weight = match &by {
            Some(by) => Weight::of(&by.eval(row, at, &env.context)),
            None => Weight { whole: 1, real: 1.0 },
        };
        let place = *index.entry(Part::of(&value)).or_insert(found.len());
        match found.get_mut(place) {
            Some((_, sum)) => sum.add(weight),
            None => {
                tally.row(row_bytes(std::slice::from_ref(&value)) + size_of::<Weight>())?;
                found.push((value, weight));
            }
        }
    }
    found.sort_by(|(_, a), (_, b)| b.real.total_cmp(&a.real));
    found.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    let rows = found.into_iter().map(|(value, weight)| vec![value, weight.value(sum_type)]);
    let rows = rows.collect();
    Ok(Rows::new(schema, rows))
}

/// A sum, exact where all terms are whole.
#[derive(Clone, Copy)]
struct Weight {
    whole: i64,
    real: f64,
}

impl Weight {
    fn of(value: &Value) -> Self {
        let whole = match value {
            Value::TimeSpan(t) | Value::DateTime(t) => *t,
            other => other.as_integer().unwrap_or(0),
        };
        Self { whole, real: value.as_real().unwrap_or(whole as f64) }
    }

    fn add(&mut self, other: Self) {
        self.whole = self.whole.wrapping_add(other.whole);
        self.real += other.real;
    }

    fn value(self, ty: Type) -> Value {
        match ty {
            Type::Real | Type::Decimal => Value::Real(self.real).widen(ty),
            _ => Value::Long(self.whole).widen(ty),
        }
    }
}
