//! Parquet files of a table as they are written: rows in the order of time, batch after batch.

use std::io::{self, Write};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray as _, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{
    DataType, Field, Int64Type, Schema as ArrowSchema, SchemaRef, TimeUnit,
    TimestampMicrosecondType,
};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::errors::ParquetError;
use datafusion::parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use kql::value::{Type, UNIX_EPOCH};

use super::encoding::properties;
use super::objects::Objects;
use crate::data::arrow_type;
use crate::store::error::{Doing as _, StoreError, StoreResult};
use crate::store::place::Upload;
use crate::store::shape::{Shape, compact};
use crate::store::terms;

/// Bytes that are handed on at once.
const PIECE: usize = 1 << 20;
/// A row group ends at so many bytes, encoded, where its rows do not end it before.
const GROUP_BYTES: usize = 64 << 20;

/// How rows are written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct How {
    /// Rows of a row group
    pub(crate) group_rows: usize,
    /// Of zstd
    pub(crate) level: i32,
    /// Whether a side-car of terms is written
    pub(crate) terms: bool,
}

/// A file while it is written. It is removed where it is not finished: nobody names it yet.
pub(super) struct Output {
    objects: Objects,
    name: String,
    path: String,
    time: usize,
    schema: SchemaRef,
    types: Vec<Type>,
    how: How,
    state: State,
    terms: Option<terms::Builder>,
    n_rows: u64,
    /// The first and the last, in microseconds since 1970
    times: Option<(i64, i64)>,
}

enum State {
    /// No rows came
    Made(Sink),
    Writing(Box<ArrowWriter<Sink>>),
    Failed,
    Finished,
}

/// A file that is durable.
#[derive(Debug)]
pub(crate) struct Written {
    pub(super) size: u64,
    pub(super) n_rows: u64,
    /// Bytes of the footer and the indices of pages before it
    pub(super) tail_bytes: Option<u64>,
    /// The first and the last, in microseconds since 1970
    pub(super) times: (i64, i64),
}

impl Output {
    pub(super) fn create(
        objects: &Objects,
        name: &str,
        shape: &Shape,
        how: How,
    ) -> StoreResult<Self> {
        let path = objects.path(name);
        let file = objects.place().create(&path).doing(|| format!("writing \"{path}\""))?;
        let sink = Sink { file, buffer: Vec::with_capacity(PIECE), len: 0 };
        Ok(Self {
            objects: objects.clone(),
            name: name.to_owned(),
            path,
            time: shape.time,
            schema: stored_schema(shape),
            types: shape.schema.iter().map(|column| column.ty).collect(),
            how,
            terms: how.terms.then(terms::Builder::default),
            state: State::Made(sink),
            n_rows: 0,
            times: None,
        })
    }

    /// Appends rows in the form of [`stored`], none earlier than those before.
    pub(super) fn write(&mut self, rows: &RecordBatch) -> StoreResult<()> {
        let times = rows.column(self.time).as_primitive::<TimestampMicrosecondType>().values();
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(()) };
        let least = self.times.map_or(*first, |(least, _)| least);
        self.times = Some((least, *last));
        self.n_rows += rows.num_rows() as u64;
        self.start(rows)?;
        let mut rest = rows.clone();
        while rest.num_rows() > 0 {
            rest = self.write_to_group(rest).map_err(|e| self.failed(e))?;
        }
        Ok(())
    }

    /// Writes as many rows as the row group takes; answers those that are left.
    fn write_to_group(&mut self, rows: RecordBatch) -> Result<RecordBatch, ParquetError> {
        let State::Writing(writer) = &mut self.state else {
            return Err(odd("nothing can be written to it"));
        };
        let room = self.how.group_rows.max(1) - writer.in_progress_rows();
        let n = room.min(rows.num_rows());
        let taken = rows.slice(0, n);
        writer.write(&taken)?;
        if let Some(terms) = &mut self.terms {
            terms.add(&taken, self.types.iter().copied());
        }
        if n == room || writer.in_progress_size() >= GROUP_BYTES {
            writer.flush()?;
            if let Some(terms) = &mut self.terms {
                terms.end_group();
            }
        }
        Ok(rows.slice(n, rows.num_rows() - n))
    }

    fn start(&mut self, first: &RecordBatch) -> StoreResult<()> {
        if !matches!(self.state, State::Made(_)) {
            return Ok(());
        }
        let properties = properties(first, self.time, self.how)?;
        let State::Made(sink) = std::mem::replace(&mut self.state, State::Failed) else {
            return Ok(());
        };
        let writer = ArrowWriter::try_new(sink, Arc::clone(&self.schema), Some(properties));
        self.state = State::Writing(Box::new(writer.map_err(|e| self.failed(e))?));
        Ok(())
    }

    /// Makes the file durable.
    pub(super) fn finish(mut self) -> StoreResult<Written> {
        self.start(&RecordBatch::new_empty(Arc::clone(&self.schema)))?;
        let done = match &mut self.state {
            State::Writing(writer) => {
                if writer.in_progress_rows() > 0
                    && let Some(terms) = &mut self.terms
                {
                    terms.end_group();
                }
                writer.finish().and_then(|file| {
                    let groups: Vec<i64> = file.row_groups().iter().map(|g| g.num_rows()).collect();
                    Ok((writer.inner_mut().end()?, groups, tail_start(&file)))
                })
            }
            _ => Err(odd("it was not written")),
        };
        let (size, groups, tail) = done.map_err(|e| self.failed(e))?;
        // One that does not know where row groups end would skip the wrong ones.
        if let Some(terms) = self.terms.take().filter(|terms| terms.is_of(&groups)) {
            let name = terms::sidecar_name(&self.name);
            let put = self.objects.put(&name, terms.finish(size));
            put.doing(|| format!("writing \"{}\"", self.objects.path(&name)))?;
        }
        self.state = State::Finished;
        let tail_bytes = tail.and_then(|start| size.checked_sub(start));
        let times = self.times.unwrap_or_default();
        Ok(Written { size, n_rows: self.n_rows, tail_bytes, times })
    }

    /// An error of the disk as one.
    fn failed(&self, error: ParquetError) -> StoreError {
        match error {
            ParquetError::External(e) => match e.downcast::<io::Error>() {
                Ok(e) => Err::<(), _>(*e)
                    .doing(|| format!("writing \"{}\"", self.path))
                    .expect_err("because it is one"),
                Err(e) => ParquetError::External(e).into(),
            },
            e => e.into(),
        }
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !matches!(self.state, State::Finished) {
            // What stays is removed when the store is opened.
            let _ = self.objects.remove_file(&self.name);
        }
    }
}

/// Where the indices of pages begin, behind which the footer is.
fn tail_start(file: &ParquetMetaData) -> Option<u64> {
    let columns = file.row_groups().iter().flat_map(RowGroupMetaData::columns);
    let starts = columns.flat_map(|c| [c.column_index_offset(), c.offset_index_offset()]);
    starts.flatten().min().and_then(|start| u64::try_from(start).ok())
}

fn odd(what: &str) -> ParquetError {
    ParquetError::General(what.to_owned())
}

/// Pieces on their way to a file.
struct Sink {
    file: Box<dyn Upload>,
    buffer: Vec<u8>,
    len: u64,
}

impl Sink {
    fn end(&mut self) -> io::Result<u64> {
        self.flush()?;
        self.file.finish()?;
        Ok(self.len)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let room = PIECE - self.buffer.len();
        let taken = &bytes[..bytes.len().min(room)];
        self.buffer.extend_from_slice(taken);
        if self.buffer.len() == PIECE {
            self.flush()?;
        }
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if !self.buffer.is_empty() {
            self.file.append(&self.buffer)?;
            self.len += self.buffer.len() as u64;
            self.buffer.clear();
        }
        Ok(())
    }
}

/// The columns of a file.
pub(super) fn stored_schema(shape: &Shape) -> SchemaRef {
    let field = |name: &str, ty: Type| {
        let stored = match ty {
            Type::DateTime => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            ty => arrow_type(ty),
        };
        // A string is never null; said in the file, it need not be looked for.
        Field::new(name, stored, ty != Type::String)
    };
    let fields: Vec<Field> = shape.schema.iter().map(|c| field(&c.name, c.ty)).collect();
    Arc::new(ArrowSchema::new(fields))
}

/// Rows in the types that a file has.
pub(super) fn stored(
    shape: &Shape,
    schema: &SchemaRef,
    rows: &RecordBatch,
) -> StoreResult<RecordBatch> {
    let arrays = rows.columns().iter().zip(&shape.schema).map(|(a, c)| stored_array(a, c.ty));
    Ok(RecordBatch::try_new(Arc::clone(schema), arrays.collect())?)
}

fn stored_array(array: &ArrayRef, ty: Type) -> ArrayRef {
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
