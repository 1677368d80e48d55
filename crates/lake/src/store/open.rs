//! Opening a store, and its tables.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ScopedJoinHandle;

use kql::plan::Schema;
use parking_lot::Mutex;

use super::claim::{self, CLAIMS};
use super::delta::{self, Log};
use super::doors::Doors;
use super::error::{Doing as _, StoreError, StoreResult};
use super::folder::TABLES;
use super::group::Group;
use super::limits::StoreLimits;
use super::marks::{Marks, advance};
use super::memtable::Memtable;
use super::place::Item;
use super::rows::decode;
use super::shape::{Shape, check_table_name};
use super::terms::Sidecars;
use super::wal::{self, Wal};
use super::{Core, Store, View, unix_ms};

/// Logs of tables that are read at the same time, where each request takes its time.
const TABLES_AT_ONCE: usize = 8;

impl Store {
    /// Opens a store, or makes one in an empty folder: reads the logs of its tables, then the
    /// write-ahead log; rows that were committed already are dropped there.
    ///
    /// # Errors
    /// Another process has it, the write-ahead log is damaged before its end (unless
    /// [`StoreLimits::read_damaged`]: then it opens for reading what comes before), a table
    /// cannot be understood, the tables belong to another store or lie elsewhere, or the disk or
    /// the place of tables fails.
    pub fn open(doors: Doors, limits: StoreLimits) -> StoreResult<Self> {
        let lock = match doors.disk.lock() {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Err(StoreError::InUse),
            lock => lock.doing(|| "locking the store".to_owned())?,
        };
        for folder in [wal::FOLDER, TABLES] {
            doors.disk.make_folder(folder).doing(|| format!("making \"{folder}\""))?;
        }
        claim::claim(&doors)?;
        let mut views = BTreeMap::new();
        let mut names = BTreeMap::new();
        let mut marks = BTreeMap::new();
        let entries = doors.tables().list("").doing(|| "listing tables".to_owned())?;
        let is_table = |entry: &Item| entry.is_folder && entry.name != CLAIMS;
        let tables = entries.into_iter().filter(is_table).map(|entry| entry.name).collect();
        for (name, log) in load_all(&doors, tables)? {
            log.marks().for_each(|mark| advance(&mut marks, &mark));
            if let Some(other) = names.insert(log.id, name.clone()) {
                let what = format!("it has the id of table {other}");
                return Err(StoreError::Delta { table: name, what });
            }
            views.insert(name, View::of(log, &limits)?);
        }
        let now = doors.clock.now();
        let floor = views.values().map(|view| view.committed).max().unwrap_or(0);
        let recovered = wal::recover(&doors, floor, |seq, record| {
            let view = names.get(&record.table).and_then(|name| views.get_mut(name));
            let Some(view) = view else {
                let table = kql::value::guid_text(record.table);
                let what = "the write-ahead log has rows of it, and it is not there".to_owned();
                return Err(StoreError::Delta { table, what });
            };
            if seq <= view.committed {
                return Ok(());
            }
            if let Some(mark) = &record.mark {
                advance(&mut marks, mark);
            }
            let batch = decode(record.rows)?;
            let bytes = batch.get_array_memory_size();
            view.core.hot_bytes.fetch_add(bytes, Ordering::Relaxed);
            view.active.push(batch, bytes, seq, record.mark.as_ref(), now)
        })?;
        if let Some(damage) = &recovered.damage
            && !limits.read_damaged
        {
            return Err(StoreError::Damaged(damage.clone()));
        }
        let next = recovered.last_seq.max(floor) + 1;
        let wal = Wal::new(doors.clone(), limits.segment_bytes, next, recovered.closed);
        let marks = Marks::new(marks, limits.sources);
        let group = Group::new(wal, limits.waiting_bytes);
        let sidecar_bytes = limits.sidecar_bytes;
        let store = Self {
            doors,
            limits,
            group,
            marks,
            views: Mutex::new(views),
            sidecars: Arc::new(Sidecars::new(sidecar_bytes)),
            declaring: Mutex::default(),
            damage: recovered.damage,
            cut_bytes: recovered.cut_bytes,
            _lock: lock,
        };
        if store.damage.is_none() {
            for core in store.cores() {
                delta::remove_leftovers(&core.log.lock(), unix_ms(now))?;
            }
            store.remove_segments()?;
        }
        Ok(store)
    }

    /// Makes a table, or gives one more columns; answers whether that changed anything. Columns
    /// that are there and not named stay.
    ///
    /// # Errors
    /// A name or columns that a table cannot have, a column that has another type, and failures
    /// of the disk.
    pub fn declare(&self, name: &str, schema: &Schema) -> StoreResult<bool> {
        self.writable()?;
        check_table_name(name)?;
        let _declaring = self.declaring.lock();
        let at = unix_ms(self.doors.clock.now());
        let known = {
            let views = self.views.lock();
            if !views.contains_key(name) && views.len() >= self.limits.tables {
                let what = format!("there are {} tables already", views.len());
                return Err(StoreError::Invalid(what));
            }
            views.get(name).map(|view| Arc::clone(&view.core))
        };
        let Some(core) = known else {
            Shape::new(schema.clone(), self.limits.columns)?;
            // One that a failed try left behind is taken.
            let log = match Log::load(&self.doors, name)? {
                Some(log) => log,
                None => Log::create(&self.doors, name, schema, at)?,
            };
            self.views.lock().insert(name.to_owned(), View::of(log, &self.limits)?);
            return Ok(true);
        };
        // Most come with columns that are there: they do not wait for a commit that is under way.
        let shown = self.find(name)?.1;
        if shown.with(schema)?.is_none() {
            return Ok(false);
        }
        // Who commits waits, and sees the old columns or the new ones.
        let mut log = core.log.lock();
        let shape = Shape::new(log.columns()?, self.limits.columns)?;
        let Some(more) = shape.with(schema)? else { return Ok(false) };
        let shape = Shape::new(more, self.limits.columns)?;
        log.set_columns(&shape.schema, at)?;
        self.show(&core, &log, Some(Arc::new(shape)))?;
        Ok(true)
    }

    pub(super) fn cores(&self) -> Vec<Arc<Core>> {
        self.views.lock().values().map(|view| Arc::clone(&view.core)).collect()
    }
}

/// Reads the logs of tables; where they are far, several at the same time.
fn load_all(doors: &Doors, names: Vec<String>) -> StoreResult<Vec<(String, Log)>> {
    let at_once = if doors.tables().url().is_some() { TABLES_AT_ONCE } else { 1 };
    let mut logs = Vec::with_capacity(names.len());
    for some in names.chunks(at_once) {
        let loaded: Vec<StoreResult<Option<Log>>> = match some {
            [name] => vec![Log::load(doors, name)],
            some => std::thread::scope(|scope| {
                let load = |name: &String| {
                    let name = name.clone();
                    scope.spawn(move || Log::load(doors, &name))
                };
                let running: Vec<_> = some.iter().map(load).collect();
                let done = |thread: ScopedJoinHandle<'_, _>| match thread.join() {
                    Ok(loaded) => loaded,
                    Err(panic) => std::panic::resume_unwind(panic),
                };
                running.into_iter().map(done).collect()
            }),
        };
        for (name, log) in some.iter().zip(loaded) {
            if let Some(log) = log? {
                logs.push((name.clone(), log));
            }
        }
    }
    Ok(logs)
}

impl View {
    fn of(log: Log, limits: &StoreLimits) -> StoreResult<Self> {
        let shape = Shape::new(log.columns()?, limits.columns)?;
        let files = delta::files(&log, &shape)?;
        let (n_files, file_bytes, committed) = (log.files.len(), log.file_bytes(), log.committed);
        let retention = log.retention();
        let core = Core {
            name: log.name().to_owned(),
            id: log.id,
            log: Mutex::new(log),
            tending: Mutex::default(),
            hot_bytes: AtomicUsize::new(0),
        };
        Ok(Self {
            core: Arc::new(core),
            shape: Arc::new(shape),
            files: Arc::new(files),
            n_files,
            file_bytes,
            frozen: None,
            active: Memtable::default(),
            committed,
            retention,
            trouble: None,
            untended: None,
        })
    }
}
