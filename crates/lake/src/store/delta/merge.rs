//! Files of one day merged into one, in the order of time. Only what is being looked at is in
//! memory: a file is opened when the merge comes to its first row.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::Peekable;
use std::ops::ControlFlow;
use std::vec::IntoIter;

use datafusion::arrow::array::{Array as _, AsArray as _, RecordBatch};
use datafusion::arrow::compute::interleave_record_batch;
use datafusion::arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use kql::value::UNIX_EPOCH;

use super::action::Add;
use super::input::Input;
use super::objects::Objects;
use super::parquet::{How, Output, Written, stored_schema};
use super::read::times_of;
use crate::store::error::StoreResult;
use crate::store::shape::Shape;

/// Rows that are put together before they are written.
const BATCH_ROWS: usize = 8192;

/// What became of a merge.
#[derive(Debug)]
pub(crate) enum Merged {
    Done(Written),
    /// This file is not one that the store wrote: it stays as it is
    Foreign(String),
    /// It was broken off
    Stopped,
}

/// Writes the rows of files as one file of that name. `pause` is asked again and again whether to
/// go on.
pub(crate) fn merge(
    objects: &Objects,
    shape: &Shape,
    files: &[Add],
    name: &str,
    how: How,
    pause: &mut dyn FnMut() -> ControlFlow<()>,
) -> StoreResult<Merged> {
    let schema = stored_schema(shape);
    let mut output = Output::create(objects, name, shape, how)?;
    let mut merge = Merge {
        objects,
        shape,
        schema,
        waiting: waiting(files).into_iter().peekable(),
        open: Vec::new(),
        next: BinaryHeap::new(),
        held: Vec::new(),
        rows: Vec::new(),
    };
    loop {
        let step = match merge.step() {
            Ok(step) => step,
            Err(Odd::Foreign(path)) => return Ok(Merged::Foreign(path)),
            Err(Odd::Failed(e)) => return Err(e),
        };
        if merge.rows.len() >= BATCH_ROWS || step.is_break() {
            merge.flush(&mut output)?;
            if pause().is_break() {
                return Ok(Merged::Stopped);
            }
        }
        if step.is_break() {
            return Ok(Merged::Done(output.finish()?));
        }
    }
}

enum Odd {
    Foreign(String),
    Failed(crate::store::error::StoreError),
}

impl<E: Into<crate::store::error::StoreError>> From<E> for Odd {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Files with their first microsecond, in that order.
fn waiting(files: &[Add]) -> Vec<(i64, usize, Add)> {
    let mut files: Vec<Add> = files.to_vec();
    // Rows of the same moment stand in the order of the files' names: for files that were not
    // merged before that is the order in which they came.
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let first = |add: &Add| {
        times_of(add).map_or(i64::MIN, |(least, _)| (least - UNIX_EPOCH).div_euclid(10))
    };
    let mut waiting: Vec<_> =
        files.into_iter().enumerate().map(|(order, add)| (first(&add), order, add)).collect();
    waiting.sort_by_key(|(first, order, _)| (*first, *order));
    waiting
}

struct Merge<'a> {
    objects: &'a Objects,
    shape: &'a Shape,
    schema: SchemaRef,
    waiting: Peekable<IntoIter<(i64, usize, Add)>>,
    open: Vec<Open>,
    /// Time of the next row of each open file, its order, and where it is in `open`
    next: BinaryHeap<Reverse<(i64, usize, usize)>>,
    /// Batches that `rows` are in
    held: Vec<RecordBatch>,
    rows: Vec<(usize, usize)>,
}

struct Open {
    path: String,
    input: Input,
    batch: RecordBatch,
    row: usize,
    /// Where the batch is in `held`
    held: Option<usize>,
}

impl Merge<'_> {
    /// Takes rows of the file whose turn it is, until another one's comes.
    fn step(&mut self) -> Result<ControlFlow<()>, Odd> {
        while let Some((first, ..)) = self.waiting.peek()
            && self.next.peek().is_none_or(|Reverse((time, ..))| first <= time)
        {
            self.open_next()?;
        }
        let Some(Reverse((_, order, at))) = self.next.pop() else {
            return Ok(ControlFlow::Break(()));
        };
        // What comes next elsewhere; a file that waits goes before whatever is as early.
        let end = self.next.peek().map(|Reverse((time, order, _))| (*time, *order));
        let end = end.into_iter().chain(self.waiting.peek().map(|(first, ..)| (*first, 0))).min();
        let open = &mut self.open[at];
        let times = open.batch.column(self.shape.time).as_primitive::<TimestampMicrosecondType>();
        let times = &times.values()[open.row..];
        let n = end.map_or(times.len(), |end| times.partition_point(|t| (*t, order) < end));
        // The first row is due in any case: nobody's comes before it.
        let n = n.max(1);
        let held = *open.held.get_or_insert_with(|| {
            self.held.push(open.batch.clone());
            self.held.len() - 1
        });
        self.rows.extend((open.row..open.row + n).map(|row| (held, row)));
        open.row += n;
        if let Some(time) = self.time_of(at)? {
            self.next.push(Reverse((time, order, at)));
        }
        Ok(ControlFlow::Continue(()))
    }

    fn open_next(&mut self) -> Result<(), Odd> {
        let Some((first, order, add)) = self.waiting.next() else { return Ok(()) };
        let Some(input) = Input::open(self.objects, self.shape, &self.schema, &add)? else {
            return Err(Odd::Foreign(add.path));
        };
        let batch = RecordBatch::new_empty(self.schema.clone());
        let at = self.open.len();
        self.open.push(Open { path: add.path, input, batch, row: 0, held: None });
        match self.time_of(at)? {
            // Its statistics are wrong, and with them the order of the merge would be.
            Some(time) if time < first => Err(Odd::Foreign(self.open[at].path.clone())),
            Some(time) => {
                self.next.push(Reverse((time, order, at)));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// The time of a file's next row; `None` at its end.
    fn time_of(&mut self, at: usize) -> Result<Option<i64>, Odd> {
        let open = &mut self.open[at];
        let time = |batch: &RecordBatch, row: usize| {
            let times = batch.column(self.shape.time).as_primitive::<TimestampMicrosecondType>();
            times.values().get(row).copied()
        };
        while open.row >= open.batch.num_rows() {
            let last = open.batch.num_rows().checked_sub(1).and_then(|row| time(&open.batch, row));
            let Some(batch) = open.input.next()? else {
                open.batch = RecordBatch::new_empty(self.schema.clone());
                return Ok(None);
            };
            let times = batch.column(self.shape.time).as_primitive::<TimestampMicrosecondType>();
            let first = times.values().first().copied();
            if times.null_count() > 0
                || !times.values().is_sorted()
                || first < last && first.is_some()
            {
                return Err(Odd::Foreign(open.path.clone()));
            }
            (open.batch, open.row, open.held) = (batch, 0, None);
        }
        Ok(time(&open.batch, open.row))
    }

    fn flush(&mut self, output: &mut Output) -> StoreResult<()> {
        if !self.rows.is_empty() {
            let held: Vec<&RecordBatch> = self.held.iter().collect();
            output.write(&interleave_record_batch(&held, &self.rows)?)?;
        }
        self.rows.clear();
        self.held.clear();
        self.open.iter_mut().for_each(|open| open.held = None);
        Ok(())
    }
}
