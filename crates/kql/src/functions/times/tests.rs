//! Functions of time on values.

use crate::functions::{Context, scalar};
use crate::value::{Value, parse_datetime, parse_timespan};

fn call(name: &str, arguments: &[Value]) -> Value {
    let now = parse_datetime("2024-05-06 07:08:09").unwrap();
    scalar(name).unwrap_or_else(|| panic!("no {name}"))(arguments, &Context { now })
}

fn at(text: &str) -> Value {
    Value::DateTime(parse_datetime(text).unwrap_or_else(|| panic!("no time: {text}")))
}

fn span(text: &str) -> Value {
    Value::TimeSpan(parse_timespan(text).unwrap_or_else(|| panic!("no span: {text}")))
}

fn t(text: &str) -> Value {
    Value::text(text)
}

#[test]
fn reads_points_of_time() {
    let whole = "2014-11-08T15:05:02.0000000Z";
    for (text, expected) in [
        ("2014-05-25T08:20:03.123456Z", "2014-05-25T08:20:03.1234560Z"),
        ("2014-05-25T08:20", "2014-05-25T08:20:00.0000000Z"),
        ("2014-11-08 15:05:02.12345678901", "2014-11-08T15:05:02.1234567Z"),
        ("Sat, 8 Nov 14 15:05:02 GMT", whole),
        ("8 Nov 2014 15:05:02", whole),
        ("Saturday, 08-Nov-14 15:05:02 GMT", whole),
        ("08-Nov-14 15:05", "2014-11-08T15:05:00.0000000Z"),
        ("11/8/2014 3:05:02 PM", whole),
        ("Nov 8, 2014 15:05:02", whole),
        ("08/Nov/2014:15:05:02 +0000", whole),
        ("2014-11-08T15:05:02 GMT", whole),
        ("2014-11-08T17:05:02+02:00", whole),
        ("2014-11-08T10:05:02 -0500", whole),
        ("2014/11/08 15:05:02", whole),
        ("20141108", "2014-11-08T00:00:00.0000000Z"),
        ("2017 - 08 - 01", "2017-08-01T00:00:00.0000000Z"),
        ("1970-5-12", "1970-05-12T00:00:00.0000000Z"),
        ("2015", "2015-01-01T00:00:00.0000000Z"),
        ("2015-07", "2015-07-01T00:00:00.0000000Z"),
        ("12-02-2022", "2022-12-02T00:00:00.0000000Z"),
    ] {
        let read = parse_datetime(text).map(crate::value::datetime_text);
        assert_eq!(read.as_deref(), Some(expected), "{text}");
    }
    for text in
        ["", "x", "2014-13-01", "2014-11-08 25:00", "2014-11-08 10:61", "15", "2014-11-08x", "é"]
    {
        assert_eq!(parse_datetime(text), None, "{text}");
    }
}

#[test]
fn reads_spans() {
    for (text, expected) in [
        ("1d", "1.00:00:00"),
        ("1.5h", "01:30:00"),
        ("15 seconds", "00:00:15"),
        ("2", "2.00:00:00"),
        ("-0.12:34:56.7", "-12:34:56.7000000"),
        ("00:01", "00:01:00"),
        ("10microsecond", "00:00:00.0000100"),
        ("100ns", ""),
        ("--1d", ""),
        ("99999999999999d", ""),
    ] {
        let read = parse_timespan(text).map(crate::value::timespan_text).unwrap_or_default();
        assert_eq!(read, expected, "{text}");
    }
}

#[test]
fn starts_ends_and_differences() {
    let day = at("2017-01-01 10:10:17");
    for (name, offset, expected) in [
        ("startofweek", -1, "2016-12-25"),
        ("startofweek", 0, "2017-01-01"),
        ("startofmonth", 1, "2017-02-01"),
        ("startofyear", -1, "2016-01-01"),
        ("startofday", 2, "2017-01-03"),
        ("endofweek", 0, "2017-01-07 23:59:59.9999999"),
        ("endofmonth", 1, "2017-02-28 23:59:59.9999999"),
        ("endofyear", 0, "2017-12-31 23:59:59.9999999"),
    ] {
        assert_eq!(call(name, &[day.clone(), Value::Long(offset)]), at(expected), "{name}");
    }
    assert_eq!(call("endofyear", &[at("9999-05-05")]), at("9999-12-31 23:59:59.9999999"));
    assert_eq!(call("startofday", &[day, Value::Long(i64::MAX)]), Value::Null);
    for (part, a, b, expected) in [
        ("Year", "2017-01-01", "2000-12-31", 17),
        ("quarter", "2017-07-01", "2017-03-30", 2),
        ("month", "2017-01-01", "2015-12-30", 13),
        ("week", "2017-10-29", "2017-09-30 23:59:59", 5),
        ("hour", "2017-10-31 01:00", "2017-10-30 23:59:59", 2),
        ("microsecond", "2017-10-30 23:00:00.1009001", "2017-10-30 23:00:00.1008009", 100),
        ("nanosecond", "2017-10-30", "2017-10-30 00:00:00.0000007", -700),
    ] {
        assert_eq!(
            call("datetime_diff", &[t(part), at(a), at(b)]),
            Value::Long(expected),
            "{part}"
        );
    }
    let added = |part: &str, n| call("datetime_add", &[t(part), Value::Long(n), at("2020-01-31")]);
    assert_eq!(added("month", 1), at("2020-02-29"));
    assert_eq!(added("quarter", -1), at("2019-10-31"));
    assert_eq!(added("week", 1), at("2020-02-07"));
    assert_eq!(added("year", 100_000), Value::Null);
    assert_eq!(added("fortnight", 1), Value::Null);
}

#[test]
fn parts_and_making() {
    let point = at("2017-10-30 01:02:03.7654321");
    for (part, expected) in [
        ("quarter", 4),
        ("week_of_year", 44),
        ("dayOfYear", 303),
        ("millisecond", 765),
        ("nanosecond", 765_432_100),
    ] {
        assert_eq!(
            call("datetime_part", &[t(part), point.clone()]),
            Value::Int(expected),
            "{part}"
        );
    }
    for (date, week) in [("2020-12-31", 53), ("1970-01-01", 1), ("2000-01-01", 52)] {
        assert_eq!(call("week_of_year", &[at(date)]), Value::Int(week), "{date}");
    }
    assert_eq!(call("dayofweek", &[at("1947-11-30 10:00:05")]), span("0d"));
    assert_eq!(call("hourofday", &[Value::Null]), Value::Null);
    let n = Value::Long;
    assert_eq!(
        call("make_datetime", &[n(2017), n(10), n(1), n(12), n(11), Value::Real(0.1234567)]),
        at("2017-10-01 12:11:00.1234567")
    );
    assert_eq!(call("make_datetime", &[n(2017), n(13), n(1)]), Value::Null);
    assert_eq!(
        call("make_timespan", &[n(1), n(12), n(30), Value::Real(55.123)]),
        span("1.12:30:55.123")
    );
    assert_eq!(call("now", &[span("-1d")]), at("2024-05-05 07:08:09"));
    assert_eq!(call("ago", &[span("1h")]), at("2024-05-06 06:08:09"));
    assert_eq!(call("unixtime_seconds_todatetime", &[n(1_546_300_800)]), at("2019-01-01"));
    assert_eq!(
        call("unixtime_nanoseconds_todatetime", &[n(1_546_300_800_000_000_000)]),
        at("2019-01-01")
    );
    assert_eq!(call("unixtime_seconds_todatetime", &[n(i64::MAX)]), Value::Null);
}

#[test]
fn formats() {
    let point = at("2009-06-15 13:45:30.6170000");
    for (format, expected) in [
        ("yy-MM-dd [HH:mm:ss]", "09-06-15 [13:45:30]"),
        ("yyyy-M-d h:m:s tt", "2009-6-15 1:45:30 PM"),
        ("fff|FFFFFFF", "617|617"),
        ("y", "9"),
    ] {
        assert_eq!(call("format_datetime", &[point.clone(), t(format)]), t(expected));
    }
    let long = span("29.09:00:05.12345");
    assert_eq!(call("format_timespan", &[long.clone(), t("dd.hh:mm:ss:FF")]), t("29.09:00:05:12"));
    assert_eq!(
        call("format_timespan", &[long, t("ddd.h:mm:ss [fffffff]")]),
        t("029.9:00:05 [1234500]")
    );
    assert_eq!(call("format_datetime", &[Value::Null, t("y")]), t(""));
}

#[test]
fn zones() {
    for (local, zone, utc) in [
        ("2020-02-02 20:02:20", "US/Pacific", "2020-02-03 04:02:20"),
        ("2020-02-02 20:02:20", "Europe/Paris", "2020-02-02 19:02:20"),
        ("2022-03-27 02:00", "Europe/Brussels", "2022-03-27 00:00"),
        ("2022-03-27 03:00", "Europe/Brussels", "2022-03-27 01:00"),
    ] {
        assert_eq!(call("datetime_local_to_utc", &[at(local), t(zone)]), at(utc), "{local} {zone}");
    }
    let local = call("datetime_utc_to_local", &[at("2022-07-01 12:00"), t("America/New_York")]);
    assert_eq!(local, at("2022-07-01 08:00"));
    assert_eq!(call("datetime_utc_to_local", &[at("2022-07-01"), t("Nowhere")]), Value::Null);
}
