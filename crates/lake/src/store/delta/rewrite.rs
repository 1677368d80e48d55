//! A file written anew without some of its rows, and days that are dropped whole.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray as _, BooleanArray, RecordBatch};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use kql::value::UNIX_EPOCH;

use super::action::Add;
use super::compact::{MS_PER_DAY, day_ms};
use super::input::Input;
use super::log::Log;
use super::objects::Objects;
use super::parquet::{How, Output, Written, stored_schema};
use super::read::n_rows_of;
use super::write::{MERGED, add};
use crate::store::error::{StoreError, StoreResult};
use crate::store::shape::{DAY, Shape};

/// What became of a file.
#[derive(Debug)]
pub(crate) enum Rewritten {
    /// All its rows are kept
    Same,
    /// Somebody else wrote it
    Foreign,
    /// Rows were taken out; no file is left where those were all
    Done { file: Option<Named>, n_taken: usize },
}

/// A file that no commit names yet.
#[derive(Debug)]
pub(crate) struct Named {
    name: String,
    file: Written,
}

impl Named {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// Writes the rows of a file that are kept as another one.
pub(crate) fn rewrite(
    objects: &Objects,
    shape: &Shape,
    old: &Add,
    how: How,
    random: u128,
    keep: &dyn Fn(&RecordBatch) -> StoreResult<BooleanArray>,
) -> StoreResult<Rewritten> {
    let schema = stored_schema(shape);
    let mut n_taken = 0;
    // Most files have none of the rows: they are only read.
    let Some(mut input) = Input::open(objects, shape, &schema, old)? else {
        return Ok(Rewritten::Foreign);
    };
    while let Some(rows) = input.next()? {
        n_taken += keep(&of_engine(shape, &rows)?)?.false_count();
    }
    if n_taken == 0 {
        return Ok(Rewritten::Same);
    }
    let Some(mut input) = Input::open(objects, shape, &schema, old)? else {
        return Ok(Rewritten::Foreign);
    };
    let day = old.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let name = format!("{day}/{MERGED}{random:032x}.parquet");
    let mut output = None;
    while let Some(rows) = input.next()? {
        let kept = filter_record_batch(&rows, &keep(&of_engine(shape, &rows)?)?)?;
        if kept.num_rows() > 0 {
            let output = match &mut output {
                Some(output) => output,
                none => none.insert(Output::create(objects, &name, shape, how)?),
            };
            output.write(&kept)?;
        }
    }
    let file = output.map(Output::finish).transpose()?;
    let n_kept = file.as_ref().map_or(0, |file| file.n_rows);
    if n_rows_of(old).is_some_and(|n| n as u64 != n_kept + n_taken as u64) {
        let what = format!("{n_kept} rows of {:?} are left, {n_taken} were taken out", old.path);
        return Err(StoreError::Invalid(what));
    }
    Ok(Rewritten::Done { file: file.map(|file| Named { name, file }), n_taken })
}

/// Rows of a file in the types of the engine.
fn of_engine(shape: &Shape, rows: &RecordBatch) -> StoreResult<RecordBatch> {
    let arrays = rows.columns().iter().map(|array| match array.data_type() {
        DataType::Timestamp(..) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>();
            let ticks = micros
                .reinterpret_cast::<Int64Type>()
                .unary::<_, Int64Type>(|t| t.wrapping_mul(10).wrapping_add(UNIX_EPOCH));
            Arc::new(ticks) as ArrayRef
        }
        _ => Arc::clone(array),
    });
    Ok(RecordBatch::try_new(Arc::clone(&shape.arrow), arrays.collect())?)
}

impl Log {
    /// Puts a file in the place of one that rows were taken out of.
    pub(crate) fn rewritten(
        &mut self,
        old: &Add,
        new: Option<&Named>,
        at: i64,
    ) -> StoreResult<bool> {
        let day = old.partition_values.get(DAY).cloned().flatten().unwrap_or_default();
        let new = new.map(|new| add(new.name.clone(), day, &new.file, at, true));
        self.replace("DELETE", std::slice::from_ref(old), new.into_iter().collect(), true, at)
    }

    /// Takes away the files of days that ended so many days ago; answers how many.
    pub(crate) fn drop_days(&mut self, days: u32, at: i64) -> StoreResult<usize> {
        let before = at.saturating_sub(i64::from(days).saturating_mul(MS_PER_DAY));
        let is_over = |add: &&Add| {
            let day = add.partition_values.get(DAY).and_then(|day| day_ms(day.as_deref()?));
            day.is_some_and(|start| start + MS_PER_DAY <= before)
        };
        let old: Vec<Add> = self.files.values().filter(is_over).cloned().collect();
        if !old.is_empty() {
            self.replace("DELETE", &old, Vec::new(), true, at)?;
        }
        Ok(old.len())
    }
}
