//! Files of tables are merged and removed, and no query notices.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use datafusion::arrow::array::AsArray as _;
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use kql::plan::Column;
use kql::value::{TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_SECOND, Type, Value};
use lake::Lake;
use lake::store::{
    Committer, Disk, DiskFile, Doors, Entry, OsClock, OsDisk, Store, StoreLimits, Surroundings,
};

use crate::plans::NOW;
use crate::store::{ask, columns, in_folder, lake, numbers, row};
use crate::store_disk::{SimDisk, scratch};
use crate::store_log::{SetClock, open};

fn limits() -> StoreLimits {
    StoreLimits { merge_files: 4, tend_interval: Duration::ZERO, ..StoreLimits::default() }
}

/// Data files on the disk.
pub(crate) fn data_files(folder: &Path) -> BTreeSet<PathBuf> {
    let table = folder.join("tables/Events");
    let days = std::fs::read_dir(table).unwrap().map(|day| day.unwrap().path());
    let days = days.filter(|day| day.file_name().unwrap().to_str().unwrap().starts_with("Day="));
    let files = days.flat_map(|day| std::fs::read_dir(day).unwrap());
    files.map(|file| file.unwrap().path()).filter(|p| p.extension().unwrap() == "parquet").collect()
}

fn times(file: &Path) -> Vec<i64> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    let batches = reader.build().unwrap().map(Result::unwrap);
    let times = batches.flat_map(|batch| {
        let times = batch.column_by_name("TimeGenerated").unwrap();
        times.as_primitive::<TimestampMicrosecondType>().values().to_vec()
    });
    times.collect()
}

/// Rows of three days in as many commits as there are parts of `by` rows.
fn fill(store: &Store, numbers: std::ops::Range<i64>, by: usize) {
    let all: Vec<_> = numbers.map(row).collect();
    for part in all.chunks(by) {
        store.append("Events", part).unwrap();
        store.flush().unwrap();
    }
}

/// A machine that others want or not, and how often that was asked.
#[derive(Clone, Default)]
struct Machine {
    is_busy: Arc<AtomicBool>,
    n_begun: Arc<AtomicU8>,
    n_asked: Arc<AtomicU64>,
}

impl Surroundings for Machine {
    fn begin(&mut self) {
        self.n_begun.fetch_add(1, Ordering::SeqCst);
    }

    fn is_busy(&mut self) -> bool {
        self.n_asked.fetch_add(1, Ordering::SeqCst);
        self.is_busy.load(Ordering::SeqCst)
    }
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let until = std::time::Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(std::time::Instant::now() < until, "{what}");
        std::thread::yield_now();
    }
}

#[test]
fn files_are_left_alone_for_a_while_when_others_want_the_machine() {
    for waits_for_others in [true, false] {
        let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
        let store = open(folder.path(), &clock, limits());
        store.declare("Events", &columns()).unwrap();
        fill(&store, 0..120, 30);
        let n_files = store.status()[0].n_files;
        let machine = Machine::default();
        machine.is_busy.store(true, Ordering::SeqCst);
        let committer = Committer::start(Arc::clone(&store), machine.clone()).unwrap();
        // Asked again: what it did after the time before is done.
        let asked = || machine.n_asked.load(Ordering::SeqCst);
        wait_for("it looks", || asked() >= 3);
        assert_eq!((store.status()[0].n_files, n_files), (n_files, 12));
        clock.pass(599 * TICKS_PER_SECOND);
        let before = asked();
        wait_for("it looks", || asked() >= before + 2);
        assert_eq!(store.status()[0].n_files, n_files);
        if waits_for_others {
            machine.is_busy.store(false, Ordering::SeqCst);
        } else {
            clock.pass(TICKS_PER_SECOND);
        }
        wait_for("files are merged", || store.status()[0].n_files == 3);
        drop(committer);
        assert_eq!(machine.n_begun.load(Ordering::SeqCst), 1);
        assert_eq!(numbers(&store), (0..120).collect::<Vec<_>>());
    }
}

#[test]
fn small_files_become_one() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let store = open(folder.path(), &clock, limits());
    store.declare("Events", &columns()).unwrap();
    fill(&store, 0..120, 30);
    let mut wide = columns();
    wide.push(Column::new("New", Type::String));
    store.declare("Events", &wide).unwrap();
    fill(&store, 120..150, 30);
    assert_eq!(store.status()[0].n_files, 15);
    let texts = [
        "Events | sort by N asc",
        "Events | where Text has '7' | summarize count(), sum(N), max(Span)",
        "Events | where New == '' and tolong(D.a) > 100 | count",
    ];
    let before: Vec<_> = texts.iter().map(|text| ask(&lake(&store), text)).collect();
    assert_eq!(before[0].len(), 150);
    let running = Lake::new(store.snapshot(), lake::Limits::default()).unwrap();
    assert_eq!(store.tend(), 3, "a job for each day");
    let status = &store.status()[0];
    assert_eq!((status.n_files, status.untended.is_none()), (3, true));
    let after: Vec<_> = texts.iter().map(|text| ask(&lake(&store), text)).collect();
    assert_eq!(before, after);
    let merged: Vec<_> = data_files(folder.path())
        .into_iter()
        .filter(|p| p.file_name().unwrap().to_str().unwrap().starts_with("merged-"))
        .collect();
    assert_eq!(merged.len(), 3);
    assert!(merged.iter().all(|file| times(file).is_sorted() && times(file).len() == 50));
    assert_eq!(store.tend(), 0, "nothing is left to do");
    // Who reads the files of before goes on, for the time that they are kept.
    assert_eq!(running.tables().find("Events").unwrap().schema().len(), 7);
    assert_eq!(ask(&running, texts[0]), before[0]);
    assert_eq!(data_files(folder.path()).len(), 18);
    clock.pass(7 * TICKS_PER_DAY + TICKS_PER_HOUR);
    store.tend();
    assert_eq!(data_files(folder.path()), merged.into_iter().collect());
    assert_eq!(ask(&lake(&store), texts[0]), before[0]);
    drop(store);
    let store = open(folder.path(), &clock, limits());
    assert_eq!(ask(&lake(&store), texts[0]), before[0]);
    let log = std::fs::read_dir(folder.path().join("tables/Events/_delta_log")).unwrap();
    let log: String = log
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .map(|path| std::fs::read_to_string(path).unwrap())
        .filter(|text| text.contains("OPTIMIZE"))
        .collect();
    assert_eq!(log.matches(r#""dataChange":false"#).count(), 18);
    assert_eq!(log.matches(r#""dataChange":true"#).count(), 0);
}

#[test]
fn few_files_wait_until_their_day_is_over() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let store = open(folder.path(), &clock, limits());
    store.declare("Events", &columns()).unwrap();
    let of_today = |n| {
        let mut row = row(n);
        row[0] = Value::DateTime(NOW + n);
        row
    };
    for n in 0..3 {
        store.append("Events", &[of_today(n)]).unwrap();
        store.flush().unwrap();
    }
    assert_eq!((store.tend(), store.status()[0].n_files), (0, 3));
    clock.pass(TICKS_PER_DAY + 2 * TICKS_PER_HOUR);
    assert_eq!((store.tend(), store.status()[0].n_files), (1, 1));
    assert_eq!(numbers(&store), [0, 1, 2]);
}

#[test]
fn queries_see_each_row_once_while_files_are_merged() {
    let folder = tempfile::tempdir().unwrap();
    let limits = StoreLimits { merge_files: 2, ..limits() };
    let store = Arc::new(Store::open(Doors::of_folder(folder.path()).unwrap(), limits).unwrap());
    store.declare("Events", &columns()).unwrap();
    let is_done = AtomicBool::new(false);
    let mut n_merged = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            fill(&store, 0..150, 5);
            is_done.store(true, Ordering::SeqCst);
        });
        scope.spawn(|| {
            let mut last = 0;
            while !is_done.load(Ordering::SeqCst) {
                let found = numbers(&store);
                let expected: Vec<i64> = (0..found.len() as i64).collect();
                assert!(found.len() >= last && found == expected, "{found:?}");
                last = found.len();
            }
        });
        while !is_done.load(Ordering::SeqCst) {
            n_merged += store.tend();
        }
    });
    assert!(n_merged > 0);
    assert_eq!(store.status()[0].untended.as_ref().map(ToString::to_string), None);
    assert_eq!(numbers(&store), (0..150).collect::<Vec<_>>());
}

#[test]
fn power_cuts_while_files_are_merged() {
    for (tail, names) in [(0, false), (60, true)] {
        for cut_at in 1.. {
            let disk = SimDisk::cutting_at(cut_at);
            let clock = SetClock::at(NOW);
            let doors = Doors {
                disk: Arc::new(disk.clone()),
                clock: Arc::new(clock.clone()),
                random: Arc::new(OsClock),
                place: None,
            };
            let acked = merge_until_cut(doors, &clock);
            let folder = scratch();
            disk.after(folder.path(), tail, names);
            let store = open(folder.path(), &clock, eager());
            let found = numbers(&store);
            assert!(found.len() >= acked, "{found:?} after a cut at {cut_at}, {tail} {names}");
            let expected: Vec<i64> = (0..found.len() as i64).map(|n| n * 3).collect();
            assert_eq!(found, expected, "after a cut at {cut_at}, {tail} {names}");
            // Nothing that the table does not name is left lying about.
            while store.tend() > 0 {
                clock.pass(TICKS_PER_SECOND);
            }
            if let Some(status) = store.status().first() {
                let (n_files, why) = (status.n_files, &status.untended);
                assert_eq!(why.as_ref().map(ToString::to_string), None);
                let files = data_files(folder.path());
                assert_eq!(files.len(), n_files, "cut at {cut_at}, {tail} {names}: {files:?}");
                assert_eq!(numbers(&store), expected);
            }
            if !disk.is_off() {
                assert_eq!(acked, 4);
                break;
            }
        }
    }
}

/// Limits by which all is done at once.
fn eager() -> StoreLimits {
    StoreLimits {
        merge_files: 2,
        checkpoint_commits: 2,
        file_retention: Duration::ZERO,
        tend_interval: Duration::ZERO,
        ..StoreLimits::default()
    }
}

fn merge_until_cut(doors: Doors, clock: &SetClock) -> usize {
    let Ok(store) = Store::open(doors, eager()) else { return 0 };
    let mut acked = 0;
    if store.declare("Events", &columns()).is_err() {
        return acked;
    }
    for n in 0..4 {
        // All of one day.
        if store.append("Events", &[row(n * 3)]).is_ok() {
            acked += 1;
        }
        let _ = store.flush();
        clock.pass(TICKS_PER_SECOND);
        if n % 2 == 1 {
            store.tend();
            clock.pass(TICKS_PER_SECOND);
            store.tend();
        }
    }
    acked
}

/// A disk on which the next link fails, or is made and then said to have failed.
#[derive(Debug)]
struct Doubtful(OsDisk, AtomicU8);

const FAIL: u8 = 1;
const FAIL_WHEN_DONE: u8 = 2;

impl Disk for Doubtful {
    fn make_folder(&self, path: &str) -> io::Result<()> {
        self.0.make_folder(path)
    }
    fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        self.0.list(path)
    }
    fn read(&self, path: &str, most: u64) -> io::Result<Vec<u8>> {
        self.0.read(path, most)
    }
    fn read_at(&self, path: &str, at: u64, len: usize) -> io::Result<Vec<u8>> {
        self.0.read_at(path, at, len)
    }
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        self.0.create(path)
    }
    fn open(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        self.0.open(path)
    }
    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        let lost = || io::Error::other("the answer was lost");
        match self.1.swap(0, Ordering::SeqCst) {
            FAIL => Err(lost()),
            FAIL_WHEN_DONE => self.0.link(from, to).and(Err(lost())),
            _ => self.0.link(from, to),
        }
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, path: &str) -> io::Result<()> {
        self.0.remove(path)
    }
    fn sync_folder(&self, path: &str) -> io::Result<()> {
        self.0.sync_folder(path)
    }
    fn lock(&self) -> io::Result<Box<dyn Send + Sync>> {
        self.0.lock()
    }
    fn real_path(&self, path: &str) -> PathBuf {
        self.0.real_path(path)
    }
}

#[test]
fn rows_whose_commit_is_in_doubt_are_seen_once() {
    for by_tending in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let disk = Arc::new(Doubtful(OsDisk::new(folder.path().into()).unwrap(), 0.into()));
        let doors = Doors { disk: disk.clone(), ..Doors::of_folder(folder.path()).unwrap() };
        let store = Arc::new(Store::open(doors, limits()).unwrap());
        store.declare("Events", &columns()).unwrap();
        fill(&store, 0..6, 3);
        store.append("Events", &[row(6)]).unwrap();
        disk.1.store(FAIL_WHEN_DONE, Ordering::SeqCst);
        assert!(store.flush().is_err());
        assert_eq!(numbers(&store), (0..7).collect::<Vec<_>>());
        store.append("Events", &[row(7)]).unwrap();
        if by_tending {
            store.tend();
        } else {
            let mut wide = columns();
            wide.push(Column::new("New", Type::String));
            store.declare("Events", &wide).unwrap();
        }
        assert_eq!(numbers(&store), (0..8).collect::<Vec<_>>());
        assert_eq!(store.status()[0].n_hot_rows, 1);
        store.flush().unwrap();
        assert_eq!(numbers(&store), (0..8).collect::<Vec<_>>());
        drop(store);
        assert_eq!(numbers(&in_folder(folder.path())), (0..8).collect::<Vec<_>>());
    }
}

#[test]
fn a_commit_that_fails_again_and_again_leaves_no_files_behind() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Doubtful(OsDisk::new(folder.path().into()).unwrap(), 0.into()));
    let doors = Doors { disk: disk.clone(), ..Doors::of_folder(folder.path()).unwrap() };
    let store = Arc::new(Store::open(doors, limits()).unwrap());
    store.declare("Events", &columns()).unwrap();
    store.append("Events", &[row(0), row(1)]).unwrap();
    for _ in 0..4 {
        disk.1.store(FAIL, Ordering::SeqCst);
        assert!(store.flush().is_err());
        assert_eq!(data_files(folder.path()).len(), 2);
    }
    store.append("Events", &[row(2)]).unwrap();
    store.flush().unwrap();
    store.flush().unwrap();
    assert_eq!(data_files(folder.path()).len(), store.status()[0].n_files);
    assert_eq!(numbers(&store), [0, 1, 2]);
}

#[test]
fn a_damaged_file_is_said_and_stops_no_other_day() {
    let (folder, clock) = (tempfile::tempdir().unwrap(), SetClock::at(NOW));
    let store = open(folder.path(), &clock, limits());
    store.declare("Events", &columns()).unwrap();
    fill(&store, 0..120, 30);
    let spoilt = data_files(folder.path()).into_iter().next().unwrap();
    let whole = std::fs::read(&spoilt).unwrap();
    std::fs::write(&spoilt, &whole[..whole.len() / 2]).unwrap();
    assert_eq!(store.tend(), 0);
    assert_eq!(store.tend(), 2);
    let status = &store.status()[0];
    assert_eq!((status.n_files, status.untended.is_some()), (6, true));
    std::fs::write(&spoilt, whole).unwrap();
    assert_eq!(numbers(&store), (0..120).collect::<Vec<_>>());
    drop(store);
    let store = open(folder.path(), &clock, limits());
    assert_eq!(store.tend(), 1);
    assert_eq!((store.status()[0].n_files, store.status()[0].untended.is_none()), (3, true));
    assert_eq!(data_files(folder.path()).len(), 12 + 3, "a merge that failed leaves no file");
}

#[test]
fn a_merge_whose_commit_fails_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Doubtful(OsDisk::new(folder.path().into()).unwrap(), 0.into()));
    let doors = Doors { disk: disk.clone(), ..Doors::of_folder(folder.path()).unwrap() };
    let store = Arc::new(Store::open(doors, limits()).unwrap());
    store.declare("Events", &columns()).unwrap();
    for n in 0..4 {
        store.append("Events", &[row(n * 3)]).unwrap();
        store.flush().unwrap();
    }
    for n_done in [FAIL, FAIL, FAIL_WHEN_DONE] {
        disk.1.store(n_done, Ordering::SeqCst);
        assert_eq!(store.tend(), 0);
        assert!(store.status()[0].untended.is_some());
        assert_eq!(data_files(folder.path()).len(), 5, "those of before are removed by the next");
        assert_eq!(numbers(&store), [0, 3, 6, 9]);
    }
    assert_eq!(store.tend(), 0, "it was done, it is found");
    let status = &store.status()[0];
    assert_eq!((status.n_files, status.untended.is_none()), (1, true));
    assert_eq!(numbers(&store), [0, 3, 6, 9]);
}
