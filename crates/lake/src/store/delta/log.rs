//! The log of a Delta table (Delta transaction log protocol, "Delta log entries"): read whole,
//! added to one commit after the other.
//!
//! Checkpoints are neither written nor read yet: a table whose first commits were cleaned up by
//! somebody else is refused.

use std::collections::BTreeMap;
use std::io;

use kql::plan::Schema;
use kql::value::parse_guid;
use serde_json::json;

use super::action::{Action, Add, Format, MetaData, Protocol, Txn};
use super::objects::{ASIDE, Objects, Put};
use super::schema;
use crate::store::doors::Doors;
use crate::store::error::{Doing as _, StoreError, StoreResult};
use crate::store::marks::{Mark, advance};
use crate::store::shape::DAY;

const LOG: &str = "_delta_log";
/// The longest commit that is read.
const COMMIT_MOST: u64 = 64 << 20;
/// How the application's name begins in a transaction that says how far a source was read.
const SOURCE: &str = "source:";
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
    next: u64,
    meta: MetaData,
    pub(crate) id: u128,
    pub(crate) files: BTreeMap<String, Add>,
    /// The last number of the write-ahead log that is in the files
    pub(crate) committed: u64,
    /// How far sources were read whose rows are in the files
    marks: BTreeMap<String, u64>,
    /// Whether a commit failed in a way that leaves open whether it is there
    is_unsure: bool,
}

/// The log's file of a version.
fn commit_name(version: u64) -> String {
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
            configuration: BTreeMap::new(),
            created_time: Some(at),
        };
        let mut log = Self::empty(doors, name, meta, id);
        let actions = vec![
            info(at, "CREATE TABLE", json!({})),
            Action { protocol: Some(PROTOCOL), ..Action::default() },
            Action { meta_data: Some(log.meta.clone()), ..Action::default() },
        ];
        match log.objects.put_if_absent(&commit_name(0), &lines(&actions)).doing(doing)? {
            Put::Done => log.next = 1,
            Put::Taken => return Err(log.refuse("somebody else made it")),
        }
        Ok(log)
    }

    /// Reads a table; `None` where the folder holds none.
    pub(crate) fn load(doors: &Doors, name: &str) -> StoreResult<Option<Self>> {
        let meta = MetaData {
            id: String::new(),
            name: None,
            format: Format { provider: String::new(), options: BTreeMap::new() },
            schema_string: String::new(),
            partition_columns: Vec::new(),
            configuration: BTreeMap::new(),
            created_time: None,
        };
        let mut log = Self::empty(doors, name, meta, 0);
        let folder = log.objects.path(LOG);
        let names = doors.disk.list(&folder).doing(|| format!("listing \"{folder}\""))?;
        let mut n_commits = 0;
        for entry in names {
            if entry.name.starts_with(ASIDE) {
                let path = format!("{folder}/{}", entry.name);
                doors.disk.remove(&path).doing(|| format!("removing \"{path}\""))?;
            } else if entry.name.ends_with(".json") {
                n_commits += 1;
            }
        }
        if n_commits == 0 {
            return Ok(None);
        }
        log.refresh()?;
        if log.next != n_commits {
            return Err(log.refuse("its log has gaps or starts at a checkpoint"));
        }
        Ok(Some(log))
    }

    fn empty(doors: &Doors, name: &str, meta: MetaData, id: u128) -> Self {
        Self {
            name: name.to_owned(),
            objects: Objects::new(doors.clone(), format!("tables/{name}")),
            next: 0,
            meta,
            id,
            files: BTreeMap::new(),
            committed: 0,
            marks: BTreeMap::new(),
            is_unsure: false,
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Its columns.
    pub(crate) fn columns(&self) -> StoreResult<Schema> {
        schema::of_text(&self.meta.schema_string).map_err(|what| self.refuse(what))
    }

    /// How far sources were read.
    pub(crate) fn marks(&self) -> impl Iterator<Item = Mark> {
        let mark = |(source, position): (&String, &u64)| Mark {
            source: source.clone(),
            position: *position,
        };
        self.marks.iter().map(mark)
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
        let adds = write(self)?;
        actions.extend(adds.into_iter().map(|add| Action { add: Some(add), ..Action::default() }));
        self.commit(&actions)
    }

    /// Puts a commit at the next free version.
    fn commit(&mut self, actions: &[Action]) -> StoreResult<()> {
        let bytes = lines(actions);
        for _ in 0..TRIES {
            self.is_unsure = true;
            let put = self.objects.put_if_absent(&commit_name(self.next), &bytes);
            match put.doing(|| format!("committing to table {}", self.name))? {
                Put::Done => {
                    self.is_unsure = false;
                    for action in actions {
                        self.apply(action.clone())?;
                    }
                    self.next += 1;
                    return Ok(());
                }
                // Rows are only ever added here: whatever others did in between fits, as long as
                // the table is still one that is understood.
                Put::Taken => self.refresh()?,
            }
        }
        Err(self.refuse("others commit to it all the time"))
    }

    /// Finds out what a commit left that failed half-way.
    fn sure(&mut self) -> StoreResult<()> {
        if self.is_unsure {
            self.refresh()?;
            let folder = self.objects.path(LOG);
            let synced = self.objects.disk().sync_folder(&folder);
            synced.doing(|| format!("syncing \"{folder}\""))?;
            self.is_unsure = false;
        }
        Ok(())
    }

    /// Reads the commits that are new.
    fn refresh(&mut self) -> StoreResult<()> {
        loop {
            let path = self.objects.path(&commit_name(self.next));
            let bytes = match self.objects.disk().read(&path, COMMIT_MOST) {
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
    fn apply(&mut self, action: Action) -> StoreResult<()> {
        if let Some(protocol) = action.protocol
            && (protocol.min_reader_version > PROTOCOL.min_reader_version
                || protocol.min_writer_version > PROTOCOL.min_writer_version)
        {
            return Err(self.refuse(format!("it asks for {protocol:?}")));
        }
        if let Some(meta) = action.meta_data {
            self.id = parse_guid(&meta.id).ok_or_else(|| self.refuse("its id is no UUID"))?;
            if meta.partition_columns != [DAY] {
                return Err(self.refuse("it is not partitioned by day"));
            }
            self.meta = meta;
        }
        if let Some(txn) = action.txn {
            let version = u64::try_from(txn.version);
            let version = version.map_err(|_| self.refuse("a number below 0"))?;
            if txn.app_id == self.meta.id {
                self.committed = version;
            } else if let Some(source) = txn.app_id.strip_prefix(SOURCE) {
                advance(&mut self.marks, &Mark { source: source.to_owned(), position: version });
            }
        }
        if let Some(remove) = action.remove {
            self.files.remove(&remove.path);
        }
        if let Some(add) = action.add {
            let is_plain = !add.path.starts_with('/')
                && !add.path.contains([':', '%'])
                && add.path.split('/').all(|part| !matches!(part, "" | "." | ".."));
            if !is_plain || add.deletion_vector.is_some() {
                return Err(self.refuse(format!("file {:?} is not understood", add.path)));
            }
            self.files.insert(add.path.clone(), add);
        }
        Ok(())
    }

    pub(super) fn refuse(&self, what: impl Into<String>) -> StoreError {
        StoreError::Delta { table: self.name.clone(), what: what.into() }
    }
}

/// "Commit provenance information".
fn info(at: i64, operation: &str, parameters: serde_json::Value) -> Action {
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
