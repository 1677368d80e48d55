//! The columns of a store table, and rows brought into their form.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, AsArray as _, Int64Array, RecordBatch, RecordBatchOptions, new_null_array,
};
use datafusion::arrow::datatypes::{DataType, Int64Type, SchemaRef};
use kql::plan::{Column, Schema};
use kql::value::{DATETIME_MAX, TICKS_PER_DAY, Type, Value};

use super::error::{StoreError, StoreResult};
use super::rows::repeated;
use crate::data::{Writer, arrow_schema, arrow_type, scalar_of};

/// The column that says when; every table has it.
pub(super) const TIME: &str = "TimeGenerated";
/// The column of Delta's partitions; no table may have one of that name.
pub(super) const DAY: &str = "Day";

/// Longest name of a table or column, in bytes.
const NAME_BYTES: usize = 128;

/// The columns of a table.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) schema: Schema,
    types: Vec<Type>,
    pub(super) arrow: SchemaRef,
    /// Where [`TIME`] is
    pub(super) time: usize,
}

impl Shape {
    /// Of a schema that a table can have.
    pub(super) fn new(schema: Schema, columns: usize) -> StoreResult<Self> {
        let invalid = |what: String| Err(StoreError::Invalid(what));
        if schema.len() > columns {
            return invalid(format!("{} columns, where at most {columns} can be", schema.len()));
        }
        let mut names = HashSet::new();
        for column in &schema {
            let name = &column.name;
            // Delta's rule for tables without column mapping; its names ignore case.
            let is_odd = |c: char| " ,;{}()=/\\%".contains(c) || c.is_control();
            if name.is_empty() || name.len() > NAME_BYTES || name.contains(is_odd) {
                return invalid(format!("{name:?} cannot be the name of a column"));
            }
            if name.eq_ignore_ascii_case(DAY) {
                return invalid(format!("the name {DAY} is the store's own"));
            }
            if !names.insert(name.to_lowercase()) {
                return invalid(format!("there are two columns {name}"));
            }
        }
        let Some(time) = schema.iter().position(|c| c.name == TIME && c.ty == Type::DateTime)
        else {
            return invalid(format!("there is no column {TIME} of type datetime"));
        };
        let types = schema.iter().map(|column| column.ty).collect();
        let arrow = arrow_schema(schema.iter().map(|c| (c.name.as_str(), c.ty)));
        Ok(Self { schema, types, arrow, time })
    }

    /// Its columns and those that `more` adds; `None` where it adds none.
    pub(super) fn with(&self, more: &Schema) -> StoreResult<Option<Schema>> {
        let mut schema = self.schema.clone();
        for column in more {
            match self.schema.iter().find(|c| c.name == column.name) {
                Some(known) if known.ty == column.ty => {}
                Some(known) => {
                    let what = format!("column {} is {}, not {}", known.name, known.ty, column.ty);
                    return Err(StoreError::Invalid(what));
                }
                None => schema.push(Column::new(&column.name, column.ty)),
            }
        }
        Ok((schema.len() > self.schema.len()).then_some(schema))
    }

    /// Columns of values as a batch. Points of time keep whole microseconds, what Delta's files
    /// hold; a row without a time gets `now`.
    pub(super) fn batch(&self, columns: Vec<Vec<Value>>, now: i64) -> StoreResult<RecordBatch> {
        let n_rows = columns.iter().map(Vec::len).max().unwrap_or(0);
        if columns.len() > self.types.len() {
            let what = format!("{} columns, where there are {}", columns.len(), self.types.len());
            return Err(StoreError::Invalid(what));
        }
        if columns.iter().any(|column| column.len() != n_rows && column.len() != 1) {
            return Err(StoreError::Invalid("columns that are not equally long".to_owned()));
        }
        let micros = |t: i64| t - t.rem_euclid(10);
        let mut columns = columns.into_iter();
        let arrays = self.types.iter().enumerate().map(|(at, ty)| {
            let Some(mut values) = columns.next() else {
                let absent = Value::absent(*ty);
                let absent = if at == self.time { Value::DateTime(micros(now)) } else { absent };
                return Ok(scalar_of(&absent, *ty).to_array_of_size(n_rows)?);
            };
            if at != self.time
                && let Some(array) = uniform(&values, *ty, n_rows)?
            {
                return Ok(array);
            }
            if values.len() < n_rows {
                values.resize(n_rows, values[0].clone());
            }
            let mut writer = Writer::new(*ty, n_rows);
            values.iter().for_each(|value| writer.push(value));
            drop(values);
            let array = writer.finish();
            if *ty != Type::DateTime {
                return Ok(compact(&array));
            }
            let ticks = array.as_primitive::<Int64Type>();
            if at != self.time {
                return Ok(Arc::new(ticks.unary::<_, Int64Type>(micros)) as ArrayRef);
            }
            let in_range = |t: &i64| (0..=DATETIME_MAX).contains(t);
            let times = ticks.iter().map(|t| micros(t.filter(in_range).unwrap_or(now)));
            Ok(Arc::new(Int64Array::from_iter_values(times)))
        });
        let arrays = arrays.collect::<StoreResult<Vec<ArrayRef>>>()?;
        Ok(RecordBatch::try_new(Arc::clone(&self.arrow), arrays)?)
    }

    /// A batch of an older shape of the table with the columns of this one.
    pub(super) fn conform(&self, batch: &RecordBatch) -> StoreResult<RecordBatch> {
        if batch.schema() == self.arrow {
            return Ok(batch.clone());
        }
        let arrays = self.schema.iter().map(|column| match batch.column_by_name(&column.name) {
            Some(array) => Ok(Arc::clone(array)),
            None => {
                scalar_of(&Value::absent(column.ty), column.ty).to_array_of_size(batch.num_rows())
            }
        });
        let arrays = arrays.collect::<datafusion::error::Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.arrow), arrays, &options)?)
    }
}

/// The column of values that are one text again and again, or nothing: without touching each.
fn uniform(values: &[Value], ty: Type, n_rows: usize) -> StoreResult<Option<ArrayRef>> {
    match (ty, values.first()) {
        (Type::String, Some(Value::String(first))) => {
            let is_same = |value: &Value| match value {
                Value::String(text) => Arc::ptr_eq(text, first) || text == first,
                _ => false,
            };
            values.iter().all(is_same).then(|| repeated(first, n_rows)).transpose()
        }
        // A text is never null.
        (Type::String, _) => Ok(None),
        (_, Some(Value::Null)) if values.iter().all(Value::is_null) => {
            Ok(Some(new_null_array(&arrow_type(ty), n_rows)))
        }
        _ => Ok(None),
    }
}

/// An array without what its buffers hold besides its values.
pub(super) fn compact(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Utf8View => Arc::new(array.as_string_view().gc()),
        _ => Arc::clone(array),
    }
}

/// The days that the rows of a batch fall on, since the year 1.
pub(super) fn days_of(batch: &RecordBatch) -> BTreeSet<i64> {
    let Some(times) = batch.column_by_name(TIME) else { return BTreeSet::new() };
    let mut days = BTreeSet::new();
    let mut last = None;
    for day in times.as_primitive::<Int64Type>().values().iter().map(|t| t / TICKS_PER_DAY) {
        if last != Some(day) {
            days.insert(day);
            last = Some(day);
        }
    }
    days
}

/// Whether a name can be a table's, and with it a folder's.
pub(super) fn check_table_name(name: &str) -> StoreResult<()> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let is_fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if starts_well && name.len() <= NAME_BYTES && name.chars().all(is_fine) {
        return Ok(());
    }
    Err(StoreError::Invalid(format!("{name:?} cannot be the name of a table")))
}
