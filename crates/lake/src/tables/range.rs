//! The rows of `range`, made as they are asked for.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use kql::value::{Type, Value};
use serde::{Deserialize, Serialize};

use crate::data::Writer;

/// Whole numbers or points of time from `from` in steps; real numbers likewise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Range {
    pub(crate) ty: Type,
    pub(crate) from: Value,
    pub(crate) to: Value,
    pub(crate) step: Value,
}

/// Distance between points.
#[derive(Clone, Copy)]
enum Points {
    Whole { from: i64, to: i64, step: i64 },
    Real { from: f64, to: f64, step: f64 },
    None,
}

impl Range {
    /// Whether the rows can be made here: decimals are left to the engine in memory.
    pub(crate) fn of(ty: Type, from: Value, to: Value, step: Value) -> Option<Self> {
        let whole = |v: &Value| match v {
            Value::Int(n) => Some(i64::from(*n)),
            Value::Long(n) | Value::DateTime(n) | Value::TimeSpan(n) => Some(*n),
            _ => None,
        };
        let known = match ty {
            Type::Decimal => false,
            Type::Real => step.as_real().is_some_and(|step| step != 0.0 && step.is_finite()),
            _ => whole(&step).is_some_and(|step| step != 0),
        };
        known.then_some(Self { ty, from, to, step })
    }

    fn points(&self) -> Points {
        let whole = |v: &Value| match v {
            Value::Int(n) => Some(i64::from(*n)),
            Value::Long(n) | Value::DateTime(n) | Value::TimeSpan(n) => Some(*n),
            _ => None,
        };
        if self.ty == Type::Real {
            let parts = (self.from.as_real(), self.to.as_real(), self.step.as_real());
            return match parts {
                (Some(from), Some(to), Some(step)) if from.is_finite() && to.is_finite() => {
                    Points::Real { from, to, step }
                }
                _ => Points::None,
            };
        }
        match (whole(&self.from), whole(&self.to), whole(&self.step)) {
            (Some(from), Some(to), Some(step)) => Points::Whole { from, to, step },
            _ => Points::None,
        }
    }

    /// Its rows, as a column of `schema`.
    pub(crate) fn stream(&self, schema: SchemaRef, batch_rows: usize) -> SendableRecordBatchStream {
        let made = Made {
            schema: Arc::clone(&schema),
            ty: self.ty,
            points: self.points(),
            n: 0,
            batch_rows,
        };
        Box::pin(RecordBatchStreamAdapter::new(schema, futures_util::stream::iter(made)))
    }
}

struct Made {
    schema: SchemaRef,
    ty: Type,
    points: Points,
    n: i64,
    batch_rows: usize,
}

impl Made {
    fn point(&self, n: i64) -> Option<Value> {
        match self.points {
            Points::Whole { from, to, step } => {
                let at = from.checked_add(step.checked_mul(n)?)?;
                let inside = if step > 0 { at <= to } else { at >= to };
                inside.then(|| match self.ty {
                    Type::Int => i32::try_from(at).map_or(Value::Null, Value::Int),
                    Type::DateTime => Value::DateTime(at),
                    Type::TimeSpan => Value::TimeSpan(at),
                    _ => Value::Long(at),
                })
            }
            Points::Real { from, to, step } => {
                let at = from + step * n as f64;
                let inside = if step > 0.0 { at <= to } else { at >= to };
                inside.then_some(Value::Real(at))
            }
            Points::None => None,
        }
    }
}

impl Iterator for Made {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut writer = Writer::new(self.ty, self.batch_rows);
        let mut rows = 0;
        while rows < self.batch_rows
            && let Some(value) = self.point(self.n)
        {
            writer.push(&value);
            self.n += 1;
            rows += 1;
        }
        let array = (rows > 0).then(|| writer.finish())?;
        Some(RecordBatch::try_new(Arc::clone(&self.schema), vec![array]).map_err(Into::into))
    }
}
