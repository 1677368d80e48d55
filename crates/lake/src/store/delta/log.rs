//! The log of a Delta table (Delta transaction log protocol, "Delta log entries") while it is
//! added to, one commit after the other.

use std::collections::BTreeMap;
use std::io;

use kql::plan::Schema;
use kql::value::parse_guid;
use serde_json::json;

use super::action::{Action, Add, Format, MetaData, Protocol, Remove, Txn};
use super::objects::{Objects, Put};
use super::schema;
use crate::store::doors::Doors;
use crate::store::error::{Doing as _, StoreError, StoreResult};
use crate::store::marks::Mark;
use crate::store::shape::DAY;

pub(super) const LOG: &str = "_delta_log";
/// The longest commit that is read.
const COMMIT_MOST: u64 = 64 << 20;
/// How the application's name begins in a transaction that says how far a source was read.
const SOURCE: &str = "source:";
/// The table's property that says after how many days a day is dropped.
const RETENTION: &str = "pgkeep.retentionDays";
/// How often a commit is tried while others commit too.
const TRIES: usize = 20;
/// What is understood here.
const PROTOCOL: Protocol = Protocol { min_reader_version: 1, min_writer_version: 2 };

/// A table as its log says.
#[derive(Debug)]
pub(crate) struct Log {
    name: String,
    pub(super) objects: Objects,
    /// Of the next commit
    pub(super) next: u64,
    pub(super) protocol: Protocol,
    pub(super) meta: MetaData,
    pub(crate) id: u128,
    pub(crate) files: BTreeMap<String, Add>,
    /// Files that are no part of it any more and that readers may still have
    pub(super) removed: BTreeMap<String, Remove>,
    /// The last of each application
    pub(super) txns: BTreeMap<String, Txn>,
    /// The last number of the write-ahead log that is in the files
    pub(crate) committed: u64,
    /// Version of the last checkpoint
    pub(super) checkpoint: Option<u64>,
    /// When versions that have a checkpoint were made
    pub(super) times: BTreeMap<u64, i64>,
    /// The number that is in the files by commits of this process
    own: u64,
    /// Files that hold all rows up to a number, and whose commit failed: they are not written again
    pending: Option<(u64, Vec<Add>)>,
    /// Whether a commit failed in a way that leaves open whether it is there
    is_unsure: bool,
}

/// The log's file of a version.
pub(super) fn commit_name(version: u64) -> String {
    format!("{LOG}/{version:020}.json")
}

impl Log {
    /// Makes a table.
    pub(crate) fn create(
        doors: &Doors,
        name: &str,
        columns: &Schema,
        at: i64,
    ) -> StoreResult<Self> {
        let doing = || format!("making table {name}");
        let id = doors.uuid().doing(doing)?;
        let meta = MetaData {
            id: kql::value::guid_text(id),
            name: Some(name.to_owned()),
            format: Format { provider: "parquet".to_owned(), options: BTreeMap::new() },
            schema_string: schema::to_text(columns),
            partition_columns: vec![DAY.to_owned()],
            created_time: Some(at),
            ..MetaData::default()
        };
        let mut log = Self::empty(doors, name, meta, id);
        let actions = vec![
            info(at, "CREATE TABLE", json!({})),
            Action { protocol: Some(PROTOCOL), ..Action::default() },
            Action { meta_data: Some(log.meta.clone()), ..Action::default() },
        ];
        match log.objects.put_if_absent(&commit_name(0), lines(&actions)).doing(doing)? {
            Put::Done => log.next = 1,
            Put::Taken => return Err(log.refuse("somebody else made it")),
        }
        Ok(log)
    }

    pub(super) fn empty(doors: &Doors, name: &str, meta: MetaData, id: u128) -> Self {
        Self {
            name: name.to_owned(),
            objects: Objects::new(doors, name),
            next: 0,
            protocol: PROTOCOL,
            meta,
            id,
            files: BTreeMap::new(),
            removed: BTreeMap::new(),
            txns: BTreeMap::new(),
            committed: 0,
            own: 0,
            checkpoint: None,
            times: BTreeMap::new(),
            pending: None,
            is_unsure: false,
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where its files are.
    pub(crate) fn objects(&self) -> &Objects {
        &self.objects
    }

    /// Bytes of its files.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.files.values().map(|add| add.size).sum()
    }

    /// Its columns.
    pub(crate) fn columns(&self) -> StoreResult<Schema> {
        schema::of_text(&self.meta.schema_string).map_err(|what| self.refuse(what))
    }

    /// How far sources were read.
    pub(crate) fn marks(&self) -> impl Iterator<Item = Mark> {
        self.txns.values().filter_map(|txn| {
            let source = txn.app_id.strip_prefix(SOURCE)?.to_owned();
            Some(Mark { source, position: u64::try_from(txn.version).ok()? })
        })
    }

    /// After how many days a day is dropped.
    pub(crate) fn retention(&self) -> Option<u32> {
        self.meta.configuration.get(RETENTION)?.as_deref()?.parse().ok()
    }

    /// Sets after how many days a day is dropped.
    pub(crate) fn set_retention(&mut self, days: Option<u32>, at: i64) -> StoreResult<()> {
        self.sure()?;
        let mut meta = self.meta.clone();
        match days {
            Some(days) => meta.configuration.insert(RETENTION.to_owned(), Some(days.to_string())),
            None => meta.configuration.remove(RETENTION),
        };
        let mut actions = vec![info(at, "SET TBLPROPERTIES", json!({}))];
        actions.push(Action { meta_data: Some(meta), ..Action::default() });
        self.commit(&actions)
    }

    /// Adds columns.
    pub(crate) fn set_columns(&mut self, columns: &Schema, at: i64) -> StoreResult<()> {
        self.sure()?;
        let mut meta = self.meta.clone();
        meta.schema_string = schema::to_text(columns);
        let mut actions = vec![info(at, "ADD COLUMN", json!({}))];
        actions.push(Action { meta_data: Some(meta), ..Action::default() });
        self.commit(&actions)
    }

    /// Adds files that hold all rows up to a number. Twice is as good as once: the number goes
    /// with the files as the version of an application's transaction ("Transaction identifiers"),
    /// and a commit that has it already is not made again.
    pub(crate) fn add_files(
        &mut self,
        write: impl FnOnce(&Self) -> StoreResult<Vec<Add>>,
        up_to: u64,
        marks: &BTreeMap<String, u64>,
        at: i64,
    ) -> StoreResult<()> {
        self.sure()?;
        if self.committed >= up_to {
            return Ok(());
        }
        let txn = |app_id: String, number: u64| match i64::try_from(number) {
            Ok(version) => Ok(Action {
                txn: Some(Txn { app_id, version, last_updated: Some(at) }),
                ..Action::default()
            }),
            Err(_) => Err(self.refuse("its numbers ran out")),
        };
        let partitions = json!({ "mode": "Append", "partitionBy": format!("[\"{DAY}\"]") });
        let mut actions = vec![info(at, "WRITE", partitions)];
        actions.push(txn(self.meta.id.clone(), up_to)?);
        for (source, position) in marks {
            actions.push(txn(format!("{SOURCE}{source}"), *position)?);
        }
        let adds = match self.pending.take().filter(|(written, _)| *written == up_to) {
            Some((_, adds)) => adds,
            None => write(self)?,
        };
        self.pending = Some((up_to, adds.clone()));
        actions.extend(adds.into_iter().map(|add| Action { add: Some(add), ..Action::default() }));
        // Where it was there after all, an earlier try arrived late.
        self.commit_if(&actions, |log| log.committed < up_to)?;
        (self.own, self.pending) = (self.committed, None);
        Ok(())
    }

    /// Puts a commit at the next free version. Rows are only ever added by it: whatever others did
    /// in between fits, as long as the table is still one that is understood.
    fn commit(&mut self, actions: &[Action]) -> StoreResult<()> {
        self.commit_if(actions, |_| true).map(drop)
    }

    /// Puts a commit at the next free version, as long as it fits what others did in between.
    pub(super) fn commit_if(
        &mut self,
        actions: &[Action],
        fits: impl Fn(&Self) -> bool,
    ) -> StoreResult<bool> {
        let bytes = lines(actions);
        for _ in 0..TRIES {
            if !fits(self) {
                return Ok(false);
            }
            self.is_unsure = true;
            let put = self.objects.put_if_absent(&commit_name(self.next), bytes.clone());
            match put.doing(|| format!("committing to table {}", self.name))? {
                Put::Done => {
                    self.is_unsure = false;
                    for action in actions {
                        self.apply(action.clone())?;
                    }
                    self.next += 1;
                    return Ok(true);
                }
                Put::Taken => {
                    self.is_unsure = false;
                    self.catch_up()?;
                }
            }
        }
        Err(self.refuse("others commit to it all the time"))
    }

    /// Takes what was read when the store was opened for its own.
    pub(super) fn settled(mut self) -> Self {
        self.own = self.committed;
        self
    }

    /// Whether a commit that failed under this version cannot arrive any more: there is another,
    /// or the place does nothing of its own accord.
    pub(crate) fn is_over(&self, version: u64) -> bool {
        self.next > version || self.objects.place().url().is_none()
    }

    /// The version of the next commit.
    pub(crate) fn next_version(&self) -> u64 {
        self.next
    }

    /// Reads the commits that are new, of others or an own one whose answer was lost.
    ///
    /// Rows of the write-ahead log are committed by this process only. Where somebody else did so
    /// (a copy of the store's folder, or a commit of the process before this one that arrived
    /// late), nobody here can tell which rows in memory are among them, so the table takes no more
    /// commits until the store is opened again.
    fn catch_up(&mut self) -> StoreResult<()> {
        self.refresh()?;
        if self.committed != self.own
            && let Some((up_to, adds)) = &self.pending
            && self.committed == *up_to
            && adds.iter().all(|add| self.files.contains_key(&add.path))
        {
            self.own = self.committed;
        }
        self.is_own()
    }

    fn is_own(&self) -> StoreResult<()> {
        if self.committed == self.own {
            return Ok(());
        }
        Err(StoreError::Outrun { table: self.name.clone() })
    }

    /// Finds out what a commit left that failed half-way.
    pub(super) fn sure(&mut self) -> StoreResult<()> {
        self.is_own()?;
        if self.is_unsure {
            self.catch_up()?;
            let folder = self.objects.path(LOG);
            let synced = self.objects.place().settle(&folder);
            synced.doing(|| format!("syncing \"{folder}\""))?;
            self.is_unsure = false;
        }
        Ok(())
    }

    /// Reads the commits that are new.
    pub(super) fn refresh(&mut self) -> StoreResult<()> {
        loop {
            let path = self.objects.path(&commit_name(self.next));
            let bytes = match self.objects.place().read(&path, COMMIT_MOST) {
                Ok(bytes) => bytes,
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(e) => return Err(e).doing(|| format!("reading \"{path}\"")),
            };
            let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            for line in lines {
                let action = serde_json::from_slice(line)
                    .map_err(|e| self.refuse(format!("version {}: {e}", self.next)))?;
                self.apply(action)?;
            }
            self.next += 1;
        }
    }

    /// "Action reconciliation".
    pub(super) fn apply(&mut self, action: Action) -> StoreResult<()> {
        if let Some(protocol) = action.protocol {
            if protocol.min_reader_version > PROTOCOL.min_reader_version
                || protocol.min_writer_version > PROTOCOL.min_writer_version
            {
                return Err(self.refuse(format!("it asks for {protocol:?}")));
            }
            self.protocol = protocol;
        }
        if let Some(meta) = action.meta_data {
            self.id = parse_guid(&meta.id).ok_or_else(|| self.refuse("its id is no UUID"))?;
            if meta.partition_columns != [DAY] {
                return Err(self.refuse("it is not partitioned by day"));
            }
            self.meta = meta;
        }
        if let Some(txn) = action.txn {
            self.apply_txn(txn)?;
        }
        if let Some(remove) = action.remove {
            if !is_plain(&remove.path) {
                return Err(self.refuse(format!("file {:?} is not understood", remove.path)));
            }
            self.files.remove(&remove.path);
            self.removed.insert(remove.path.clone(), remove);
        }
        if let Some(add) = action.add {
            if !is_plain(&add.path) || add.deletion_vector.is_some() {
                return Err(self.refuse(format!("file {:?} is not understood", add.path)));
            }
            self.removed.remove(&add.path);
            self.files.insert(add.path.clone(), add);
        }
        Ok(())
    }

    fn apply_txn(&mut self, txn: Txn) -> StoreResult<()> {
        let version = u64::try_from(txn.version);
        let version = version.map_err(|_| self.refuse("a transaction below 0"))?;
        // A checkpoint has them in any order, and the id of the table behind them.
        let known = self.txns.get(&txn.app_id).map(|known| known.version);
        let is_mark = txn.app_id.starts_with(SOURCE);
        if is_mark && known.is_some_and(|known| known > txn.version) {
            return Ok(());
        }
        if txn.app_id == self.meta.id {
            self.committed = version;
        }
        self.txns.insert(txn.app_id.clone(), txn);
        Ok(())
    }

    pub(super) fn refuse(&self, what: impl Into<String>) -> StoreError {
        StoreError::Delta { table: self.name.clone(), what: what.into() }
    }
}

/// Whether a path is one of a file below the table's folder, without any encoding.
fn is_plain(path: &str) -> bool {
    !path.contains([':', '%']) && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// "Commit provenance information".
pub(super) fn info(at: i64, operation: &str, parameters: serde_json::Value) -> Action {
    let info = json!({
        "timestamp": at,
        "operation": operation,
        "operationParameters": parameters,
        "isBlindAppend": operation == "WRITE",
        "engineInfo": concat!("pgkeep/", env!("CARGO_PKG_VERSION")),
    });
    Action { commit_info: Some(info), ..Action::default() }
}

fn lines(actions: &[Action]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for action in actions {
        serde_json::to_writer(&mut bytes, action).expect("because actions are JSON");
        bytes.push(b'\n');
    }
    bytes
}
