//! Points of time as logs print them, to ticks.

use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};
use kql::value::{DATETIME_MAX, TICKS_PER_DAY, TICKS_PER_HOUR, TICKS_PER_MINUTE};
use kql::value::{TICKS_PER_MILLISECOND, TICKS_PER_SECOND, UNIX_EPOCH, from_civil};

use crate::event::Map;

/// What is known of time zones: the one of the source, and abbreviations that mean one offset.
#[derive(Debug, Default)]
pub(crate) struct Zones {
    /// Zone of the source, as `log_timezone` of PostgreSQL names it.
    pub(crate) own: Option<TimeZone>,
    /// Abbreviation → seconds east of Greenwich.
    pub(crate) abbreviations: Map<Box<str>, i32>,
}

/// Two decimal digits.
fn two(bytes: &[u8], at: usize) -> Option<i64> {
    let (a, b) = (bytes.get(at)?.wrapping_sub(b'0'), bytes.get(at + 1)?.wrapping_sub(b'0'));
    (a < 10 && b < 10).then(|| i64::from(a) * 10 + i64::from(b))
}

fn colon(bytes: &[u8], at: usize) -> Option<()> {
    (bytes.get(at) == Some(&b':')).then_some(())
}

/// `hh:mm:ss` in ticks; a leap second counts as the next one.
fn clock(bytes: &[u8], at: usize) -> Option<i64> {
    let (h, m, s) = (two(bytes, at)?, two(bytes, at + 3)?, two(bytes, at + 6)?);
    colon(bytes, at + 2)?;
    colon(bytes, at + 5)?;
    let right = h < 24 && m < 60 && s <= 60;
    right.then(|| h * TICKS_PER_HOUR + m * TICKS_PER_MINUTE + s * TICKS_PER_SECOND)
}

fn within(ticks: i64) -> Option<i64> {
    (0..=DATETIME_MAX).contains(&ticks).then_some(ticks)
}

/// `2026-11-27 13:59:05.104 UTC` (PostgreSQL) and `2026-11-27T13:59:05.104Z` (RFC 3339): date and
/// time with `T` or a blank between, a fraction or none, a zone behind a blank or at once.
pub(crate) fn stamp(text: &str, zones: &Zones) -> Option<i64> {
    let bytes = text.as_bytes();
    let year = two(bytes, 0)? * 100 + two(bytes, 2)?;
    let (month, day) = (two(bytes, 5)?, two(bytes, 8)?);
    if bytes[4] != b'-' || bytes[7] != b'-' || !matches!(bytes.get(10)?, b' ' | b'T' | b't') {
        return None;
    }
    let midnight = from_civil(year as i32, month as u32, day as u32)?;
    let mut local = midnight + clock(bytes, 11)?;
    let mut at = 19;
    if bytes.get(at) == Some(&b'.') {
        let digits = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut unit = TICKS_PER_SECOND / 10;
        for digit in &bytes[at + 1..at + 1 + digits] {
            local += i64::from(digit - b'0') * unit;
            unit /= 10;
        }
        at += 1 + digits;
    }
    let zone = text.get(at..)?.trim_start_matches(' ');
    let seconds = match zone {
        "UTC" | "Z" | "GMT" | "z" => 0,
        _ => offset(zone).or_else(|| named(zone, local, zones))?,
    };
    within(local - i64::from(seconds) * TICKS_PER_SECOND)
}

/// `+hh`, `+hhmm`, `+hh:mm`, in seconds.
fn offset(zone: &str) -> Option<i32> {
    let sign = match zone.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let bytes = &zone.as_bytes()[1..];
    let hours = two(bytes, 0)?;
    let minutes = match bytes.len() {
        2 => 0,
        4 => two(bytes, 2)?,
        5 if bytes[2] == b':' => two(bytes, 3)?,
        _ => return None,
    };
    (hours < 24 && minutes < 60).then(|| sign * (hours * 3600 + minutes * 60) as i32)
}

/// An abbreviation: first as the source's own zone uses it, then as the file of abbreviations says.
fn named(zone: &str, local: i64, zones: &Zones) -> Option<i32> {
    own(zone, local, zones).or_else(|| zones.abbreviations.get(zone).copied())
}

fn own(zone: &str, local: i64, zones: &Zones) -> Option<i32> {
    let own = zones.own.as_ref()?;
    let seconds = (local - UNIX_EPOCH).div_euclid(TICKS_PER_SECOND);
    let datetime = jiff::Timestamp::from_second(seconds).ok()?;
    let datetime: civil::DateTime = TimeZone::UTC.to_datetime(datetime);
    let (before, after) = match own.to_ambiguous_timestamp(datetime).offset() {
        AmbiguousOffset::Unambiguous { offset } => (offset, offset),
        AmbiguousOffset::Gap { before, after } | AmbiguousOffset::Fold { before, after } => {
            (before, after)
        }
    };
    let fits = |offset: &jiff::tz::Offset| {
        let at = offset.to_timestamp(datetime);
        at.is_ok_and(|at| zone.is_empty() || own.to_offset_info(at).abbreviation() == zone)
    };
    [before, after].into_iter().find(fits).map(jiff::tz::Offset::seconds)
}

/// The month that a text begins with, from 1.
fn month(text: &str) -> Option<u32> {
    const MONTHS: &str = "JanFebMarAprMayJunJulAugSepOctNovDec";
    let at = MONTHS.find(text.get(..3)?).filter(|at| at % 3 == 0)?;
    u32::try_from(at / 3 + 1).ok()
}

/// A time as CEF allows it (Implementing ArcSight CEF, "date formats"): milliseconds since 1970,
/// `Nov 27 2026 13:59:05` or `Nov 27 13:59:05`, with a fraction, a zone, both or neither; and RFC
/// 3339, which devices write too.
pub(crate) fn cef(text: &str, received_at: i64, zones: &Zones) -> Option<i64> {
    if let Ok(count) = text.parse() {
        return epoch(count, Unit::Milliseconds);
    }
    let mut words = text.split_ascii_whitespace();
    let (first, day, third) = (words.next()?, words.next(), words.next());
    let (Some(month), Some(day), Some(third)) = (month(first), day, third) else {
        return stamp(text, zones);
    };
    if third.contains(':') {
        // Without a year: what is behind the seconds is not read by this form.
        let time = third.split('.').next()?;
        return bsd(&format!("{first} {day:>2} {time}"), received_at, zones);
    }
    let (day, time): (u32, &str) = (day.parse().ok()?, words.next()?);
    let zone = words.next().unwrap_or(if zones.own.is_some() { "" } else { "UTC" });
    stamp(&format!("{third:0>4}-{month:02}-{day:02} {time} {zone}"), zones)
}

/// `Nov 27 13:59:05` (RFC 3164 section 4.1.2): the year is the one that brings it next before the
/// receipt, two days of wrong clocks allowed; the zone is the source's own, else UTC.
pub(crate) fn bsd(text: &str, received_at: i64, zones: &Zones) -> Option<i64> {
    let bytes = text.as_bytes();
    let month = month(text)?;
    let day = match bytes.get(4)? {
        b' ' => i64::from(bytes.get(5)?.checked_sub(b'0')?),
        _ => two(bytes, 4)?,
    };
    let time = clock(bytes, 7)?;
    let (year, _, _) = kql::value::civil(received_at);
    let latest = received_at + 2 * TICKS_PER_DAY;
    (0..=8).find_map(|back| {
        // The day may not exist in that year (29 February): then an earlier one.
        let local = from_civil(year + 1 - back, month, day as u32)? + time;
        let seconds = own("", local, zones).unwrap_or(0);
        within(local - i64::from(seconds) * TICKS_PER_SECOND).filter(|ticks| *ticks <= latest)
    })
}

/// A count of seconds with a fraction since 1970, as text.
pub(crate) fn epoch_text(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = whole.parse().ok()?;
    let mut unit = TICKS_PER_SECOND;
    let mut ticks = seconds.checked_mul(TICKS_PER_SECOND)?;
    for digit in fraction.bytes() {
        if !digit.is_ascii_digit() {
            return None;
        }
        unit /= 10;
        ticks = ticks.checked_add(i64::from(digit - b'0') * unit)?;
    }
    within(ticks.checked_add(UNIX_EPOCH)?)
}

/// A whole count of milliseconds or nanoseconds since 1970.
pub(crate) fn epoch(count: i64, unit: Unit) -> Option<i64> {
    let ticks = match unit {
        Unit::Seconds => count.checked_mul(TICKS_PER_SECOND)?,
        Unit::Milliseconds => count.checked_mul(TICKS_PER_MILLISECOND)?,
        Unit::Nanoseconds => count.div_euclid(100),
    };
    within(ticks.checked_add(UNIX_EPOCH)?)
}

/// What a count since 1970 counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    Milliseconds,
    Nanoseconds,
}

/// `h:mm:ss.fff` with as many hours as it takes (PostgreSQL's session time), in ticks.
pub(crate) fn hours(text: &str) -> Option<i64> {
    let (hours, rest) = text.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':')?;
    let hours: i64 = hours.parse().ok().filter(|h| (0..1_000_000).contains(h))?;
    let minutes: i64 = minutes.parse().ok().filter(|m| (0..60).contains(m))?;
    let seconds = epoch_text(seconds)?.checked_sub(UNIX_EPOCH)?;
    Some(hours * TICKS_PER_HOUR + minutes * TICKS_PER_MINUTE + seconds)
}

#[cfg(test)]
mod tests {
    use kql::value::datetime_text;

    use super::*;

    #[test]
    fn the_forms_of_a_time_in_cef() {
        let received_at = stamp("2026-12-01 00:00:00 UTC", &Zones::default()).unwrap();
        let mut zones = Zones::default();
        zones.abbreviations.insert("CET".into(), 3600);
        for (text, expected) in [
            ("1795787945104", Some("2026-11-27T13:59:05.1040000Z")),
            ("Nov 27 2026 13:59:05", Some("2026-11-27T13:59:05.0000000Z")),
            ("Nov 7 2026 13:59:05.104 CET", Some("2026-11-07T12:59:05.1040000Z")),
            ("Nov 27 13:59:05.104", Some("2026-11-27T13:59:05.0000000Z")),
            ("Dec 7 13:59:05", Some("2025-12-07T13:59:05.0000000Z")),
            ("2026-11-27T13:59:05+01:00", Some("2026-11-27T12:59:05.0000000Z")),
            ("Nov 27 2026 13:59:05 XYZ", None),
            ("Nov", None),
            ("", None),
            ("Nov 32 2026 13:59:05", None),
        ] {
            let got = cef(text, received_at, &zones).map(datetime_text);
            assert_eq!(got.as_deref(), expected, "{text}");
        }
    }
}
