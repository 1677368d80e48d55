//! Rows written as Parquet files of a Delta table: one a day, sorted by time.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, UInt32Array,
};
use datafusion::arrow::compute::{concat_batches, take_record_batch};
use datafusion::arrow::datatypes::{
    DataType, Field, Int64Type, Schema as ArrowSchema, TimestampMicrosecondType,
};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::metadata::SortingColumn;
use datafusion::parquet::file::properties::WriterProperties;
use kql::value::{TICKS_PER_DAY, Type, UNIX_EPOCH, datetime_text};
use serde_json::json;

use super::action::{Add, Stats};
use super::log::Log;
use crate::store::error::{Doing as _, StoreError, StoreResult};
use crate::store::memtable::Memtable;
use crate::store::shape::{DAY, Shape, TIME, compact};

/// How the names of files begin; then comes the last number of the write-ahead log in them.
const PART: &str = "part-";

/// Writes the rows of a memtable.
pub(crate) fn write_files(
    log: &Log,
    shape: &Shape,
    rows: &Memtable,
    group_rows: usize,
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
    let mut adds = Vec::new();
    for rows_of_day in order.chunk_by(|a, b| day_of(a) == day_of(b)) {
        let sorted = take_record_batch(&all, &UInt32Array::from(rows_of_day.to_vec()))?;
        let bytes = parquet(shape, &sorted, group_rows)?;
        let day = date_text(day_of(&rows_of_day[0]) * TICKS_PER_DAY);
        let name = format!("{DAY}={day}/{PART}{:020}-{random:032x}.parquet", rows.last_seq);
        log.objects
            .put(&name, &bytes)
            .doing(|| format!("writing \"{}\"", log.objects.path(&name)))?;
        let time = |row: Option<&u32>| {
            let ticks = row.map_or(0, |row| times.value(*row as usize));
            BTreeMap::from([(TIME.to_owned(), json!(point_text(ticks)))])
        };
        let stats = Stats {
            num_records: Some(rows_of_day.len() as u64),
            min_values: time(rows_of_day.first()),
            max_values: time(rows_of_day.last()),
            null_count: BTreeMap::from([(TIME.to_owned(), json!(0))]),
        };
        adds.push(Add {
            path: name,
            partition_values: BTreeMap::from([(DAY.to_owned(), Some(day))]),
            size: bytes.len() as u64,
            modification_time: at,
            data_change: true,
            stats: serde_json::to_string(&stats).ok(),
            tags: None,
            deletion_vector: None,
        });
    }
    Ok(adds)
}

/// Removes files that were written and never committed.
pub(crate) fn remove_leftovers(log: &Log) -> StoreResult<()> {
    let disk = log.objects.disk();
    let folder = log.objects.path("");
    let folder = folder.trim_end_matches('/');
    let list = |path: &str| disk.list(path).doing(|| format!("listing \"{path}\""));
    for day in list(folder)? {
        if !day.is_folder || !day.name.starts_with(DAY) {
            continue;
        }
        let folder = format!("{folder}/{}", day.name);
        for file in list(&folder)? {
            let seq = file.name.strip_prefix(PART).and_then(|rest| rest.split('-').next());
            let is_leftover = seq
                .filter(|digits| digits.len() == 20)
                .and_then(|digits| digits.parse::<u64>().ok())
                .is_some_and(|seq| seq > log.committed);
            if is_leftover {
                let path = format!("{folder}/{}", file.name);
                disk.remove(&path).doing(|| format!("removing \"{path}\""))?;
            }
        }
    }
    Ok(())
}

/// `2026-11-27`
fn date_text(ticks: i64) -> String {
    datetime_text(ticks).chars().take(10).collect()
}

/// `2026-11-27T13:00:00.123456Z`
fn point_text(ticks: i64) -> String {
    let mut text: String = datetime_text(ticks).chars().take(26).collect();
    text.push('Z');
    text
}

fn parquet(shape: &Shape, rows: &RecordBatch, group_rows: usize) -> StoreResult<Vec<u8>> {
    let arrays: Vec<ArrayRef> =
        rows.columns().iter().zip(&shape.schema).map(|(a, c)| stored(a, c.ty)).collect();
    let fields: Vec<Field> = shape
        .schema
        .iter()
        .zip(&arrays)
        // A string is never null; said in the file, it need not be looked for.
        .map(|(c, a)| Field::new(&c.name, a.data_type().clone(), c.ty != Type::String))
        .collect();
    let arrow = Arc::new(ArrowSchema::new(fields));
    let time = i32::try_from(shape.time).unwrap_or(0);
    let sorting = SortingColumn { column_idx: time, descending: false, nulls_first: false };
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(group_rows.max(1)))
        .set_sorting_columns(Some(vec![sorting]))
        .build();
    let batch = RecordBatch::try_new(Arc::clone(&arrow), arrays)?;
    let mut writer = ArrowWriter::try_new(Vec::new(), arrow, Some(properties))?;
    writer.write(&batch)?;
    Ok(writer.into_inner()?)
}

/// An array in the type that Delta's file has.
fn stored(array: &ArrayRef, ty: Type) -> ArrayRef {
    match (ty, array.data_type()) {
        (Type::DateTime, _) => {
            let ticks = array.as_primitive::<Int64Type>();
            let micros: Int64Array = ticks.unary(|t| t.wrapping_sub(UNIX_EPOCH) / 10);
            Arc::new(micros.reinterpret_cast::<TimestampMicrosecondType>().with_timezone("UTC"))
        }
        (_, DataType::Utf8View) => compact(array),
        _ => Arc::clone(array),
    }
}
