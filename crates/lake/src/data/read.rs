//! Arrow arrays read as values.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray as _, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch,
    StringViewArray,
};
use datafusion::arrow::datatypes::{Float64Type, Int32Type, Int64Type};
use datafusion::common::{Result, exec_err};
use kql::value::{Json, Type, Value, parse_guid};

/// One column of a batch, read value by value.
pub(crate) enum Reader<'a> {
    Bool(&'a BooleanArray),
    Int(&'a Int32Array),
    Long(&'a Int64Array),
    DateTime(&'a Int64Array),
    TimeSpan(&'a Int64Array),
    Real(&'a Float64Array),
    String(&'a StringViewArray),
    Dynamic(&'a StringViewArray),
    Guid(&'a StringViewArray),
    Decimal(&'a StringViewArray),
}

impl<'a> Reader<'a> {
    /// Reads `array` as values of type `ty`.
    pub(crate) fn new(array: &'a ArrayRef, ty: Type) -> Result<Self> {
        let made = match ty {
            Type::Bool => array.as_boolean_opt().map(Self::Bool),
            Type::Int => array.as_primitive_opt::<Int32Type>().map(Self::Int),
            Type::Long => array.as_primitive_opt::<Int64Type>().map(Self::Long),
            Type::DateTime => array.as_primitive_opt::<Int64Type>().map(Self::DateTime),
            Type::TimeSpan => array.as_primitive_opt::<Int64Type>().map(Self::TimeSpan),
            Type::Real => array.as_primitive_opt::<Float64Type>().map(Self::Real),
            Type::String => array.as_string_view_opt().map(Self::String),
            Type::Dynamic => array.as_string_view_opt().map(Self::Dynamic),
            Type::Guid => array.as_string_view_opt().map(Self::Guid),
            Type::Decimal => array.as_string_view_opt().map(Self::Decimal),
        };
        match made {
            Some(reader) => Ok(reader),
            None => exec_err!("an array of {} cannot hold {ty}", array.data_type()),
        }
    }

    /// The value in a row.
    pub(crate) fn value(&self, row: usize) -> Value {
        match self {
            Self::Bool(a) if a.is_valid(row) => Value::Bool(a.value(row)),
            Self::Int(a) if a.is_valid(row) => Value::Int(a.value(row)),
            Self::Long(a) if a.is_valid(row) => Value::Long(a.value(row)),
            Self::DateTime(a) if a.is_valid(row) => Value::DateTime(a.value(row)),
            Self::TimeSpan(a) if a.is_valid(row) => Value::TimeSpan(a.value(row)),
            Self::Real(a) if a.is_valid(row) => Value::Real(a.value(row)),
            Self::String(a) if a.is_valid(row) => Value::String(a.value(row).into()),
            Self::String(_) => Value::String("".into()),
            Self::Dynamic(a) if a.is_valid(row) => dynamic_of(a.value(row)),
            Self::Guid(a) if a.is_valid(row) => {
                parse_guid(a.value(row)).map_or(Value::Null, Value::Guid)
            }
            Self::Decimal(a) if a.is_valid(row) => {
                a.value(row).parse().map_or(Value::Null, Value::Decimal)
            }
            _ => Value::Null,
        }
    }
}

/// What JSON text in a column of dynamics holds; text that is no JSON is a string, none is null.
pub(crate) fn dynamic_of(text: &str) -> Value {
    if text.is_empty() {
        return Value::Null;
    }
    match Json::parse(text) {
        Some(json) => Value::json(json),
        None => Value::Dynamic(Arc::new(Json::String(text.into()))),
    }
}

/// All rows of a batch: the columns at these places, or null.
pub(crate) fn rows_of(
    batch: &RecordBatch,
    at: &[Option<usize>],
    types: &[Type],
) -> Result<Vec<Vec<Value>>> {
    let readers = at
        .iter()
        .zip(types)
        .map(|(at, ty)| at.map(|at| Reader::new(batch.column(at), *ty)).transpose())
        .collect::<Result<Vec<_>>>()?;
    let value = |reader: &Option<Reader<'_>>, row| {
        reader.as_ref().map_or(Value::Null, |reader| reader.value(row))
    };
    Ok((0..batch.num_rows())
        .map(|row| readers.iter().map(|reader| value(reader, row)).collect())
        .collect())
}
