//! Local time: `datetime_utc_to_local()` and its like, over the time-zone data that is built in.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use super::{datetime, point};
use crate::functions::{Context, Table};
use crate::value::{Json, TICKS_PER_SECOND, UNIX_EPOCH, Value};

pub(super) const TABLE: Table = &[
    ("datetime_utc_to_local", utc_to_local),
    ("datetime_local_to_utc", local_to_utc),
    ("datetime_list_timezones", list),
];

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

fn zone(arguments: &[Value]) -> Option<TimeZone> {
    match arguments.get(1)? {
        Value::String(name) if name.len() < 100 => ZONES.get(name.trim()).ok(),
        _ => None,
    }
}

fn timestamp(ticks: i64) -> Option<Timestamp> {
    Timestamp::from_second((ticks - UNIX_EPOCH).div_euclid(TICKS_PER_SECOND)).ok()
}

fn utc_to_local(arguments: &[Value], _: &Context) -> Value {
    let result = || {
        let ticks = point(arguments, 0)?;
        let offset = zone(arguments)?.to_offset(timestamp(ticks)?);
        ticks.checked_add(i64::from(offset.seconds()) * TICKS_PER_SECOND)
    };
    datetime(result())
}

/// A local time that never was (clocks go forward) counts with the offset after the change, one
/// that was twice with the first.
fn local_to_utc(arguments: &[Value], _: &Context) -> Value {
    let result = || {
        let ticks = point(arguments, 0)?;
        let local: DateTime = TimeZone::UTC.to_datetime(timestamp(ticks)?);
        let utc = zone(arguments)?.to_ambiguous_timestamp(local).earlier().ok()?;
        let seconds = utc.as_second().checked_mul(TICKS_PER_SECOND)?;
        seconds.checked_add(UNIX_EPOCH)?.checked_add(ticks.rem_euclid(TICKS_PER_SECOND))
    };
    datetime(result())
}

fn list(_: &[Value], _: &Context) -> Value {
    let mut names: Vec<String> = ZONES.available().map(|name| name.as_str().to_owned()).collect();
    names.sort();
    Value::json(Json::Array(names.into_iter().map(|name| Json::String(name.into())).collect()))
}
