//! The store: tables of events. An append is durable when it is answered and visible to queries at
//! once; what is hot ends as a Delta table that others read.
//!
//! ```text
//! append → rows as Arrow → group commit into the write-ahead log → memtable
//!                                                                    ↓ a minute or 128 MB
//!                                     query = files ∪ memtable  ←  Delta commit (one committer)
//! ```
//! Folder: `wal/` (segments), `tables/NAME/` (Delta tables), `tables/NAME/_terms/` (side-cars of
//! terms), `store.lock`. Tables may lie in an object store instead ([`Place`]): `NAME/` below its
//! URL, which the folder then remembers (`place.json`). Appends never wait for it.
//!
//! The committer also tends the files: small ones of a day are merged, days that are too old are
//! dropped, and what is no part of a table any more is removed when nobody can be reading it.
//! Nothing of that changes what a query sees, but for the days.
//!
//! Locks, in the order in which they are taken: the turn of a source, `tending` of a table, its
//! `log`, the write-ahead log, `views`.

mod append;
mod claim;
mod commit;
mod committer;
mod delta;
mod doors;
mod erase;
mod error;
mod folder;
mod group;
mod limits;
mod marks;
mod memtable;
mod open;
mod os;
mod place;
mod retain;
mod rows;
mod shape;
mod snapshot;
mod tend;
mod terms;
mod wal;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use kql::plan::Schema;
use parking_lot::Mutex;

pub use append::{Ack, Rows};
pub use committer::{Alone, Committer, Surroundings};
pub use doors::{Clock, Disk, DiskFile, Doors, Entry, OsClock, OsDisk, Random};
pub use erase::Erased;
pub(crate) use error::Away;
pub use error::{Damage, StoreError, StoreResult};
pub use limits::StoreLimits;
pub use marks::Mark;
pub use place::{Item, Parts, Place, Put, Reading, Upload, Where};

use crate::tables::{Table, Tables};
use delta::Log;
use group::Group;
use marks::Marks;
use memtable::Memtable;
use shape::Shape;
use snapshot::Snapshot;
use tend::Tending;
use terms::Sidecars;

/// Tables of events in a folder.
pub struct Store {
    doors: Doors,
    limits: StoreLimits,
    group: Group,
    marks: Marks,
    /// What queries see. Held for moments only; taken last.
    views: Mutex<BTreeMap<String, View>>,
    sidecars: Arc<Sidecars>,
    /// Held while a table is made
    declaring: Mutex<()>,
    damage: Option<Damage>,
    cut_bytes: u64,
    _lock: Box<dyn Send + Sync>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("doors", &self.doors).finish_non_exhaustive()
    }
}

/// What belongs to a table for its whole life.
#[derive(Debug)]
struct Core {
    name: String,
    id: u128,
    /// Held by who commits
    log: Mutex<Log>,
    /// Taken before `log`
    tending: Mutex<Tending>,
    /// Bytes of rows in memory and on their way there
    hot_bytes: AtomicUsize,
}

/// A table as it is seen.
#[derive(Debug)]
struct View {
    core: Arc<Core>,
    shape: Arc<Shape>,
    files: Arc<delta::Shown>,
    n_files: usize,
    file_bytes: u64,
    /// Rows that are being committed
    frozen: Option<Arc<Memtable>>,
    active: Memtable,
    committed: u64,
    /// Days after which a day is dropped
    retention: Option<u32>,
    trouble: Option<Trouble>,
    /// Why the last care for its files failed
    untended: Option<StoreError>,
}

/// Commits that failed, one after the other.
#[derive(Debug)]
struct Trouble {
    /// Why the last did
    why: StoreError,
    /// When the next is tried
    again_at: i64,
    n_tries: u32,
}

/// How a table stands.
#[derive(Debug, Clone)]
pub struct TableStatus {
    /// Its name
    pub name: String,
    /// Rows that are in memory
    pub n_hot_rows: usize,
    /// Bytes of theirs
    pub hot_bytes: usize,
    /// Files of the last commit
    pub n_files: usize,
    /// Bytes of theirs
    pub file_bytes: u64,
    /// The last number of the write-ahead log that is in the files
    pub committed: u64,
    /// Why the last commit failed; it is tried again
    pub trouble: Option<StoreError>,
    /// When it is, in ticks
    pub again_at: Option<i64>,
    /// Why merging or removing files failed; it is tried again
    pub untended: Option<StoreError>,
}

impl Store {
    /// The tables as they are at this moment: a query over them sees each row that was
    /// acknowledged before exactly once, whatever is committed meanwhile.
    pub fn snapshot(&self) -> Tables {
        let mut tables = Tables::new();
        for (name, view) in &*self.views.lock() {
            tables.add(name, view.table(&self.sidecars));
        }
        tables
    }

    /// The columns of a table.
    pub fn schema(&self, name: &str) -> Option<Schema> {
        self.views.lock().get(name).map(|view| view.shape.schema.clone())
    }

    /// How its tables stand.
    pub fn status(&self) -> Vec<TableStatus> {
        self.views.lock().values().map(View::status).collect()
    }

    /// Where the write-ahead log is damaged, when the store was opened for reading all the same.
    pub fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    /// Bytes that were cut off the end of the write-ahead log when the store was opened: a write
    /// that nobody got an answer to.
    pub fn cut_bytes(&self) -> u64 {
        self.cut_bytes
    }

    /// What the engine reads tables through, where they are not on this machine.
    pub(crate) fn engine(&self) -> Option<Reading> {
        self.doors.tables().engine()
    }

    fn writable(&self) -> StoreResult<()> {
        self.damage.clone().map_or(Ok(()), |damage| Err(StoreError::Damaged(damage)))
    }
}

impl View {
    fn memtables(&self) -> impl Iterator<Item = &Memtable> {
        self.frozen.as_deref().into_iter().chain([&self.active])
    }

    fn table(&self, sidecars: &Arc<Sidecars>) -> Table {
        let provider = Snapshot {
            shape: Arc::clone(&self.shape),
            files: Arc::clone(&self.files),
            hot: self.memtables().flat_map(Memtable::batches).cloned().collect(),
            sidecars: Arc::clone(sidecars),
        };
        Table { schema: self.shape.schema.clone(), provider: Arc::new(provider) }
    }

    fn status(&self) -> TableStatus {
        TableStatus {
            name: self.core.name.clone(),
            n_hot_rows: self.memtables().map(|rows| rows.n_rows).sum(),
            hot_bytes: self.memtables().map(|rows| rows.bytes).sum(),
            n_files: self.n_files,
            file_bytes: self.file_bytes,
            committed: self.committed,
            trouble: self.trouble.as_ref().map(|trouble| trouble.why.clone()),
            again_at: self.trouble.as_ref().map(|trouble| trouble.again_at),
            untended: self.untended.clone(),
        }
    }
}

/// Milliseconds since 1970, as Delta counts.
fn unix_ms(ticks: i64) -> i64 {
    (ticks - kql::value::UNIX_EPOCH) / kql::value::TICKS_PER_MILLISECOND
}
