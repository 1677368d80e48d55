//! `sort`, `top`, `take`.

use std::sync::Arc;

use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use kql::plan::{Rel, Scalar, SortKey};
use kql::value::{Type, Value};

use super::scalar::has_window;
use super::{Lowered, Lowering};
use crate::error::{Error, Result};
use crate::node::{Key, Node};
use crate::scalar::Native;

impl Lowering<'_> {
    pub(super) fn sort(
        &mut self,
        rel: &Rel,
        input: Lowered,
        keys: &[SortKey],
        count: Option<&Scalar>,
    ) -> Result<Lowered> {
        let native = |key: &SortKey| {
            !has_window(&key.value) && !matches!(key.value.ty, Type::Dynamic | Type::Decimal)
        };
        if keys.is_empty() || !keys.iter().all(native) {
            return self.operator(rel, vec![input]);
        }
        let fetch = count.map(|count| self.number(count)).transpose()?;
        let scope = self.scope(&input);
        let mut columns = Vec::with_capacity(keys.len());
        for key in keys {
            let mut expr = scope.value(&key.value)?;
            if key.value.ty == Type::Real {
                // NaN stands beside null, and both zeros are one.
                let nan_low = key.nulls_first != key.descending;
                expr = Native::RealOrder { nan_low }.call(vec![expr]);
            }
            columns.push(("key", expr));
        }
        let (plan, names) = self.append(input.plan, columns)?;
        let keys = names
            .into_iter()
            .zip(keys)
            .map(|(column, key)| Key {
                column,
                descending: key.descending,
                nulls_first: key.nulls_first,
            })
            .collect();
        self.node(Node::Sort { keys, fetch }, vec![plan], input.names)
    }

    pub(super) fn take(&mut self, rel: &Rel, input: Lowered, count: &Scalar) -> Result<Lowered> {
        let count = self.number(count)?;
        // The first rows of sorted ones need no full sort.
        if let LogicalPlan::Extension(extension) = &input.plan
            && let Some(node) = extension.node.as_any().downcast_ref::<crate::node::KqlNode>()
            && let Node::Sort { keys, fetch } = &*node.node
        {
            let fetch = Some(fetch.map_or(count, |known| known.min(count)));
            let inputs = extension.node.inputs().into_iter().cloned().collect();
            return self.node(Node::Sort { keys: keys.clone(), fetch }, inputs, input.names);
        }
        let _ = rel;
        let plan = LogicalPlanBuilder::new_from_arc(Arc::new(input.plan));
        let plan = plan.limit(0, Some(count))?.build()?;
        Ok(Lowered { plan, names: input.names })
    }

    /// A constant number of rows.
    pub(super) fn number(&self, count: &Scalar) -> Result<usize> {
        let count = match self.bare().folded(count)? {
            Some(Value::Real(x)) if x.fract() == 0.0 && x.abs() < 9e15 => Some(x as i64),
            Some(value) => value.as_integer(),
            None => None,
        };
        match count {
            Some(n) if n >= 0 => Ok(usize::try_from(n).unwrap_or(usize::MAX)),
            _ => Err(Error::Query("a number of rows must be a constant, 0 or more".into())),
        }
    }
}
