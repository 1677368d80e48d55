//! The store under pressure: commits when they are due, refusal when there is too much, and power
//! that goes again while the log is read.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use kql::value::{TICKS_PER_DAY, TICKS_PER_SECOND, Value};
use lake::store::{
    Alone, Clock, Committer, Doors, Mark, OsClock, Rows, Store, StoreError, StoreLimits,
};

use crate::plans::NOW;
use crate::store::{columns, in_folder, numbers, row};
use crate::store_disk::{SimDisk, scratch};
use crate::store_log::{SetClock, open};
use crate::store_tend::data_files;

/// Waits until something is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(30), "never {what}");
        std::thread::yield_now();
    }
}

#[test]
fn the_committer_commits_what_is_due_and_merges_then() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let limits = StoreLimits { merge_files: 3, ..StoreLimits::default() };
    let store = open(folder.path(), &clock, limits);
    store.declare("Events", &columns()).unwrap();
    store.append("Events", &[row(0)]).unwrap();
    clock.pass(59 * TICKS_PER_SECOND);
    assert_eq!((store.commit_due(), store.status()[0].n_files), (0, 0), "not yet a minute");
    clock.pass(TICKS_PER_SECOND);
    assert_eq!((store.commit_due(), store.status()[0].n_files), (1, 1));
    // A clock that was set back puts nothing off.
    store.append("Events", &[row(3)]).unwrap();
    clock.pass(-1000 * TICKS_PER_SECOND);
    assert_eq!((store.commit_due(), store.status()[0].n_files), (1, 2));
    let committer = Committer::start(Arc::clone(&store), Alone).unwrap();
    store.append("Events", &[row(6)]).unwrap();
    clock.pass(61 * TICKS_PER_SECOND);
    until("committed", || store.status()[0].n_hot_rows == 0);
    clock.pass(61 * TICKS_PER_SECOND);
    until("merged", || store.status()[0].n_files == 1);
    drop(committer);
    assert_eq!(numbers(&store), [0, 3, 6]);
    let committed = Arc::strong_count(&store);
    assert_eq!(committed, 1, "its thread is gone");
}

#[test]
fn a_table_that_is_committed_too_slowly_takes_no_more() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let limits = StoreLimits { hot_bytes: 20_000, days: 4, ..StoreLimits::default() };
    let store = open(folder.path(), &clock, limits);
    store.declare("Events", &columns()).unwrap();
    store.declare("Others", &columns()).unwrap();
    let append = |n: i64| {
        let rows = |table: &str| {
            let columns = row(n).into_iter().map(|value| vec![value]).collect();
            Rows { table: table.to_owned(), columns }
        };
        let mark = Mark { source: "s".to_owned(), position: n as u64 + 1 };
        store.append_all(vec![rows("Others"), rows("Events")], Some(mark))
    };
    let full = (0..).find(|n| append(*n).is_err()).unwrap();
    assert!(full > 3, "{full}");
    let refused = append(full);
    assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    // Nothing of what was refused is there or counted, in neither table.
    assert_eq!(store.position("s"), Some(full as u64));
    let hot: Vec<_> = store.status().iter().map(|t| (t.n_hot_rows as i64, t.hot_bytes)).collect();
    assert_eq!(hot[0].0, full);
    assert_eq!(hot[0], hot[1]);
    store.flush().unwrap();
    append(full).unwrap();
    assert_eq!(numbers(&store), (0..=full).collect::<Vec<_>>());
    let of_day = |day: i64| {
        let mut row = row(1000 + day);
        row[0] = Value::DateTime(NOW + day * TICKS_PER_DAY);
        row
    };
    let days = |from: i64, to: i64| (from..to).map(of_day).collect::<Vec<_>>();
    let refused = store.append("Others", &days(10, 15));
    assert!(matches!(refused, Err(StoreError::Invalid(_))), "{refused:?}");
    store.append("Others", &days(20, 23)).unwrap();
    let refused = store.append("Others", &days(30, 31));
    assert!(matches!(refused, Err(StoreError::Full(_))), "{refused:?}");
    store.flush().unwrap();
    store.append("Others", &days(30, 31)).unwrap();
}

#[test]
fn who_comes_while_too_much_waits_for_the_disk_is_refused() {
    let disk = SimDisk::default();
    let doors = Doors {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(OsClock),
        random: Arc::new(OsClock),
        place: None,
    };
    let limits = StoreLimits { waiting_bytes: 4000, ..StoreLimits::default() };
    let store = Arc::new(Store::open(doors, limits).unwrap());
    store.declare("Events", &columns()).unwrap();
    store.append("Events", &[row(0)]).unwrap();
    disk.shut_gate(true);
    let outcomes: Vec<Result<i64, StoreError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..9)
            .map(|n| {
                let store = &store;
                scope.spawn(move || store.append("Events", &[row(n)]).map(|_| n))
            })
            .collect();
        // Whoever is refused is so at once; the others wait for the gate.
        until("refused", || threads.iter().any(std::thread::ScopedJoinHandle::is_finished));
        disk.shut_gate(false);
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut taken: Vec<i64> =
        outcomes.iter().filter_map(|done| done.as_ref().ok().copied()).collect();
    let full = outcomes.iter().filter(|done| matches!(done, Err(StoreError::Full(_)))).count();
    assert!(full > 0 && taken.len() > 1 && full + taken.len() == 8, "{outcomes:?}");
    let folder = tempfile::tempdir().unwrap();
    disk.after(folder.path(), 0, false);
    taken.insert(0, 0);
    taken.sort_unstable();
    assert_eq!(numbers(&in_folder(folder.path())), taken);
}

#[test]
fn power_that_goes_again_while_the_log_is_read() {
    let doors = |disk: &SimDisk| Doors {
        disk: Arc::new(disk.clone()),
        clock: Arc::new(OsClock),
        random: Arc::new(OsClock),
        place: None,
    };
    let limits = || StoreLimits { segment_bytes: 2000, ..StoreLimits::default() };
    let mut n_torn = 0;
    for first in (5..60).step_by(3) {
        let disk = SimDisk::cutting_at(first);
        let mut acked = Vec::new();
        if let Ok(store) = Store::open(doors(&disk), limits())
            && store.declare("Events", &columns()).is_ok()
        {
            for n in 0..8 {
                if store.append("Events", &[row(n)]).is_ok() {
                    acked.push(n);
                }
                let _ = (n == 4).then(|| store.flush());
            }
        }
        for (tail, names) in [(0, false), (60, true)] {
            for cut_at in 1.. {
                let again = disk.again(tail, names, cut_at);
                let opened = Store::open(doors(&again), limits());
                n_torn += usize::from(opened.as_ref().is_ok_and(|store| store.cut_bytes() > 0));
                drop(opened);
                let folder = scratch();
                again.after(folder.path(), tail, names);
                let found = numbers(&in_folder(folder.path()));
                let lost: Vec<_> = acked.iter().filter(|n| !found.contains(n)).collect();
                assert!(lost.is_empty(), "lost {lost:?} after {first}, then {cut_at}, {tail}");
                assert!(found.is_sorted_by(|a, b| a < b), "{found:?} after {first}, {cut_at}");
                if !again.is_off() {
                    break;
                }
            }
        }
    }
    assert!(n_torn > 0, "no log had a torn end");
}

/// A clock at which the caller that looks for the last time that it may has to wait.
#[derive(Debug, Default)]
struct Holding {
    n_looks: AtomicI64,
    is_held: Mutex<bool>,
    changed: Condvar,
}

impl Clock for Holding {
    fn now(&self) -> i64 {
        if self.n_looks.fetch_sub(1, Ordering::SeqCst) == 1 {
            *self.is_held.lock().unwrap() = true;
            let held = self.is_held.lock().unwrap();
            drop(self.changed.wait_while(held, |held| *held).unwrap());
        }
        NOW
    }
}

#[test]
fn a_merge_is_broken_off_when_the_committer_stops() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Holding::default());
    let doors = Doors { clock: clock.clone(), ..Doors::of_folder(folder.path()).unwrap() };
    let limits = StoreLimits { merge_files: 2, ..StoreLimits::default() };
    let store = Arc::new(Store::open(doors, limits).unwrap());
    store.declare("Events", &columns()).unwrap();
    for n in 0..3 {
        store.append("Events", &[row(n * 3)]).unwrap();
        store.flush().unwrap();
    }
    // It looks when it asks what is to be committed and tended, and again between two batches.
    clock.n_looks.store(4, Ordering::SeqCst);
    let committer = Committer::start(Arc::clone(&store), Alone).unwrap();
    until("held", || *clock.is_held.lock().unwrap());
    assert_eq!(data_files(folder.path()).len(), 4, "one is being written");
    committer.stop();
    *clock.is_held.lock().unwrap() = false;
    clock.changed.notify_all();
    drop(committer);
    assert_eq!((store.status()[0].n_files, data_files(folder.path()).len()), (3, 3));
    assert_eq!(numbers(&store), [0, 3, 6]);
    assert_eq!((store.tend(), store.status()[0].n_files), (1, 1), "by who comes next");
}
