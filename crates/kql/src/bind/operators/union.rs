//! `union`: rows of several tables under one list of columns.

use super::super::naming::{Unified, make_unique, unify};
use super::{Binder, Bound, Column, Env, Expr, Item, Kind, Op, Operator, Rel, Scalar};
use super::{Type, Value, column, literal, rel};
use crate::diagnostic::{Diagnostic, Severity};
use crate::plan::Schema;
use crate::syntax::OperatorKind;

/// A table of a union and what `withsource` calls it.
#[derive(Debug)]
pub(super) struct Leg {
    pub(super) rel: Rel,
    pub(super) label: String,
}

impl Binder<'_> {
    pub(super) fn union(
        &mut self,
        operator: &Operator,
        flow: Option<Rel>,
        list: &[Expr],
        env: &Env<'_>,
    ) -> Option<Rel> {
        let fuzzy = is_fuzzy(operator);
        let kind = self.property(operator, "kind", env);
        let source = match self.property(operator, "withsource", env) {
            Some(name) => Some(name),
            None => self.property(operator, "with_source", env),
        };
        let mut legs = Vec::new();
        legs.extend(flow.map(|rel| leg_of(rel, None, 0)));
        let mut ok = true;
        for e in list {
            ok &= self.legs(e, fuzzy, env, &mut legs);
        }
        if !ok {
            return None;
        }
        let inner = match kind.as_deref() {
            None | Some("outer") => false,
            Some("inner") => true,
            Some(other) => {
                let message = format!("a union is inner or outer, not `{other}`");
                self.error("KQL262", operator.word, message);
                return None;
            }
        };
        self.bring_together(legs, inner, source.as_deref(), operator.span)
    }

    /// The tables that an expression of a union stands for.
    pub(super) fn legs(
        &mut self,
        e: &Expr,
        fuzzy: bool,
        env: &Env<'_>,
        legs: &mut Vec<Leg>,
    ) -> bool {
        if let Some(found) = self.tables_of(e, env) {
            if found.is_empty() {
                if fuzzy {
                    self.forgive(e.span);
                    return true;
                }
                self.error("KQL201", e.span, "no table has such a name");
                return false;
            }
            legs.extend(found);
            return true;
        }
        let at = legs.len();
        let found = if fuzzy {
            self.forgiving(|binder| binder.tabular(e, env))
        } else {
            self.tabular(e, env).map(Some)
        };
        match found {
            Some(Some(rel)) => {
                let mut leg = leg_of(rel, Some(e), at);
                if let Some(name) = view_name(e, env) {
                    leg.label = name;
                }
                legs.push(leg);
                true
            }
            Some(None) => true,
            None => false,
        }
    }

    /// Tables by a name with `*`; `None` where there is no such name.
    pub(super) fn tables_of(&mut self, e: &Expr, env: &Env<'_>) -> Option<Vec<Leg>> {
        match &*e.kind {
            Kind::Wildcard(pattern) => Some(self.legs_like(pattern, env)),
            Kind::Paren(inner) => self.tables_of(inner, env),
            Kind::Path(base, inner) => {
                let Kind::Wildcard(pattern) = &*inner.kind else { return None };
                match self.expression(base, env) {
                    Bound::Database { ours: true } => {
                        Some(self.legs_like(pattern, &Env::of(Default::default())))
                    }
                    _ => Some(Vec::new()),
                }
            }
            _ => None,
        }
    }

    fn legs_like(&mut self, pattern: &str, env: &Env<'_>) -> Vec<Leg> {
        let tables = self.tables_like(pattern, env);
        let mut legs: Vec<Leg> =
            tables.into_iter().map(|(label, rel)| Leg { rel, label }).collect();
        let mut views = Vec::new();
        for (name, item) in env.locals.all() {
            if let Item::Function(function) = item
                && function.view
                && function.parameters.is_empty()
                && super::super::names::like(pattern, name)
            {
                views.push((name.to_owned(), std::rc::Rc::clone(function)));
            }
        }
        for (label, view) in views {
            let span = Default::default();
            if let Bound::Table(rel) = self.call_function(&view, &[], span, env) {
                legs.push(Leg { rel, label });
            }
        }
        legs
    }

    /// Binds something in which tables may be absent. `None` is a failure, already reported;
    /// `Some(None)` says that a table is absent.
    pub(super) fn forgiving(
        &mut self,
        bind: impl FnOnce(&mut Self) -> Option<Rel>,
    ) -> Option<Option<Rel>> {
        let before = (self.diagnostics.len(), self.shared.len(), self.scalars.len());
        let found = bind(self);
        let mut new = self.diagnostics[before.0..].iter();
        match new.find(|d| d.severity == Severity::Error) {
            None => found.map(Some),
            // Only what the first finding says is sure: the rest may be its echo.
            Some(first) if matches!(first.code, "KQL201" | "KQL231") => {
                let span = crate::syntax::Span::new(first.start, first.end);
                self.diagnostics.truncate(before.0);
                self.shared.truncate(before.1);
                self.scalars.truncate(before.2);
                self.forgive(span);
                Some(None)
            }
            Some(_) => None,
        }
    }

    /// Goes on without a table.
    fn forgive(&mut self, span: crate::syntax::Span) {
        self.absent = true;
        let message = "there is no such table: it is left out";
        self.diagnostics.push(Diagnostic::warning("KQL265", span, message));
    }

    /// One table of several, under one list of columns.
    pub(super) fn bring_together(
        &mut self,
        legs: Vec<Leg>,
        inner: bool,
        source: Option<&str>,
        span: crate::syntax::Span,
    ) -> Option<Rel> {
        let schemas: Vec<&[Column]> = legs.iter().map(|leg| &leg.rel.schema[..]).collect();
        if !self.grow(schemas.iter().map(|s| 1 + s.len() / 16).sum(), span) {
            return None;
        }
        let mut unified = unify(&schemas);
        if inner {
            unified.retain(|one| one.of.iter().all(Option::is_some));
        }
        let mut schema: Schema = Vec::new();
        schema.extend(source.map(|name| Column::new(name, Type::String)));
        schema.extend(unified.iter().map(|one| one.column.clone()));
        make_unique(&mut schema);
        let mut brought = Vec::new();
        for (at, leg) in legs.into_iter().enumerate() {
            let label = source.map(|_| literal(Value::text(&leg.label), Type::String));
            let mut values: Vec<Scalar> = label.into_iter().collect();
            for one in &unified {
                values.push(self.value_of(one, at, &leg.rel.schema));
            }
            brought.push(super::computed(leg.rel, schema.clone(), values));
        }
        if brought.is_empty() {
            return Some(rel(Op::Rows(Vec::new()), schema));
        }
        if brought.len() == 1 {
            return brought.pop();
        }
        Some(rel(Op::Union { legs: brought }, schema))
    }

    /// What a table has for a column of all tables.
    pub(super) fn value_of(&mut self, one: &Unified, table: usize, own: &[Column]) -> Scalar {
        let ty = one.column.ty;
        match one.of[table] {
            Some(at) => self.brought(column(own, at), ty),
            None => literal(Value::absent(ty), ty),
        }
    }
}

/// A table and its label: its name, that of a last `as`, or its number in the union.
fn leg_of(rel: Rel, written: Option<&Expr>, at: usize) -> Leg {
    let label = match (&*rel.op, written.and_then(last_name)) {
        (_, Some(name)) => name,
        (Op::Table { name }, None) => name.clone(),
        _ => format!("union_arg{at}"),
    };
    Leg { rel, label }
}

/// The name of a view that stands alone.
fn view_name(e: &Expr, env: &Env<'_>) -> Option<String> {
    let name = match &*e.kind {
        Kind::Paren(inner) => return view_name(inner, env),
        Kind::Name(name) => name,
        _ => return None,
    };
    match env.locals.find(name) {
        Some(Item::Function(function)) if function.view => Some(name.clone()),
        _ => None,
    }
}

/// The name that a pipe's rows get at its end.
fn last_name(e: &Expr) -> Option<String> {
    match &*e.kind {
        Kind::Paren(inner) => last_name(inner),
        Kind::Pipe { operators, .. } => match &operators.last()?.kind {
            OperatorKind::As(name) => Some(name.text.clone()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether an operator is a union that forgives absent tables.
pub(super) fn is_fuzzy(operator: &Operator) -> bool {
    use crate::syntax::Literal;
    matches!(operator.kind, OperatorKind::Union(_))
        && operator.properties.iter().any(|property| {
            property.name.text == "isfuzzy"
                && match &*property.value.kind {
                    Kind::Literal(Literal::Bool(yes)) => *yes,
                    Kind::Name(text) => text.eq_ignore_ascii_case("true"),
                    _ => false,
                }
        })
}
