//! A comparison of a Kusto column with a constant, said of the stored column.

use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;
use kql::value::{Type, UNIX_EPOCH};

/// `column op constant` on the stored column; two parts are joined by `and`.
pub(super) type Comparison = Vec<(Operator, ScalarValue)>;

/// What `column op constant` is for the stored type, where it can be said exactly. A null in the
/// file may become null where Kusto's answer is false: comparisons stand where null counts as
/// false.
pub(super) fn stored_comparison(
    op: Operator,
    constant: &ScalarValue,
    ty: Type,
    stored: &DataType,
) -> Option<Comparison> {
    match (ty, stored, constant) {
        (Type::DateTime, DataType::Timestamp(unit, zone), ScalarValue::Int64(Some(ticks))) => {
            let parts = match unit {
                TimeUnit::Nanosecond => finer(op, ticks.checked_sub(UNIX_EPOCH)?, 100)?,
                TimeUnit::Microsecond => coarser(op, ticks.checked_sub(UNIX_EPOCH)?, 10)?,
                TimeUnit::Millisecond => coarser(op, ticks.checked_sub(UNIX_EPOCH)?, 10_000)?,
                TimeUnit::Second => coarser(op, ticks.checked_sub(UNIX_EPOCH)?, 10_000_000)?,
            };
            let point = |at: i64| match unit {
                TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(Some(at), zone.clone()),
                TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(Some(at), zone.clone()),
                TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(Some(at), zone.clone()),
                TimeUnit::Second => ScalarValue::TimestampSecond(Some(at), zone.clone()),
            };
            Some(parts.into_iter().map(|(op, at)| (op, point(at))).collect())
        }
        (Type::DateTime, DataType::Date32, ScalarValue::Int64(Some(ticks))) => {
            let parts = coarser(op, ticks.checked_sub(UNIX_EPOCH)?, 864_000_000_000)?;
            parts
                .into_iter()
                .map(|(op, at)| Some((op, ScalarValue::Date32(Some(i32::try_from(at).ok()?)))))
                .collect()
        }
        (Type::Int | Type::Long, stored, constant) if stored.is_integer() => {
            let cast = constant.cast_to(stored).ok()?;
            let back = cast.cast_to(&constant.data_type()).ok()?;
            (back == *constant && !cast.is_null()).then(|| vec![(op, cast)])
        }
        (Type::Bool, DataType::Boolean, constant) => Some(vec![(op, constant.clone())]),
        (Type::String, DataType::Utf8View, ScalarValue::Utf8View(Some(text))) => {
            // A null in the file is "" to Kusto: only what "" does not fulfil may be asked of
            // the stored column.
            let of_empty = match op {
                Operator::Eq => text.is_empty(),
                Operator::NotEq => !text.is_empty(),
                Operator::Gt => false,
                Operator::GtEq => text.is_empty(),
                _ => true,
            };
            (!of_empty).then(|| vec![(op, constant.clone())])
        }
        _ => None,
    }
}

/// `ticks op value`, where the stored unit has `size` ticks: each stored value is a whole number
/// of ticks, but not every tick is a stored value.
fn coarser(op: Operator, value: i64, size: i64) -> Option<Vec<(Operator, i64)>> {
    let floor = value.div_euclid(size);
    let exact = value.rem_euclid(size) == 0;
    Some(match op {
        Operator::Eq if !exact => return None,
        Operator::NotEq if !exact => return None,
        Operator::Eq | Operator::NotEq => vec![(op, floor)],
        Operator::Gt | Operator::LtEq => vec![(op, floor)],
        Operator::Lt | Operator::GtEq => vec![(op, if exact { floor } else { floor + 1 })],
        _ => return None,
    })
}

/// `ticks op value`, where a tick has `parts` stored units and the rest is cut off.
fn finer(op: Operator, value: i64, parts: i64) -> Option<Vec<(Operator, i64)>> {
    let start = value.checked_mul(parts)?;
    let end = start.checked_add(parts)?;
    Some(match op {
        Operator::Eq => vec![(Operator::GtEq, start), (Operator::Lt, end)],
        Operator::Gt => vec![(Operator::GtEq, end)],
        Operator::GtEq => vec![(Operator::GtEq, start)],
        Operator::Lt => vec![(Operator::Lt, start)],
        Operator::LtEq => vec![(Operator::Lt, end)],
        _ => return None,
    })
}
