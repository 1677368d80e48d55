//! One run of a query: what must be known first, then the plan, then its rows.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::datasource::MemTable;
use datafusion::execution::TaskContext;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::logical_plan::Projection;
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use futures_util::StreamExt as _;
use kql::engine::{Answer, Rows, memory, plugin_schema};
use kql::plan::{Query, Rel, Schema};
use kql::value::Type;
use tokio::runtime::Handle;

use crate::beyond::there_and_back;
use crate::codec::through_bytes;
use crate::data::{arrow_schema, rows_of};
use crate::error::{Error, Result};
use crate::lake::{Ending, Sink, States};
use crate::limits::Running;
use crate::lower::{Lowered, Lowering, column};
use crate::node::{Beside, with_env};
use crate::planned;
use crate::tables::{Table, Tables};

/// What a run has at hand.
pub(crate) struct Run<'a> {
    tables: &'a Tables,
    state: SessionState,
    handle: Handle,
    running: Running,
    pub(crate) now: i64,
    /// `materialize(…)`: those that are there already
    pub(crate) shared: Vec<Option<Table>>,
    /// What stands beside the query and is read by its sub-queries
    pub(crate) beside: Beside,
    /// Whether plans are encoded and decoded before they run
    pub(crate) through_bytes: bool,
    /// Further sessions, where workers may fail
    pub(crate) states: Option<&'a States<'a>>,
}

impl<'a> Run<'a> {
    pub(crate) fn new(
        tables: &'a Tables,
        state: SessionState,
        handle: Handle,
        running: Running,
        now: i64,
    ) -> Self {
        Self {
            tables,
            state,
            handle,
            running,
            now,
            shared: Vec::new(),
            beside: Beside::default(),
            through_bytes: false,
            states: None,
        }
    }

    /// Runs the query to its end.
    pub(crate) fn answer(&mut self, query: &Query) -> Result<Answer> {
        let query = self.prepared(query)?;
        let most = self.running.limits.rows;
        let (rows, mut truncated) = self.rows(&query.rel, most, true)?;
        let mut further = Vec::with_capacity(query.further.len());
        for (name, rel) in &query.further {
            let (rows, cut) = self.rows(rel, most, true)?;
            truncated |= cut;
            further.push((name.clone(), rows));
        }
        let Rows { schema, rows } = rows;
        Ok(Answer { schema, rows, further, render: query.render, truncated })
    }

    /// Runs the query to its end and hands its rows on as they are found.
    pub(crate) fn stream(&mut self, query: &Query, sink: &mut dyn Sink) -> Result<Ending> {
        let query = self.prepared(query)?;
        let mut truncated = self.hand_on(None, &query.rel, sink)?;
        for (name, rel) in &query.further {
            if let Some(cut) = &mut truncated {
                match self.hand_on(Some(name), rel, sink)? {
                    Some(more) => *cut |= more,
                    None => truncated = None,
                }
            }
        }
        // Who wants no more does not ask whether there was.
        Ok(Ending { render: query.render, truncated: truncated.unwrap_or(true) })
    }

    /// Hands the rows of one result on; says whether rows were left out, `None` when no more are
    /// wanted.
    fn hand_on(
        &mut self,
        name: Option<&str>,
        rel: &Rel,
        sink: &mut dyn Sink,
    ) -> Result<Option<bool>> {
        let types: Vec<Type> = rel.schema.iter().map(|column| column.ty).collect();
        let at: Vec<Option<usize>> = (0..types.len()).map(Some).collect();
        let most = self.running.limits.rows;
        let (mut n_rows, mut truncated, mut wanted) = (0, false, true);
        sink.begin(name, &rel.schema);
        self.batches(rel, |batch| {
            let mut rows = rows_of(&batch, &at, &types)?;
            if n_rows + rows.len() > most {
                rows.truncate(most - n_rows);
                truncated = true;
            }
            n_rows += rows.len();
            wanted = rows.is_empty() || sink.rows(rows);
            Ok(wanted && !truncated)
        })?;
        Ok(wanted.then_some(truncated))
    }

    /// The columns of a plugin that depend on its rows.
    pub(crate) fn discover(&mut self, query: &Query) -> Result<Option<Schema>> {
        let query = self.prepared(query)?;
        let most = self.running.limits.working_rows;
        let mut inputs = Vec::new();
        for input in memory::inputs(&query.rel.op) {
            inputs.push(self.rows(input, most, false)?.0);
        }
        let beside = Beside { shared: query.shared.clone(), scalars: query.scalars.clone() };
        with_env(beside, self.now, &self.running, |env| plugin_schema(&query.rel, inputs, env))
    }

    /// The plan as text.
    pub(crate) fn explain(&mut self, query: &Query) -> Result<String> {
        let query = self.prepared(&planned::without_external(query))?;
        let lowered = self.lowered(&query.rel)?;
        let optimised = self.state.optimize(&lowered.plan)?;
        let plan = self.handle.block_on(self.state.create_physical_plan(&lowered.plan))?;
        Ok(format!(
            "{}\n\n{}",
            optimised.display_indent(),
            displayable(plan.as_ref()).indent(false)
        ))
    }

    /// At most `most` rows of a relation, and whether there were more. Where `cut` is not set,
    /// more are an error.
    pub(crate) fn rows(&mut self, rel: &Rel, most: usize, cut: bool) -> Result<(Rows, bool)> {
        let types: Vec<Type> = rel.schema.iter().map(|column| column.ty).collect();
        let at: Vec<Option<usize>> = (0..types.len()).map(Some).collect();
        let mut rows = Vec::new();
        let mut truncated = false;
        self.batches(rel, |batch| {
            rows.extend(rows_of(&batch, &at, &types)?);
            if rows.len() > most {
                if !cut {
                    return Err(Error::limit(format!("gives more than {most} rows at one step")));
                }
                rows.truncate(most);
                truncated = true;
            }
            Ok(!truncated)
        })?;
        Ok((Rows::new(rel.schema.clone(), rows), truncated))
    }

    /// The rows of a relation as a table to read again.
    pub(crate) fn table(&mut self, rel: &Rel) -> Result<Table> {
        let mut batches = Vec::new();
        let mut bytes = 0;
        let most = self.running.limits.bytes;
        self.batches(rel, |batch| {
            bytes += batch.get_array_memory_size();
            if bytes > most {
                return Err(Error::limit(format!("holds more than {most} bytes at one step")));
            }
            batches.push(batch);
            Ok(true)
        })?;
        let arrow = table_schema(&rel.schema);
        let batches = batches
            .into_iter()
            .map(|batch| Ok(batch.with_schema(Arc::clone(&arrow))?))
            .collect::<datafusion::error::Result<Vec<_>>>()?;
        let provider = Arc::new(MemTable::try_new(arrow, vec![batches])?);
        Ok(Table { schema: rel.schema.clone(), provider })
    }

    /// Runs a relation; `take` gets each batch of rows and says whether it wants more. Where a
    /// worker fails before any rows were taken, those that are left run it once more.
    fn batches(
        &mut self,
        rel: &Rel,
        mut take: impl FnMut(RecordBatch) -> Result<bool>,
    ) -> Result<()> {
        let mut taken = false;
        let mut first = |batch| {
            taken = true;
            take(batch)
        };
        let error = match self.batches_once(rel, &mut first) {
            Err(error @ Error::Engine(_)) => error,
            other => return other,
        };
        let Some(states) = self.states else { return Err(error) };
        let (state, silent) = self.handle.block_on(states.again())?;
        self.state = state;
        match silent.first() {
            Some(silent) if taken => Err(Error::Worker(silent.address.clone())),
            _ if taken => Err(error),
            _ => self.batches_once(rel, &mut take),
        }
    }

    fn batches_once(
        &self,
        rel: &Rel,
        take: &mut dyn FnMut(RecordBatch) -> Result<bool>,
    ) -> Result<()> {
        let plan = self.physical(rel)?;
        let context: Arc<TaskContext> = self.state.task_ctx();
        let running = self.running.clone();
        let entered = self.handle.enter();
        let mut stream = execute_stream(plan, context)?;
        drop(entered);
        // Whoever takes a batch may wait: outside of the runtime, then.
        while let Some(batch) = self.handle.block_on(running.guarded(stream.next()))? {
            if !take(batch?)? {
                break;
            }
        }
        // What still runs ends with its stream, inside the runtime.
        let _entered = self.handle.enter();
        drop(stream);
        Ok(())
    }

    fn lowered(&self, rel: &Rel) -> Result<Lowered> {
        let mut lowering = Lowering::new(self.tables, &self.shared, &self.beside, self.now);
        let Lowered { plan, names } = lowering.rel(rel)?;
        // Columns in the order of the schema; a name may stand twice.
        let exprs = names
            .iter()
            .enumerate()
            .map(|(at, name)| column(name).alias(format!("{at}")))
            .collect();
        let plan = LogicalPlan::Projection(Projection::try_new(exprs, Arc::new(plan))?);
        let plan = if self.through_bytes { through_bytes(plan)? } else { plan };
        Ok(Lowered { plan, names })
    }

    fn physical(&self, rel: &Rel) -> Result<Arc<dyn ExecutionPlan>> {
        let lowered = self.lowered(rel)?;
        let planning = self.state.create_physical_plan(&lowered.plan);
        let running = self.running.clone();
        let plan = self.handle.block_on(running.guarded(planning))??;
        if !self.through_bytes || self.states.is_some() {
            return Ok(plan);
        }
        Ok(there_and_back(plan, &self.state.task_ctx())?)
    }
}

fn table_schema(schema: &Schema) -> datafusion::arrow::datatypes::SchemaRef {
    let names: Vec<String> = (0..schema.len()).map(|at| at.to_string()).collect();
    let columns = names.iter().map(String::as_str).zip(schema.iter().map(|column| column.ty));
    arrow_schema(columns)
}
