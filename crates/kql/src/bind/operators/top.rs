//! Rows in an order: `sort`, `top`, `top-nested`.

use std::cell::RefCell;

use super::super::naming::Unique;
use super::{Binder, Column, Env, Expr, Kind, Op, Rel, Type, rel};
use crate::plan::{self, SortKey};
use crate::syntax::TopNestedClause;

impl Binder<'_> {
    /// Keys to sort by. What is not said is `desc`, nulls last in `desc` and first in `asc`
    /// (Kusto page "sort operator").
    pub(super) fn sort_keys(
        &mut self,
        keys: &[Expr],
        dynamic: bool,
        env: &Env<'_>,
    ) -> Option<Vec<SortKey>> {
        let mut sorted = Vec::new();
        let mut ok = true;
        for e in keys {
            let (value, descending, nulls_first) = match &*e.kind {
                Kind::Ordered { value, descending, nulls_first, .. } => {
                    (value, descending.unwrap_or(true), *nulls_first)
                }
                _ => (e, true, None),
            };
            let Some(typed) = self.scalar(value, env) else {
                ok = false;
                continue;
            };
            if !dynamic && !self.not_dynamic(typed.value.ty, value.span) {
                ok = false;
                continue;
            }
            let nulls_first = nulls_first.unwrap_or(!descending);
            sorted.push(SortKey { value: typed.value, descending, nulls_first });
        }
        ok.then_some(sorted)
    }

    pub(super) fn sort(&mut self, input: Rel, keys: &[Expr], env: &Env<'_>) -> Option<Rel> {
        let row = self.row_env(&input, env);
        let keys = self.sort_keys(keys, false, &row);
        let schema = input.schema.clone();
        Some(match keys {
            Some(keys) => rel(Op::Sort { input, keys }, schema),
            None => input,
        })
    }

    pub(super) fn top(
        &mut self,
        input: Rel,
        count: &Expr,
        by: &[Expr],
        env: &Env<'_>,
    ) -> Option<Rel> {
        let count = self.whole(count, env);
        let row = self.row_env(&input, env);
        let keys = self.sort_keys(by, true, &row);
        if let Some(second) = by.get(1) {
            self.error("KQL246", second.span, "top takes one key");
        }
        let schema = input.schema.clone();
        Some(match (count, keys) {
            (Some(count), Some(keys)) => rel(Op::Top { input, count, keys }, schema),
            _ => input,
        })
    }

    pub(super) fn top_nested(
        &mut self,
        input: Rel,
        clauses: &[TopNestedClause],
        env: &Env<'_>,
    ) -> Option<Rel> {
        let row = self.row_env(&input, env);
        let mut unique = Unique::default();
        let mut schema = Vec::new();
        let mut levels = Vec::new();
        for clause in clauses {
            let count = match &clause.count {
                Some(count) => Some(self.whole_constant(count, env)?),
                None => None,
            };
            let of = self.parts(&clause.of, &row)?.into_iter().next()?;
            let named = of.declared.map(|name| name.text.clone());
            let name = match named.or(of.typed.name) {
                Some(name) if !name.is_empty() => name,
                _ => self.unnamed(&row, false),
            };
            let of_name = unique.name(&name);
            schema.push(Column::new(&*of_name, of.typed.value.ty));
            let others = match &clause.others {
                Some(others) => {
                    let constants = Env::of(env.locals.clone());
                    let (value, _) = self.constant(others, &constants)?;
                    Some(value.widen(of.typed.value.ty))
                }
                None => None,
            };
            let collected = RefCell::new(Vec::new());
            let inside = Env { aggregates: Some(&collected), aggregates_at: 0, ..row.clone() };
            let by = self.parts(&clause.by, &inside)?.into_iter().next()?;
            let by_name = match by.declared {
                Some(name) => name.text.clone(),
                None => format!("aggregated_{of_name}"),
            };
            schema.push(Column::new(unique.name(&by_name), by.typed.value.ty));
            if by.typed.value.ty == Type::Dynamic && !self.unsure() {
                self.error("KQL322", clause.by.span, "a dynamic value has no order");
                return None;
            }
            levels.push(plan::TopNested {
                count,
                of: of.typed.value,
                others,
                by: collected.into_inner(),
                rank: by.typed.value,
                descending: clause.descending.unwrap_or(true),
            });
        }
        Some(rel(Op::TopNestedOp { input, clauses: levels }, schema))
    }
}
