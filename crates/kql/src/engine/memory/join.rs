//! `join` and `lookup`: a hash table of one side, asked by the other.
//!
//! A null key matches a null key. What has no partner is filled with null, or `""` for strings.

use std::collections::{HashMap, HashSet};

use crate::engine::env::Tally;
use crate::engine::eval::{Expr, compile_all};
use crate::engine::rows::{absent_row, shell_bytes};
use crate::engine::{Env, Key, Part, Result, Row, Rows};
use crate::plan::{JoinKind, Scalar, Schema};
use crate::value::{Type, Value};

/// Joined rows.
pub(super) fn run(
    kind: JoinKind,
    on: &[(Scalar, Scalar)],
    left: Rows,
    right: Rows,
    schema: Schema,
    env: &Env<'_>,
) -> Result<Rows> {
    let left_keys = keys(&left, on.iter().map(|(l, _)| l), env)?;
    let right_keys = keys(&right, on.iter().map(|(_, r)| r), env)?;
    let rows = match kind {
        JoinKind::LeftSemi => having(left.rows, &left_keys, &right_keys, true, env)?,
        JoinKind::LeftAnti => having(left.rows, &left_keys, &right_keys, false, env)?,
        JoinKind::RightSemi => having(right.rows, &right_keys, &left_keys, true, env)?,
        JoinKind::RightAnti => having(right.rows, &right_keys, &left_keys, false, env)?,
        _ => {
            let pairing = Pairing {
                once: kind == JoinKind::InnerUnique,
                keep_left: matches!(kind, JoinKind::LeftOuter | JoinKind::FullOuter),
                keep_right: matches!(kind, JoinKind::RightOuter | JoinKind::FullOuter),
            };
            pairing.run(&left, &left_keys, &right, &right_keys, env)?
        }
    };
    Ok(Rows::new(schema, rows))
}

fn keys<'s>(rows: &Rows, on: impl Iterator<Item = &'s Scalar>, env: &Env<'_>) -> Result<Vec<Key>> {
    let exprs: Vec<Expr> = compile_all(on, &rows.rows, env)?;
    let mut tally = env.meter().tally();
    let mut keys = Vec::with_capacity(rows.rows.len());
    for (at, row) in rows.rows.iter().enumerate() {
        let key = exprs.iter().map(|expr| Part::of(&expr.eval(row, at, &env.context)));
        let key: Key = key.collect();
        tally.grow(shell_bytes(key.len()) + key.iter().map(Part::heap_bytes).sum::<usize>())?;
        tally.work()?;
        keys.push(key);
    }
    Ok(keys)
}

/// Rows of one side whose key the other side has, or has not.
fn having(
    rows: Vec<Row>,
    keys: &[Key],
    others: &[Key],
    wanted: bool,
    env: &Env<'_>,
) -> Result<Vec<Row>> {
    let others: HashSet<&Key> = others.iter().collect();
    env.meter().check()?;
    let found = rows.into_iter().zip(keys);
    let found = found.filter(|(_, key)| others.contains(key) == wanted);
    Ok(found.map(|(row, _)| row).collect())
}

struct Pairing {
    /// One left row a key
    once: bool,
    keep_left: bool,
    keep_right: bool,
}

impl Pairing {
    fn run(
        &self,
        left: &Rows,
        left_keys: &[Key],
        right: &Rows,
        right_keys: &[Key],
        env: &Env<'_>,
    ) -> Result<Vec<Row>> {
        let mut by_key: HashMap<&Key, Vec<usize>> = HashMap::new();
        for (at, key) in right_keys.iter().enumerate() {
            by_key.entry(key).or_default().push(at);
        }
        let mut seen = HashSet::new();
        let mut matched = vec![false; right.rows.len()];
        let mut out = Out { rows: Vec::new(), tally: env.meter().tally() };
        let no_right = absent_row(types(right));
        for (row, key) in left.rows.iter().zip(left_keys) {
            if self.once && !seen.insert(key) {
                continue;
            }
            match by_key.get(key) {
                Some(partners) => {
                    for &at in partners {
                        matched[at] = true;
                        out.pair(row, &right.rows[at])?;
                    }
                }
                None if self.keep_left => out.pair(row, &no_right)?,
                None => out.tally.work()?,
            }
        }
        if self.keep_right {
            let no_left = absent_row(types(left));
            for (row, _) in right.rows.iter().zip(&matched).filter(|(_, matched)| !**matched) {
                out.pair(&no_left, row)?;
            }
        }
        Ok(out.rows)
    }
}

fn types(rows: &Rows) -> impl Iterator<Item = Type> {
    rows.schema.iter().map(|column| column.ty)
}

struct Out<'m> {
    rows: Vec<Row>,
    tally: Tally<'m>,
}

impl Out<'_> {
    fn pair(&mut self, left: &[Value], right: &[Value]) -> Result<()> {
        self.tally.row(shell_bytes(left.len() + right.len()))?;
        let mut row = Row::with_capacity(left.len() + right.len());
        row.extend_from_slice(left);
        row.extend_from_slice(right);
        self.rows.push(row);
        Ok(())
    }
}
