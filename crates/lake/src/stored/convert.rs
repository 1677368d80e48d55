//! Whole arrays of stored types turned into arrays of Kusto's types.

use std::cell::Cell;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray as _, FixedSizeBinaryArray, Int64Array,
    PrimitiveArray, StringViewBuilder,
};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Date64Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, Int64Type, Time32MillisecondType, Time32SecondType,
    Time64MicrosecondType, Time64NanosecondType, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use datafusion::common::Result;
use kql::value::{DATETIME_MAX, Type, UNIX_EPOCH, Value, guid_text};

use super::{natural_type, nested};
use crate::data::{Reader, Writer, arrow_type, dynamic_of};
use crate::scalar::fill;

/// `array` as type `ty`. What cannot be shown in that type is null (`""` for strings).
pub(crate) fn convert(array: &ArrayRef, ty: Type) -> Result<ArrayRef> {
    let natural = natural_type(array.data_type());
    if natural == ty {
        return naturally(array, ty);
    }
    if natural.is_integer() && ty.is_integer() || ty == Type::Real && natural.is_integer() {
        return plain_cast(array, &arrow_type(ty));
    }
    let array = naturally(array, natural)?;
    let reader = Reader::new(&array, natural)?;
    let mut writer = Writer::new(ty, array.len());
    for row in 0..array.len() {
        writer.push(&as_type(reader.value(row), ty));
    }
    Ok(writer.finish())
}

fn naturally(array: &ArrayRef, ty: Type) -> Result<ArrayRef> {
    match (array.data_type(), ty) {
        (DataType::Utf8View, _) => fill(array),
        (DataType::Dictionary(_, values), _) if natural_type(values) != Type::String => {
            naturally(&plain_cast(array, values)?, ty)
        }
        (DataType::RunEndEncoded(_, values), _) => {
            naturally(&plain_cast(array, values.data_type())?, ty)
        }
        (DataType::Binary | DataType::LargeBinary | DataType::BinaryView, _)
        | (DataType::FixedSizeBinary(_), Type::String) => lossy_text(array),
        (_, Type::String) => fill(&plain_cast(array, &DataType::Utf8View)?),
        (_, Type::Bool) => Ok(Arc::clone(array)),
        (stored, Type::Int | Type::Long | Type::Real) if *stored == arrow_type(ty) => {
            Ok(Arc::clone(array))
        }
        (_, Type::Int | Type::Long | Type::Real) => plain_cast(array, &arrow_type(ty)),
        (_, Type::DateTime) => points(array),
        (_, Type::TimeSpan) => spans(array),
        (_, Type::Guid) => Ok(guids(array.as_fixed_size_binary())),
        (_, Type::Decimal) => decimals(array),
        (_, Type::Dynamic) => nested::json_texts(array),
    }
}

/// Arrow's own cast; values that do not fit are null.
fn plain_cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    Ok(cast_with_options(array, to, &CastOptions { safe: true, ..CastOptions::default() })?)
}

fn lossy_text(array: &ArrayRef) -> Result<ArrayRef> {
    let bytes = plain_cast(array, &DataType::BinaryView)?;
    let mut texts = StringViewBuilder::with_capacity(array.len());
    for value in bytes.as_binary_view() {
        texts.append_value(String::from_utf8_lossy(value.unwrap_or_default()));
    }
    Ok(Arc::new(texts.finish()))
}

/// `f` of each value; where any is out of range, those are null.
fn ticks<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    f: impl Fn(T::Native) -> Option<i64>,
) -> ArrayRef {
    let array: &PrimitiveArray<T> = array.as_primitive();
    let all = Cell::new(true);
    let made: Int64Array = array.unary(|v| {
        f(v).unwrap_or_else(|| {
            all.set(false);
            0
        })
    });
    if all.get() { Arc::new(made) } else { Arc::new(array.unary_opt::<_, Int64Type>(f)) }
}

/// Ticks since year 1 of so many units since 1970, where the calendar has them.
fn point(since_1970: i64, ticks_per_unit: i64) -> Option<i64> {
    let at = since_1970.checked_mul(ticks_per_unit)?.checked_add(UNIX_EPOCH)?;
    (0..=DATETIME_MAX).contains(&at).then_some(at)
}

fn points(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Timestamp(TimeUnit::Second, _) => {
            ticks::<TimestampSecondType>(array, |v| point(v, 10_000_000))
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            ticks::<TimestampMillisecondType>(array, |v| point(v, 10_000))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            ticks::<TimestampMicrosecondType>(array, |v| point(v, 10))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            ticks::<TimestampNanosecondType>(array, |v| point(v.div_euclid(100), 1))
        }
        DataType::Date32 => ticks::<Date32Type>(array, |v| point(v.into(), 864_000_000_000)),
        _ => ticks::<Date64Type>(&plain_cast(array, &DataType::Date64)?, |v| point(v, 10_000)),
    })
}

fn spans(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Time32(TimeUnit::Second) => {
            ticks::<Time32SecondType>(array, |v| Some(i64::from(v) * 10_000_000))
        }
        DataType::Time32(_) => {
            ticks::<Time32MillisecondType>(array, |v| Some(i64::from(v) * 10_000))
        }
        DataType::Time64(TimeUnit::Microsecond) => {
            ticks::<Time64MicrosecondType>(array, |v| v.checked_mul(10))
        }
        DataType::Time64(_) => ticks::<Time64NanosecondType>(array, |v| Some(v / 100)),
        DataType::Duration(TimeUnit::Second) => {
            ticks::<DurationSecondType>(array, |v| v.checked_mul(10_000_000))
        }
        DataType::Duration(TimeUnit::Millisecond) => {
            ticks::<DurationMillisecondType>(array, |v| v.checked_mul(10_000))
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            ticks::<DurationMicrosecondType>(array, |v| v.checked_mul(10))
        }
        _ => ticks::<DurationNanosecondType>(array, |v| Some(v / 100)),
    })
}

fn guids(array: &FixedSizeBinaryArray) -> ArrayRef {
    let mut texts = StringViewBuilder::with_capacity(array.len());
    for bytes in array {
        match bytes.and_then(|b| b.try_into().ok()) {
            Some(bytes) => texts.append_value(guid_text(u128::from_be_bytes(bytes))),
            None => texts.append_null(),
        }
    }
    Arc::new(texts.finish())
}

fn decimals(array: &ArrayRef) -> Result<ArrayRef> {
    let texts = plain_cast(array, &DataType::Utf8View)?;
    let mut writer = Writer::new(Type::Decimal, array.len());
    for text in texts.as_string_view() {
        writer.push(&text.map_or(Value::Null, |t| as_type(Value::text(t), Type::Decimal)));
    }
    Ok(writer.finish())
}

/// A value shown as another type.
fn as_type(value: Value, ty: Type) -> Value {
    match (&value, ty) {
        (Value::Null, _) => Value::absent(ty),
        (Value::String(text), Type::Dynamic) => dynamic_of(text),
        _ => value.convert(ty),
    }
}
