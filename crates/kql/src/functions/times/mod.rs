//! Functions of points and spans of time.

mod calendar;
mod format;
mod make;
mod parts;
mod zones;

use super::Table;
use crate::value::Value;

/// Tables of this topic.
pub(super) const TABLES: [Table; 5] =
    [calendar::TABLE, format::TABLE, make::TABLE, parts::TABLE, zones::TABLE];

/// A point of time from ticks; null outside the calendar.
fn datetime(ticks: Option<i64>) -> Value {
    let inside = ticks.filter(|t| (0..=crate::value::DATETIME_MAX).contains(t));
    inside.map_or(Value::Null, Value::DateTime)
}

/// The point of time that an argument is.
fn point(arguments: &[Value], at: usize) -> Option<i64> {
    arguments.get(at)?.to_datetime()
}

#[cfg(test)]
mod tests;
