//! No function may panic, whatever it is called with; patterns of older days are understood.

use super::{BY_NAME, Context, compile_regex, regex_error, scalar};
use crate::value::{DATETIME_MAX, Json, Value};

/// Values that are at the edge of something.
fn hostile() -> Vec<Value> {
    let mut values = vec![
        Value::Null,
        Value::Bool(true),
        Value::Int(i32::MIN),
        Value::Int(-1),
        Value::DateTime(0),
        Value::DateTime(DATETIME_MAX),
        Value::TimeSpan(i64::MIN),
        Value::TimeSpan(i64::MAX),
        Value::TimeSpan(0),
        Value::TimeSpan(1),
        Value::Guid(u128::MAX),
        Value::Decimal(rust_decimal::Decimal::MAX),
        Value::Decimal(rust_decimal::Decimal::MIN),
        Value::Decimal(rust_decimal::Decimal::ZERO),
    ];
    values.extend([i64::MIN, i64::MAX, -1, 0, 1, 2, 63, 64, 1 << 40].map(Value::Long));
    let reals = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.5, 1e300, -1e-300, 12.0];
    values.extend(reals.map(Value::Real));
    let long = "ä(".repeat(400);
    let texts = [
        "",
        " ",
        "a",
        "A b",
        "0",
        "-1",
        "1e400",
        "2020-02-30",
        "2020-01-01 00:00",
        "99999999d",
        "-1.00:00:00",
        "(",
        "[a-z]+",
        "(a)(b)?",
        r"\",
        "\u{0}",
        "İıßŉ\u{1F600}",
        "e\u{301}",
        "$",
        "$.a[0]",
        "xn--",
        "xn--a-b-c99999999",
        "%",
        "%u00",
        "<a",
        "<a b='",
        "&#;",
        "a,\"b",
        "C:\\",
        "://",
        "H4sIAAAAAAAA/wE=",
        "year",
        "nanosecond",
        "Europe/Paris",
        "yyyyyyyyyyyyyyyyy",
        "127.0.0.1/33",
        "::1",
        "fffffff",
        "windows",
        "POINT (1 2)",
        "u000",
        "regex",
        "long",
        "__proto__",
        "Meter",
    ];
    values.extend(texts.map(Value::text));
    values.push(Value::text(long));
    let jsons = [
        "[]",
        "{}",
        "[null]",
        "[1,2.5,null,\"a\",[1],{\"a\":1}]",
        "[1,2,3,4,5,6,7,8,9,10]",
        "[-1,1e300,-1e300]",
        "[9223372036854775807,-9223372036854775808]",
        "\"\"",
        "\"a\"",
        "true",
        "-9223372036854775808",
        "1e300",
        r#"{"a":{"b":[1,{"c":null}]},"":0}"#,
        r#"["$.a","a","$"]"#,
        r#"{"type":"Point","coordinates":[1,2]}"#,
        r#"{"type":"LineString","coordinates":[[1,2]]}"#,
        r#"{"type":"LineString","coordinates":[[0,0],[1,1],[181,95]]}"#,
        r#"{"type":"Polygon","coordinates":[[[0,0],[0,1],[1,1],[0,0]]]}"#,
        r#"{"type":"Polygon","coordinates":[[[0,0],[1,1],[0,1],[1,0],[0,0]],[]]}"#,
        r#"{"type":"Polygon","coordinates":[]}"#,
        r#"{"type":"MultiPolygon","coordinates":[[[["x",0],[1,1]]]]}"#,
        r#"[{"type":"Polygon","coordinates":[[[0,0],[0,9],[9,9],[0,0]]]},null,1]"#,
    ];
    values.extend(jsons.map(|text| Value::json(Json::parse(text).expect("because it is JSON"))));
    values
}

/// Lehmer's generator, so that a failure can be had again.
fn next(state: &mut u64) -> usize {
    *state = *state * 48_271 % 0x7fff_ffff;
    *state as usize
}

#[test]
fn nothing_panics() {
    let values = hostile();
    let context = Context { now: DATETIME_MAX };
    let mut names: Vec<&str> = BY_NAME.keys().copied().collect();
    names.sort_unstable();
    for name in names {
        let function = scalar(name).expect("because it is listed");
        let mut state = 20_250_101;
        let call = |arguments: &[Value]| {
            let result = std::panic::catch_unwind(|| function(arguments, &context));
            assert!(result.is_ok(), "{name} {arguments:?}");
        };
        call(&[]);
        for value in &values {
            call(std::slice::from_ref(value));
        }
        for round in 0..600 {
            let count = 2 + round % 5;
            let arguments: Vec<Value> =
                (0..count).map(|_| values[next(&mut state) % values.len()].clone()).collect();
            call(&arguments);
        }
    }
}

#[test]
fn patterns_of_older_days() {
    for (pattern, text, expected) in [
        (r"(A\w+{.*})", "xAb{1}y", true),
        ("{x}", "a{x}", true),
        ("a{2}", "a{2}", false),
        ("[[]", "a[b", true),
        ("[^[:digit:][]+$", "12", false),
        (r"\0", "a\0b", true),
        ("[]{]", "{", true),
        (r"\{\d{1,2}\}", "{12}", true),
        ("é{", "é{", true),
    ] {
        let found = compile_regex(pattern).map(|regex| regex.is_match(text));
        assert_eq!(found.ok(), Some(expected), "{pattern}");
    }
    for pattern in ["(?=a)", "(", "[a", "*"] {
        assert!(regex_error(pattern).is_some(), "{pattern}");
    }
}
