//! Kusto's values as Arrow arrays.
//!
//! Which Kusto type a column has stands in the plan's schema, not in Arrow's: `datetime` and
//! `timespan` are both 64-bit ticks of 100 ns (the full range of .NET with seven digits), text,
//! `dynamic` (canonical JSON), `guid` and `decimal` are all `Utf8View`. A `string` is never null.

mod read;
mod write;

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use kql::value::Type;

pub(crate) use read::{Reader, dynamic_of, rows_of};
pub(crate) use write::{Writer, batch_of, scalar_of};

/// The Arrow type that holds a Kusto type.
pub(crate) fn arrow_type(ty: Type) -> DataType {
    match ty {
        Type::Bool => DataType::Boolean,
        Type::Int => DataType::Int32,
        Type::Long | Type::DateTime | Type::TimeSpan => DataType::Int64,
        Type::Real => DataType::Float64,
        Type::String | Type::Dynamic | Type::Guid | Type::Decimal => DataType::Utf8View,
    }
}

/// An Arrow schema of columns named by `names`; all nullable, because joins make them so.
pub(crate) fn arrow_schema<'a>(columns: impl Iterator<Item = (&'a str, Type)>) -> SchemaRef {
    Arc::new(Schema::new(
        columns.map(|(name, ty)| Field::new(name, arrow_type(ty), true)).collect::<Vec<_>>(),
    ))
}
