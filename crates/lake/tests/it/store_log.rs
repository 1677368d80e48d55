//! The log of a table: checkpoints, what they make needless, and what is refused.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use kql::value::TICKS_PER_DAY;
use lake::store::{Clock, Doors, Mark, Rows, Store, StoreError, StoreLimits};

use crate::plans::{NOW, chain};
use crate::store::{columns, numbers, row};

/// A clock that goes when it is told to.
#[derive(Debug, Clone)]
pub(crate) struct SetClock(Arc<AtomicI64>);

impl SetClock {
    pub(crate) fn at(now: i64) -> Self {
        Self(Arc::new(AtomicI64::new(now)))
    }

    pub(crate) fn pass(&self, ticks: i64) {
        self.0.fetch_add(ticks, Ordering::SeqCst);
    }
}

impl Clock for SetClock {
    fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

pub(crate) fn open(folder: &Path, clock: &SetClock, limits: StoreLimits) -> Arc<Store> {
    Arc::new(try_open(folder, clock, limits).unwrap_or_else(|e| panic!("{}", chain(&e))))
}

fn try_open(folder: &Path, clock: &SetClock, limits: StoreLimits) -> Result<Store, StoreError> {
    let doors = Doors { clock: Arc::new(clock.clone()), ..Doors::of_folder(folder).unwrap() };
    Store::open(doors, limits)
}

fn limits() -> StoreLimits {
    StoreLimits { checkpoint_commits: 4, ..StoreLimits::default() }
}

fn log_of(folder: &Path) -> PathBuf {
    folder.join("tables/Events/_delta_log")
}

/// The versions of files in the log that end so.
fn versions(folder: &Path, ending: &str) -> BTreeSet<u64> {
    let entries = std::fs::read_dir(log_of(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter_map(|name| name.strip_suffix(ending)?.parse().ok()).collect()
}

fn commit(store: &Store, n: i64) {
    let columns = row(n).into_iter().map(|value| vec![value]).collect();
    let mark = Mark { source: "s".to_owned(), position: n as u64 + 1 };
    store.append_all(vec![Rows { table: "Events".to_owned(), columns }], Some(mark)).unwrap();
    store.flush().unwrap();
}

#[test]
fn a_table_opens_from_its_checkpoint() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let store = open(folder.path(), &clock, limits());
    store.declare("Events", &columns()).unwrap();
    (0..13).for_each(|n| commit(&store, n));
    drop(store);
    let commits = versions(folder.path(), ".json");
    assert_eq!(commits, (0..=13).collect(), "the retention keeps them all");
    let checkpoints = versions(folder.path(), ".checkpoint.parquet");
    assert_eq!(checkpoints, BTreeSet::from([3, 7, 11]));
    let hint = std::fs::read(log_of(folder.path()).join("_last_checkpoint")).unwrap();
    let hint: serde_json::Value = serde_json::from_slice(&hint).unwrap();
    // 11 files, protocol, metadata and two transactions.
    assert_eq!((&hint["version"], &hint["size"]), (&11.into(), &15.into()));
    let commit_file = |version| log_of(folder.path()).join(format!("{version:020}.json"));
    (0..=11).for_each(|version| std::fs::remove_file(commit_file(version)).unwrap());
    let store = open(folder.path(), &clock, limits());
    assert_eq!(numbers(&store), (0..13).collect::<Vec<_>>());
    assert_eq!(store.position("s"), Some(13));
    assert_eq!(store.status()[0].committed, 13);
    (13..16).for_each(|n| commit(&store, n));
    drop(store);
    let store = open(folder.path(), &clock, limits());
    assert_eq!(numbers(&store), (0..16).collect::<Vec<_>>());
    drop(store);
    // A gap behind the checkpoint is no end.
    let newest = log_of(folder.path()).join(format!("{:020}.checkpoint.parquet", 15));
    std::fs::remove_file(newest).unwrap();
    std::fs::remove_file(commit_file(13)).unwrap();
    let refused = try_open(folder.path(), &clock, limits());
    assert!(matches!(refused, Err(StoreError::Delta { .. })), "{refused:?}");
}

#[test]
fn a_damaged_checkpoint_is_not_believed() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let store = open(folder.path(), &clock, limits());
    store.declare("Events", &columns()).unwrap();
    (0..9).for_each(|n| commit(&store, n));
    drop(store);
    let name = |version: u64| format!("{version:020}.checkpoint.parquet");
    let newest = log_of(folder.path()).join(name(7));
    let mut bytes = std::fs::read(&newest).unwrap();
    let len = bytes.len();
    bytes.truncate(len / 2);
    std::fs::write(&newest, &bytes).unwrap();
    let store = open(folder.path(), &clock, limits());
    assert_eq!(numbers(&store), (0..9).collect::<Vec<_>>(), "by the one before it");
    drop(store);
    std::fs::remove_file(log_of(folder.path()).join(name(3))).unwrap();
    assert_eq!(numbers(&open(folder.path(), &clock, limits())).len(), 9, "by all commits");
    std::fs::remove_file(log_of(folder.path()).join(format!("{:020}.json", 0))).unwrap();
    assert!(try_open(folder.path(), &clock, limits()).is_err(), "by nothing");
}

#[test]
fn old_versions_go_when_a_checkpoint_covers_them() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let limits = StoreLimits { log_retention: Duration::from_secs(10 * 86400), ..limits() };
    let store = open(folder.path(), &clock, limits.clone());
    store.declare("Events", &columns()).unwrap();
    for n in 0..40 {
        commit(&store, n);
        clock.pass(TICKS_PER_DAY / 2);
    }
    // Version 39 was made on day 19, version 19 on day 9: not yet ten days before.
    let checkpoints = versions(folder.path(), ".checkpoint.parquet");
    assert_eq!(checkpoints, (15..40).step_by(4).collect());
    assert_eq!(versions(folder.path(), ".json"), (15..=40).collect());
    drop(store);
    let store = open(folder.path(), &clock, limits.clone());
    assert_eq!(numbers(&store), (0..40).collect::<Vec<_>>());
    // Many checkpoints of one day: the first of it stays, and the newest.
    for n in 40..80 {
        commit(&store, n);
    }
    let checkpoints = versions(folder.path(), ".checkpoint.parquet");
    let newest = BTreeSet::from([71, 75, 79]);
    assert!(checkpoints.is_superset(&newest), "{checkpoints:?}");
    assert_eq!(checkpoints.range(44..71).count(), 0, "{checkpoints:?}");
    assert!(checkpoints.contains(&43), "{checkpoints:?}");
    drop(store);
    assert_eq!(numbers(&open(folder.path(), &clock, limits)), (0..80).collect::<Vec<_>>());
}
