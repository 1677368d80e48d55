//! Appends to several tables with the mark of a source: all or nothing, and never twice.

use std::sync::Arc;

use kql::value::Value;
use lake::store::{Doors, Mark, OsClock, Rows, Store, StoreError, StoreLimits};

use crate::store::{ask, columns, in_folder, lake, numbers_of, row};
use crate::store_disk::{SimDisk, scratch};

const TABLES: [&str; 2] = ["A", "B"];
const SOURCE: &str = "server one: jsonlog";

fn mark(position: u64) -> Option<Mark> {
    Some(Mark { source: SOURCE.to_owned(), position })
}

/// The columns of these rows.
fn rows(table: &str, numbers: std::ops::Range<i64>) -> Rows {
    let rows: Vec<_> = numbers.map(row).collect();
    let column = |at: usize| rows.iter().map(|row: &Vec<Value>| row[at].clone()).collect();
    Rows { table: table.to_owned(), columns: (0..columns().len()).map(column).collect() }
}

fn both(numbers: std::ops::Range<i64>) -> Vec<Rows> {
    TABLES.map(|table| rows(table, numbers.clone())).into()
}

fn declare(store: &Store) -> Result<(), StoreError> {
    TABLES.iter().try_for_each(|table| store.declare(table, &columns()).map(drop))
}

#[test]
fn columns_are_what_rows_were() {
    let folder = tempfile::tempdir().unwrap();
    let store = in_folder(folder.path());
    declare(&store).unwrap();
    let ack = store.append_all(both(0..20), mark(5)).unwrap();
    assert_eq!(ack.n_rows, 40);
    let all: Vec<_> = (0..20).map(row).collect();
    for table in TABLES {
        assert_eq!(ask(&lake(&store), &format!("{table} | sort by N asc")), all);
    }
    let mut few = rows("A", 20..22);
    few.columns.truncate(2);
    few.columns[0][1] = Value::Null;
    store.append_all(vec![few], None).unwrap();
    let found = ask(&lake(&store), "A | where N >= 20 | project N, Text, isnull(D) | sort by N");
    let expected = |n| vec![Value::Long(n), Value::text(""), Value::Bool(true)];
    assert_eq!(found, [expected(21), expected(20)]);
    // The clock of the doors is the real one; the rows are older.
    let now = ask(&lake(&store), "A | where TimeGenerated > datetime(2025-01-01) | project N");
    assert_eq!(now, [[Value::Long(21)]]);
    let none = Rows { table: "A".to_owned(), columns: Vec::new() };
    assert_eq!(store.append_all(vec![none], None).unwrap().n_rows, 0);
}

#[test]
fn what_is_refused_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = in_folder(folder.path());
    declare(&store).unwrap();
    // One value would stand for all rows.
    let mut odd = rows("B", 0..3);
    odd.columns[3].pop();
    let mut wide = rows("B", 0..2);
    wide.columns.push(vec![Value::Null; 2]);
    for second in [odd, wide] {
        let refused = store.append_all(vec![rows("A", 0..2), second], mark(1));
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
    }
    let refused = store.append_all(vec![rows("A", 0..2), rows("C", 0..2)], mark(1));
    assert!(matches!(refused, Err(StoreError::NoTable(_))), "{refused:?}");
    let nameless = Mark { source: String::new(), position: 1 };
    let endless = Mark { source: SOURCE.to_owned(), position: u64::MAX };
    for mark in [nameless, endless] {
        let refused = store.append_all(both(0..2), Some(mark));
        assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
    }
    assert_eq!((store.position(SOURCE), store.positions()), (None, Vec::new()));
    let hot: Vec<usize> = store.status().iter().map(|table| table.n_hot_rows).collect();
    assert_eq!(hot, [0, 0]);
    // What was counted against the limits was given back.
    assert!(store.append_all(both(0..2), mark(1)).is_ok());
}

#[test]
fn a_mark_never_goes_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = in_folder(folder.path());
    declare(&store).unwrap();
    store.append_all(both(0..3), mark(10)).unwrap();
    for position in [0, 9, 10] {
        let refused = store.append_all(both(0..3), mark(position));
        let is_known = |e: &StoreError| matches!(e, StoreError::OldMark { known: 10, .. });
        assert!(refused.as_ref().is_err_and(is_known), "{refused:?}");
    }
    assert_eq!(numbers_of(&store, "A"), [0, 1, 2]);
    store.flush().unwrap();
    drop(store);
    // The write-ahead log is gone: the Delta tables know it.
    assert_eq!(std::fs::read_dir(folder.path().join("wal")).unwrap().count(), 0);
    let store = in_folder(folder.path());
    assert_eq!(store.position(SOURCE), Some(10));
    store.append_all(vec![rows("A", 3..5)], mark(12)).unwrap();
    store.append_all(Vec::new(), mark(15)).unwrap();
    assert_eq!(store.position(SOURCE), Some(15));
    drop(store);
    let store = in_folder(folder.path());
    assert_eq!(store.positions(), [mark(12).unwrap()], "a mark without rows was in memory only");
    assert_eq!(store.position("another"), None);
    assert_eq!(numbers_of(&store, "A"), [0, 1, 2, 3, 4]);
}

#[test]
fn sources_that_fail_take_no_place() {
    let folder = tempfile::tempdir().unwrap();
    let limits = StoreLimits { sources: 2, ..StoreLimits::default() };
    let store = Store::open(Doors::of_folder(folder.path()).unwrap(), limits).unwrap();
    declare(&store).unwrap();
    let of = |n: i64| Some(Mark { source: format!("source {n}"), position: 1 });
    for n in 0..5 {
        let refused = store.append_all(vec![rows("Nowhere", n..n + 1)], of(n));
        assert!(matches!(refused, Err(StoreError::NoTable(_))), "{refused:?}");
    }
    for n in 0..2 {
        store.append_all(both(n..n + 1), of(n)).unwrap();
    }
    let refused = store.append_all(both(2..3), of(2));
    assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
    assert_eq!(store.positions(), [of(0).unwrap(), of(1).unwrap()]);
}

#[test]
fn two_that_ship_one_source_cannot_double_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = in_folder(folder.path());
    declare(&store).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..25_i64 {
                    match store.append_all(both(n..n + 1), mark(n as u64 + 1)) {
                        Ok(_) | Err(StoreError::OldMark { .. }) => {}
                        Err(e) => panic!("{e}"),
                    }
                }
            });
        }
    });
    for table in TABLES {
        assert_eq!(numbers_of(&store, table), (0..25).collect::<Vec<_>>());
    }
    assert_eq!(store.position(SOURCE), Some(25));
}

#[test]
fn a_power_cut_leaves_all_or_nothing() {
    for (tail, names) in [(0, false), (60, true)] {
        for cut_at in 1.. {
            let disk = SimDisk::cutting_at(cut_at);
            let doors = Doors {
                disk: Arc::new(disk.clone()),
                clock: Arc::new(OsClock),
                random: Arc::new(OsClock),
                place: None,
            };
            let acked = ship(doors);
            let folder = scratch();
            disk.after(folder.path(), tail, names);
            let store = in_folder(folder.path());
            let position = store.position(SOURCE).unwrap_or(0);
            assert!(position >= acked, "{position} < {acked} after a cut at {cut_at}, {tail}");
            let expected: Vec<i64> = (0..position as i64).collect();
            for table in TABLES {
                let found = numbers_of(&store, table);
                assert_eq!(found, expected, "{table} after a cut at {cut_at}, {tail} {names}");
            }
            if !disk.is_off() {
                assert_eq!(acked, 6);
                break;
            }
        }
    }
}

/// Ships a source until something fails; answers the last mark that was acknowledged.
fn ship(doors: Doors) -> u64 {
    let limits = StoreLimits { segment_bytes: 4000, ..StoreLimits::default() };
    let Ok(store) = Store::open(doors, limits) else { return 0 };
    let mut acked = 0;
    if declare(&store).is_err() {
        return acked;
    }
    for n in 0..6_i64 {
        match store.append_all(both(n..n + 1), mark(n as u64 + 1)) {
            Ok(_) => acked = n as u64 + 1,
            Err(_) => return acked,
        }
        if n % 4 == 2 {
            let _ = store.flush();
        }
    }
    acked
}
