//! `startofday()` … `endofyear()`, `datetime_add()`, `datetime_diff()`.

use super::{datetime, point};
use crate::functions::{Context, Table};
use crate::value::{
    TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MILLISECOND, TICKS_PER_MINUTE, TICKS_PER_SECOND,
    Value, civil, from_civil,
};

pub(super) const TABLE: Table = &[
    ("startofday", |a, _| start(a, Period::Day)),
    ("startofweek", |a, _| start(a, Period::Week)),
    ("startofmonth", |a, _| start(a, Period::Month)),
    ("startofyear", |a, _| start(a, Period::Year)),
    ("endofday", |a, _| end(a, Period::Day)),
    ("endofweek", |a, _| end(a, Period::Week)),
    ("endofmonth", |a, _| end(a, Period::Month)),
    ("endofyear", |a, _| end(a, Period::Year)),
    ("datetime_add", add),
    ("datetime_diff", diff),
];

/// Periods of the calendar; a week begins on Sunday.
#[derive(Clone, Copy, PartialEq)]
enum Period {
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// How many whole periods lie between year 1 and this point of time.
fn index(ticks: i64, period: Period) -> i64 {
    let (year, month, _) = civil(ticks);
    let (year, month) = (i64::from(year) - 1, i64::from(month) - 1);
    match period {
        Period::Day => ticks.div_euclid(TICKS_PER_DAY),
        // 0001-01-01 was a Monday.
        Period::Week => (ticks.div_euclid(TICKS_PER_DAY) + 1).div_euclid(7),
        Period::Month => year * 12 + month,
        Period::Quarter => year * 4 + month / 3,
        Period::Year => year,
    }
}

/// The first tick of the period with this index.
fn first(index: i64, period: Period) -> Option<i64> {
    let month = |index: i64| {
        let year = i32::try_from(index.div_euclid(12) + 1).ok()?;
        let month = u32::try_from(index.rem_euclid(12) + 1).ok()?;
        match (year, month) {
            (10_000, 1) => Some(crate::value::DATETIME_MAX + 1),
            _ => from_civil(year, month, 1),
        }
    };
    match period {
        Period::Day => index.checked_mul(TICKS_PER_DAY),
        Period::Week => index.checked_mul(7)?.checked_sub(1)?.checked_mul(TICKS_PER_DAY),
        Period::Month => month(index),
        Period::Quarter => month(index.checked_mul(3)?),
        Period::Year => month(index.checked_mul(12)?),
    }
}

/// Index of the period that the arguments name: a point of time and how many periods on.
fn shifted(arguments: &[Value], period: Period) -> Option<i64> {
    let offset = match arguments.get(1) {
        Some(offset) => offset.to_long()?,
        None => 0,
    };
    index(point(arguments, 0)?, period).checked_add(offset)
}

fn start(arguments: &[Value], period: Period) -> Value {
    datetime(shifted(arguments, period).and_then(|index| first(index, period)))
}

fn end(arguments: &[Value], period: Period) -> Value {
    let next = shifted(arguments, period).and_then(|index| index.checked_add(1));
    datetime(next.and_then(|index| first(index, period)).and_then(|ticks| ticks.checked_sub(1)))
}

/// Ticks of a part of fixed length.
fn fixed(part: &str) -> Option<i64> {
    Some(match part {
        "day" => TICKS_PER_DAY,
        "hour" => TICKS_PER_HOUR,
        "minute" => TICKS_PER_MINUTE,
        "second" => TICKS_PER_SECOND,
        "millisecond" => TICKS_PER_MILLISECOND,
        "microsecond" => 10,
        _ => return None,
    })
}

fn period(part: &str) -> Option<Period> {
    Some(match part {
        "year" => Period::Year,
        "quarter" => Period::Quarter,
        "month" => Period::Month,
        "week" => Period::Week,
        _ => return None,
    })
}

/// The name of a part, in lower case.
fn part_name(arguments: &[Value]) -> Option<String> {
    match arguments.first()? {
        Value::String(name) if name.len() < 20 => Some(name.to_ascii_lowercase()),
        _ => None,
    }
}

/// `[part, count, point]`; the day of a month that is too short becomes its last.
fn add(arguments: &[Value], _: &Context) -> Value {
    let result = || {
        let (part, count) = (part_name(arguments)?, arguments.get(1)?.to_long()?);
        let ticks = point(arguments, 2)?;
        if part == "nanosecond" {
            return ticks.checked_add(count / 100);
        }
        if let Some(unit) = fixed(&part) {
            return ticks.checked_add(count.checked_mul(unit)?);
        }
        let months = match period(&part)? {
            Period::Week => return ticks.checked_add(count.checked_mul(7 * TICKS_PER_DAY)?),
            Period::Year => count.checked_mul(12)?,
            Period::Quarter => count.checked_mul(3)?,
            _ => count,
        };
        let (_, _, day) = civil(ticks);
        let month = first(index(ticks, Period::Month).checked_add(months)?, Period::Month)?;
        let (year, month, _) = civil(month);
        let midnight = (0..4).find_map(|less| from_civil(year, month, day.checked_sub(less)?))?;
        Some(midnight + ticks.rem_euclid(TICKS_PER_DAY))
    };
    datetime(result())
}

/// `[part, a, b]`: boundaries of the part crossed from `b` to `a`.
fn diff(arguments: &[Value], _: &Context) -> Value {
    let result = || {
        let part = part_name(arguments)?;
        let (a, b) = (point(arguments, 1)?, point(arguments, 2)?);
        if part == "nanosecond" {
            return (a - b).checked_mul(100);
        }
        if let Some(unit) = fixed(&part) {
            return Some(a.div_euclid(unit) - b.div_euclid(unit));
        }
        let period = period(&part)?;
        Some(index(a, period) - index(b, period))
    };
    result().map_or(Value::Null, Value::Long)
}
