//! What a point of time is made of: `datetime_part()`, `dayofweek()`, `week_of_year()` …

use super::point;
use crate::functions::{Context, Table};
use crate::value::{
    TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MILLISECOND, TICKS_PER_MINUTE, TICKS_PER_SECOND,
    Value, civil, from_civil,
};

pub(super) const TABLE: Table = &[
    ("datetime_part", datetime_part),
    ("datepart", datetime_part),
    ("dayofweek", dayofweek),
    ("dayofmonth", |a, _| named(a, "day")),
    ("dayofyear", |a, _| named(a, "dayofyear")),
    ("getmonth", |a, _| named(a, "month")),
    ("getyear", |a, _| named(a, "year")),
    ("hourofday", |a, _| named(a, "hour")),
    ("monthofyear", |a, _| named(a, "month")),
    ("week_of_year", |a, _| named(a, "week_of_year")),
    ("weekofyear", |a, _| named(a, "weekofyear")),
];

fn days_of_year(ticks: i64) -> i64 {
    let (year, _, _) = civil(ticks);
    let new_year = from_civil(year, 1, 1).unwrap_or(0);
    ticks.div_euclid(TICKS_PER_DAY) - new_year / TICKS_PER_DAY
}

/// The week number by ISO 8601: that of the year which the week's Thursday is in.
fn iso_week(ticks: i64) -> i64 {
    let day = ticks.div_euclid(TICKS_PER_DAY);
    let thursday = day - day.rem_euclid(7) + 3;
    if thursday > crate::value::DATETIME_MAX / TICKS_PER_DAY {
        return 53;
    }
    days_of_year(thursday * TICKS_PER_DAY) / 7 + 1
}

/// The older count: weeks from Sunday, the first has the year's first Wednesday.
fn old_week(ticks: i64) -> i64 {
    let day = ticks.div_euclid(TICKS_PER_DAY);
    let wednesday = day - (day + 1).rem_euclid(7) + 3;
    if wednesday > crate::value::DATETIME_MAX / TICKS_PER_DAY {
        return 53;
    }
    days_of_year(wednesday.max(0) * TICKS_PER_DAY) / 7 + 1
}

fn part(name: &str, ticks: i64) -> Option<i64> {
    let (year, month, day) = civil(ticks);
    let second = ticks.rem_euclid(TICKS_PER_SECOND);
    Some(match name {
        "year" => year.into(),
        "quarter" => i64::from((month - 1) / 3 + 1),
        "month" => month.into(),
        "week_of_year" | "week" => iso_week(ticks),
        "weekofyear" => old_week(ticks),
        "day" => day.into(),
        "dayofyear" => days_of_year(ticks) + 1,
        "hour" => ticks / TICKS_PER_HOUR % 24,
        "minute" => ticks / TICKS_PER_MINUTE % 60,
        "second" => ticks / TICKS_PER_SECOND % 60,
        "millisecond" => second / TICKS_PER_MILLISECOND,
        "microsecond" => second / 10,
        "nanosecond" => second * 100,
        _ => return None,
    })
}

fn int(n: Option<i64>) -> Value {
    n.and_then(|n| i32::try_from(n).ok()).map_or(Value::Null, Value::Int)
}

fn named(arguments: &[Value], name: &str) -> Value {
    int(point(arguments, 0).and_then(|ticks| part(name, ticks)))
}

fn datetime_part(arguments: &[Value], _: &Context) -> Value {
    match (arguments.first(), point(arguments, 1)) {
        (Some(Value::String(name)), Some(ticks)) if name.len() < 20 => {
            int(part(&name.to_ascii_lowercase(), ticks))
        }
        _ => Value::Null,
    }
}

/// A span since the last Sunday.
fn dayofweek(arguments: &[Value], _: &Context) -> Value {
    point(arguments, 0).map_or(Value::Null, |ticks| {
        Value::TimeSpan((ticks.div_euclid(TICKS_PER_DAY) + 1).rem_euclid(7) * TICKS_PER_DAY)
    })
}
