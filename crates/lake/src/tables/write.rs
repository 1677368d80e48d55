//! Rows written as Parquet, in the types that files of others have.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, StringArray,
};
use datafusion::arrow::datatypes::{
    Field, Int64Type, Schema as ArrowSchema, TimestampMicrosecondType, TimestampNanosecondType,
};
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use kql::plan::Schema;
use kql::value::{Type, UNIX_EPOCH, Value};

use crate::data::{arrow_schema, batch_of};
use crate::error::{Error, Result};

/// Writes rows as one Parquet file, so many a row group. Points of time are stored as
/// microseconds where that loses nothing, else as nanoseconds, else as ticks; an empty string is
/// null.
///
/// # Errors
/// The file cannot be written.
pub fn write_parquet(
    path: &Path,
    schema: &Schema,
    rows: &[Vec<Value>],
    group_rows: usize,
) -> Result<()> {
    let fail =
        |e: Box<dyn std::error::Error + Send + Sync>| Error::table(&path.display().to_string(), e);
    let types: Vec<Type> = schema.iter().map(|column| column.ty).collect();
    let arrow = arrow_schema(schema.iter().map(|column| (column.name.as_str(), column.ty)));
    let batch = batch_of(&arrow, &types, rows)?;
    let arrays: Vec<ArrayRef> =
        batch.columns().iter().zip(&types).map(|(array, ty)| stored(array, *ty)).collect();
    let fields: Vec<Field> = schema
        .iter()
        .zip(&arrays)
        .map(|(column, array)| Field::new(&column.name, array.data_type().clone(), true))
        .collect();
    let arrow = Arc::new(ArrowSchema::new(fields));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(group_rows.max(1)))
        .build();
    let write = || {
        let batch = RecordBatch::try_new(Arc::clone(&arrow), arrays)?;
        let mut writer = ArrowWriter::try_new(File::create(path)?, arrow, Some(properties))?;
        writer.write(&batch)?;
        writer.close()?;
        Ok(())
    };
    write().map_err(fail)
}

fn stored(array: &ArrayRef, ty: Type) -> ArrayRef {
    match ty {
        Type::DateTime => {
            let ticks = array.as_primitive::<Int64Type>();
            let micros = ticks.iter().flatten().all(|t| (t - UNIX_EPOCH) % 10 == 0);
            let nanos = ticks.iter().flatten().all(|t| (t - UNIX_EPOCH).checked_mul(100).is_some());
            if micros {
                let unix: Int64Array = ticks.unary(|t| (t - UNIX_EPOCH) / 10);
                Arc::new(unix.reinterpret_cast::<TimestampMicrosecondType>())
            } else if nanos {
                // The slot of a null holds anything.
                let unix: Int64Array = ticks.unary(|t| (t - UNIX_EPOCH).wrapping_mul(100));
                Arc::new(unix.reinterpret_cast::<TimestampNanosecondType>())
            } else {
                Arc::clone(array)
            }
        }
        Type::String => {
            let texts = array.as_string_view();
            let texts: StringArray =
                texts.iter().map(|text| text.filter(|text| !text.is_empty())).collect();
            Arc::new(texts)
        }
        _ => Arc::clone(array),
    }
}
