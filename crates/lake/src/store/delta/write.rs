//! Rows of the memtable written as files of a Delta table: one a day, sorted by time.

use std::collections::BTreeMap;

use datafusion::arrow::array::{AsArray as _, UInt32Array};
use datafusion::arrow::compute::{concat_batches, take_record_batch};
use datafusion::arrow::datatypes::Int64Type;
use kql::value::{TICKS_PER_DAY, UNIX_EPOCH, datetime_text};
use serde_json::json;

use super::action::{Add, Stats};
use super::log::Log;
use super::parquet::{How, Output, Written, stored, stored_schema};
use crate::store::error::{Doing as _, StoreError, StoreResult};
use crate::store::memtable::Memtable;
use crate::store::place::Item;
use crate::store::shape::{DAY, Shape, TIME};
use crate::store::terms::TERMS;

/// How the names of files begin; then comes the last number of the write-ahead log in them.
const PART: &str = "part-";
/// How the names of files begin that were made of others.
pub(super) const MERGED: &str = "merged-";
/// The tag of a file that says how many bytes at its end tell where everything in it is.
pub(super) const TAIL: &str = "pgkeep.tailBytes";
/// No commit is under way for longer.
const LATEST_MS: i64 = 86_400_000;
/// Rows that are sorted and handed on at once.
const BATCH_ROWS: usize = 8192;

/// Writes the rows of a memtable.
pub(crate) fn write_files(
    log: &Log,
    shape: &Shape,
    rows: &Memtable,
    how: How,
    at: i64,
    random: u128,
) -> StoreResult<Vec<Add>> {
    let batches =
        rows.batches().map(|batch| shape.conform(batch)).collect::<StoreResult<Vec<_>>>()?;
    let all = concat_batches(&shape.arrow, &batches)?;
    drop(batches);
    let times = all.column(shape.time).as_primitive::<Int64Type>().clone();
    let n_rows = u32::try_from(all.num_rows())
        .map_err(|_| StoreError::Invalid("too many rows for one file".to_owned()))?;
    let mut order: Vec<u32> = (0..n_rows).collect();
    // Stable: rows of the same moment stay as they came.
    order.sort_by_key(|row| times.value(*row as usize));
    let day_of = |row: &u32| times.value(*row as usize) / TICKS_PER_DAY;
    let schema = stored_schema(shape);
    let write_day = |rows_of_day: &[u32]| {
        let day = date_text(day_of(&rows_of_day[0]) * TICKS_PER_DAY);
        let name = format!("{DAY}={day}/{PART}{:020}-{random:032x}.parquet", rows.last_seq);
        let mut output = Output::create(&log.objects, &name, shape, how)?;
        for some in rows_of_day.chunks(BATCH_ROWS) {
            let sorted = take_record_batch(&all, &UInt32Array::from(some.to_vec()))?;
            output.write(&stored(shape, &schema, &sorted)?)?;
        }
        Ok(add(name, day, &output.finish()?, at, true))
    };
    let mut adds: Vec<Add> = Vec::new();
    for rows_of_day in order.chunk_by(|a, b| day_of(a) == day_of(b)) {
        match write_day(rows_of_day) {
            Ok(add) => adds.push(add),
            Err(why) => {
                // Nobody names them; what stays here is removed when the store is opened.
                adds.iter().for_each(|add| drop(log.objects.remove_file(&add.path)));
                return Err(why);
            }
        }
    }
    Ok(adds)
}

/// The action that adds a file.
pub(super) fn add(name: String, day: String, file: &Written, at: i64, data_change: bool) -> Add {
    let time = |micros: i64| {
        BTreeMap::from([(TIME.to_owned(), json!(point_text(UNIX_EPOCH + micros * 10)))])
    };
    let stats = Stats {
        num_records: Some(file.n_rows),
        min_values: time(file.times.0),
        max_values: time(file.times.1),
        null_count: BTreeMap::from([(TIME.to_owned(), json!(0))]),
    };
    Add {
        path: name,
        partition_values: BTreeMap::from([(DAY.to_owned(), Some(day))]),
        size: file.size,
        modification_time: at,
        data_change,
        stats: serde_json::to_string(&stats).ok(),
        tags: file.tail_bytes.map(|n| BTreeMap::from([(TAIL.to_owned(), Some(n.to_string()))])),
        deletion_vector: None,
    }
}

/// Removes files that were written here and never committed: the log, whole as it was read, knows
/// them neither as a part of the table nor as taken away. Where a commit may still arrive that a
/// process before this one sent (`at` is now), young ones stay.
pub(crate) fn remove_leftovers(log: &Log, at: i64) -> StoreResult<()> {
    let is_over = |file: &Item| file.put_at.is_none_or(|put_at| at - put_at > LATEST_MS);
    for (file, day) in days_of(log, "")?.iter().filter(|(file, _)| is_over(file)) {
        let number = file.name.strip_prefix(PART).and_then(|rest| rest.split('-').next());
        let is_numbered =
            |digits: &str| digits.len() == 20 && digits.bytes().all(|b| b.is_ascii_digit());
        let is_ours = number.is_some_and(is_numbered) || file.name.starts_with(MERGED);
        let path = format!("{day}/{}", file.name);
        if is_ours && !log.knows(&path) {
            log.objects.remove_file(&path)?;
        }
    }
    for (file, day) in days_of(log, TERMS)?.iter().filter(|(file, _)| is_over(file)) {
        let path = file.name.strip_suffix(".terms").map(|name| format!("{day}/{name}"));
        if let Some(path) = path.filter(|path| !log.knows(path)) {
            log.objects.remove_file(&path)?;
        }
    }
    Ok(())
}

/// The files in folders of days, and the folders' names.
fn days_of(log: &Log, within: &str) -> StoreResult<Vec<(Item, String)>> {
    let list = |name: &str| {
        let path = log.objects.path(name);
        let path = path.trim_end_matches('/');
        log.objects.place().list(path).doing(|| format!("listing \"{path}\""))
    };
    let mut files = Vec::new();
    for day in list(within)? {
        if day.is_folder && day.name.starts_with(DAY) {
            let inside = list(&format!("{within}{}", day.name))?;
            files.extend(inside.into_iter().map(|file| (file, day.name.clone())));
        }
    }
    Ok(files)
}

/// `2026-11-27`
pub(crate) fn date_text(ticks: i64) -> String {
    datetime_text(ticks).chars().take(10).collect()
}

/// `2026-11-27T13:00:00.123456Z`
fn point_text(ticks: i64) -> String {
    let mut text: String = datetime_text(ticks).chars().take(26).collect();
    text.push('Z');
    text
}
