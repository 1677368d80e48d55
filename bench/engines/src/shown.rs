//! Rows as text, one way for all sides.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::Result;

/// Ticks of 100 ns, of which the last digit is always zero here.
const MOMENT: &str = "%Y-%m-%dT%H:%M:%S%.6f0Z";

/// The rows of an answer, values with tabs between; a value that is not there is empty.
///
/// # Errors
/// A value that has no text.
pub(crate) fn rows_of(batches: &[RecordBatch]) -> Result<Vec<String>> {
    let options = FormatOptions::new()
        .with_display_error(false)
        .with_timestamp_format(Some(MOMENT))
        .with_timestamp_tz_format(Some(MOMENT));
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch
            .columns()
            .iter()
            .map(|column| {
                Ok((is_list(column.data_type()), ArrayFormatter::try_new(column, &options)?))
            })
            .collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            let cells = columns
                .iter()
                .map(|(list, column)| {
                    let text = column.value(row).try_to_string()?;
                    let text = text.replace(['\t', '\n'], " ");
                    Ok(if *list { text.replace(", ", ",") } else { text })
                })
                .collect::<Result<Vec<_>>>()?;
            rows.push(cells.join("\t"));
        }
    }
    Ok(rows)
}

fn is_list(kind: &DataType) -> bool {
    matches!(kind, DataType::List(_) | DataType::LargeList(_) | DataType::ListView(_))
}
