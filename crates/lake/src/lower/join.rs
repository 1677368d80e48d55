//! `join` and `lookup`.

use std::sync::Arc;

use datafusion::common::{JoinType, NullEquality};
use datafusion::logical_expr::logical_plan::{Join, JoinConstraint};
use datafusion::logical_expr::{Expr, LogicalPlan};
use kql::plan::{JoinKind, Op, Rel, Scalar, ScalarKind};
use kql::value::Type;

use super::scalar::has_window;
use super::{Lowered, Lowering, column};
use crate::error::Result;
use crate::node::Node;
use crate::scalar::Native;

/// A column that comes out of a join: its name, its type, and whether its side may be missing.
type Output<'a> = (&'a str, &'a str, Type, bool);

impl Lowering<'_> {
    pub(super) fn join(
        &mut self,
        rel: &Rel,
        kind: JoinKind,
        left: Lowered,
        right: Lowered,
        on: &[(Scalar, Scalar)],
    ) -> Result<Lowered> {
        let Op::Join { left: left_rel, right: right_rel, .. } = &*rel.op else {
            return self.operator(rel, vec![left, right]);
        };
        if on.is_empty() || on.iter().any(|(l, r)| has_window(l) || has_window(r)) {
            return self.operator(rel, vec![left, right]);
        }
        let (mut left_keys, mut right_keys) = (Vec::new(), Vec::new());
        for (l, r) in on {
            let Some(ty) = common_type(l.ty, r.ty) else {
                return self.operator(rel, vec![left, right]);
            };
            left_keys.push(("key", self.key(&left, l, ty)?));
            right_keys.push(("key", self.key(&right, r, ty)?));
        }
        let nulls = if on.iter().all(|(l, r)| l.ty == Type::String && r.ty == Type::String) {
            NullEquality::NullEqualsNothing
        } else {
            NullEquality::NullEqualsNull
        };
        let (mut left_plan, left_keys) = self.append(left.plan, left_keys)?;
        let (right_plan, right_keys) = self.append(right.plan, right_keys)?;
        if kind == JoinKind::InnerUnique && !is_unique(left_rel, on) {
            let node = Node::FirstRows { keys: left_keys.clone() };
            left_plan = self.node(node, vec![left_plan], Vec::new())?.plan;
        }
        let on: Vec<(Expr, Expr)> =
            left_keys.iter().zip(&right_keys).map(|(l, r)| (column(l), column(r))).collect();
        let plan = LogicalPlan::Join(Join::try_new(
            Arc::new(left_plan),
            Arc::new(right_plan),
            on,
            None,
            join_type(kind),
            JoinConstraint::On,
            nulls,
            false,
        )?);
        let (left_missing, right_missing) = match kind {
            JoinKind::LeftOuter => (false, true),
            JoinKind::RightOuter => (true, false),
            JoinKind::FullOuter => (true, true),
            _ => (false, false),
        };
        let side = |names: &[String], schema: &kql::plan::Schema, missing| {
            let outputs = names.iter().zip(schema);
            outputs.map(|(n, c)| (n.clone(), c.name.clone(), c.ty, missing)).collect::<Vec<_>>()
        };
        let left = side(&left.names, &left_rel.schema, left_missing);
        let right = side(&right.names, &right_rel.schema, right_missing);
        let outputs = match kind {
            JoinKind::LeftAnti | JoinKind::LeftSemi => left,
            JoinKind::RightAnti | JoinKind::RightSemi => right,
            _ => [left, right].concat(),
        };
        let outputs: Vec<Output<'_>> =
            outputs.iter().map(|(n, c, ty, missing)| (&**n, &**c, *ty, *missing)).collect();
        self.filled(plan, &outputs)
    }

    /// Strings of a side that is missing are `""`.
    fn filled(&mut self, plan: LogicalPlan, outputs: &[Output<'_>]) -> Result<Lowered> {
        if !outputs.iter().any(|(_, _, ty, missing)| *missing && *ty == Type::String) {
            let names = outputs.iter().map(|(name, ..)| (*name).to_owned()).collect();
            return Ok(Lowered { plan, names });
        }
        let columns = outputs
            .iter()
            .map(|&(name, title, ty, missing)| {
                let expr = column(name);
                let fill = missing && ty == Type::String;
                (title, if fill { Native::Fill.call(vec![expr]) } else { expr })
            })
            .collect();
        self.select(plan, columns)
    }

    /// A key in the type that both sides can be compared in.
    fn key(&self, side: &Lowered, key: &Scalar, ty: Type) -> Result<Expr> {
        let scope = self.scope(side);
        if key.ty == ty && ty != Type::Real {
            return scope.value(key);
        }
        let expr = scope.value(key)?;
        Ok(match ty {
            Type::Real => Native::RealKey.call(vec![super::scalar::cast(expr, key.ty, ty)]),
            _ => super::scalar::cast(expr, key.ty, ty),
        })
    }
}

/// The type that keys are compared in; the engine in memory does the rest.
fn common_type(a: Type, b: Type) -> Option<Type> {
    match (a, b) {
        (Type::Dynamic | Type::Decimal, _) | (_, Type::Dynamic | Type::Decimal) => None,
        (a, b) if a == b => Some(a),
        (a, b) if a.is_integer() && b.is_integer() => Some(Type::Long),
        _ => None,
    }
}

fn join_type(kind: JoinKind) -> JoinType {
    match kind {
        JoinKind::InnerUnique | JoinKind::Inner => JoinType::Inner,
        JoinKind::LeftOuter => JoinType::Left,
        JoinKind::RightOuter => JoinType::Right,
        JoinKind::FullOuter => JoinType::Full,
        JoinKind::LeftAnti => JoinType::LeftAnti,
        JoinKind::RightAnti => JoinType::RightAnti,
        JoinKind::LeftSemi => JoinType::LeftSemi,
        JoinKind::RightSemi => JoinType::RightSemi,
    }
}

/// Whether the left side has one row a key anyway: it is grouped by columns of the key.
fn is_unique(left: &Rel, on: &[(Scalar, Scalar)]) -> bool {
    let mut keys: Vec<usize> = Vec::with_capacity(on.len());
    for (l, _) in on {
        if let ScalarKind::Column(at) = l.kind {
            keys.push(at);
        }
    }
    let mut rel = left;
    loop {
        match &*rel.op {
            Op::Where { input, .. }
            | Op::Sort { input, .. }
            | Op::Top { input, .. }
            | Op::Take { input, .. }
            | Op::Serialize { input } => rel = input,
            Op::Project { input, columns } => {
                let below = keys.iter().filter_map(|at| match columns.get(*at)?.value.kind {
                    ScalarKind::Column(at) => Some(at),
                    _ => None,
                });
                keys = below.collect();
                rel = input;
            }
            Op::Summarize { keys: groups, .. } => {
                return (0..groups.len()).all(|at| keys.contains(&at));
            }
            _ => return false,
        }
    }
}
