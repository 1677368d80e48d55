//! `mv-expand`: one row for each element of arrays and bags.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringViewArray, UInt32Array,
};
use datafusion::arrow::compute::take_record_batch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{Result, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kql::engine::memory::element_as;
use kql::value::{Json, Type, Value};

use super::Node;
use super::exec::{NodeExec, columns};
use crate::data::{Writer, dynamic_of};

pub(super) fn stream(
    exec: &NodeExec,
    partition: usize,
    context: &Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let Node::Expand { columns: expanded, limit, item_index, bags_as_arrays } = &*exec.node else {
        return internal_err!("{} expands nothing", exec.node.name());
    };
    let input = exec.inputs[0].execute(partition, Arc::clone(context))?;
    let names: Vec<String> = expanded.iter().map(|column| column.from.clone()).collect();
    let how = How {
        at: columns(&input.schema(), &names)?,
        types: expanded.iter().map(|column| column.ty).collect(),
        limit: limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
        item_index: item_index.is_some(),
        bags_as_arrays: *bags_as_arrays,
        batch_rows: context.session_config().batch_size(),
        schema: Arc::clone(&exec.schema),
    };
    let how = Arc::new(how);
    let batches = input
        .map(move |batch| {
            let made = Made { how: Arc::clone(&how), batch: batch?, row: 0 };
            Ok::<_, DataFusionError>(stream::iter(made))
        })
        .try_flatten();
    Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&exec.schema), batches)))
}

struct How {
    at: Vec<usize>,
    types: Vec<Type>,
    limit: usize,
    item_index: bool,
    bags_as_arrays: bool,
    batch_rows: usize,
    schema: SchemaRef,
}

/// The rows that one batch becomes, as batches.
struct Made {
    how: Arc<How>,
    batch: RecordBatch,
    row: usize,
}

impl Iterator for Made {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        (self.row < self.batch.num_rows()).then(|| self.part())
    }
}

impl Made {
    /// Expands rows until there are enough for a batch.
    fn part(&mut self) -> Result<RecordBatch> {
        let how = Arc::clone(&self.how);
        let texts: Vec<&StringViewArray> =
            how.at.iter().map(|at| self.batch.column(*at).as_string_view()).collect();
        let mut writers: Vec<Writer> =
            how.types.iter().map(|ty| Writer::new(*ty, how.batch_rows)).collect();
        let mut from: Vec<u32> = Vec::with_capacity(how.batch_rows);
        let mut index: Vec<i64> = Vec::new();
        while self.row < self.batch.num_rows() && from.len() < how.batch_rows {
            let row = self.row;
            let values = texts.iter().map(|texts| match texts.is_valid(row) {
                true => dynamic_of(texts.value(row)),
                false => Value::Null,
            });
            let values: Vec<Value> = values.collect();
            let n = values.iter().map(length).max().unwrap_or(0).min(how.limit);
            for at in 0..n {
                for ((value, ty), writer) in values.iter().zip(&how.types).zip(&mut writers) {
                    writer.push(&element_as(element(value, at, how.bags_as_arrays), *ty));
                }
                from.push(u32::try_from(row).unwrap_or(u32::MAX));
                if how.item_index {
                    index.push(i64::try_from(at).unwrap_or(i64::MAX));
                }
            }
            self.row += 1;
        }
        let kept = take_record_batch(&self.batch, &UInt32Array::from(from))?;
        let mut arrays: Vec<ArrayRef> = kept.columns().to_vec();
        arrays.extend(writers.into_iter().map(Writer::finish));
        if how.item_index {
            arrays.push(Arc::new(Int64Array::from(index)));
        }
        Ok(RecordBatch::try_new(Arc::clone(&how.schema), arrays)?)
    }
}

fn length(value: &Value) -> usize {
    match value {
        Value::Dynamic(json) => match &**json {
            Json::Array(elements) => elements.len(),
            Json::Bag(members) => members.len(),
            _ => 1,
        },
        _ => 1,
    }
}

/// What a value gives for one of its rows; null where there is no such element.
fn element(value: &Value, at: usize, bags_as_arrays: bool) -> Value {
    let Value::Dynamic(json) = value else {
        return if at == 0 { value.clone() } else { Value::Null };
    };
    match &**json {
        Json::Array(elements) => elements.get(at).map_or(Value::Null, Value::of_json),
        Json::Bag(members) => members.get(at).map_or(Value::Null, |(key, value)| {
            Value::json(if bags_as_arrays {
                Json::Array(vec![Json::String(Arc::clone(key)), value.clone()])
            } else {
                Json::Bag(vec![(Arc::clone(key), value.clone())])
            })
        }),
        _ if at == 0 => value.clone(),
        _ => Value::Null,
    }
}
