//! Files of a table read back to be written anew, in the form that they are stored in.

use std::io::{self, BufReader, Read};
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::arrow_reader::{
    ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use datafusion::parquet::errors::Result as ParquetResult;
use datafusion::parquet::file::reader::{ChunkReader, Length};
use kql::value::Value;

use super::action::Add;
use super::objects::Objects;
use crate::data::scalar_of;
use crate::store::error::{Doing as _, StoreResult};
use crate::store::place::Parts;
use crate::store::shape::Shape;

/// Rows of a batch: many files may be open at once.
const BATCH_ROWS: usize = 1024;

/// The batches of one file.
pub(super) struct Input {
    reader: ParquetRecordBatchReader,
    /// A column of the file, or what stands for one that it has not
    columns: Vec<Result<usize, ArrayRef>>,
    schema: SchemaRef,
}

impl Input {
    /// Opens a file. `None` where its columns are not those that the store writes: somebody else
    /// made it, and it stays as it is.
    pub(super) fn open(
        objects: &Objects,
        shape: &Shape,
        schema: &SchemaRef,
        add: &Add,
    ) -> StoreResult<Option<Self>> {
        let path = objects.path(&add.path);
        let parts = objects.place().parts(&path, add.size);
        let parts = parts.doing(|| format!("reading \"{path}\""))?;
        let file = Chunks { parts, len: add.size };
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
        let found = builder.schema();
        let fits = |(at, field): (usize, &Arc<datafusion::arrow::datatypes::Field>)| {
            found.field_with_name(field.name()).map_or(at != shape.time, |found| {
                found.data_type() == field.data_type()
                    && (field.is_nullable() || !found.is_nullable())
            })
        };
        let is_known = |name: &str| schema.field_with_name(name).is_ok();
        if !schema.fields().iter().enumerate().all(fits)
            || !found.fields().iter().all(|field| is_known(field.name()))
        {
            return Ok(None);
        }
        let columns = schema.fields().iter().zip(&shape.schema).map(|(field, column)| {
            if let Some((at, _)) = found.column_with_name(field.name()) {
                return Ok(Ok(at));
            }
            let absent = scalar_of(&Value::absent(column.ty), column.ty).to_array_of_size(1)?;
            Ok(Err(cast(&absent, field.data_type())?))
        });
        let columns = columns.collect::<StoreResult<Vec<_>>>()?;
        let reader = builder.with_batch_size(BATCH_ROWS).build()?;
        Ok(Some(Self { reader, columns, schema: Arc::clone(schema) }))
    }

    /// The next rows; `None` at the end.
    pub(super) fn next(&mut self) -> StoreResult<Option<RecordBatch>> {
        let Some(batch) = self.reader.next().transpose()? else { return Ok(None) };
        let n_rows = batch.num_rows();
        let arrays = self.columns.iter().map(|column| match column {
            Ok(at) => Ok(Arc::clone(batch.column(*at))),
            Err(absent) => {
                let one = datafusion::common::ScalarValue::try_from_array(absent, 0)?;
                Ok(one.to_array_of_size(n_rows)?)
            }
        });
        let arrays = arrays.collect::<StoreResult<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
        let schema = Arc::clone(&self.schema);
        Ok(Some(RecordBatch::try_new_with_options(schema, arrays, &options)?))
    }
}

/// A file read in pieces.
#[derive(Debug, Clone)]
struct Chunks {
    parts: Arc<dyn Parts>,
    len: u64,
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.len
    }
}

impl ChunkReader for Chunks {
    type T = BufReader<From>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(BufReader::new(From { file: self.clone(), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let bytes = self.parts.read_at(start, length)?;
        if bytes.len() < length {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(bytes)
    }
}

/// A file read on from a place.
#[derive(Debug)]
struct From {
    file: Chunks,
    at: u64,
}

impl Read for From {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let bytes = self.file.parts.read_at(self.at, out.len())?;
        out[..bytes.len()].copy_from_slice(&bytes);
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }
}
