//! Rows are dropped when they are old, and taken out when somebody wants to be forgotten.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kql::plan::Column;
use kql::value::{TICKS_PER_DAY, TICKS_PER_SECOND, Type, Value};
use lake::Table;
use lake::store::{Doors, Erased, OsClock, Store, StoreError, StoreLimits};

use crate::plans::NOW;
use crate::store::{columns, numbers, row};
use crate::store_disk::{SimDisk, scratch};
use crate::store_log::{SetClock, open};
use crate::store_tend::data_files;

fn limits() -> StoreLimits {
    StoreLimits {
        merge_files: 3,
        term_rows: 1,
        tend_interval: Duration::ZERO,
        ..StoreLimits::default()
    }
}

/// Nine rows in three files a day that were merged, three more in files, three in memory.
fn filled(folder: &Path, clock: &SetClock) -> Arc<Store> {
    let store = open(folder, clock, limits());
    store.declare("Events", &columns()).unwrap();
    store.declare("Others", &columns()).unwrap();
    for part in 0..5 {
        let rows: Vec<_> = (part * 3..part * 3 + 3).map(row).collect();
        store.append("Events", &rows).unwrap();
        store.append("Others", &rows).unwrap();
        if part < 4 {
            store.flush().unwrap();
        }
        if part == 2 {
            assert_eq!(store.tend(), 6);
        }
    }
    clock.pass(TICKS_PER_SECOND);
    store
}

fn others() -> Vec<i64> {
    (0..15).filter(|n| n % 5 != 3).collect()
}

/// The numbers in all data files that are on the disk.
fn on_disk(folder: &Path) -> Vec<i64> {
    let files: Vec<_> = data_files(folder).into_iter().collect();
    let mut lake = lake::Lake::new(lake::Tables::new(), lake::Limits::default()).unwrap();
    lake.add("Files", Table::parquet("Files", &files, None).unwrap());
    let rows = crate::store::ask(&lake, "Files | distinct N | sort by N asc");
    rows.iter().map(|row| row[0].as_integer().unwrap()).collect()
}

#[test]
fn erased_rows_are_gone_from_memory_files_and_log() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let store = filled(folder.path(), &clock);
    assert_eq!(store.status()[0].n_hot_rows, 3);
    let erased = store.erase("Events", "N % 5 == 3 and Span == N * 1tick", true).unwrap();
    assert_eq!(erased.n_rows, 3);
    assert_eq!(numbers(&store), others());
    assert_eq!(on_disk(folder.path()), others(), "also in those that are no part any more");
    assert_eq!(data_files(folder.path()).len(), store.status()[0].n_files);
    assert_eq!(std::fs::read_dir(folder.path().join("wal")).unwrap().count(), 0);
    assert_eq!(store.status()[1].name, "Others");
    let again = store.erase("Events", "N % 5 == 3", true).unwrap();
    assert_eq!(again, Erased { n_rows: 0, n_files: 0 });
    drop(store);
    let store = open(folder.path(), &clock, limits());
    assert_eq!(numbers(&store), others());
    // A file of which nothing is left goes without another in its place.
    let n_files = store.status()[0].n_files;
    let erased = store.erase("Events", "N == 12 or Text has '12'", true).unwrap();
    assert_eq!(erased, Erased { n_rows: 1, n_files: 1 });
    assert_eq!(store.status()[0].n_files, n_files - 1);
    store.append("Events", &[row(12)]).unwrap();
    assert_eq!(numbers(&store), others());
}

#[test]
fn erased_rows_stay_on_disk_for_who_reads_them_unless_told() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let store = filled(folder.path(), &clock);
    let mut wide = columns();
    wide.push(Column::new("New", Type::String));
    store.declare("Events", &wide).unwrap();
    let running = lake::Lake::new(store.snapshot(), lake::Limits::default()).unwrap();
    let erased = store.erase("Events", "New == '' and tolong(D.a) % 5 == 3", false).unwrap();
    assert_eq!(erased.n_rows, 3);
    assert_eq!(numbers(&store), others());
    let rows = crate::store::ask(&running, "Events | count");
    assert_eq!(rows, [[Value::Long(15)]], "a query that runs goes on");
    assert_eq!(on_disk(folder.path()), (0..15).collect::<Vec<_>>());
    clock.pass(8 * TICKS_PER_DAY);
    store.tend();
    assert_eq!(on_disk(folder.path()), others());
}

#[test]
fn a_condition_is_over_one_row_of_the_table() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let store = filled(folder.path(), &clock);
    for condition in [
        "",
        "N ==",
        "Nothing == 1",
        "N == 1 | take 1",
        "N == 1 | project N",
        "N == 1; Events",
        "rand() < 0.5",
        "prev(N) == 1",
        "N in ((Events | project N))",
        "N == toscalar(Events | count)",
    ] {
        let refused = store.erase("Events", condition, true);
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{condition}: {refused:?}");
    }
    assert!(matches!(store.erase("Nowhere", "N == 1", true), Err(StoreError::NoTable(_))));
    // Null is not true.
    assert_eq!(
        store.erase("Events", "tolong(D.nothing) != 1 and D.a > N", true).unwrap().n_rows,
        0
    );
    assert_eq!(numbers(&store), (0..15).collect::<Vec<_>>());
}

#[test]
fn power_cuts_while_rows_are_erased() {
    for (tail, names) in [(0, false), (60, true)] {
        for cut_at in 1.. {
            let (disk, clock) = (SimDisk::cutting_at(cut_at), SetClock::at(NOW));
            let doors = Doors {
                disk: Arc::new(disk.clone()),
                clock: Arc::new(clock.clone()),
                random: Arc::new(OsClock),
                place: None,
            };
            let mut acked = Vec::new();
            let mut is_erased = false;
            if let Ok(store) = Store::open(doors, limits())
                && store.declare("Events", &columns()).is_ok()
            {
                for n in 0..6 {
                    if store.append("Events", &[row(n)]).is_ok() {
                        acked.push(n);
                    }
                    let _ = (n % 2 == 1).then(|| store.flush());
                }
                is_erased = store.erase("Events", "N % 3 == 1", true).is_ok();
            }
            let folder = scratch();
            disk.after(folder.path(), tail, names);
            let store = open(folder.path(), &clock, limits());
            let found = numbers(&store);
            let may_go = |n: i64| n % 3 == 1;
            let lost: Vec<_> =
                acked.iter().filter(|n| !may_go(**n) && !found.contains(n)).collect();
            assert!(lost.is_empty(), "lost {lost:?} after a cut at {cut_at}, {tail} {names}");
            assert!(found.is_sorted_by(|a, b| a < b), "{found:?} after a cut at {cut_at}");
            if is_erased {
                assert!(!found.iter().any(|n| may_go(*n)), "{found:?} after a cut at {cut_at}");
            }
            if !disk.is_off() {
                assert!(is_erased);
                break;
            }
        }
    }
}

#[test]
fn days_that_are_too_old_are_dropped_whole() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let store = filled(folder.path(), &clock);
    for days in [0, 40_000] {
        let refused = store.set_retention("Events", Some(days));
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
    }
    assert!(store.set_retention("Events", Some(5)).unwrap());
    assert!(!store.set_retention("Events", Some(5)).unwrap());
    store.flush().unwrap();
    clock.pass(5 * TICKS_PER_DAY);
    store.tend();
    assert_eq!(
        numbers(&store),
        (0..15).collect::<Vec<_>>(),
        "the first day ended 5 days ago or later"
    );
    clock.pass(TICKS_PER_DAY);
    drop(store);
    let store = open(folder.path(), &clock, limits());
    assert_eq!(store.retention("Events").unwrap(), Some(5));
    assert_eq!(store.retention("Others").unwrap(), None);
    store.tend();
    assert_eq!(numbers(&store), (0..15).filter(|n| n % 3 != 0).collect::<Vec<_>>());
    assert_eq!(on_disk(folder.path()), (0..15).collect::<Vec<_>>());
    clock.pass(8 * TICKS_PER_DAY);
    store.tend();
    assert_eq!((numbers(&store), store.status()[0].n_files), (Vec::new(), 0));
    assert_eq!(store.status()[1].n_files, 3, "the other table keeps all");
    assert!(store.set_retention("Events", None).unwrap());
    store.append("Events", &[row(0)]).unwrap();
    store.flush().unwrap();
    store.tend();
    assert_eq!(numbers(&store), [0]);
}
