//! Between the types that files hold and the types of Kusto.
//!
//! A table shows Kusto's types only. Expressions that reach a file are rewritten onto the columns
//! that the file really has (`adapt`): a comparison with a constant becomes one of the stored
//! type, so that statistics of row groups and pages prune; every other use of a column goes
//! through `convert`.

mod adapt;
mod convert;
mod literal;
mod nested;

use datafusion::arrow::datatypes::DataType;
use kql::value::Type;

pub(crate) use adapt::{StoredColumns, types_of};

/// The Kusto type that shows a stored type best.
pub(crate) fn natural_type(stored: &DataType) -> Type {
    match stored {
        DataType::Boolean => Type::Bool,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => {
            Type::Int
        }
        DataType::UInt32 | DataType::Int64 | DataType::UInt64 => Type::Long,
        DataType::Float16 | DataType::Float32 | DataType::Float64 => Type::Real,
        DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => Type::Decimal,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => Type::DateTime,
        DataType::Time32(_) | DataType::Time64(_) | DataType::Duration(_) => Type::TimeSpan,
        DataType::FixedSizeBinary(16) => Type::Guid,
        DataType::List(_)
        | DataType::LargeList(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::FixedSizeList(..)
        | DataType::Struct(_)
        | DataType::Map(..) => Type::Dynamic,
        DataType::Dictionary(_, values) => natural_type(values),
        DataType::RunEndEncoded(_, values) => natural_type(values.data_type()),
        _ => Type::String,
    }
}

/// Whether a stored column has parts of its own; filters on such columns cannot be evaluated
/// while a Parquet file is decoded.
pub(crate) fn is_nested(stored: &DataType) -> bool {
    natural_type(stored) == Type::Dynamic
}
