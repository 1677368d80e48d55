//! Rows of an append as bytes of the write-ahead log: an Arrow IPC stream with buffers as LZ4
//! frames.
//!
//! Logs repeat themselves: most columns of an append hold one text in all rows, or nothing. Such a
//! column is of Arrow's type `Null`, which has no buffers; its field says what it stands for:
//! `of`, one of `bool`, `int`, `long`, `real`, `text`, and `value`, the text of all rows. Without
//! `value` they are null. Streams that were written before hold all columns as they are.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, NullArray, RecordBatch, RecordBatchOptions,
    StringViewArray, UInt32Array, new_null_array,
};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::ipc::CompressionType;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::{IpcWriteOptions, StreamWriter};

use super::error::{StoreError, StoreResult};

const OF: &str = "of";
const VALUE: &str = "value";
/// Longer texts stay in the column.
const VALUE_BYTES: usize = 4096;
const WORDS: [(&str, DataType); 5] = [
    ("bool", DataType::Boolean),
    ("int", DataType::Int32),
    ("long", DataType::Int64),
    ("real", DataType::Float64),
    ("text", DataType::Utf8View),
];

/// A column with the same text in all rows.
pub(super) fn repeated(text: &str, n_rows: usize) -> StoreResult<ArrayRef> {
    // A builder takes a whole block for its first text.
    let one = StringViewArray::from_iter_values([text]).gc();
    Ok(take(&one, &UInt32Array::from(vec![0; n_rows]), None)?)
}

/// A batch as bytes.
pub(super) fn encode(batch: &RecordBatch) -> StoreResult<Vec<u8>> {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, array)| {
        let Some(said) = said(array) else { return (Arc::clone(field), Arc::clone(array)) };
        let field = Field::new(field.name(), DataType::Null, true).with_metadata(said);
        (Arc::new(field), Arc::new(NullArray::new(array.len())) as ArrayRef)
    });
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.unzip();
    let short = batch_of(Schema::new(fields), arrays, batch.num_rows())?;
    let options =
        IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &short.schema(), options)?;
    writer.write(&short)?;
    Ok(writer.into_inner()?)
}

/// The batch from bytes.
pub(super) fn decode(bytes: &[u8]) -> StoreResult<RecordBatch> {
    let mut reader = StreamReader::try_new(Cursor::new(bytes), None)?;
    let batch = match reader.next() {
        Some(batch) => batch?,
        None => RecordBatch::new_empty(reader.schema()),
    };
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, array)| {
        if *field.data_type() != DataType::Null {
            return Ok((field.as_ref().clone(), Arc::clone(array)));
        }
        let array = meant(field.metadata(), array.len()).ok_or_else(|| {
            let what = format!("column {} of the write-ahead log says nothing", field.name());
            StoreError::Invalid(what)
        })??;
        Ok((Field::new(field.name(), array.data_type().clone(), true), array))
    });
    let columns = columns.collect::<StoreResult<Vec<_>>>()?;
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    batch_of(Schema::new(fields), arrays, batch.num_rows())
}

fn batch_of(schema: Schema, arrays: Vec<ArrayRef>, n_rows: usize) -> StoreResult<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(n_rows));
    Ok(RecordBatch::try_new_with_options(Arc::new(schema), arrays, &options)?)
}

/// What is said of a column instead of its values, where it needs none.
fn said(array: &ArrayRef) -> Option<HashMap<String, String>> {
    let (word, _) = WORDS.iter().find(|(_, ty)| ty == array.data_type())?;
    let mut said = HashMap::from([(OF.to_owned(), (*word).to_owned())]);
    if array.null_count() < array.len() {
        let texts = array.as_string_view_opt().filter(|texts| texts.null_count() == 0)?;
        let (first, rest) = texts.views().split_first()?;
        let text = texts.value(0);
        // Equal views are the same bytes of the same buffer; equal texts elsewhere are left alone.
        if text.len() > VALUE_BYTES || rest.iter().any(|view| view != first) {
            return None;
        }
        said.insert(VALUE.to_owned(), text.to_owned());
    }
    Some(said)
}

/// The column that a field speaks of.
fn meant(said: &HashMap<String, String>, n_rows: usize) -> Option<StoreResult<ArrayRef>> {
    let word = said.get(OF)?;
    let (_, ty) = WORDS.iter().find(|(known, _)| known == word)?;
    match said.get(VALUE) {
        Some(text) if *ty == DataType::Utf8View => Some(repeated(text, n_rows)),
        Some(_) => None,
        None => Some(Ok(new_null_array(ty, n_rows))),
    }
}
