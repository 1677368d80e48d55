//! `make_datetime()`, `make_timespan()`, `now()`, `ago()` and the points of Unix time.

use super::{datetime, point};
use crate::functions::{Context, Table};
use crate::value::{
    TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE, TICKS_PER_SECOND, UNIX_EPOCH, Value,
    from_civil,
};

pub(super) const TABLE: Table = &[
    ("ago", ago),
    ("make_datetime", make_datetime),
    ("make_timespan", make_timespan),
    ("now", now),
    ("unixtime_seconds_todatetime", |a, _| unix(a, TICKS_PER_SECOND as f64)),
    ("unixtime_milliseconds_todatetime", |a, _| unix(a, 10_000.0)),
    ("unixtime_microseconds_todatetime", |a, _| unix(a, 10.0)),
    ("unixtime_nanoseconds_todatetime", |a, _| unix(a, 0.01)),
];

/// Ticks of a number of seconds with a fraction, from 0 to below 60.
fn seconds(value: &Value) -> Option<i64> {
    let ticks = match value.as_integer() {
        Some(n) => n.checked_mul(TICKS_PER_SECOND)?,
        None => Value::Real((value.to_real()? * TICKS_PER_SECOND as f64).round()).to_long()?,
    };
    (0..60 * TICKS_PER_SECOND).contains(&ticks).then_some(ticks)
}

fn within(value: Option<&Value>, limit: i64) -> Option<i64> {
    match value {
        Some(value) => value.to_long().filter(|n| (0..limit).contains(n)),
        None => Some(0),
    }
}

fn make_datetime(arguments: &[Value], _: &Context) -> Value {
    if arguments.len() == 1 {
        return datetime(point(arguments, 0));
    }
    let result = || {
        let [year, month, day, time @ ..] = arguments else { return None };
        let (month, day) = (month.to_int()?, day.to_int()?);
        let midnight =
            from_civil(year.to_int()?, u32::try_from(month).ok()?, u32::try_from(day).ok()?)?;
        let hours = within(time.first(), 24)? * TICKS_PER_HOUR;
        let minutes = within(time.get(1), 60)? * TICKS_PER_MINUTE;
        Some(midnight + hours + minutes + time.get(2).map_or(Some(0), seconds)?)
    };
    datetime(result())
}

fn make_timespan(arguments: &[Value], _: &Context) -> Value {
    let result = || {
        let (days, rest) = match arguments {
            [value] => return value.to_timespan(),
            [days, rest @ ..] if rest.len() == 3 => (days.to_long()?, rest),
            rest => (0, rest),
        };
        let hours = within(rest.first(), 24)? * TICKS_PER_HOUR;
        let minutes = within(rest.get(1), 60)? * TICKS_PER_MINUTE;
        let rest = hours + minutes + rest.get(2).map_or(Some(0), seconds)?;
        days.checked_mul(TICKS_PER_DAY)?.checked_add(rest)
    };
    result().map_or(Value::Null, Value::TimeSpan)
}

fn now(arguments: &[Value], context: &Context) -> Value {
    match arguments.first() {
        Some(offset) => {
            datetime(offset.to_timespan().and_then(|span| context.now.checked_add(span)))
        }
        None => Value::DateTime(context.now),
    }
}

fn ago(arguments: &[Value], context: &Context) -> Value {
    let span = arguments.first().and_then(Value::to_timespan);
    datetime(span.and_then(|span| context.now.checked_sub(span)))
}

/// A point of time so many units after 1970-01-01.
fn unix(arguments: &[Value], unit_ticks: f64) -> Value {
    let ticks = match arguments.first().map(Value::plain) {
        Some(n @ (Value::Int(_) | Value::Long(_))) => n.as_integer().and_then(|n| {
            if unit_ticks < 1.0 {
                Some(n.div_euclid(100))
            } else {
                n.checked_mul(unit_ticks as i64)
            }
        }),
        Some(other) => {
            other.as_real().and_then(|x| Value::Real((x * unit_ticks).round()).to_long())
        }
        None => None,
    };
    datetime(ticks.and_then(|ticks| UNIX_EPOCH.checked_add(ticks)))
}
