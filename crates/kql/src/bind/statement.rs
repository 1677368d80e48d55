//! Statements: `let`, parameters of the query, patterns, options, and the query itself.

use std::rc::Rc;

use super::env::{Function, Pattern};
use super::{Binder, Bound, Env, Item, Locals, Typed, literal};
use crate::plan::Rel;
use crate::syntax::{Expr, Kind, Name, Parameter, Statement, StatementKind, Takes, Tree};
use crate::value::{Type, Value};

impl Binder<'_> {
    /// The whole text: the last query is the result; those before it are bound and checked only.
    pub(super) fn tree(&mut self, tree: &Tree) -> Option<Rel> {
        let mut locals = Locals::default();
        let mut result = None;
        for statement in &tree.statements {
            if let StatementKind::Query(query) = &statement.kind {
                let env = Env::of(locals.clone());
                result = Some(self.result(query, &env));
                for (name, item) in std::mem::take(&mut self.named) {
                    locals = locals.with(name, item);
                }
            } else {
                locals = self.statement(statement, locals);
            }
        }
        if result.is_none() && !self.failed() {
            let end = tree.statements.last().map(|last| last.span).unwrap_or_default();
            self.error_hint(
                "KQL210",
                end,
                "there is no query",
                Some("end with a tabular expression, such as the name of a table".to_owned()),
            );
        }
        result
    }

    /// A query as rows: a scalar becomes one row of one column.
    fn result(&mut self, query: &Expr, env: &Env<'_>) -> Rel {
        match self.expression(query, env) {
            Bound::Table(rel) => rel,
            Bound::Scalar(typed) => self.print(vec![typed]),
            Bound::Function(function) => {
                if function.parameters.is_empty() {
                    match self.call_function(&function, &[], query.span, env) {
                        Bound::Table(rel) => return rel,
                        Bound::Scalar(typed) => return self.print(vec![typed]),
                        _ => {}
                    }
                } else {
                    let name = &function.name;
                    let message = format!("the function `{name}` is not called");
                    self.error("KQL211", query.span, message);
                }
                super::nothing()
            }
            Bound::Database { .. } => {
                self.error("KQL212", query.span, "a database is no query: name a table of it");
                super::nothing()
            }
            Bound::Failed => {
                if !self.failed() {
                    self.error("KQL299", query.span, "the query cannot be understood");
                }
                super::nothing()
            }
        }
    }

    /// Any statement but a query.
    pub(super) fn statement(&mut self, statement: &Statement, locals: Locals) -> Locals {
        self.statement_of(statement, locals, 0)
    }

    /// The same in a body that is called in row scope `row`.
    pub(super) fn statement_of(
        &mut self,
        statement: &Statement,
        locals: Locals,
        row: usize,
    ) -> Locals {
        match &statement.kind {
            StatementKind::Let { name, value, view } => {
                self.let_one(name, value, *view, locals, row)
            }
            StatementKind::Set { name, value } => {
                let env = Env::of(locals.clone());
                let value = match value {
                    Some(value) => self.constant(value, &env).map_or(Value::Null, |c| c.0),
                    None => Value::Bool(true),
                };
                self.options.push((name.text.clone(), value));
                locals
            }
            StatementKind::QueryParameters(parameters) => self.query_parameters(parameters, locals),
            StatementKind::Pattern { name, parameters, has_path, cases } => {
                let pattern = Pattern {
                    parameters: parameters.clone(),
                    has_path: *has_path,
                    cases: cases.clone(),
                    locals: locals.clone(),
                };
                locals.with(&name.text, Item::Pattern(Rc::new(pattern)))
            }
            StatementKind::Alias { name, value } => {
                let env = Env::of(locals.clone());
                match self.expression(value, &env) {
                    Bound::Database { ours } => locals.with(&name.text, Item::Database { ours }),
                    Bound::Failed => locals,
                    _ => {
                        self.error("KQL213", value.span, "an alias stands for a database");
                        locals
                    }
                }
            }
            StatementKind::Restrict(_) => {
                // Who may read what is the server's business: a query cannot widen it, and this
                // engine has no more rights to give up.
                locals
            }
            StatementKind::Command(name) => {
                let message = format!("`.{}` is a management command, not a query", name.text);
                self.error("KQL110", statement.span, message);
                locals
            }
            StatementKind::Query(_) => locals,
        }
    }

    fn let_one(
        &mut self,
        name: &Name,
        value: &Expr,
        view: bool,
        locals: Locals,
        row: usize,
    ) -> Locals {
        if let Kind::Function { parameters, body } = &*value.kind {
            let function = Rc::new(Function {
                name: name.text.clone(),
                parameters: parameters.clone(),
                body: body.clone(),
                locals: locals.clone(),
                view,
                stored: false,
            });
            self.check_parameters(parameters);
            self.check_body(&function);
            return locals.with(&name.text, Item::Function(function));
        }
        let mut env = Env::of(locals.clone());
        env.row_id = row;
        let item = match self.expression(value, &env) {
            Bound::Scalar(mut value) => {
                value.name = None;
                Item::Scalar { value, row }
            }
            Bound::Table(rel) => Item::Table { rel, view },
            Bound::Function(function) => Item::Function(function),
            Bound::Database { ours } => Item::Database { ours },
            Bound::Failed => {
                // Uses of the name are not reported again.
                let value = Typed { value: literal(Value::Null, Type::Dynamic), name: None };
                Item::Scalar { value, row: 0 }
            }
        };
        locals.with(&name.text, item)
    }

    fn check_parameters(&mut self, parameters: &[Parameter]) {
        for (i, parameter) in parameters.iter().enumerate() {
            if parameters[..i].iter().any(|other| other.name.text == parameter.name.text) {
                let message = format!("the parameter `{}` is there twice", parameter.name.text);
                self.error("KQL214", parameter.name.span, message);
            }
        }
    }

    fn query_parameters(&mut self, parameters: &[Parameter], mut locals: Locals) -> Locals {
        for parameter in parameters {
            let Takes::Scalar(ty) = &parameter.takes else {
                self.error("KQL215", parameter.name.span, "a query's parameters are scalars");
                continue;
            };
            let ty = ty.unwrap_or(Type::Dynamic);
            let env = Env::of(locals.clone());
            let value = match &parameter.default {
                Some(default) => match self.constant(default, &env) {
                    Some((value, _)) => value.widen(ty),
                    None => Value::absent(ty),
                },
                // No way to give one yet: it is absent, which plans and never matches by chance.
                None => Value::absent(ty),
            };
            let typed = Typed { value: literal(value, ty), name: None };
            locals = locals.with(&parameter.name.text, Item::Scalar { value: typed, row: 0 });
        }
        locals
    }
}
