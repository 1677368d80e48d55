//! Tables in an object store: nothing that was acknowledged is lost or doubled, whatever the
//! store answers and whenever.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kql::engine::{Cancel, Limits};
use kql::functions::Context;
use kql::value::{TICKS_PER_SECOND, Value};
use lake::objects::Bucket;
use lake::store::{Doors, Place, Store, StoreError, StoreLimits};
use lake::{Lake, Tables};

use crate::beyond::{worker_with, workers};
use crate::plans::{NOW, chain};
use crate::store::{columns, lake, row};
use crate::store_disk::scratch;
use crate::store_faults::{Fault, Faulty};
use crate::store_log::SetClock;
use crate::store_terms::Draw;

pub(crate) const URL: &str = "s3://logs/of/pgkeep";

fn limits() -> StoreLimits {
    StoreLimits {
        segment_bytes: 2000,
        checkpoint_commits: 2,
        log_retention: Duration::ZERO,
        file_retention: Duration::ZERO,
        tend_interval: Duration::ZERO,
        merge_files: 2,
        term_rows: 1,
        ..StoreLimits::default()
    }
}

fn doors(folder: &Path, objects: &Faulty) -> Doors {
    let bucket = Bucket::over(URL, Arc::new(objects.clone())).unwrap();
    Doors { place: Some(Arc::new(bucket)), ..Doors::of_folder(folder).unwrap() }
}

fn try_open(folder: &Path, objects: &Faulty) -> Result<Arc<Store>, StoreError> {
    Store::open(doors(folder, objects), limits()).map(Arc::new)
}

fn open(folder: &Path, objects: &Faulty) -> Arc<Store> {
    try_open(folder, objects).unwrap_or_else(|e| panic!("{}", chain(&e)))
}

fn try_numbers(store: &Arc<Store>, condition: &str) -> Result<Vec<i64>, String> {
    let limits = lake::Limits { threads: 1, ..lake::Limits::default() };
    let mut lake = Lake::new(Tables::new(), limits).unwrap();
    lake.attach(Arc::clone(store));
    let tables = lake.snapshot();
    if tables.find("Events").is_none() {
        return Ok(Vec::new());
    }
    let text = format!("Events | where {condition} | project N | sort by N asc");
    let binding = kql::bind::compile(&text, &tables, Context { now: NOW }, None);
    let query = binding.query.unwrap_or_else(|| panic!("{text}: {:?}", binding.diagnostics));
    let answer = lake.run_at(NOW, &query, &Limits::default(), &Cancel::new());
    let rows = answer.map_err(|e| chain(&e))?.rows;
    Ok(rows.iter().map(|row| row[0].as_integer().unwrap()).collect())
}

pub(crate) fn numbers(store: &Arc<Store>) -> Vec<i64> {
    try_numbers(store, "true").unwrap()
}

/// Appends, commits and tends; answers what was acknowledged.
fn scenario(store: &Store, from: i64) -> Vec<i64> {
    let mut acked = Vec::new();
    for n in from..from + 8 {
        if store.append("Events", &[row(n)]).is_ok() {
            acked.push(n);
        }
        if n % 3 == 2 {
            let _ = store.flush();
        }
        if n % 3 == 0 {
            store.tend();
        }
    }
    acked
}

fn check(found: &[i64], acked: &[i64], when: &str) {
    let mut once = found.to_vec();
    once.dedup();
    assert_eq!(found, once, "doubled {when}");
    let lost: Vec<_> = acked.iter().filter(|n| !found.contains(n)).collect();
    assert!(lost.is_empty(), "lost {lost:?} {when}");
}

#[test]
fn faults_lose_and_double_nothing() {
    for (fault, dies) in
        [(Fault::Before, false), (Fault::After, false), (Fault::Before, true), (Fault::After, true)]
    {
        for at in 1.. {
            let when = format!("after call {at} failed, {fault:?}, for good: {dies}");
            let (folder, objects) = (scratch(), Faulty::default());
            objects.fail_at(at, fault, dies);
            let mut acked = Vec::new();
            if let Ok(store) = try_open(folder.path(), &objects) {
                if store.declare("Events", &columns()).is_ok() {
                    acked = scenario(&store, 0);
                }
                if !dies {
                    // A query may fail, but not answer less.
                    if let Ok(found) = try_numbers(&store, "true") {
                        check(&found, &acked, &when);
                    }
                }
            }
            let did = objects.heal();
            let store = open(folder.path(), &objects);
            check(&numbers(&store), &acked, &when);
            // All goes on from there.
            store.declare("Events", &columns()).unwrap();
            acked.extend(scenario(&store, 100));
            store.flush().unwrap_or_else(|e| panic!("{}, {when}", chain(&e)));
            store.tend();
            check(&numbers(&store), &acked, &when);
            let odd = store.status().into_iter().find_map(|s| s.trouble.or(s.untended));
            assert!(odd.is_none(), "{odd:?}, {when}");
            drop(store);
            check(&numbers(&open(folder.path(), &objects)), &acked, &when);
            if !did {
                break;
            }
        }
    }
}

#[test]
fn many_faults_lose_and_double_nothing() {
    for round in 0..20 {
        let (folder, objects) = (scratch(), Faulty::default());
        objects.fail_often(Some((Draw::new(), 6 + 2 * round)));
        let mut acked = Vec::new();
        for life in 0..4 {
            let when = format!("in life {life} of round {round}");
            let Ok(store) = try_open(folder.path(), &objects) else { continue };
            if store.declare("Events", &columns()).is_ok() {
                acked.extend(scenario(&store, life * 100));
                // What failed is tried again, whatever is known of it by then.
                (0..3).for_each(|_| drop(store.flush()));
            }
            if let Ok(found) = try_numbers(&store, "true") {
                check(&found, &acked, &when);
            }
        }
        objects.fail_often(None);
        let store = open(folder.path(), &objects);
        check(&numbers(&store), &acked, &format!("at the end of round {round}"));
        store.declare("Events", &columns()).unwrap();
        store.flush().unwrap();
        store.tend();
        let odd = store.status().into_iter().find_map(|s| s.trouble.or(s.untended));
        assert!(odd.is_none(), "{odd:?} in round {round}");
        drop(store);
        let store = open(folder.path(), &objects);
        check(&numbers(&store), &acked, &format!("after round {round}"));
    }
}

#[test]
fn a_place_that_is_away_makes_nobody_wait() {
    let (folder, objects) = (scratch(), Faulty::default());
    let clock = SetClock::at(NOW);
    let doors = Doors { clock: Arc::new(clock.clone()), ..doors(folder.path(), &objects) };
    let store = Arc::new(Store::open(doors, limits()).unwrap());
    store.declare("Events", &columns()).unwrap();
    store.append("Events", &[row(0)]).unwrap();
    store.flush().unwrap();
    objects.go_away(true);
    store.append("Events", &[row(1)]).unwrap();
    assert!(!store.declare("Events", &columns()).unwrap(), "known columns ask nobody");
    // Each try waits longer than the one before, eight times the interval at most.
    let mut tries = Vec::new();
    let mut said = None;
    for second in 0..3000 {
        clock.pass(TICKS_PER_SECOND);
        store.commit_due();
        let trouble = store.status()[0].trouble.clone();
        let again_at = store.status()[0].again_at;
        if again_at != said {
            tries.push(second);
            said = again_at;
        }
        if let Some(trouble) = trouble {
            assert!(matches!(trouble, StoreError::Place { .. }), "{trouble:?}");
            let text = chain(&trouble);
            assert!(text.contains(URL) && text.contains("nobody answers"), "{text}");
        }
    }
    let waits: Vec<i64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits[..5], [60, 120, 240, 480, 480]);
    let why = try_numbers(&store, "true").unwrap_err();
    assert!(why.contains("nobody answers"), "{why}");
    let why = try_numbers(&store, "Text has 'abcdef'").unwrap_err();
    assert!(why.contains("nobody answers"), "{why}");
    objects.go_away(false);
    assert_eq!(numbers(&store), [0, 1]);
    store.flush().unwrap();
    assert!(store.status()[0].trouble.is_none());
    assert_eq!(numbers(&store), [0, 1]);
}

#[test]
fn nobody_waits_for_a_commit_that_hangs() {
    let (folder, objects) = (scratch(), Faulty::default());
    let store = open(folder.path(), &objects);
    store.declare("Events", &columns()).unwrap();
    store.append("Events", &[row(0)]).unwrap();
    objects.shut_gate(true);
    std::thread::scope(|scope| {
        let flushing = scope.spawn(|| store.flush());
        objects.wait_for_put();
        store.append("Events", &[row(1)]).unwrap();
        assert!(!store.declare("Events", &columns()).unwrap());
        assert_eq!(store.retention("Events").unwrap(), None);
        assert_eq!((store.status()[0].n_hot_rows, numbers(&store)), (2, vec![0, 1]));
        objects.shut_gate(false);
        flushing.join().unwrap().unwrap();
    });
    assert_eq!((store.status()[0].n_hot_rows, numbers(&store)), (1, vec![0, 1]));
}

#[test]
fn a_commit_that_arrives_late_is_one() {
    let (folder, objects) = (scratch(), Faulty::default());
    let store = open(folder.path(), &objects);
    store.declare("Events", &columns()).unwrap();
    for n in 0..6 {
        store.append("Events", &[row(n)]).unwrap();
    }
    objects.hold(true);
    assert!(matches!(store.flush(), Err(StoreError::Place { .. })));
    objects.hold(false);
    // Nobody was told that it is there; more rows came meanwhile.
    store.append("Events", &[row(6)]).unwrap();
    assert_eq!(objects.arrive(), 1);
    store.flush().unwrap();
    store.flush().unwrap();
    assert_eq!(numbers(&store), (0..7).collect::<Vec<_>>());
    assert_eq!(store.status()[0].n_hot_rows, 0);
    drop(store);
    assert_eq!(numbers(&open(folder.path(), &objects)), (0..7).collect::<Vec<_>>());
}

#[test]
fn a_commit_of_the_process_before_is_noticed() {
    let (folder, objects) = (scratch(), Faulty::default());
    let store = open(folder.path(), &objects);
    store.declare("Events", &columns()).unwrap();
    store.append("Events", &[row(0), row(3)]).unwrap();
    objects.hold(true);
    assert!(store.flush().is_err());
    drop(store);
    objects.hold(false);
    let store = open(folder.path(), &objects);
    store.append("Events", &[row(6)]).unwrap();
    assert_eq!(numbers(&store), [0, 3, 6]);
    assert_eq!(objects.arrive(), 1);
    // It cannot be told which rows in memory are in that commit.
    for _ in 0..2 {
        let refused = store.flush();
        assert!(matches!(refused, Err(StoreError::Outrun { .. })), "{refused:?}");
        store.tend();
        assert_eq!(numbers(&store), [0, 3, 6], "those in memory are seen until then");
    }
    drop(store);
    let store = open(folder.path(), &objects);
    store.flush().unwrap();
    assert_eq!(numbers(&store), [0, 3, 6]);
}

#[test]
fn a_place_has_one_store() {
    let (folder, objects) = (scratch(), Faulty::default());
    let store = open(folder.path(), &objects);
    store.declare("Events", &columns()).unwrap();
    store.append("Events", &[row(0)]).unwrap();
    store.flush().unwrap();
    let said = |opened: Result<Arc<Store>, StoreError>| match opened {
        Err(StoreError::Elsewhere { what }) => what,
        other => panic!("{other:?}"),
    };
    let other = scratch();
    assert!(said(try_open(other.path(), &objects)).contains("belong to another store"));
    // A copy of the folder, opened while the first one runs: one of both goes on.
    store.append("Events", &[row(1)]).unwrap();
    let copy = scratch();
    copy_folder(folder.path(), copy.path());
    let second = open(copy.path(), &objects);
    second.append("Events", &[row(2)]).unwrap();
    second.flush().unwrap();
    let refused = store.flush();
    assert!(matches!(refused, Err(StoreError::Outrun { .. })), "{refused:?}");
    drop(store);
    let text = said(try_open(folder.path(), &objects));
    assert!(text.contains("another copy of this store"), "{text}");
    assert_eq!(numbers(&second), [0, 1, 2]);
    drop(second);
    assert_eq!(numbers(&open(copy.path(), &objects)), [0, 1, 2]);
    // Another place, or none, is not where the tables are.
    assert!(said(try_open(copy.path(), &Faulty::default())).contains("nothing at"));
    let none = Store::open(Doors::of_folder(copy.path()).unwrap(), limits()).map(Arc::new);
    assert!(said(none).contains("lie at s3://logs/of/pgkeep"));
    // Rows in the folder do not move by themselves; tables without rows may stay behind.
    let local = scratch();
    let at_home = Store::open(Doors::of_folder(local.path()).unwrap(), limits()).unwrap();
    at_home.declare("Events", &columns()).unwrap();
    drop(at_home);
    let elsewhere = Faulty::default();
    drop(open(local.path(), &elsewhere));
    let local = scratch();
    let at_home = Store::open(Doors::of_folder(local.path()).unwrap(), limits()).unwrap();
    at_home.declare("Events", &columns()).unwrap();
    at_home.append("Events", &[row(0)]).unwrap();
    drop(at_home);
    assert!(said(try_open(local.path(), &Faulty::default())).contains("write-ahead log"));
    let at_home = Store::open(Doors::of_folder(local.path()).unwrap(), limits()).unwrap();
    at_home.flush().unwrap();
    drop(at_home);
    assert!(said(try_open(local.path(), &Faulty::default())).contains("table Events has rows"));
}

#[test]
fn a_store_that_overwrites_is_refused() {
    let (folder, objects) = (scratch(), Faulty::default());
    objects.overwrite();
    let refused = try_open(folder.path(), &objects);
    assert!(matches!(&refused, Err(StoreError::Elsewhere { what }) if what.contains("overwrite")));
}

#[test]
fn side_cars_are_read_once() {
    let (folder, objects) = (scratch(), Faulty::default());
    let store = open(folder.path(), &objects);
    store.declare("Events", &columns()).unwrap();
    let rows: Vec<_> = (0..300).map(row).collect();
    store.append("Events", &rows).unwrap();
    store.flush().unwrap();
    let before = objects.n_reads();
    assert!(try_numbers(&store, "Text has 'absentterm'").unwrap().is_empty());
    let first = objects.n_reads() - before;
    // A day has a file, and no file has the term.
    assert_eq!(first, 3);
    assert!(try_numbers(&store, "Text has 'absentterm'").unwrap().is_empty());
    assert_eq!(objects.n_reads() - before, first);
    let before = objects.n_reads();
    assert_eq!(try_numbers(&store, "Text has '271'").unwrap(), [271]);
    // One file: its end, whose length the log knows, the column of the filter, and the other.
    assert_eq!(objects.n_reads() - before, 3);
    assert_eq!(numbers(&store).len(), 300);
    assert_eq!(objects.n_reads() - before, 3 + 3 * 2);
}

#[test]
fn workers_read_the_same_place() {
    let (folder, objects) = (scratch(), Faulty::default());
    let store = open(folder.path(), &objects);
    store.declare("Events", &columns()).unwrap();
    for part in 0..7 {
        let rows: Vec<_> = (part * 50..part * 50 + 50).map(row).collect();
        store.append("Events", &rows).unwrap();
        store.flush().unwrap();
    }
    store.append("Events", &[row(350)]).unwrap();
    let ask = |addresses: &[String], text: &str| {
        let mut lake = lake(&store);
        lake.spread(workers(addresses)).unwrap();
        let binding = kql::bind::compile(text, &lake.snapshot(), Context { now: NOW }, None);
        let query = binding.query.unwrap();
        let plan = lake.explain(NOW, &query).unwrap();
        assert!(plan.contains("DistributedExec"), "{plan}");
        let answer = lake.run_at(NOW, &query, &Limits::default(), &Cancel::new());
        answer.map(|answer| answer.rows).map_err(|e| chain(&e))
    };
    let text = "Events | summarize count(), sum(N) by Text | summarize sum(count_), sum(sum_N)";
    let at = |name: &str| folder.path().join(name);
    let bucket: Arc<dyn Place> = Arc::new(Bucket::over(URL, Arc::new(objects.clone())).unwrap());
    let both: Vec<String> =
        ["a.sock", "b.sock"].map(|name| worker_with(&at(name), Some(Arc::clone(&bucket)))).into();
    let expected = vec![vec![Value::Long(351), Value::Long(61_425)]];
    assert_eq!(ask(&both, text), Ok(expected));
    // Those that were not told of the place say so, and do not answer less.
    let told_nothing = ["c.sock", "d.sock"].map(|name| worker_with(&at(name), None));
    let why = ask(&told_nothing, text).unwrap_err();
    assert!(why.contains("No suitable object store found for s3://logs"), "{why}");
}

#[test]
fn urls() {
    let over = |url: &str| Bucket::over(url, Arc::new(Faulty::default()));
    for url in [
        "s3://bucket",
        "s3://bucket/a/b",
        "s3a://bucket/",
        "gs://bucket/a",
        "az://container/a",
        "abfss://container@account.dfs.core.windows.net/a/Day=1",
    ] {
        over(url).unwrap();
    }
    for url in [
        "",
        "bucket",
        "file:///a",
        "http://bucket/a",
        "s3://",
        "s3:///a",
        "s3://key:secret@bucket/a",
        "s3://key@bucket/a",
        "s3://bucket/a?token=1",
        "s3://bucket/a#b",
        "s3://bucket:1/a",
        "s3://bucket/a//b",
        "s3://bucket/a%2fb",
        "s3://bucket/a b",
    ] {
        let why = chain(&over(url).unwrap_err());
        assert!(!why.contains("secret") && !why.contains("token"), "{why}");
    }
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&to).unwrap();
            copy_folder(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), &to).unwrap();
        }
    }
}
