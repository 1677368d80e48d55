//! `mv-expand` and `mv-apply`.

use std::sync::Arc;

use crate::engine::env::Tally;
use crate::engine::eval::{Expr, compile_all};
use crate::engine::rows::shell_bytes;
use crate::engine::{Env, Result, Row, Rows};
use crate::plan::{Expand, Rel, Scalar, Schema};
use crate::value::{Json, Type, Value};

/// What is expanded and how.
pub(super) struct How<'a> {
    pub(super) columns: &'a [Expand],
    pub(super) limit: Option<u64>,
    pub(super) item_index: Option<usize>,
    pub(super) bags_as_arrays: bool,
}

/// One row for each element.
pub(super) fn run(input: Rows, how: &How<'_>, schema: Schema, env: &Env<'_>) -> Result<Rows> {
    let exprs = how.compile(&input.rows, env)?;
    let mut tally = env.meter().tally();
    let mut rows = Vec::new();
    for (at, row) in input.rows.iter().enumerate() {
        tally.work()?;
        how.expand(&exprs, row, at, schema.len(), &mut rows, &mut tally, env)?;
    }
    Ok(Rows::new(schema, rows))
}

/// A sub-query over the elements of each row.
pub(super) fn apply(
    input: Rows,
    how: &How<'_>,
    inner: &Schema,
    body: &Rel,
    output: &[(bool, usize)],
    schema: Schema,
    env: &Env<'_>,
) -> Result<Rows> {
    let exprs = how.compile(&input.rows, env)?;
    let mut tally = env.meter().tally();
    let mut rows = Vec::new();
    for (at, row) in input.rows.iter().enumerate() {
        let mut elements = Vec::new();
        let mut local = env.meter().tally();
        how.expand(&exprs, row, at, inner.len(), &mut elements, &mut local, env)?;
        let elements = Rows::new(inner.clone(), elements);
        let found = super::run(body, &env.within(&elements))?;
        for result in found.rows {
            let value = |&(of_row, at): &(bool, usize)| {
                let from = if of_row { row } else { &result };
                from.get(at).cloned().unwrap_or(Value::Null)
            };
            let new: Row = output.iter().map(value).collect();
            let own: usize = result.iter().map(Value::heap_bytes).sum();
            tally.row(shell_bytes(new.len()) + own)?;
            rows.push(new);
        }
    }
    Ok(Rows::new(schema, rows))
}

/// What one column gives for one row.
enum Elements {
    Of(Arc<Json>),
    /// A value that is no array or bag: one row has it
    One(Value),
}

impl How<'_> {
    fn compile(&self, rows: &[Row], env: &Env<'_>) -> Result<Vec<Expr>> {
        let values: Vec<&Scalar> = self.columns.iter().map(|column| &column.value).collect();
        compile_all(values, rows, env)
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one row's expansion")]
    fn expand(
        &self,
        exprs: &[Expr],
        row: &[Value],
        at: usize,
        width: usize,
        rows: &mut Vec<Row>,
        tally: &mut Tally<'_>,
        env: &Env<'_>,
    ) -> Result<()> {
        let elements = exprs.iter().map(|expr| match expr.eval(row, at, &env.context) {
            Value::Dynamic(json) if matches!(*json, Json::Array(_) | Json::Bag(_)) => {
                Elements::Of(json)
            }
            other => Elements::One(other),
        });
        let elements: Vec<Elements> = elements.collect();
        let n = elements.iter().map(Elements::len).max().unwrap_or(0);
        let n = self.limit.map_or(n, |limit| n.min(usize::try_from(limit).unwrap_or(n)));
        for index in 0..n {
            let mut new = Row::with_capacity(width);
            new.extend_from_slice(row);
            new.resize(width, Value::Null);
            let mut bytes = shell_bytes(width);
            for (column, elements) in self.columns.iter().zip(&elements) {
                let value = element_as(elements.at(index, self.bags_as_arrays), column.ty);
                bytes += value.heap_bytes();
                if let Some(place) = new.get_mut(column.at) {
                    *place = value;
                }
            }
            if let Some(place) = self.item_index.and_then(|at| new.get_mut(at)) {
                *place = i64::try_from(index).map_or(Value::Null, Value::Long);
            }
            tally.row(bytes)?;
            rows.push(new);
        }
        Ok(())
    }
}

impl Elements {
    fn len(&self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Of(json) => match &**json {
                Json::Array(elements) => elements.len(),
                Json::Bag(members) => members.len(),
                _ => 1,
            },
        }
    }

    /// The element at an index; null beyond the end.
    fn at(&self, index: usize, bags_as_arrays: bool) -> Value {
        match self {
            Self::One(value) if index == 0 => value.clone(),
            Self::One(_) => Value::Null,
            Self::Of(json) => match &**json {
                Json::Array(elements) => elements.get(index).map_or(Value::Null, Value::of_json),
                Json::Bag(members) => members.get(index).map_or(Value::Null, |(key, value)| {
                    Value::json(if bags_as_arrays {
                        Json::Array(vec![Json::String(Arc::clone(key)), value.clone()])
                    } else {
                        Json::Bag(vec![(Arc::clone(key), value.clone())])
                    })
                }),
                _ => Value::Null,
            },
        }
    }
}

/// `to typeof(t)`: keeps what has the type already; text is read only as what JSON can write
/// only as text, so `"2"` is no number. Numbers are truncated, never rounded.
pub fn element_as(value: Value, ty: Type) -> Value {
    let Value::Dynamic(json) = &value else { return value.widen(ty) };
    let fits = match (&**json, ty) {
        (_, Type::Dynamic) => return value,
        (Json::String(_), ty) => {
            matches!(ty, Type::String | Type::DateTime | Type::TimeSpan | Type::Guid)
                || ty == Type::Decimal
        }
        (Json::Bool(_), ty) => matches!(ty, Type::Bool | Type::String),
        (Json::Long(_), ty) => ty.is_number() || matches!(ty, Type::Bool | Type::String),
        (Json::Real(_), ty) => ty.is_number() || ty == Type::String,
        (_, ty) => ty == Type::String,
    };
    if fits { value.widen(ty) } else { Value::absent(ty) }
}
