//! How the columns of a file are encoded, chosen by its first rows.
//!
//! Measured on logs of PostgreSQL (statements, errors, connections), against dictionaries for all:
//! a dictionary that overflows costs most. Few values: dictionary. Numbers that nearly all differ:
//! differences. What is between: as it is, for zstd finds the repetition.

use std::collections::HashSet;

use datafusion::arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use datafusion::arrow::datatypes::{
    DataType, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::parquet::basic::{Compression, Encoding, ZstdLevel};
use datafusion::parquet::file::metadata::SortingColumn;
use datafusion::parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder,
};
use datafusion::parquet::schema::types::ColumnPath;

use super::parquet::How;
use crate::store::error::StoreResult;

/// Fewer rows say too little.
const ROWS_LEAST: usize = 512;
/// More rows say little more.
const ROWS_MOST: usize = 16 << 10;
/// One in so many rows has a value of its own: few values.
const FEW: usize = 64;
/// One in so many rows has a value of its own: nearly all differ.
const MANY: usize = 4;

/// What the writer of a file whose first rows are these is told; `time` is the column by which
/// they are sorted.
pub(super) fn properties(
    first: &RecordBatch,
    time: usize,
    how: How,
) -> StoreResult<WriterProperties> {
    let place = i32::try_from(time).unwrap_or(0);
    let sorting = SortingColumn { column_idx: place, descending: false, nulls_first: false };
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(how.level)?))
        // The writer of the file ends them.
        .set_max_row_group_row_count(None)
        .set_sorting_columns(Some(vec![sorting]));
    for (at, (field, array)) in first.schema().fields().iter().zip(first.columns()).enumerate() {
        let column = ColumnPath::from(field.name().as_str());
        if *array.data_type() == DataType::Utf8View {
            // Which pages may hold a text is asked of the side-car of terms, not of least and
            // greatest texts.
            let statistics = EnabledStatistics::Chunk;
            builder = builder.set_column_statistics_enabled(column.clone(), statistics);
        }
        let sample = array.slice(0, array.len().min(ROWS_MOST));
        builder = match n_distinct(&sample) {
            _ if at == time => differences(builder, column),
            Some(n) if sample.len() >= ROWS_LEAST && n > sample.len() / FEW => {
                let is_number = array.data_type().is_integer() || array.data_type().is_temporal();
                if is_number && n > sample.len() / MANY {
                    differences(builder, column)
                } else {
                    builder.set_column_dictionary_enabled(column, false)
                }
            }
            _ => builder,
        };
    }
    Ok(builder.build())
}

fn differences(builder: WriterPropertiesBuilder, column: ColumnPath) -> WriterPropertiesBuilder {
    builder
        .set_column_dictionary_enabled(column.clone(), false)
        .set_column_encoding(column, Encoding::DELTA_BINARY_PACKED)
}

/// Different values in a column, where it is one of whole numbers or texts.
fn n_distinct(array: &ArrayRef) -> Option<usize> {
    Some(match array.data_type() {
        DataType::Int32 => array.as_primitive::<Int32Type>().iter().collect::<HashSet<_>>().len(),
        DataType::Int64 => array.as_primitive::<Int64Type>().iter().collect::<HashSet<_>>().len(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().iter().collect::<HashSet<_>>().len()
        }
        DataType::Utf8View => array.as_string_view().iter().collect::<HashSet<_>>().len(),
        _ => return None,
    })
}
