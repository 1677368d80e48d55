//! One row of each key: the left side of `join kind=innerunique`.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::array::{BooleanArray, RecordBatch};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::common::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures_util::StreamExt as _;

use super::exec::{NodeExec, columns};

pub(super) fn stream(
    exec: &NodeExec,
    keys: &[String],
    partition: usize,
    context: &Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let input = exec.inputs[0].execute(partition, Arc::clone(context))?;
    let schema = input.schema();
    let at = columns(&schema, keys)?;
    let fields = at.iter().map(|at| SortField::new(schema.field(*at).data_type().clone()));
    let mut seen = Seen {
        converter: RowConverter::new(fields.collect())?,
        at,
        keys: HashSet::new(),
        held: MemoryConsumer::new("FirstRows").register(context.memory_pool()),
    };
    let stream = input.map(move |batch| seen.first(&batch?));
    Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&exec.schema), stream)))
}

struct Seen {
    at: Vec<usize>,
    converter: RowConverter,
    keys: HashSet<Box<[u8]>>,
    held: MemoryReservation,
}

impl Seen {
    /// The rows whose key was not seen before.
    fn first(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let arrays: Vec<_> = self.at.iter().map(|at| Arc::clone(batch.column(*at))).collect();
        let rows = self.converter.convert_columns(&arrays)?;
        let mut new_bytes = 0;
        let keep: BooleanArray = rows
            .iter()
            .map(|row| {
                let new = !self.keys.contains(row.data());
                if new {
                    self.keys.insert(row.data().into());
                    new_bytes += row.data().len() + 32;
                }
                Some(new)
            })
            .collect();
        self.held.try_grow(new_bytes)?;
        Ok(filter_record_batch(batch, &keep)?)
    }
}
