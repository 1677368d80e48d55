//! Calendar, spans and JSON, there and back.

use super::*;

#[test]
fn the_calendar_goes_both_ways() {
    for (ticks, date) in
        [(0, (1, 1, 1)), (UNIX_EPOCH, (1970, 1, 1)), (DATETIME_MAX, (9999, 12, 31))]
    {
        assert_eq!(civil(ticks), date);
        let midnight = ticks - ticks.rem_euclid(TICKS_PER_DAY);
        assert_eq!(from_civil(date.0, date.1, date.2), Some(midnight));
    }
    assert_eq!(from_civil(2023, 2, 29), None);
}

#[test]
fn text_of_times() {
    assert_eq!(datetime_text(DATETIME_MAX), "9999-12-31T23:59:59.9999999Z");
    assert_eq!(timespan_text(26 * TICKS_PER_HOUR + 5), "1.02:00:00.0000005");
    assert_eq!(timespan_text(-TICKS_PER_SECOND), "-00:00:01");
    assert_eq!(parse_timespan("1.02:03:04.5"), Some(937_845_000_000));
}

#[test]
fn json_keeps_order_and_kinds() {
    let json = Json::parse(r#"{"b":1,"a":[1.0,null,"x"],"b":2}"#).unwrap();
    assert_eq!(json.to_string(), r#"{"b":2,"a":[1.0,null,"x"]}"#);
}
