//! The store: nothing that was acknowledged is lost or doubled.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use kql::engine::{Cancel, Limits};
use kql::functions::Context;
use kql::plan::Schema;
use kql::value::{TICKS_PER_DAY, Type, Value};
use lake::store::{Doors, OsClock, Random, Store, StoreError, StoreLimits};
use lake::{Lake, Tables};

use crate::plans::{NOW, chain, schema};
use crate::store_disk::{SimDisk, scratch};

pub(crate) fn columns() -> Schema {
    schema(&[
        ("TimeGenerated", Type::DateTime),
        ("N", Type::Long),
        ("Text", Type::String),
        ("Span", Type::TimeSpan),
        ("D", Type::Dynamic),
        ("G", Type::Guid),
    ])
}

pub(crate) fn row(n: i64) -> Vec<Value> {
    vec![
        Value::DateTime(NOW + n % 3 * TICKS_PER_DAY + n * 10),
        Value::Long(n),
        Value::text(if n % 2 == 0 { String::new() } else { format!("the text of row {n}") }),
        Value::TimeSpan(n),
        Value::json(kql::value::Json::parse(&format!(r#"{{"a":{n}}}"#)).unwrap()),
        Value::Guid(n as u128),
    ]
}

pub(crate) fn in_folder(folder: &Path) -> Arc<Store> {
    let doors = Doors::of_folder(folder).unwrap();
    Arc::new(Store::open(doors, StoreLimits::default()).unwrap_or_else(|e| panic!("{}", chain(&e))))
}

pub(crate) fn lake(store: &Arc<Store>) -> Lake {
    let mut lake = Lake::new(Tables::new(), lake::Limits::default()).unwrap();
    lake.attach(Arc::clone(store));
    lake
}

pub(crate) fn ask(lake: &Lake, text: &str) -> Vec<Vec<Value>> {
    let tables = lake.snapshot();
    let binding = kql::bind::compile(text, &tables, Context { now: NOW }, None);
    let query = binding.query.unwrap_or_else(|| panic!("{text}: {:?}", binding.diagnostics));
    let answer = lake.run_at(NOW, &query, &Limits::default(), &Cancel::new());
    answer.unwrap_or_else(|e| panic!("{text}: {}", chain(&e))).rows
}

pub(crate) fn numbers(store: &Arc<Store>) -> Vec<i64> {
    numbers_of(store, "Events")
}

/// The numbers in a table, by one lake for a whole run: its threads cost more than the query.
pub(crate) fn numbers_of(store: &Arc<Store>, table: &str) -> Vec<i64> {
    static LAKE: Mutex<Option<Lake>> = Mutex::new(None);
    let Some(found) = store.snapshot().find(table).cloned() else { return Vec::new() };
    let mut lake = LAKE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let lake =
        lake.get_or_insert_with(|| Lake::new(Tables::new(), lake::Limits::default()).unwrap());
    lake.add("Asked", found);
    let rows = ask(lake, "Asked | project N | sort by N asc");
    rows.iter().map(|row| row[0].as_integer().unwrap()).collect()
}

#[test]
fn hot_and_cold_answer_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let store = in_folder(folder.path());
    assert!(store.declare("Events", &columns()).unwrap());
    assert!(!store.declare("Events", &columns()).unwrap());
    let all: Vec<_> = (0..300).map(row).collect();
    for part in all.chunks(7) {
        store.append("Events", part).unwrap();
    }
    let lake = lake(&store);
    let texts = [
        "Events | sort by N asc",
        "Events | where TimeGenerated >= datetime(2022-09-30) | summarize count(), max(Span)",
        "Events | where Text has '7' or Text == '' | summarize sum(N), dcount(Text)",
        "Events | where tolong(D.a) > 250 | project N, G | sort by N asc",
        "Events | count",
    ];
    let hot: Vec<_> = texts.iter().map(|text| ask(&lake, text)).collect();
    assert_eq!(hot[0], all);
    store.flush().unwrap();
    assert_eq!(store.status()[0].n_hot_rows, 0);
    let cold: Vec<_> = texts.iter().map(|text| ask(&lake, text)).collect();
    assert_eq!(hot, cold);
    let mut wide = columns();
    wide.push(kql::plan::Column::new("New", Type::String));
    assert!(store.declare("Events", &wide).unwrap());
    let mut more = row(300);
    more.push(Value::text("x"));
    store.append("Events", &[more]).unwrap();
    assert_eq!(ask(&lake, "Events | where New == ''")[..].len(), 300);
    drop(lake);
    drop(store);
    let store = in_folder(folder.path());
    assert_eq!(numbers(&store), (0..=300).collect::<Vec<_>>());
}

#[test]
fn power_cuts_lose_and_double_nothing() {
    for (tail, names) in [(0, false), (100, false), (60, true), (100, true)] {
        for cut_at in 1.. {
            let disk = SimDisk::cutting_at(cut_at);
            let doors = Doors {
                disk: Arc::new(disk.clone()),
                clock: Arc::new(OsClock),
                random: Arc::new(OsClock),
                place: None,
            };
            let acked = scenario(doors);
            let is_done = !disk.is_off();
            let folder = scratch();
            disk.after(folder.path(), tail, names);
            let found = numbers(&in_folder(folder.path()));
            let mut once = found.clone();
            once.dedup();
            assert_eq!(found, once, "doubled after a cut at {cut_at}, {tail} {names}");
            let lost: Vec<_> = acked.iter().filter(|n| !found.contains(n)).collect();
            assert!(lost.is_empty(), "lost {lost:?} after a cut at {cut_at}, {tail} {names}");
            if is_done {
                break;
            }
        }
    }
}

/// Appends and commits until something fails; answers what was acknowledged.
fn scenario(doors: Doors) -> Vec<i64> {
    let mut acked = Vec::new();
    let limits = StoreLimits {
        segment_bytes: 2000,
        checkpoint_commits: 2,
        log_retention: std::time::Duration::ZERO,
        ..StoreLimits::default()
    };
    let Ok(store) = Store::open(doors, limits) else { return acked };
    if store.declare("Events", &columns()).is_err() {
        return acked;
    }
    for n in 0..8 {
        if store.append("Events", &[row(n)]).is_ok() {
            acked.push(n);
        }
        if n % 3 == 2 {
            let _ = store.flush();
        }
    }
    acked
}

#[test]
fn a_full_disk_refuses_and_loses_nothing() {
    let disk = SimDisk::default();
    let doors = Doors {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(OsClock),
        random: Arc::new(OsClock),
        place: None,
    };
    let store = Store::open(doors, StoreLimits::default()).unwrap();
    store.declare("Events", &columns()).unwrap();
    store.append("Events", &[row(0)]).unwrap();
    disk.fill_up(true);
    let refused = store.append("Events", &[row(1)]);
    assert!(matches!(refused, Err(StoreError::DiskFull(_))), "{refused:?}");
    assert!(matches!(store.flush(), Err(StoreError::DiskFull(_))));
    disk.fill_up(false);
    store.append("Events", &[row(2)]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    disk.after(folder.path(), 100, true);
    assert_eq!(numbers(&in_folder(folder.path())), [0, 2]);
}

/// Randomness that panics when told to, as code of ours might.
#[derive(Debug, Default)]
struct Panics(AtomicBool);

impl Random for Panics {
    fn fill(&self, out: &mut [u8]) -> std::io::Result<()> {
        assert!(!self.0.load(Ordering::SeqCst), "told to");
        OsClock.fill(out)
    }
}

#[test]
fn a_panic_of_who_writes_leaves_nobody_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let panics = Arc::new(Panics::default());
    let doors = Doors { random: panics.clone(), ..Doors::of_folder(folder.path()).unwrap() };
    let store = Store::open(doors, StoreLimits::default()).unwrap();
    store.declare("Events", &columns()).unwrap();
    store.append("Events", &[row(0)]).unwrap();
    store.flush().unwrap();
    panics.0.store(true, Ordering::SeqCst);
    // The next frame begins a segment, which has a random salt.
    let append = || store.append("Events", &[row(1)]);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(append)).is_err());
    panics.0.store(false, Ordering::SeqCst);
    assert!(matches!(append(), Err(StoreError::Failed(_))), "nothing more until it is reopened");
    drop(store);
    let store = in_folder(folder.path());
    store.append("Events", &[row(2)]).unwrap();
    assert_eq!(numbers(&store), [0, 2]);
}

#[test]
fn damage_before_the_end_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let store = in_folder(folder.path());
    store.declare("Events", &columns()).unwrap();
    for n in 0..3 {
        store.append("Events", &[row(n)]).unwrap();
    }
    drop(store);
    let segment = folder.path().join("wal/00000000000000000001.wal");
    let whole = std::fs::read(&segment).unwrap();
    let mut bytes = whole.clone();
    bytes[whole.len() / 2] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();
    let open = |limits| Store::open(Doors::of_folder(folder.path()).unwrap(), limits);
    assert!(matches!(open(StoreLimits::default()), Err(StoreError::Damaged(_))));
    assert_eq!(std::fs::read(&segment).unwrap(), bytes, "nothing is changed");
    let limits = StoreLimits { read_damaged: true, ..StoreLimits::default() };
    let store = Arc::new(open(limits).unwrap());
    assert_eq!(numbers(&store), [0]);
    assert!(matches!(store.append("Events", &[row(9)]), Err(StoreError::Damaged(_))));
}

#[test]
fn appenders_commits_and_queries_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = in_folder(folder.path());
    store.declare("Events", &columns()).unwrap();
    std::thread::scope(|scope| {
        for of in 0..4_i64 {
            let store = &store;
            scope.spawn(move || {
                for n in 0..25 {
                    store.append("Events", &[row(of * 25 + n)]).unwrap();
                }
            });
        }
        for _ in 0..5 {
            store.flush().unwrap();
            let found = numbers(&store);
            let mut once = found.clone();
            once.dedup();
            assert_eq!(found, once);
        }
    });
    assert_eq!(numbers(&store), (0..100).collect::<Vec<_>>());
}
