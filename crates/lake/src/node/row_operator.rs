//! One operator of the language over all its input, run by the engine in memory.

use std::io::Read as _;
use std::sync::Arc;

use datafusion::arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::runtime::SpawnedTask;
use datafusion::common::{Result, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kql::engine::{self, EngineError, Env, Rows, Source, memory};
use kql::functions::Context;
use kql::plan::{Op, Query, Rel};
use kql::value::{Type, Value};

use super::exec::NodeExec;
use super::{Beside, Node};
use crate::data::{batch_of, rows_of};
use crate::error::Error;
use crate::limits::{External, Running};

pub(super) fn stream(
    exec: &NodeExec,
    context: &Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let Node::Operator { rel, inputs: names, beside, now, .. } = &*exec.node else {
        return internal_err!("{} is no operator", exec.node.name());
    };
    let running = Running::of(context)?;
    let mut inputs = Vec::with_capacity(exec.inputs.len());
    let schemas = memory::inputs(&rel.op).into_iter().map(|input| input.schema.clone());
    for ((input, names), schema) in exec.inputs.iter().zip(names).zip(schemas) {
        let at = places(&input.schema(), names)?;
        inputs.push((input.execute(0, Arc::clone(context))?, at, schema));
    }
    let held = MemoryConsumer::new("KqlOperator").register(context.memory_pool());
    let (rel, beside, now) = (rel.clone(), beside.clone(), *now);
    let schema = Arc::clone(&exec.schema);
    let batch_rows = context.session_config().batch_size();
    let work = async move {
        let mut held = held;
        let mut rows = Vec::with_capacity(inputs.len());
        for (input, at, schema) in inputs {
            rows.push(collect(input, &at, schema, &mut held).await?);
        }
        let arrow = Arc::clone(&schema);
        let task = SpawnedTask::spawn_blocking(move || {
            let out = with_env(beside, now, &running, |env| memory::operator(&rel, rows, env))?;
            held.try_resize(out.bytes())?;
            let batches = batches(out, &arrow, batch_rows)?;
            drop(held);
            Ok::<_, DataFusionError>(batches)
        });
        task.join().await.map_err(|e| DataFusionError::External(Box::new(panicked(e))))?
    };
    let batches = stream::once(work).map_ok(|batches| stream::iter(batches).map(Ok)).try_flatten();
    Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&exec.schema), batches)))
}

/// The same for an operator that may run over parts of the rows.
pub(super) fn by_batch(
    exec: &NodeExec,
    partition: usize,
    context: &Arc<TaskContext>,
) -> Result<SendableRecordBatchStream> {
    let Node::Operator { rel, inputs: names, beside, now, .. } = &*exec.node else {
        return internal_err!("{} is no operator", exec.node.name());
    };
    let running = Running::of(context)?;
    let Some(input_rel) = memory::inputs(&rel.op).first().copied() else {
        return internal_err!("{} has no input", exec.node.name());
    };
    let schema = input_rel.schema.clone();
    let types: Vec<Type> = schema.iter().map(|column| column.ty).collect();
    let input = exec.inputs[0].execute(partition, Arc::clone(context))?;
    let at = places(&input.schema(), &names[0])?;
    let (rel, beside, now) = (rel.clone(), beside.clone(), *now);
    let arrow = Arc::clone(&exec.schema);
    let batch_rows = context.session_config().batch_size();
    let batches = input.map(move |batch| {
        let rows = Rows::new(schema.clone(), rows_of(&batch?, &at, &types)?);
        let run = |env: &Env<'_>| memory::operator(&rel, vec![rows], env);
        let out = with_env(beside.clone(), now, &running, run)?;
        Ok::<_, DataFusionError>(stream::iter(batches(out, &arrow, batch_rows)?).map(Ok))
    });
    let batches = batches.try_flatten();
    Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&exec.schema), batches)))
}

/// The columns of these names; one without a name is nowhere.
fn places(schema: &Schema, names: &[String]) -> Result<Vec<Option<usize>>> {
    let place = |name: &String| match name.is_empty() {
        true => Ok(None),
        false => Ok(Some(schema.index_of(name)?)),
    };
    names.iter().map(place).collect()
}

fn panicked(error: tokio::task::JoinError) -> Error {
    match error.try_into_panic() {
        Ok(panic) => Error::Panic(crate::limits::panic_text(&*panic)),
        Err(_) => Error::Cancelled,
    }
}

async fn collect(
    mut input: SendableRecordBatchStream,
    at: &[Option<usize>],
    schema: kql::plan::Schema,
    held: &mut MemoryReservation,
) -> Result<Rows> {
    let types: Vec<Type> = schema.iter().map(|column| column.ty).collect();
    let mut rows: Vec<Vec<Value>> = Vec::new();
    while let Some(batch) = input.next().await {
        let more = rows_of(&batch?, at, &types)?;
        let bytes: usize = more
            .iter()
            .map(|row| {
                let values: usize = row.iter().map(Value::heap_bytes).sum();
                values + size_of::<Vec<Value>>() + row.len() * size_of::<Value>()
            })
            .sum();
        held.try_grow(bytes)?;
        rows.extend(more);
    }
    Ok(Rows::new(schema, rows))
}

/// Of what is outside, an operator sees the allowed files of `externaldata` only: its rows were
/// put into it before.
struct Allowed<'a>(&'a External);

impl Source for Allowed<'_> {
    fn table(&self, _: &str) -> engine::Result<Option<Arc<Rows>>> {
        Ok(None)
    }

    fn external(&self, address: &str) -> engine::Result<Vec<u8>> {
        let Some(file) = self.0.get(address) else {
            let what = format!("reading external data from \"{address}\"");
            return Err(EngineError::Refused { what });
        };
        let cannot = |source: std::io::Error| EngineError::Source {
            what: format!("the file that stands for \"{address}\""),
            source: Box::new(source),
        };
        let file = std::fs::File::open(file).map_err(cannot)?;
        let mut bytes = Vec::new();
        file.take(EXTERNAL_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
        if bytes.len() as u64 > EXTERNAL_MAX_BYTES {
            return Err(EngineError::Limit { what: "bytes", limit: EXTERNAL_MAX_BYTES });
        }
        Ok(bytes)
    }
}

/// No file of external data is larger.
const EXTERNAL_MAX_BYTES: u64 = 256 << 20;

/// Calls the engine in memory, which has nothing but what it is given.
pub(crate) fn with_env<T>(
    beside: Beside,
    now: i64,
    running: &Running,
    work: impl FnOnce(&Env<'_>) -> engine::Result<T>,
) -> std::result::Result<T, Error> {
    let query = Query {
        rel: Rel { op: Box::new(Op::Rows(Vec::new())), schema: Vec::new() },
        open: false,
        render: None,
        options: Vec::new(),
        shared: beside.shared,
        scalars: beside.scalars,
        further: Vec::new(),
    };
    let limits = running.engine_limits();
    let allowed = Allowed(&running.external);
    let env = Env::new(&query, &allowed, Context { now }, &limits, &running.cancel);
    Ok(work(&env)?)
}

fn batches(
    rows: Rows,
    schema: &SchemaRef,
    batch_rows: usize,
) -> Result<Vec<datafusion::arrow::array::RecordBatch>> {
    // An open operator may give more columns than were asked for.
    let types: Vec<Type> = rows.types().into_iter().take(schema.fields().len()).collect();
    rows.rows.chunks(batch_rows).map(|rows| batch_of(schema, &types, rows)).collect()
}
