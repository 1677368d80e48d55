//! Calls that ask for columns by their names: `column_ifexists()`, `iscolumnexists()`,
//! `column_names_of()`. They are answered here, and none of them is left in a plan.

use super::{Binder, Env, Typed, column, literal};
use crate::syntax::{Expr, Span};
use crate::value::{Json, Type, Value};

impl Binder<'_> {
    pub(super) fn column_if_exists(
        &mut self,
        arguments: &[Expr],
        span: Span,
        env: &Env<'_>,
    ) -> Option<Typed> {
        let [name, default] = arguments else {
            self.error("KQL314", span, "`column_ifexists` takes 2 arguments");
            return None;
        };
        let (wanted, _) = self.constant(name, env)?;
        let default = self.scalar(default, env)?;
        let columns = env.row.columns();
        let wanted = wanted.to_text();
        match columns.iter().position(|c| *c.name == *wanted) {
            Some(at) => {
                // Whatever the column is, the type is that of what stands in for it.
                let value = self.brought(column(columns, at), default.value.ty);
                Some(Typed { value, name: Some(wanted.to_string()) })
            }
            None => Some(Typed { name: None, ..default }),
        }
    }

    pub(super) fn is_column_exists(
        &mut self,
        arguments: &[Expr],
        span: Span,
        env: &Env<'_>,
    ) -> Option<Typed> {
        let [name] = arguments else {
            self.error("KQL314", span, "`iscolumnexists` takes 1 argument");
            return None;
        };
        let wanted = self.constant(name, env)?.0.to_text();
        let exists = env.row.columns().iter().any(|column| *column.name == *wanted);
        Some(Typed { value: literal(Value::Bool(exists), Type::Bool), name: None })
    }

    /// The names of a table's columns as an array.
    pub(super) fn column_names_of(
        &mut self,
        arguments: &[Expr],
        span: Span,
        env: &Env<'_>,
    ) -> Option<Typed> {
        let [table] = arguments else {
            self.error("KQL314", span, "`column_names_of` takes 1 argument");
            return None;
        };
        let schema = self.tabular(table, env)?.schema;
        let names = schema.into_iter().map(|column| Json::String(column.name.into())).collect();
        let value = literal(Value::json(Json::Array(names)), Type::Dynamic);
        Some(Typed { value, name: None })
    }
}
