//! The span of time that a query is about, in ISO 8601: a duration back from now, or an interval.

use base::{ExitCode, Fault};
use jiff::{Span, SpanRelativeTo, Timestamp};
use kql::value::{DATETIME_MAX, TICKS_PER_DAY, UNIX_EPOCH};

/// `from <= TimeGenerated < to`, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Timespan {
    pub(super) from: Option<i64>,
    pub(super) to: Option<i64>,
}

/// Reads `P1D`, `FROM/TO`, `FROM/P1D` or `P1D/TO`. A duration alone has no end, so that events
/// whose clocks run ahead are seen.
pub(super) fn parse(text: &str, now: i64) -> Result<Timespan, Fault> {
    let wrong = || {
        Fault::new("bad_request", "the timespan is not understood")
            .hint("an ISO 8601 duration such as P1D or PT30M, or FROM/TO, FROM/P1D, P1D/TO")
            .exit(ExitCode::Usage)
    };
    let read = |text: &str| -> Option<End> {
        let text = text.trim();
        match text.starts_with(['P', 'p']) {
            true => duration(text).map(End::Duration),
            false => kql::value::parse_datetime(text).map(End::Moment),
        }
    };
    let Some((from, to)) = text.split_once('/') else {
        return match read(text).ok_or_else(wrong)? {
            End::Duration(ticks) => Ok(Timespan { from: Some(earlier(now, ticks)), to: None }),
            End::Moment(_) => Err(wrong()),
        };
    };
    let (from, to) = match (read(from).ok_or_else(wrong)?, read(to).ok_or_else(wrong)?) {
        (End::Moment(from), End::Moment(to)) => (from, to),
        (End::Moment(from), End::Duration(ticks)) => {
            (from, from.saturating_add(ticks).min(DATETIME_MAX))
        }
        (End::Duration(ticks), End::Moment(to)) => (earlier(to, ticks), to),
        (End::Duration(_), End::Duration(_)) => return Err(wrong()),
    };
    if from > to {
        return Err(
            Fault::new("bad_request", "the timespan ends before it begins").exit(ExitCode::Usage)
        );
    }
    Ok(Timespan { from: Some(from), to: Some(to) })
}

enum End {
    Moment(i64),
    Duration(i64),
}

fn earlier(from: i64, ticks: i64) -> i64 {
    from.saturating_sub(ticks).max(0)
}

/// A duration in ticks; months and years as they are on the calendar of today.
fn duration(text: &str) -> Option<i64> {
    let span: Span = text.parse().ok()?;
    if span.is_negative() {
        return None;
    }
    let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let exact = span.to_duration(SpanRelativeTo::from(today)).ok()?;
    let ticks = i64::try_from(exact.as_nanos() / 100).ok()?;
    (ticks <= DATETIME_MAX - UNIX_EPOCH / TICKS_PER_DAY).then_some(ticks)
}

#[cfg(test)]
mod tests {
    use kql::value::{TICKS_PER_HOUR, parse_datetime};

    use super::*;

    #[test]
    fn spans_are_durations_and_intervals() {
        let at = |text: &str| parse_datetime(text).unwrap();
        let now = at("2026-03-01T12:00:00Z");
        let day = 24 * TICKS_PER_HOUR;
        for (text, from, to) in [
            ("P1D", now - day, None),
            ("PT30M", now - TICKS_PER_HOUR / 2, None),
            ("P2W", now - 14 * day, None),
            ("P1DT12H", now - day - day / 2, None),
            ("2026-02-01T00:00:00Z/2026-02-02T00:00:00Z", at("2026-02-01"), Some(at("2026-02-02"))),
            ("2026-02-01/P1D", at("2026-02-01"), Some(at("2026-02-02"))),
            ("PT1H/2026-02-01T01:00:00Z", at("2026-02-01"), Some(at("2026-02-01T01:00:00Z"))),
        ] {
            assert_eq!(parse(text, now).unwrap(), Timespan { from: Some(from), to }, "{text}");
        }
        for wrong in
            ["", "1d", "P", "-P1D", "P1D/P1D", "2026-02-01", "a/b", "2026-02-02/2026-02-01"]
        {
            assert!(parse(wrong, now).is_err(), "{wrong}");
        }
        // Longer than there is time: from the beginning.
        assert_eq!(parse("P2000Y", now).unwrap().from, Some(at("0026-03-01T12:00:00Z")));
    }
}
