//! Rows brought together: `summarize`, `distinct`, `count`, `sample-distinct`, `top-hitters`.

use std::cell::RefCell;

use super::super::naming::{Outputs, Style, make_unique};
use super::{Binder, Column, Env, Expr, Kind, Named, Op, Rel, Scalar, ScalarKind, Span, Type};
use super::{column, rel};
use crate::plan::{Aggregate, Schema};

impl Binder<'_> {
    /// The keys of groups, and which columns of the input they are: `*` leaves those out.
    pub(super) fn keys(
        &mut self,
        by: &[Expr],
        dynamic: bool,
        env: &Env<'_>,
    ) -> Option<(Outputs<Scalar>, Vec<usize>)> {
        let mut outputs: Outputs<Scalar> = Outputs::default();
        let mut plain = Vec::new();
        let mut ok = true;
        for e in by {
            let Some(parts) = self.parts(e, env) else {
                ok = false;
                continue;
            };
            for part in parts {
                let ty = part.typed.value.ty;
                if !dynamic && !self.not_dynamic(ty, e.span) {
                    ok = false;
                }
                plain.extend(part.column(env.row.columns()));
                let value = part.typed.value.clone();
                self.place(&mut outputs, part, ty, value, Style::Plain, env);
            }
        }
        ok.then_some((outputs, plain))
    }

    pub(super) fn summarize(
        &mut self,
        input: Rel,
        aggregates: &[Expr],
        by: &[Expr],
        word: Span,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let row = self.row_env(&input, env);
        let keys = self.keys(by, false, &row);
        let ok = keys.is_some();
        let (mut outputs, plain) = keys.unwrap_or_default();
        let n_keys = outputs.len();
        let collected = RefCell::new(Vec::new());
        let star: Vec<usize> = (0..input.schema.len()).filter(|at| !plain.contains(at)).collect();
        let inside = Env {
            aggregates: Some(&collected),
            aggregates_at: n_keys,
            star: Some(&star),
            ..row.clone()
        };
        let ok = self.place_aggregates(&mut outputs, aggregates, &inside) && ok;
        if !ok {
            return None;
        }
        if aggregates.is_empty() && by.is_empty() {
            self.error("KQL245", word, "summarize needs an aggregate or a key");
            return None;
        }
        let (schema, values) = outputs.into_parts();
        Some(grouped(input, n_keys, schema, values, collected.into_inner()))
    }

    /// Values over aggregates: in the outputs they are scalars over keys and aggregates.
    pub(super) fn place_aggregates(
        &mut self,
        outputs: &mut Outputs<Scalar>,
        list: &[Expr],
        env: &Env<'_>,
    ) -> bool {
        let mut ok = true;
        for e in list {
            let Some(parts) = self.parts(e, env) else {
                ok = false;
                continue;
            };
            for part in parts {
                let (ty, value) = (part.typed.value.ty, part.typed.value.clone());
                if part.tuple && part.declared.is_none() {
                    let name = part.typed.name.unwrap_or_default();
                    outputs.add(Column::new(name, ty), value, None, false);
                    continue;
                }
                // The row of an aggregate's value is not the input's: it is no column of it.
                let rowless = Env { row: super::Row::None, ..env.clone() };
                self.place(outputs, part, ty, value, Style::Plain, &rowless);
            }
        }
        ok
    }

    pub(super) fn distinct(&mut self, input: Rel, values: &[Expr], env: &Env<'_>) -> Option<Rel> {
        let row = self.row_env(&input, env);
        let mut outputs: Outputs<Scalar> = Outputs::default();
        let mut ok = true;
        for e in values {
            if let Kind::Wildcard(text) = &*e.kind
                && text == "*"
            {
                for (at, c) in input.schema.iter().enumerate() {
                    ok &= self.not_dynamic(c.ty, e.span);
                    outputs.add(c.clone(), column(&input.schema, at), Some(at), true);
                }
                continue;
            }
            let Some(parts) = self.parts(e, &row) else {
                ok = false;
                continue;
            };
            for part in parts {
                let (ty, value) = (part.typed.value.ty, part.typed.value.clone());
                ok &= self.not_dynamic(ty, e.span);
                self.place(&mut outputs, part, ty, value, Style::Plain, &row);
            }
        }
        if !ok {
            return None;
        }
        let n_keys = outputs.len();
        let (schema, values) = outputs.into_parts();
        let keys: Vec<Scalar> = values;
        let named = schema.iter().zip(keys);
        let keys = named.map(|(c, value)| Named { name: c.name.clone(), value }).collect();
        debug_assert_eq!(n_keys, schema.len());
        Some(rel(Op::Summarize { input, keys, aggregates: Vec::new() }, schema))
    }

    pub(super) fn count(&mut self, input: Rel, name: &str) -> Rel {
        let schema = vec![Column::new(name, Type::Long)];
        let count =
            Aggregate { function: "count".into(), arguments: Vec::new(), outputs: schema.clone() };
        rel(Op::Summarize { input, keys: Vec::new(), aggregates: vec![count] }, schema)
    }

    pub(super) fn sample_distinct(
        &mut self,
        input: Rel,
        count: &Expr,
        of: &Expr,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let count = self.whole(count, env);
        let (input, at) = self.sure_column(of, input, env)?;
        if !self.not_dynamic(input.schema[at].ty, of.span) {
            return None;
        }
        let schema = vec![input.schema[at].clone()];
        let of = column(&input.schema, at);
        Some(rel(Op::SampleDistinct { input, count: count?, of }, schema))
    }

    pub(super) fn top_hitters(
        &mut self,
        input: Rel,
        count: &Expr,
        of: &Expr,
        by: Option<&Expr>,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let count = self.whole_constant(count, env);
        let (input, at) = self.sure_column(of, input, env)?;
        let of = column(&input.schema, at);
        let name = input.schema[at].name.clone();
        let (ranked, by) = match by {
            None => (Column::new(format!("approximate_count_{name}"), Type::Long), None),
            Some(by) => {
                let row = self.row_env(&input, env);
                let typed = self.scalar(by, &row)?;
                let ty = typed.value.ty;
                if !(ty.is_number() || self.unsure()) {
                    self.error("KQL323", by.span, format!("a number is needed, not {ty}"));
                    return None;
                }
                let weight = typed.name.unwrap_or_default();
                (Column::new(format!("approximate_sum_{weight}"), ty), Some(typed.value))
            }
        };
        let mut schema = vec![input.schema[at].clone(), ranked];
        make_unique(&mut schema);
        Some(rel(Op::TopHitters { input, count: count?, of, by }, schema))
    }
}

/// Groups and what is computed from their aggregates.
fn grouped(
    input: Rel,
    n_keys: usize,
    schema: Schema,
    values: Vec<Scalar>,
    mut aggregates: Vec<Aggregate>,
) -> Rel {
    let named = schema.iter().zip(&values).take(n_keys);
    let keys = named.map(|(c, value)| Named { name: c.name.clone(), value: value.clone() });
    let keys: Vec<Named> = keys.collect();
    let n_all = n_keys + aggregates.iter().map(|a| a.outputs.len()).sum::<usize>();
    let over_all = schema.len() == n_all
        && values[n_keys..]
            .iter()
            .enumerate()
            .all(|(i, value)| value.kind == ScalarKind::Column(n_keys + i));
    if over_all {
        let mut names = schema[n_keys..].iter();
        for output in aggregates.iter_mut().flat_map(|a| &mut a.outputs) {
            if let Some(named) = names.next() {
                output.name.clone_from(&named.name);
            }
        }
        return rel(Op::Summarize { input, keys, aggregates }, schema);
    }
    let mut inside: Schema = schema[..n_keys].to_vec();
    inside.extend(aggregates.iter().flat_map(|a| a.outputs.iter().cloned()));
    make_unique(&mut inside);
    let mut names = inside[n_keys..].iter();
    for output in aggregates.iter_mut().flat_map(|a| &mut a.outputs) {
        if let Some(named) = names.next() {
            output.name.clone_from(&named.name);
        }
    }
    let whole = rel(Op::Summarize { input, keys, aggregates }, inside);
    let key_values: Vec<Scalar> = (0..n_keys).map(|at| column(&whole.schema, at)).collect();
    let values = key_values.into_iter().chain(values.into_iter().skip(n_keys)).collect();
    super::computed(whole, schema, values)
}
