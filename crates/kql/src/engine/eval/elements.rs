//! What a variable of a graph pattern stands for: a node, an edge, or several edges.

use std::sync::Arc;

use super::{Expr, Frame, holds};
use crate::plan::Schema;
use crate::value::{Json, Value};

/// What is asked of it.
#[derive(Debug, Clone)]
pub(super) enum Ask {
    Whole,
    All(Box<Expr>),
    Any(Box<Expr>),
    Map(Box<Expr>),
}

/// A variable as it is bound.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Element<'a> {
    /// The node, or the edges
    pub(in crate::engine) rows: &'a [&'a [Value]],
    /// Nodes between the edges
    pub(in crate::engine) inner: &'a [&'a [Value]],
    /// Columns of `rows` that are shown
    pub(in crate::engine) schema: &'a Schema,
    /// Several edges
    pub(in crate::engine) is_path: bool,
}

impl Element<'_> {
    pub(super) fn answer(&self, inner: bool, ask: &Ask, frame: &Frame<'_>) -> Value {
        let rows = if inner { self.inner } else { self.rows };
        let value = |row: &[Value], body: &Expr| {
            let mut wide = row.to_vec();
            wide.extend_from_slice(frame.row);
            body.over(&Frame { row: &wide, ..*frame })
        };
        match ask {
            Ask::Whole if self.is_path => {
                Value::json(Json::Array(rows.iter().map(|row| self.bag(row)).collect()))
            }
            Ask::Whole => rows.first().map_or(Value::Null, |row| Value::json(self.bag(row))),
            // A condition that is null is not fulfilled, neither for all nor for any.
            Ask::All(body) => Value::Bool(rows.iter().all(|row| holds(&value(row, body)))),
            Ask::Any(body) => Value::Bool(rows.iter().any(|row| holds(&value(row, body)))),
            Ask::Map(body) => {
                let values = rows.iter().map(|row| value(row, body).to_json());
                Value::json(Json::Array(values.collect()))
            }
        }
    }

    /// What a row holds, without what is null or empty.
    fn bag(&self, row: &[Value]) -> Json {
        let members = self.schema.iter().zip(row).filter(|(_, value)| match value {
            Value::Null => false,
            Value::String(text) => !text.is_empty(),
            _ => true,
        });
        let members = members.map(|(column, value)| (Arc::from(&*column.name), value.to_json()));
        Json::Bag(members.collect())
    }
}
