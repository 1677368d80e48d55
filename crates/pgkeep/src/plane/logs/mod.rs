//! The log lake of the plane: events come in by [`intake`], queries run by [`query`].
//!
//! Everything lies below `plane/lake/` of the home: the write-ahead log and the Delta tables of
//! [`lake::store`]. What cannot be opened leaves the plane without a lake, and every question
//! about logs is answered with the reason.

mod faults;
mod feed;
mod heard;
mod ingest;
mod intake;
mod otlp;
mod own;
mod parquet;
mod query;
mod samples;
mod saved;
mod sources;
#[cfg(test)]
mod tests;
mod timespan;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use api::plane::model::{
    Connector, LogsColumn, LogsErase, LogsErased, LogsTable, LogsWorker, SavedQuery,
};
use base::{Changed, Fault};
use kql::bind::StoredFunction;
use kql::plan::{Column, Schema};
use lake::Lake;
use lake::beyond::Workers;
use lake::objects::Bucket;
use lake::store::{
    Committer, Doors, Mark, Place, Rows, Store, StoreError, StoreLimits, Surroundings, TableStatus,
};
use siem::{Library, RowBatch};
use tokio::sync::Notify;

pub(super) use faults::PLACE_AWAY;
pub(crate) use heard::{Heard, Readers};
pub(crate) use intake::Shipment;
pub(crate) use own::{OwnLine, OwnLines, OwnRecord};
pub(crate) use query::Runs;
pub(crate) use saved::SCHEMA as SAVED_SCHEMA;

use crate::pressure::Pressure;
use crate::process;
use intake::Streams;
use sources::Sources;

/// Memory that one query may use; larger sorts and groups go to disk.
const QUERY_BYTES: usize = 512 << 20;
/// Time between two looks whether the store takes commits.
const GLANCE: Duration = Duration::from_secs(10);
/// Queries that run at once.
const QUERIES: usize = 4;

/// The lake, while it is open.
pub(crate) struct Logs {
    store: Arc<Store>,
    lake: Lake,
    workers: Option<Arc<Workers>>,
    library: Library,
    sources: Sources,
    runs: Runs,
    streams: Streams,
    /// Told when the store must be opened anew
    failed: Notify,
    /// Held by who reads a body that must be held whole
    bodies: tokio::sync::Mutex<()>,
    spill: PathBuf,
    n_spooled: AtomicU64,
    otlp_places: otlp::Places,
    _committer: Committer,
}

impl Logs {
    /// A name for a file that is needed for a while.
    fn spool_file(&self) -> PathBuf {
        let n = self.n_spooled.fetch_add(1, Ordering::Relaxed);
        self.spill.join(format!("spooled-{n}.parquet"))
    }

    /// Opens the lake in a folder, or makes it, and the tables that come with pgkeep, which lie in
    /// `place` where that is said.
    pub(crate) fn open(
        folder: &Path,
        place: Option<Bucket>,
        workers: Option<Arc<Workers>>,
    ) -> Result<Self, Fault> {
        let io = |e: &std::io::Error| {
            Fault::from_error("lake", format!("could not open {}", folder.display()), e)
        };
        let library = Library::new()
            .map_err(|e| Fault::from_error("internal", "the tables of logs are wrong", &e))?;
        let place = place.map(|place| Arc::new(place) as Arc<dyn Place>);
        let doors = Doors { place, ..Doors::of_folder(folder).map_err(|e| io(&e))? };
        let store = Store::open(doors, StoreLimits::default()).map_err(|e| faults::of_store(&e))?;
        let store = Arc::new(store);
        for table in library.tables() {
            store.declare(&table.name, &schema_of(table)).map_err(|e| faults::of_store(&e))?;
        }
        let spill = folder.join("spill");
        clean_spill(&spill).map_err(|e| io(&e))?;
        let limits = lake::Limits {
            memory_bytes: QUERY_BYTES,
            concurrent: QUERIES,
            spill_dir: Some(spill.clone()),
            ..lake::Limits::default()
        };
        let mut lake = Lake::new(lake::Tables::new(), limits).map_err(|e| faults::of_query(&e))?;
        lake.attach(Arc::clone(&store));
        if let Some(workers) = &workers {
            lake.spread(Arc::clone(workers)).map_err(|e| faults::of_query(&e))?;
        }
        let courteous = Courteous(Pressure::default());
        let committer = Committer::start(Arc::clone(&store), courteous).map_err(|e| io(&e))?;
        let sources = Sources::default();
        Ok(Self {
            store,
            lake,
            workers,
            library,
            sources,
            runs: Runs::default(),
            streams: Streams::default(),
            failed: Notify::new(),
            bodies: tokio::sync::Mutex::default(),
            spill,
            n_spooled: AtomicU64::new(0),
            otlp_places: otlp::Places::default(),
            _committer: committer,
        })
    }

    /// Puts all rows into files and closes the write-ahead log, for an orderly end. What fails is
    /// read from the log at the next start.
    pub(crate) fn close(&self) {
        if let Err(error) = self.store.flush() {
            tracing::warn!(error = faults::chain(&error), "not all events are in files yet");
        }
    }

    /// Appends rows. After a write whose outcome nobody knows the store takes nothing more, and
    /// whoever waits in [`Logs::failed`] is told.
    fn append(&self, rows: Vec<Rows>, mark: Option<Mark>) -> Result<(), StoreError> {
        let appended = self.store.append_all(rows, mark).map(drop);
        if matches!(appended, Err(StoreError::Failed(_))) {
            self.failed.notify_one();
        }
        appended
    }

    /// Ends when the store has to be opened anew, which a new process does: it reads what is
    /// there.
    pub(crate) async fn failed(&self) -> Fault {
        while tokio::time::timeout(GLANCE, self.failed.notified()).await.is_err() {
            let outrun =
                |status: &TableStatus| matches!(status.trouble, Some(StoreError::Outrun { .. }));
            if let Some(table) = self.store.status().into_iter().find(outrun) {
                return Fault::new(
                    "lake_outrun",
                    format!("rows of table {} were committed by somebody else", table.name),
                )
                .detail("the plane starts anew and reads the tables again");
            }
        }
        Fault::new(
            "lake_failed",
            "a write of the lake failed, and nobody knows what of it is there",
        )
        .detail("the plane starts anew and reads the log again")
    }

    /// What queries are bound against: all tables as they are now, and the stored functions.
    fn catalog(&self) -> Catalog {
        let mut functions = kql::bind::Tables::default();
        for function in self.library.functions() {
            for name in function.also.iter().chain([&function.name]) {
                functions.add_function(name, function.stored.text.clone());
            }
        }
        Catalog { tables: self.lake.snapshot(), functions }
    }

    /// The sources of events and how they stand.
    pub(crate) fn connectors(&self) -> Vec<Connector> {
        self.sources.shown()
    }

    /// The workers, asked whether they are there.
    pub(crate) async fn workers(&self) -> Vec<LogsWorker> {
        let Some(workers) = &self.workers else { return Vec::new() };
        let silent = workers.silent().await;
        let shown = |address: &str| {
            let silent = silent.iter().find(|silent| silent.address == address);
            let state = if silent.is_some() { "silent" } else { "ready" };
            LogsWorker {
                address: address.to_owned(),
                state: state.to_owned(),
                detail: silent.map(|silent| silent.why.clone()),
            }
        };
        workers.addresses().map(shown).collect()
    }

    /// The queries that come with pgkeep.
    pub(crate) fn gallery(&self) -> impl Iterator<Item = SavedQuery> {
        self.library.examples().iter().map(|example| SavedQuery {
            name: example.name.clone(),
            category: example.category.clone(),
            description: example.description.clone(),
            query: example.query.clone(),
            ..SavedQuery::default()
        })
    }

    /// The queries that run.
    pub(crate) fn runs(&self) -> &Runs {
        &self.runs
    }

    /// The tables by name.
    pub(crate) fn tables(&self) -> Vec<LogsTable> {
        let meaning = |table: &str, column: &str| {
            let table = self.library.table(table)?;
            Some(table.columns[table.position(column)?].meaning.clone())
        };
        let tables = self.store.status().into_iter().map(|status| {
            let schema = self.store.schema(&status.name).unwrap_or_default();
            let columns = schema.into_iter().map(|column| LogsColumn {
                meaning: meaning(&status.name, &column.name),
                kind: column.ty.name().to_owned(),
                name: column.name,
            });
            LogsTable {
                columns: columns.collect(),
                n_hot_rows: status.n_hot_rows as u64,
                hot_bytes: status.hot_bytes as u64,
                n_files: status.n_files as u64,
                file_bytes: status.file_bytes,
                retention_days: self.store.retention(&status.name).ok().flatten(),
                trouble: status.trouble.or(status.untended).as_ref().map(faults::chain),
                name: status.name,
            }
        });
        tables.collect()
    }

    /// Sets how long a table keeps its rows.
    pub(crate) fn set_retention(&self, table: &str, days: Option<u32>) -> Result<Changed, Fault> {
        match self.store.set_retention(table, days) {
            Ok(true) => Ok(Changed::Changed),
            Ok(false) => Ok(Changed::Unchanged),
            Err(error) => Err(faults::of_store(&error)),
        }
    }

    /// Erases rows of a table.
    pub(crate) fn erase(&self, table: &str, wish: &LogsErase) -> Result<LogsErased, Fault> {
        let erased = self
            .store
            .erase(table, &wish.condition, wish.at_once)
            .map_err(|e| faults::of_store(&e))?;
        Ok(LogsErased { n_rows: erased.n_rows as u64, n_files: erased.n_files as u64 })
    }

    /// A batch in the order of the columns that the table has now.
    fn rows(&self, batch: RowBatch) -> Result<Rows, Fault> {
        let table = batch.table.name.to_string();
        let schema = self
            .store
            .schema(&table)
            .ok_or_else(|| Fault::new("internal", format!("the lake has no table {table}")))?;
        // One value stands for all rows, but where there are none.
        let n_values = batch.n_rows().min(1);
        let mut given: Vec<Option<Vec<kql::value::Value>>> =
            batch.columns.into_iter().map(Some).collect();
        let columns = schema.iter().map(|column| {
            let at = batch.table.position(&column.name);
            at.and_then(|at| given[at].take())
                .unwrap_or_else(|| vec![kql::value::Value::absent(column.ty); n_values])
        });
        let columns = columns.collect();
        Ok(Rows { table, columns })
    }
}

/// What the committer's thread does waits for all others.
struct Courteous(Pressure);

impl Surroundings for Courteous {
    fn begin(&mut self) {
        process::thread_gives_way();
    }

    fn is_busy(&mut self) -> bool {
        self.0.is_busy()
    }
}

/// Tables and stored functions.
struct Catalog {
    tables: lake::Tables,
    functions: kql::bind::Tables,
}

impl kql::bind::Catalog for Catalog {
    fn table(&self, name: &str) -> Option<Schema> {
        self.tables.table(name)
    }

    fn tables(&self) -> Vec<String> {
        self.tables.tables()
    }

    fn function(&self, name: &str) -> Option<StoredFunction> {
        self.functions.function(name)
    }

    fn functions(&self) -> Vec<String> {
        self.functions.functions()
    }
}

/// The columns of a table as the store takes them.
fn schema_of(table: &siem::Table) -> Schema {
    table.columns.iter().map(|column| Column::new(&*column.name, column.kind)).collect()
}

/// What a query that was broken off left on the disk is of no use.
fn clean_spill(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    std::fs::create_dir_all(folder)
}

/// The present, in ticks.
fn now() -> i64 {
    use lake::store::Clock as _;
    lake::store::OsClock.now()
}
