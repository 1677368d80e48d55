//! Tables, limits and the threads that answer queries over them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Instant;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;
use kql::engine::{self, Answer, Cancel, Engine, EngineError, Row};
use kql::plan::{Query, Render, Schema};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use url::Url;

use crate::beyond::{self, Silent, Workers};
use crate::error::{Error, Result};
use crate::limits::{External, Limits, Running, panic_text};
use crate::node::Planner;
use crate::run::Run;
use crate::store::{Reading, Store};
use crate::tables::Tables;

/// Stack of the thread that plans a query, and of those that run it: plans are deep trees.
pub(crate) const STACK_BYTES: usize = 32 << 20;

/// Takes an answer as it is found.
pub trait Sink: Send {
    /// A result begins: the query's own, or with a name a further one (`fork`, `facet`).
    fn begin(&mut self, name: Option<&str>, schema: &Schema);
    /// Rows of it, in their order; `false` wants no more of any.
    fn rows(&mut self, rows: Vec<Row>) -> bool;
}

/// How an answer ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    /// How to show the rows
    pub render: Option<Render>,
    /// Whether rows were left out because there were more than the limit
    pub truncated: bool,
}

/// Answers queries over tables.
#[derive(Debug)]
pub struct Lake {
    tables: Tables,
    store: Option<Arc<Store>>,
    limits: Limits,
    state: SessionState,
    runtime: Option<Runtime>,
    places: Arc<Semaphore>,
    through_bytes: bool,
    external: Arc<External>,
    spread: Option<Spread>,
}

impl Lake {
    /// A lake over tables.
    ///
    /// # Errors
    /// The system gives no threads.
    pub fn new(tables: Tables, limits: Limits) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(limits.threads.max(1))
            .thread_name("lake")
            .thread_stack_size(STACK_BYTES)
            .enable_all()
            .build()
            .map_err(|e| Error::Query(format!("no threads for queries: {e}")))?;
        let state = SessionStateBuilder::new()
            .with_config(config(limits.threads.max(1)))
            .with_default_features()
            .with_query_planner(Arc::new(Planner))
            .build();
        let places = Arc::new(Semaphore::new(limits.concurrent.max(1)));
        let runtime = Some(runtime);
        Ok(Self {
            tables,
            store: None,
            limits,
            state,
            runtime,
            places,
            through_bytes: false,
            external: Arc::default(),
            spread: None,
        })
    }

    /// Whether plans become bytes and plans again before they run, as they would on their way
    /// to another machine. For tests.
    pub fn through_bytes(&mut self, on: bool) {
        self.through_bytes = on;
    }

    /// Lets `externaldata` read `file` where a query names `address`. Any other address is
    /// refused: nothing is fetched.
    pub fn allow_external(&mut self, address: impl Into<String>, file: impl Into<PathBuf>) {
        Arc::make_mut(&mut self.external).insert(address.into(), file.into());
    }

    /// Lets queries see the tables of a store, each query as they are when it starts.
    pub fn attach(&mut self, store: Arc<Store>) {
        self.store = Some(store);
    }

    /// Gives parts of queries to workers where tables are large, and to those only that are there.
    /// They must be of this version and reach the same files.
    ///
    /// # Errors
    /// None that workers can cause.
    pub fn spread(&mut self, workers: Arc<Workers>) -> Result<()> {
        let builder = SessionStateBuilder::new_from_existing(self.state.clone());
        let state = beyond::configure(builder, &workers)?.build();
        self.spread = Some(Spread { workers, state });
        Ok(())
    }

    /// All tables as they are now, those of the store included: what queries are bound against.
    pub fn snapshot(&self) -> Tables {
        let mut tables = self.store.as_ref().map_or_else(Tables::new, |store| store.snapshot());
        tables.extend(&self.tables);
        tables
    }

    /// Its tables, without those of the store.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Adds a table, or puts it in the place of one of that name.
    pub fn add(&mut self, name: impl Into<String>, table: crate::Table) {
        self.tables.add(name, table);
    }

    /// Runs a query at a point of time (`now()`, in ticks).
    ///
    /// # Errors
    /// What the query asks for is not there, a limit was reached, or the caller stopped it.
    pub fn run_at(
        &self,
        now: i64,
        query: &Query,
        limits: &engine::Limits,
        cancel: &Cancel,
    ) -> Result<Answer> {
        self.on_own_thread(now, limits, cancel, |run| run.answer(query))
    }

    /// Runs a query at a point of time and hands its rows on as they are found.
    ///
    /// # Errors
    /// As for [`Lake::run_at`]; what was handed on before is then not the whole answer.
    pub fn stream_at(
        &self,
        now: i64,
        query: &Query,
        limits: &engine::Limits,
        cancel: &Cancel,
        sink: &mut dyn Sink,
    ) -> Result<Ending> {
        self.on_own_thread(now, limits, cancel, |run| run.stream(query, sink))
    }

    /// Finds the columns of `query.rel`, a plugin whose columns depend on its rows; made for the
    /// binder, which asks while it binds. `None` where it is no such plugin, or cannot be run.
    pub fn discover(&self, now: i64, query: &Query) -> Option<Schema> {
        let (limits, cancel) = (engine::Limits::default(), Cancel::new());
        self.on_own_thread(now, &limits, &cancel, |run| run.discover(query)).ok().flatten()
    }

    /// The plan that would answer a query, as text for people.
    ///
    /// # Errors
    /// As for running it: what must be known before planning is run.
    pub fn explain(&self, now: i64, query: &Query) -> Result<String> {
        let (limits, cancel) = (engine::Limits::default(), Cancel::new());
        self.on_own_thread(now, &limits, &cancel, |run| run.explain(query))
    }

    /// Plans and runs on a thread with a deep stack; a panic there becomes an error here.
    fn on_own_thread<T: Send>(
        &self,
        now: i64,
        limits: &engine::Limits,
        cancel: &Cancel,
        work: impl FnOnce(&mut Run<'_>) -> Result<T> + Send,
    ) -> Result<T> {
        let running = Running {
            limits: *limits,
            started: Instant::now(),
            cancel: cancel.clone(),
            external: Arc::clone(&self.external),
        };
        let runtime = self.runtime.as_ref().expect("because it lives as long as the lake");
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            let job = move || {
                let _place = self.place(runtime, &running)?;
                let states = States { lake: self, running: running.clone() };
                let state = states.first()?;
                let handle = runtime.handle().clone();
                let tables = self.snapshot();
                let mut run = Run::new(&tables, state, handle, running, now);
                run.through_bytes = self.through_bytes;
                run.states = self.spread.is_some().then_some(&states);
                work(&mut run)
            };
            let job = move || {
                let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
                let done = done.unwrap_or_else(|panic| Err(Error::Panic(panic_text(&*panic))));
                let _ = sender.send(done);
            };
            let thread = std::thread::Builder::new().name("lake query".to_owned());
            thread
                .stack_size(STACK_BYTES)
                .spawn_scoped(scope, job)
                .map_err(|e| Error::Query(format!("no thread for the query: {e}")))?;
            receiver.recv().unwrap_or(Err(Error::Panic("the thread ended".to_owned())))
        })
    }

    /// Waits for a place among the queries that run.
    fn place(
        &self,
        runtime: &Runtime,
        running: &Running,
    ) -> Result<tokio::sync::OwnedSemaphorePermit> {
        let wait = Arc::clone(&self.places).acquire_owned();
        runtime.block_on(async {
            match running.guarded(wait).await? {
                Ok(place) => Ok(place),
                Err(_) => Err(Error::Cancelled),
            }
        })
    }
}

/// Queries that may go beyond this machine.
#[derive(Debug)]
struct Spread {
    workers: Arc<Workers>,
    state: SessionState,
}

/// Sessions for one query, each with its own memory and its own files.
pub(crate) struct States<'a> {
    lake: &'a Lake,
    running: Running,
}

impl States<'_> {
    /// The one that it begins with.
    fn first(&self) -> Result<SessionState> {
        match &self.lake.spread {
            Some(spread) => self.over(spread, spread.workers.present()),
            None => self.alone(),
        }
    }

    /// Over the workers that answer now, or none; and those that do not.
    pub(crate) async fn again(&self) -> Result<(SessionState, Vec<Silent>)> {
        let Some(spread) = &self.lake.spread else { return Ok((self.alone()?, Vec::new())) };
        let silent = spread.workers.silent().await;
        Ok((self.over(spread, spread.workers.present())?, silent))
    }

    fn over(&self, spread: &Spread, present: Vec<Url>) -> Result<SessionState> {
        if present.is_empty() {
            return self.alone();
        }
        let config = beyond::of_query(spread.state.config().clone(), present, &self.running)?;
        self.state(&spread.state, config)
    }

    fn alone(&self) -> Result<SessionState> {
        self.state(&self.lake.state, self.lake.state.config().clone())
    }

    fn state(&self, state: &SessionState, config: SessionConfig) -> Result<SessionState> {
        let limits = &self.lake.limits;
        let reading = self.lake.store.as_ref().and_then(|store| store.engine());
        let bytes = limits.memory_bytes.min(self.running.limits.bytes);
        let env = environment(limits, bytes, reading)?;
        Ok(SessionStateBuilder::new_from_existing(state.clone())
            .with_config(config.with_extension(Arc::new(self.running.clone())))
            .with_runtime_env(env)
            .build())
    }
}

impl Drop for Lake {
    fn drop(&mut self) {
        // Dropping a runtime waits for its threads, which is not allowed inside another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Engine for Lake {
    fn run(
        &self,
        query: &Query,
        limits: &engine::Limits,
        cancel: &Cancel,
    ) -> engine::Result<Answer> {
        let now = now_ticks();
        self.run_at(now, query, limits, cancel).map_err(EngineError::from)
    }
}

fn now_ticks() -> i64 {
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    kql::value::UNIX_EPOCH + i64::try_from(since.as_nanos() / 100).unwrap_or(0)
}

/// Memory and files for queries, with so many bytes, and what tables elsewhere are read through.
pub(crate) fn environment(
    limits: &Limits,
    bytes: usize,
    tables: Option<Reading>,
) -> Result<Arc<RuntimeEnv>> {
    let mode = match &limits.spill_dir {
        Some(dir) => DiskManagerMode::Directories(vec![dir.clone()]),
        None => DiskManagerMode::OsTmpDirectory,
    };
    let disk = DiskManagerBuilder::default()
        .with_mode(mode)
        .with_max_temp_directory_size(limits.spill_bytes);
    let environment = RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(bytes)))
        .with_disk_manager_builder(disk)
        .build_arc()?;
    if let Some(Reading { url, store }) = tables {
        environment.register_object_store(url.as_ref(), store);
    }
    Ok(environment)
}

fn config(threads: usize) -> SessionConfig {
    session_config(SessionConfig::new()).with_target_partitions(threads)
}

/// What holds for our plans wherever they run.
pub(crate) fn session_config(config: SessionConfig) -> SessionConfig {
    let mut config = config
        // Rows that were sorted stay in their order because nothing deals them out again.
        .with_round_robin_repartition(false)
        .with_enable_subquery_sort_elimination(false)
        .with_information_schema(false);
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = false;
    options.execution.parquet.reorder_filters = true;
    config
}
