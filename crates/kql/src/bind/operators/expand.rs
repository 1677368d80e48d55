//! `mv-expand` and `mv-apply`: arrays and bags become rows.

use std::collections::HashSet;

use super::super::naming::{Outputs, Style};
use super::{Binder, Bound, Column, Env, Expr, Op, Rel, Type, rel};
use crate::plan::{Expand, Schema};
use crate::syntax::{MvColumn, Operator};

/// `mvexpand`, the old spelling, makes so many rows of one unless told.
const LEGACY_LIMIT: u64 = 128;

/// What is expanded, and the columns afterwards.
struct Expanded {
    columns: Vec<Expand>,
    schema: Schema,
    item_index: Option<usize>,
    bags_as_arrays: bool,
    limit: Option<u64>,
    /// Columns of the input that are expanded as they are
    plain: HashSet<usize>,
}

impl Binder<'_> {
    fn expanded(
        &mut self,
        input: &Rel,
        operator: &Operator,
        list: &[MvColumn],
        limit: Option<&Expr>,
        env: &Env<'_>,
    ) -> Option<Expanded> {
        let row = self.row_env(input, env);
        let mut outputs = Outputs::of(&input.schema, |_| ());
        let mut columns = Vec::new();
        let mut plain = HashSet::new();
        let mut ok = true;
        for mv in list {
            let Some(part) = self.parts(&mv.value, &row).and_then(|p| p.into_iter().next()) else {
                ok = false;
                continue;
            };
            let from = part.typed.value.ty;
            if from != Type::Dynamic {
                let hint = (from == Type::String)
                    .then(|| "read it first: parse_json(…) or split(…)".to_owned());
                let message = format!("a dynamic is needed to be expanded, not {from}");
                self.error_hint("KQL329", mv.value.span, message, hint);
                ok = false;
                continue;
            }
            if part.declared.is_none() {
                plain.extend(part.column(&input.schema));
            }
            let ty = mv.to.unwrap_or(Type::Dynamic);
            let value = part.typed.value.clone();
            match self.place(&mut outputs, part, ty, (), Style::Replace, &row) {
                Some(at) => columns.push(Expand { value, at, ty }),
                None => ok = false,
            }
        }
        let item_index = self
            .property(operator, "with_itemindex", env)
            .and_then(|name| outputs.add(Column::new(name, Type::Long), (), None, false));
        let limit = match limit {
            Some(limit) => Some(self.whole_constant(limit, env)?),
            None => None,
        };
        let kind = match self.property(operator, "bagexpansion", env) {
            Some(kind) => Some(kind),
            None => self.property(operator, "kind", env),
        };
        let bags_as_arrays = kind.is_some_and(|kind| kind == "array");
        let schema = outputs.into_parts().0;
        ok.then_some(Expanded { columns, schema, item_index, bags_as_arrays, limit, plain })
    }

    pub(super) fn mv_expand(
        &mut self,
        input: Rel,
        operator: &Operator,
        list: &[MvColumn],
        limit: Option<&Expr>,
        legacy: bool,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let expanded = self.expanded(&input, operator, list, limit, env)?;
        let limit = expanded.limit.or(legacy.then_some(LEGACY_LIMIT));
        let op = Op::MvExpand {
            input,
            columns: expanded.columns,
            limit,
            item_index: expanded.item_index,
            bags_as_arrays: expanded.bags_as_arrays,
        };
        Some(rel(op, expanded.schema))
    }

    pub(super) fn mv_apply(
        &mut self,
        input: Rel,
        operator: &Operator,
        list: &[MvColumn],
        limit: Option<&Expr>,
        on: &Expr,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let expanded = self.expanded(&input, operator, list, limit, env)?;
        let flow = rel(Op::Inner, expanded.schema.clone());
        let body = self.inner(on, &flow, env)?;
        let mut outputs: Outputs<(bool, usize)> = Outputs::default();
        for (at, column) in input.schema.iter().enumerate() {
            if !expanded.plain.contains(&at) {
                outputs.add(column.clone(), (true, at), None, false);
            }
        }
        for (at, column) in body.schema.iter().enumerate() {
            outputs.add(column.clone(), (false, at), None, true);
        }
        let (schema, output) = outputs.into_parts();
        let op = Op::MvApply {
            input,
            columns: expanded.columns,
            inner: expanded.schema,
            limit: expanded.limit,
            item_index: expanded.item_index,
            body,
            output,
        };
        Some(rel(op, schema))
    }

    /// A sub-query over rows that are there.
    pub(super) fn inner(&mut self, body: &Expr, flow: &Rel, env: &Env<'_>) -> Option<Rel> {
        let inside = Env { inner: Some(flow), ..Env::of(env.locals.clone()) };
        match self.expression(body, &inside) {
            Bound::Table(rel) => Some(rel),
            Bound::Failed => None,
            _ => {
                self.error("KQL303", body.span, "a sub-query begins with an operator");
                None
            }
        }
    }
}
