//! Calls of functions of the text and the catalogue: the body is bound with its parameters put
//! in, so a call costs what its body costs.

use std::rc::Rc;

use super::env::{Function, Pattern, reads_row};
use super::{Binder, Bound, Env, Item, Locals, Typed, literal};
use crate::diagnostic::Diagnostic;
use crate::plan::Rel;
use crate::syntax::{
    ColumnDeclaration, Expr, Kind, Parameter, Span, Statement, StatementKind, Takes,
};
use crate::value::{Type, Value};

impl Binder<'_> {
    /// Calls a function with arguments as written (perhaps named).
    pub(super) fn call_function(
        &mut self,
        function: &Rc<Function>,
        arguments: &[Expr],
        span: Span,
        env: &Env<'_>,
    ) -> Bound {
        self.deeper(
            span,
            || Bound::Failed,
            |binder| {
                let Some(locals) = binder.arguments(function, arguments, span, env) else {
                    return Bound::Failed;
                };
                if function.stored {
                    return binder.stored_body(function, locals, span, env);
                }
                binder.called_body(function, locals, span, env)
            },
        )
    }

    fn called_body(
        &mut self,
        function: &Function,
        locals: Locals,
        span: Span,
        env: &Env<'_>,
    ) -> Bound {
        // Columns without a name are counted anew in each body.
        let unnamed = std::mem::take(&mut self.unnamed);
        self.calls += 1;
        let bound = self.body(&function.body, locals, span, env);
        self.calls -= 1;
        self.unnamed = unnamed;
        bound
    }

    /// The body of a function of the catalogue. It may not come to call itself.
    fn stored_body(
        &mut self,
        function: &Function,
        locals: Locals,
        span: Span,
        env: &Env<'_>,
    ) -> Bound {
        let name = &function.name;
        if self.entered.contains(name) {
            let way: Vec<String> = self.entered.iter().map(|name| format!("`{name}`")).collect();
            let message = format!("the stored function `{name}` calls itself: {}", way.join(" → "));
            self.error("KQL237", span, message);
            return Bound::Failed;
        }
        self.entered.push(name.clone());
        let before = self.diagnostics.len();
        let bound = self.called_body(function, locals, span, env);
        self.entered.pop();
        self.moved(before, name, span);
        bound
    }

    /// What was found in a stored function's text is told where the query calls it.
    fn moved(&mut self, before: usize, name: &str, span: Span) {
        for found in self.diagnostics.iter_mut().skip(before) {
            found.message = format!("in `{name}`: {}", found.message);
            (found.start, found.end) = (span.start, span.end);
        }
    }

    /// The same where the first argument is a table that is there already (`invoke`).
    pub(super) fn invoke_function(
        &mut self,
        function: &Rc<Function>,
        first: Rel,
        arguments: &[Expr],
        span: Span,
        env: &Env<'_>,
    ) -> Bound {
        let Some((parameter, _)) = function.parameters.split_first() else {
            let message = format!("`{}` takes no table to be invoked on", function.name);
            self.error("KQL220", span, message);
            return Bound::Failed;
        };
        if let Takes::Tabular { columns, .. } = &parameter.takes
            && self.has_columns(&first, columns, span).is_none()
        {
            return Bound::Failed;
        }
        let rest = Rc::new(Function {
            name: function.name.clone(),
            parameters: function.parameters[1..].to_vec(),
            body: function.body.clone(),
            locals: function
                .locals
                .with(&parameter.name.text, Item::Table { rel: first, view: false }),
            view: false,
            stored: function.stored,
        });
        self.call_function(&rest, arguments, span, env)
    }

    /// The function's own names with each parameter bound to its argument.
    fn arguments(
        &mut self,
        function: &Function,
        arguments: &[Expr],
        span: Span,
        env: &Env<'_>,
    ) -> Option<Locals> {
        let parameters = &function.parameters;
        let mut given: Vec<Option<&Expr>> = vec![None; parameters.len()];
        let mut next = 0;
        for argument in arguments {
            let (at, value) = match &*argument.kind {
                Kind::Named { names, value, .. } if names.len() == 1 => {
                    let name = &names[0];
                    match parameters.iter().position(|p| p.name.text == name.text) {
                        Some(at) => (at, value),
                        None => {
                            let message =
                                format!("`{}` has no parameter `{}`", function.name, name.text);
                            self.error("KQL221", name.span, message);
                            return None;
                        }
                    }
                }
                _ => (next, argument),
            };
            if at >= given.len() {
                let n = parameters.len();
                let message = format!("`{}` takes at most {n} arguments", function.name);
                self.error("KQL222", argument.span, message);
                return None;
            }
            given[at] = Some(value);
            next = at + 1;
        }
        let mut locals = function.locals.clone();
        for (parameter, given) in parameters.iter().zip(given) {
            let before = self.diagnostics.len();
            let item = self.argument(function, parameter, given, span, env);
            if function.stored && given.is_none() && parameter.default.is_some() {
                self.moved(before, &function.name, span);
            }
            let item = item?;
            locals = locals.with(&parameter.name.text, item);
        }
        Some(locals)
    }

    fn argument(
        &mut self,
        function: &Function,
        parameter: &Parameter,
        given: Option<&Expr>,
        span: Span,
        env: &Env<'_>,
    ) -> Option<Item> {
        let declared = Env::of(function.locals.clone());
        let (value, env) = match (given, &parameter.default) {
            (Some(value), _) => (value, env),
            (None, Some(default)) => (default, &declared),
            (None, None) => {
                let message =
                    format!("`{}` needs its parameter `{}`", function.name, parameter.name.text);
                self.error("KQL223", span, message);
                return None;
            }
        };
        match &parameter.takes {
            Takes::Tabular { columns, .. } => {
                let rel = match self.expression(value, env) {
                    Bound::Table(rel) => rel,
                    Bound::Failed => return None,
                    _ => {
                        let message = format!("`{}` takes a table", parameter.name.text);
                        self.error("KQL224", value.span, message);
                        return None;
                    }
                };
                self.has_columns(&rel, columns, value.span)?;
                Some(Item::Table { rel, view: false })
            }
            Takes::Scalar(ty) => match self.value(value, env) {
                Bound::Scalar(typed) => {
                    let typed = self.as_type(typed, *ty, value.span)?;
                    Some(Item::Scalar { value: typed, row: env.row_id })
                }
                // An untyped parameter of old functions may be a table.
                Bound::Table(rel) if ty.is_none() => Some(Item::Table { rel, view: false }),
                Bound::Function(function) => Some(Item::Function(function)),
                Bound::Failed => None,
                _ => {
                    let message = format!("`{}` takes a scalar", parameter.name.text);
                    self.error("KQL226", value.span, message);
                    None
                }
            },
        }
    }

    /// Reports a column that a table must have and has not.
    fn has_columns(
        &mut self,
        table: &Rel,
        columns: &[ColumnDeclaration],
        span: Span,
    ) -> Option<()> {
        for column in columns {
            if self.unsure() {
                continue;
            }
            let (name, ty) = (&column.name.text, column.ty);
            let message = match table.schema.iter().find(|c| c.name == *name) {
                None => format!("the table has no column `{name}`"),
                Some(c) if c.ty == ty => continue,
                Some(c) => format!("the table's column `{name}` is {}, not {ty}", c.ty),
            };
            self.error("KQL225", span, message);
            return None;
        }
        Some(())
    }

    /// An argument in the type of its parameter: constants and numbers are converted.
    fn as_type(&mut self, typed: Typed, ty: Option<Type>, span: Span) -> Option<Typed> {
        let Some(ty) = ty else { return Some(typed) };
        let from = typed.value.ty;
        if from == ty {
            return Some(typed);
        }
        let fits =
            from == Type::Dynamic || ty == Type::Dynamic || (from.is_number() && ty.is_number());
        if !fits {
            // Kusto converts what it is given; what cannot be converted is null.
            let message = format!("a value of type {from} is converted to {ty}");
            self.diagnostics.push(Diagnostic::warning("KQL301", span, message));
        }
        Some(Typed { value: self.brought(typed.value, ty), name: typed.name })
    }

    /// A body: statements, the last being the result.
    pub(super) fn body(
        &mut self,
        body: &[Statement],
        mut locals: Locals,
        span: Span,
        env: &Env<'_>,
    ) -> Bound {
        let mut result = None;
        for statement in body {
            if let StatementKind::Query(query) = &statement.kind {
                let mut inside = Env::of(locals.clone());
                inside.row_id = env.row_id;
                inside.serialized = env.serialized;
                result = Some(self.expression(query, &inside));
            } else {
                locals = self.statement_of(statement, locals, env.row_id);
            }
        }
        match result {
            Some(result) => result,
            None => {
                self.error("KQL227", span, "the function's body has no result");
                Bound::Failed
            }
        }
    }

    /// `pattern(…).path`, where the expression before the dot is a call of a pattern with a path.
    pub(super) fn pattern_path(
        &mut self,
        base: &Expr,
        path: &str,
        span: Span,
        env: &Env<'_>,
    ) -> Option<Bound> {
        let Kind::Call { name, arguments } = &*base.kind else { return None };
        match env.locals.find(&name.text) {
            Some(Item::Pattern(pattern)) if pattern.has_path => {
                let pattern = Rc::clone(pattern);
                Some(self.call_pattern(&pattern, arguments, Some(path), span, env))
            }
            _ => None,
        }
    }

    /// Calls a pattern: the case whose literals equal the arguments.
    pub(super) fn call_pattern(
        &mut self,
        pattern: &Rc<Pattern>,
        arguments: &[Expr],
        path: Option<&str>,
        span: Span,
        env: &Env<'_>,
    ) -> Bound {
        let mut values = Vec::new();
        for argument in arguments {
            match self.constant(argument, env) {
                Some((value, _)) => values.push(value),
                None => return Bound::Failed,
            }
        }
        let pattern = Rc::clone(pattern);
        for case in &pattern.cases {
            let declared = Env::of(pattern.locals.clone());
            let mut same = case.arguments.len() == values.len();
            for (literal, value) in case.arguments.iter().zip(&values) {
                same &= self.constant(literal, &declared).is_some_and(|(v, _)| v == *value);
            }
            if let Some(expected) = &case.path {
                let expected = self.constant(expected, &declared).map(|(value, _)| value.to_text());
                same &= path.is_some_and(|path| expected.as_deref() == Some(path));
            }
            if !same {
                continue;
            }
            let mut locals = pattern.locals.clone();
            let path_value = pattern.has_path.then(|| path.map(Value::text)).flatten();
            let all = values.iter().cloned().chain(path_value);
            for (parameter, value) in pattern.parameters.iter().zip(all) {
                let ty = value.kind().unwrap_or(Type::String);
                let value = Typed { value: literal(value, ty), name: None };
                locals = locals.with(&parameter.name.text, Item::Scalar { value, row: 0 });
            }
            return self.deeper(
                span,
                || Bound::Failed,
                |binder| binder.body(&case.body, locals, span, env),
            );
        }
        self.error("KQL228", span, "no case of the pattern has these arguments");
        Bound::Failed
    }

    /// A scalar that belongs to row scope `row`, seen from `env`.
    pub(super) fn scalar_of(
        &mut self,
        value: &Typed,
        row: usize,
        span: Span,
        env: &Env<'_>,
    ) -> Bound {
        if row != env.row_id && reads_row(&value.value) {
            let message = "the value depends on a row that is not in sight here";
            self.error("KQL229", span, message);
            return Bound::Failed;
        }
        Bound::Scalar(value.clone())
    }
}
