//! Values written as Arrow arrays.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int32Builder, Int64Builder, RecordBatch,
    RecordBatchOptions, StringViewBuilder,
};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::{Result, ScalarValue};
use kql::value::{Type, Value, guid_text};

/// Collects the values of one column.
pub(crate) enum Writer {
    Bool(BooleanBuilder),
    Int(Int32Builder),
    /// `long`, `datetime` and `timespan`
    Ticks(Int64Builder, Type),
    Real(Float64Builder),
    /// `string`, `dynamic`, `guid`, `decimal`
    Text(StringViewBuilder, Type),
}

impl Writer {
    /// Of a type, with room for so many rows.
    pub(crate) fn new(ty: Type, rows: usize) -> Self {
        match ty {
            Type::Bool => Self::Bool(BooleanBuilder::with_capacity(rows)),
            Type::Int => Self::Int(Int32Builder::with_capacity(rows)),
            Type::Long | Type::DateTime | Type::TimeSpan => {
                Self::Ticks(Int64Builder::with_capacity(rows), ty)
            }
            Type::Real => Self::Real(Float64Builder::with_capacity(rows)),
            _ => Self::Text(StringViewBuilder::with_capacity(rows), ty),
        }
    }

    /// Appends a value. One of another type is converted where that loses nothing, else it is
    /// null.
    pub(crate) fn push(&mut self, value: &Value) {
        match self {
            Self::Bool(b) => match value {
                Value::Bool(v) => b.append_value(*v),
                _ => b.append_null(),
            },
            Self::Int(b) => match value.as_integer().and_then(|n| i32::try_from(n).ok()) {
                Some(n) => b.append_value(n),
                None => b.append_null(),
            },
            Self::Ticks(b, ty) => match (value, *ty) {
                (Value::DateTime(t), Type::DateTime) | (Value::TimeSpan(t), Type::TimeSpan) => {
                    b.append_value(*t);
                }
                (value, Type::Long) => b.append_option(value.as_integer()),
                _ => b.append_null(),
            },
            Self::Real(b) => b.append_option(value.as_real()),
            Self::Text(b, ty) => push_text(b, *ty, value),
        }
    }

    /// Appends a text to a column of strings; elsewhere it is null.
    pub(crate) fn push_text(&mut self, text: &str) {
        match self {
            Self::Text(b, Type::String) => b.append_value(text),
            other => other.push(&Value::Null),
        }
    }

    /// The array.
    pub(crate) fn finish(self) -> ArrayRef {
        match self {
            Self::Bool(mut b) => Arc::new(b.finish()),
            Self::Int(mut b) => Arc::new(b.finish()),
            Self::Ticks(mut b, _) => Arc::new(b.finish()),
            Self::Real(mut b) => Arc::new(b.finish()),
            Self::Text(mut b, _) => Arc::new(b.finish()),
        }
    }
}

fn push_text(b: &mut StringViewBuilder, ty: Type, value: &Value) {
    match (ty, value) {
        (Type::String, Value::String(s)) => b.append_value(s),
        (Type::String, other) => b.append_value(other.to_text()),
        (_, Value::Null) => b.append_null(),
        (Type::Dynamic, Value::Dynamic(json)) => b.append_value(json.to_string()),
        (Type::Dynamic, other) => b.append_value(other.to_json().to_string()),
        (Type::Guid, Value::Guid(g)) => b.append_value(guid_text(*g)),
        (Type::Decimal, Value::Decimal(d)) => b.append_value(d.to_string()),
        (Type::Decimal, Value::Int(_) | Value::Long(_)) => b.append_value(value.to_text()),
        _ => b.append_null(),
    }
}

/// Rows as a batch of the given Arrow schema; `types` are the columns' Kusto types.
pub(crate) fn batch_of(
    schema: &SchemaRef,
    types: &[Type],
    rows: &[Vec<Value>],
) -> Result<RecordBatch> {
    let mut writers: Vec<Writer> = types.iter().map(|ty| Writer::new(*ty, rows.len())).collect();
    for row in rows {
        for (at, writer) in writers.iter_mut().enumerate() {
            writer.push(row.get(at).unwrap_or(&Value::Null));
        }
    }
    let arrays = writers.into_iter().map(Writer::finish).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), arrays, &options)?)
}

/// A constant.
pub(crate) fn scalar_of(value: &Value, ty: Type) -> ScalarValue {
    let mut writer = Writer::new(ty, 1);
    writer.push(value);
    ScalarValue::try_from_array(&writer.finish(), 0).expect("because there is one value")
}
