//! `partition`, `fork` and `facet`: one table through several sub-queries.

use super::{
    Binder, Column, Env, Expr, Item, Kind, Named, Op, Rel, Scalar, ScalarKind, Type, Typed,
};
use super::{Value, column, computed, literal, rel};
use crate::plan::Aggregate;
use crate::syntax::Name;

impl Binder<'_> {
    pub(super) fn partition(
        &mut self,
        input: Rel,
        by: &Expr,
        body: &Expr,
        legacy: bool,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let (input, at) = self.sure_column(by, input, env)?;
        if !self.not_dynamic(input.schema[at].ty, by.span) {
            return None;
        }
        let flow = rel(Op::Inner, input.schema.clone());
        let body = if legacy {
            // The sub-query may have a table of its own, and then knows the key's value only: it
            // is the same in all rows that flow in.
            let key = input.schema[at].clone();
            let only = Named { name: key.name.clone(), value: column(&input.schema, at) };
            let one = Op::Project { input: flow.clone(), columns: vec![only] };
            self.scalars.push(rel(one, vec![key.clone()]));
            let kind = ScalarKind::ToScalar(self.scalars.len() - 1);
            let value = Scalar { kind, ty: key.ty };
            let value = Typed { value, name: Some(key.name.clone()) };
            let locals = env.locals.with(&key.name, Item::Scalar { value, row: 0 });
            self.inner(body, &flow, &Env::of(locals))?
        } else {
            self.inner(body, &flow, env)?
        };
        let schema = body.schema.clone();
        let by = column(&input.schema, at);
        Some(rel(Op::Partition { input, by, body }, schema))
    }

    /// One column by its name; one of a table that is not known is put beside the others, empty.
    pub(super) fn sure_column(
        &mut self,
        e: &Expr,
        input: Rel,
        env: &Env<'_>,
    ) -> Option<(Rel, usize)> {
        let before = self.diagnostics.len();
        let found = self.one_column(e, &input, env);
        let (None, Kind::Name(name), true) = (found, &*e.kind, self.unsure()) else {
            return found.map(|at| (input, at));
        };
        if self.diagnostics.len() > before {
            return None;
        }
        let mut schema = input.schema.clone();
        let at = schema.len();
        let mut values: Vec<Scalar> = (0..at).map(|at| column(&schema, at)).collect();
        values.push(literal(Value::Null, Type::Dynamic));
        schema.push(Column::new(&**name, Type::Dynamic));
        Some((computed(input, schema, values), at))
    }

    /// `fork`: the first sub-query is the result, the others are further results.
    pub(super) fn fork(
        &mut self,
        input: Rel,
        legs: &[(Option<Name>, Expr)],
        env: &Env<'_>,
    ) -> Option<Rel> {
        let shared = self.share(input);
        let mut first = None;
        for (at, (name, leg)) in legs.iter().enumerate() {
            let result = self.inner(leg, &shared, env)?;
            if first.is_none() {
                first = Some(result);
                continue;
            }
            let name = match name {
                Some(name) => name.text.clone(),
                None => format!("Results_{}", at + 1),
            };
            self.further.push((name, result));
        }
        first
    }

    /// `facet`: the counts of each column's values; rows through `with` come first.
    pub(super) fn facet(
        &mut self,
        input: Rel,
        by: &[Expr],
        with: Option<&Expr>,
        env: &Env<'_>,
    ) -> Option<Rel> {
        let shared = self.share(input);
        let mut results = Vec::new();
        if let Some(with) = with {
            results.push(("Results".to_owned(), self.inner(with, &shared, env)?));
        }
        for (i, e) in by.iter().enumerate() {
            let at = self.one_column(e, &shared, env)?;
            if !self.not_dynamic(shared.schema[at].ty, e.span) {
                return None;
            }
            let key = shared.schema[at].clone();
            let counted = Column::new(format!("count_{}", key.name), Type::Long);
            let keys = vec![Named { name: key.name.clone(), value: column(&shared.schema, at) }];
            let count = Aggregate {
                function: "count".into(),
                arguments: Vec::new(),
                outputs: vec![counted.clone()],
            };
            let op = Op::Summarize { input: shared.clone(), keys, aggregates: vec![count] };
            let name = if i == 0 { "Facet".to_owned() } else { format!("Facet_{}", i + 1) };
            results.push((name, rel(op, vec![key, counted])));
        }
        let mut results = results.into_iter();
        let first = results.next();
        self.further.extend(results);
        first.map(|(_, first)| first)
    }
}
