//! Expressions: what each form means and what its column is called.

use super::env::Bound;
use super::{Binder, Env, Row, Typed, call, literal};
use crate::functions;
use crate::plan::{Op, Rel, Scalar, ScalarKind};
use crate::syntax::{Expr, Kind, ListOp, Literal, Name, Sign, Span};
use crate::value::{Json, Type, Value};

/// Functions whose value is not fixed by their arguments: never computed while binding.
const NOT_FIXED: [&str; 5] = ["rand", "new_guid", "assert", "ingestion_time", "cursor_current"];

impl Binder<'_> {
    /// Any expression, scalar or tabular.
    pub(crate) fn expression(&mut self, e: &Expr, env: &Env<'_>) -> Bound {
        if !self.grow(1, e.span) {
            return Bound::Failed;
        }
        // Chains of `and`, `+` and the like are as long as they please; only nesting is limited.
        if let Kind::Binary { .. } = &*e.kind {
            return self.deeper(e.span, || Bound::Failed, |binder| binder.chain(e, env));
        }
        self.deeper(e.span, || Bound::Failed, |binder| binder.form(e, env))
    }

    fn form(&mut self, e: &Expr, env: &Env<'_>) -> Bound {
        let bound = match &*e.kind {
            Kind::Missing => return Bound::Failed,
            Kind::Literal(value) => Some(constant_of(value)),
            Kind::Name(name) => return self.name(name, e.span, env),
            Kind::Wildcard(text) => {
                let message = format!("`{text}` is not allowed here");
                self.error("KQL203", e.span, message);
                None
            }
            Kind::Member(base, name) => return self.member(base, name, e.span, env),
            Kind::Element(base, index) => {
                if let Kind::Literal(Literal::String { text, .. }) = &*index.kind
                    && let Some(found) = self.pattern_path(base, text, e.span, env)
                {
                    return found;
                }
                self.element(base, index, env)
            }
            Kind::Call { name, arguments } => return self.call(name, arguments, e.span, env),
            Kind::Path(base, inner) => return self.path(base, inner, env),
            Kind::Unary(sign, inner) => self.unary(*sign, inner, env),
            Kind::Binary { .. } => return self.chain(e, env),
            Kind::List { op, left, items } => self.list(*op, left, items, env),
            Kind::Between { negated, value, low, high } => {
                self.between(*negated, value, low, high, env)
            }
            Kind::Paren(inner) => return self.expression(inner, env),
            Kind::Named { value, .. } => return self.expression(value, env),
            Kind::Pipe { source, operators } => {
                return self.pipe(source.as_ref(), operators, env);
            }
            Kind::Datatable { columns, cells } => {
                return Bound::Table(self.datatable(columns, cells, env));
            }
            Kind::ExternalData { columns, addresses, properties } => {
                return Bound::Table(self.external_data(columns, addresses, properties, env));
            }
            Kind::ToScalar(query) => self.one_value(query, env),
            Kind::Materialize(query) => {
                let Some(table) = self.tabular(query, env) else { return Bound::Failed };
                let schema = table.schema.clone();
                self.shared.push(table);
                return Bound::Table(super::rel(Op::Shared(self.shared.len() - 1), schema));
            }
            Kind::Function { .. } => {
                self.error("KQL204", e.span, "a function is defined by a `let` statement only");
                None
            }
            Kind::TypeOf { .. } => {
                self.error("KQL205", e.span, "`typeof` is allowed as an argument only");
                None
            }
            Kind::Ordered { value, .. } => return self.expression(value, env),
            Kind::WithSchema { value, .. } => return self.expression(value, env),
        };
        bound.map_or(Bound::Failed, Bound::Scalar)
    }

    /// A scalar; anything else is reported.
    pub(crate) fn scalar(&mut self, e: &Expr, env: &Env<'_>) -> Option<Typed> {
        match self.value(e, env) {
            Bound::Scalar(typed) => Some(typed),
            Bound::Failed => None,
            _ => {
                self.error_hint(
                    "KQL302",
                    e.span,
                    "a scalar is needed, not a table",
                    Some("take one value of it by toscalar(…)".to_owned()),
                );
                None
            }
        }
    }

    /// An expression where a scalar is expected: a name that is not known there is no table that
    /// is absent.
    pub(super) fn value(&mut self, e: &Expr, env: &Env<'_>) -> Bound {
        let before = self.diagnostics.len();
        let bound = self.expression(e, env);
        if let (Bound::Failed, Kind::Name(name)) = (&bound, &*e.kind) {
            for found in self.diagnostics.iter_mut().skip(before).filter(|d| d.code == "KQL201") {
                found.code = "KQL202";
                found.message = format!("there is no variable or function `{name}`");
            }
        }
        bound
    }

    /// A table; anything else is reported.
    pub(crate) fn tabular(&mut self, e: &Expr, env: &Env<'_>) -> Option<Rel> {
        let inside = Env { inner: env.inner, ..Env::of(env.locals.clone()) };
        match self.expression(e, &inside) {
            Bound::Table(rel) => Some(rel),
            Bound::Failed => None,
            _ => {
                self.error("KQL303", e.span, "a table is needed, not a scalar");
                None
            }
        }
    }

    /// A constant and its type.
    pub(crate) fn constant(&mut self, e: &Expr, env: &Env<'_>) -> Option<(Value, Type)> {
        let typed = self.scalar(e, env)?;
        let value = self.fold(typed.value);
        match value.kind {
            ScalarKind::Literal(constant) => Some((constant, value.ty)),
            _ => {
                self.error("KQL304", e.span, "a constant is needed");
                None
            }
        }
    }

    /// Computes what is fixed already.
    pub(crate) fn fold(&self, value: Scalar) -> Scalar {
        let ScalarKind::Call { function, arguments } = value.kind else { return value };
        let arguments: Vec<Scalar> = arguments.into_iter().map(|a| self.fold(a)).collect();
        let ty = value.ty;
        let fixed = !NOT_FIXED.contains(&&*function);
        let constants: Option<Vec<Value>> = arguments
            .iter()
            .map(|argument| match &argument.kind {
                ScalarKind::Literal(value) => Some(value.clone()),
                _ => None,
            })
            .collect();
        if let (true, Some(constants), Some(run)) = (fixed, constants, functions::scalar(&function))
        {
            let result = run(&constants, &self.context).widen(ty);
            if result.heap_bytes() <= 1 << 20 {
                return literal(result, ty);
            }
        }
        Scalar { kind: ScalarKind::Call { function, arguments }, ty }
    }

    /// A call, computed where it is fixed.
    pub(crate) fn folded(&self, function: &str, arguments: Vec<Scalar>, ty: Type) -> Scalar {
        self.fold(call(function, arguments, ty))
    }

    fn member(&mut self, base: &Expr, name: &Name, span: Span, env: &Env<'_>) -> Bound {
        if let (Kind::Name(step), Row::Scan { .. }) = (&*base.kind, env.row)
            && let Some(state) = self.scan_state(step, &name.text, env)
        {
            return Bound::Scalar(state);
        }
        if let Kind::Name(variable) = &*base.kind
            && let Some(found) = self.graph_property(variable, name, env)
        {
            return found.map_or(Bound::Failed, Bound::Scalar);
        }
        if let Some(found) = self.pattern_path(base, &name.text, span, env) {
            return found;
        }
        let base_span = base.span;
        match self.expression(base, env) {
            Bound::Scalar(base) if base.value.ty == Type::Dynamic => {
                let key = literal(Value::text(&name.text), Type::String);
                let value = self.folded("[]", vec![base.value, key], Type::Dynamic);
                Bound::Scalar(Typed { value, name: Some(joined(base.name.as_deref(), &name.text)) })
            }
            Bound::Scalar(base) => {
                let ty = base.value.ty;
                let hint = (ty == Type::String).then(|| "read it first: parse_json(…)".to_owned());
                let message = format!("a value of type {ty} has no member `{}`", name.text);
                self.error_hint("KQL206", span, message, hint);
                Bound::Failed
            }
            Bound::Database { ours } => self.in_database(ours, &name.text, span, env),
            Bound::Failed => Bound::Failed,
            _ => {
                let message = format!("a table has no member `{}`", name.text);
                self.error("KQL207", base_span.to(span), message);
                Bound::Failed
            }
        }
    }

    fn element(&mut self, base: &Expr, index: &Expr, env: &Env<'_>) -> Option<Typed> {
        let base_value = self.scalar(base, env)?;
        let at = self.scalar(index, env)?;
        if base_value.value.ty != Type::Dynamic {
            let ty = base_value.value.ty;
            let hint = (ty == Type::String).then(|| "read it first: parse_json(…)".to_owned());
            let message = format!("a value of type {ty} has no elements");
            self.error_hint("KQL208", base.span.to(index.span), message, hint);
            return None;
        }
        let text = match &at.value.kind {
            ScalarKind::Literal(Value::String(text)) => text.to_string(),
            ScalarKind::Literal(Value::Long(n)) if *n >= 0 => n.to_string(),
            _ => String::new(),
        };
        let name = joined(base_value.name.as_deref(), &text);
        let value = self.folded("[]", vec![base_value.value, at.value], Type::Dynamic);
        Some(Typed { value, name: Some(name) })
    }

    fn path(&mut self, base: &Expr, inner: &Expr, env: &Env<'_>) -> Bound {
        if let Kind::Name(name) = &*inner.kind
            && let Some(found) = self.pattern_path(base, name, base.span.to(inner.span), env)
        {
            return found;
        }
        let ours = match self.expression(base, env) {
            Bound::Database { ours } => ours,
            Bound::Failed => return Bound::Failed,
            // `pack(…).a` and other members of values.
            Bound::Scalar(_) | Bound::Table(_) | Bound::Function(_) => {
                if let Kind::Name(name) = &*inner.kind {
                    let name = Name { text: name.clone(), span: inner.span };
                    return self.member(base, &name, base.span.to(inner.span), env);
                }
                self.error("KQL209", inner.span, "this cannot stand after a dot here");
                return Bound::Failed;
            }
        };
        match &*inner.kind {
            Kind::Name(name) => self.in_database(ours, name, inner.span, env),
            Kind::Call { name, arguments } => {
                if matches!(name.text.as_str(), "database" | "table" | "workspace") {
                    return self.call(name, arguments, inner.span, env);
                }
                match self.stored(&name.text, name.span) {
                    Some(Ok(function)) if ours => {
                        self.call_function(&function, arguments, inner.span, env)
                    }
                    Some(Err(_)) => Bound::Failed,
                    _ => {
                        let message = format!("there is no function `{}` there", name.text);
                        self.error("KQL231", name.span, message);
                        Bound::Failed
                    }
                }
            }
            Kind::Path(first, rest) => {
                // a.(b.c): the same as (a.b).c
                let left = Expr {
                    span: base.span.to(first.span),
                    kind: Box::new(Kind::Path(base.clone(), first.clone())),
                };
                self.path(&left, rest, env)
            }
            _ => {
                self.error("KQL209", inner.span, "this cannot stand after a database");
                Bound::Failed
            }
        }
    }

    pub(super) fn in_database(
        &mut self,
        ours: bool,
        name: &str,
        span: Span,
        env: &Env<'_>,
    ) -> Bound {
        if ours {
            if let Some(table) = self.table(name) {
                return Bound::Table(table);
            }
            if let Some(function) = self.stored(name, span) {
                return function.map_or(Bound::Failed, |f| self.uncalled(f, span, env));
            }
        }
        self.error("KQL201", span, format!("there is no table `{name}` there"));
        Bound::Failed
    }

    fn unary(&mut self, sign: Sign, inner: &Expr, env: &Env<'_>) -> Option<Typed> {
        let typed = self.scalar(inner, env)?;
        let ty = typed.value.ty;
        if !(ty.is_number() || matches!(ty, Type::TimeSpan | Type::Dynamic | Type::DateTime)) {
            self.error("KQL305", inner.span, format!("a value of type {ty} has no sign"));
            return None;
        }
        let ty = if ty == Type::Int { Type::Long } else { ty };
        let value = match sign {
            Sign::Plus => typed.value,
            Sign::Minus => self.folded("neg", vec![typed.value], ty),
        };
        Some(Typed { value, name: None })
    }

    fn list(&mut self, op: ListOp, left: &Expr, items: &[Expr], env: &Env<'_>) -> Option<Typed> {
        let value = self.scalar(left, env)?;
        let ty = value.value.ty;
        let text = !matches!(op, ListOp::In | ListOp::NotIn);
        if text && !matches!(ty, Type::String | Type::Dynamic) {
            let message = format!("`{}` compares text, not {ty}", op.text());
            self.error("KQL306", left.span, message);
            return None;
        }
        let mut arguments = vec![value.value];
        let mut failed = false;
        for item in items {
            match self.expression(item, env) {
                Bound::Scalar(item) => arguments.push(self.fold(item.value)),
                Bound::Table(table) if items.len() == 1 => {
                    let Some(first) = table.schema.first() else {
                        self.error("KQL307", item.span, "the table has no columns");
                        return None;
                    };
                    let ty = first.ty;
                    let _ = ty;
                    let value = Box::new(arguments.remove(0));
                    let table = Box::new(table);
                    let kind = ScalarKind::InTable { function: op.text().into(), value, table };
                    let value = Scalar { kind, ty: Type::Bool };
                    return Some(Typed { value, name: None });
                }
                Bound::Failed => failed = true,
                _ => {
                    self.error("KQL302", item.span, "a scalar is needed here");
                    failed = true;
                }
            }
        }
        if failed {
            return None;
        }
        let value = self.folded(op.text(), arguments, Type::Bool);
        Some(Typed { value, name: None })
    }

    fn between(
        &mut self,
        negated: bool,
        value: &Expr,
        low: &Expr,
        high: &Expr,
        env: &Env<'_>,
    ) -> Option<Typed> {
        let v = self.scalar(value, env);
        let from = self.scalar(low, env);
        let to = self.scalar(high, env);
        let (v, from, to) = (v?.value, from?.value, to?.value);
        let numeric = |ty: Type| ty.is_number() || ty == Type::Dynamic;
        let fits = match v.ty {
            Type::DateTime => {
                from.ty == Type::DateTime && matches!(to.ty, Type::DateTime | Type::TimeSpan)
            }
            Type::TimeSpan => from.ty == Type::TimeSpan && to.ty == Type::TimeSpan,
            ty => numeric(ty) && numeric(from.ty) && numeric(to.ty),
        };
        let unknown = [v.ty, from.ty, to.ty].contains(&Type::Dynamic) && self.unsure();
        if !fits && !unknown {
            let message = format!("between compares {} with {} and {}", v.ty, from.ty, to.ty);
            self.error("KQL308", value.span.to(high.span), message);
            return None;
        }
        let function = if negated { "!between" } else { "between" };
        let value = self.folded(function, vec![v, from, to], Type::Bool);
        Some(Typed { value, name: None })
    }

    fn one_value(&mut self, query: &Expr, env: &Env<'_>) -> Option<Typed> {
        match self.expression(query, &Env::of(env.locals.clone())) {
            Bound::Scalar(typed) => Some(Typed { name: None, ..typed }),
            Bound::Table(table) => {
                let Some(first) = table.schema.first() else {
                    self.error("KQL307", query.span, "the table has no columns");
                    return None;
                };
                let ty = first.ty;
                self.scalars.push(table);
                let kind = ScalarKind::ToScalar(self.scalars.len() - 1);
                Some(Typed { value: Scalar { kind, ty }, name: None })
            }
            Bound::Failed => None,
            _ => {
                self.error("KQL303", query.span, "a table is needed");
                None
            }
        }
    }
}

/// `base_part`, or the part alone.
fn joined(base: Option<&str>, part: &str) -> String {
    match base {
        Some(base) => format!("{base}_{part}"),
        None => part.to_owned(),
    }
}

/// A literal's value and type.
fn constant_of(value: &Literal) -> Typed {
    let (value, ty) = match value {
        Literal::Bool(b) => (Value::Bool(*b), Type::Bool),
        Literal::Int(n) => (Value::Int(*n), Type::Int),
        Literal::Long(n) => (Value::Long(*n), Type::Long),
        Literal::Real(x) => (Value::Real(*x), Type::Real),
        Literal::Decimal(d) => (Value::Decimal(*d), Type::Decimal),
        Literal::DateTime(t) => (Value::DateTime(*t), Type::DateTime),
        Literal::TimeSpan(t) => (Value::TimeSpan(*t), Type::TimeSpan),
        Literal::Guid(g) => (Value::Guid(*g), Type::Guid),
        Literal::String { text, .. } => (Value::text(text), Type::String),
        Literal::Dynamic(Json::Null) => (Value::Null, Type::Dynamic),
        Literal::Dynamic(json) => (Value::json(json.clone()), Type::Dynamic),
        Literal::Null(ty) => (Value::absent(*ty), *ty),
    };
    Typed { value: literal(value, ty), name: None }
}
