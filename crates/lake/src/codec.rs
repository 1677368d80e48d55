//! The parts of a plan that are ours as bytes, and back: for plans that run elsewhere.
//!
//! Everything else in a plan is DataFusion's own and has its own encoding; tables are known by
//! name. The shape is that of DataFusion's extension codecs: a name and bytes.

use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::common::{Result, not_impl_err};
use datafusion::logical_expr::expr::{AggregateFunction, ScalarFunction};
use datafusion::logical_expr::logical_plan::Extension;
use datafusion::logical_expr::{
    AggregateUDF, Expr, LogicalPlan, ScalarUDF, UserDefinedLogicalNode,
};
use std::sync::Arc;

use crate::aggregate::KqlAggregate;
use crate::node::KqlNode;
use crate::scalar::{ByValue, Native, NativeUdf};

/// A function of ours as bytes; `None` for those of others.
pub(crate) fn encode_function(udf: &ScalarUDF) -> Result<Option<Vec<u8>>> {
    let inner = udf.inner().as_ref() as &dyn std::any::Any;
    if let Some(by_value) = inner.downcast_ref::<ByValue>() {
        return Ok(Some(by_value.text().as_bytes().to_vec()));
    }
    match inner.downcast_ref::<NativeUdf>() {
        Some(native) => Ok(Some(native.text()?.into_bytes())),
        None => Ok(None),
    }
}

/// The function of that name from bytes.
pub(crate) fn decode_function(name: &str, bytes: &[u8]) -> Result<ScalarUDF> {
    let text = String::from_utf8_lossy(bytes);
    match name {
        ByValue::NAME => Ok(ScalarUDF::new_from_impl(ByValue::of_text(&text)?)),
        Native::NAME => Ok(ScalarUDF::new_from_impl(NativeUdf::of_text(&text)?)),
        other => not_impl_err!("no function {other}"),
    }
}

/// An aggregate of ours as bytes; `None` for those of others.
pub(crate) fn encode_aggregate(udf: &AggregateUDF) -> Option<Vec<u8>> {
    let inner = udf.inner().as_ref() as &dyn std::any::Any;
    inner.downcast_ref::<KqlAggregate>().map(|ours| ours.text().as_bytes().to_vec())
}

/// The aggregate of that name from bytes.
pub(crate) fn decode_aggregate(name: &str, bytes: &[u8]) -> Result<AggregateUDF> {
    match name {
        KqlAggregate::NAME => {
            let text = String::from_utf8_lossy(bytes);
            Ok(AggregateUDF::new_from_impl(KqlAggregate::of_text(&text)?))
        }
        other => not_impl_err!("no aggregate {other}"),
    }
}

/// A node of ours as bytes; `None` for those of others.
pub(crate) fn encode_node(node: &dyn UserDefinedLogicalNode) -> Option<Vec<u8>> {
    node.as_any().downcast_ref::<KqlNode>().map(|ours| ours.text().as_bytes().to_vec())
}

/// The node from bytes, over its inputs.
pub(crate) fn decode_node(bytes: &[u8], inputs: Vec<LogicalPlan>) -> Result<KqlNode> {
    KqlNode::of_text(&String::from_utf8_lossy(bytes), inputs)
}

/// A plan whose parts of ours were bytes on the way.
pub(crate) fn through_bytes(plan: LogicalPlan) -> Result<LogicalPlan> {
    plan.transform_up(|plan| {
        let plan = plan.map_expressions(|expr| expr.transform_up(expr_through_bytes))?.data;
        let LogicalPlan::Extension(extension) = &plan else { return Ok(Transformed::yes(plan)) };
        let Some(bytes) = encode_node(extension.node.as_ref()) else {
            return Ok(Transformed::yes(plan));
        };
        let inputs = extension.node.inputs().into_iter().cloned().collect();
        let node = Arc::new(decode_node(&bytes, inputs)?);
        Ok(Transformed::yes(LogicalPlan::Extension(Extension { node })))
    })
    .data()
}

fn expr_through_bytes(expr: Expr) -> Result<Transformed<Expr>> {
    Ok(match expr {
        Expr::ScalarFunction(ScalarFunction { func, args }) => {
            let func = match encode_function(&func)? {
                Some(bytes) => Arc::new(decode_function(func.name(), &bytes)?),
                None => func,
            };
            Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args }))
        }
        Expr::AggregateFunction(AggregateFunction { func, params }) => {
            let func = match encode_aggregate(&func) {
                Some(bytes) => Arc::new(decode_aggregate(func.name(), &bytes)?),
                None => func,
            };
            Transformed::yes(Expr::AggregateFunction(AggregateFunction { func, params }))
        }
        other => Transformed::no(other),
    })
}
