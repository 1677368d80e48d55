//! Literals of all kinds.

use super::{check, refuse};

#[test]
fn numbers() {
    check(&[
        ("12", "12"),
        ("0x1F", "31"),
        ("0xFFFFFFFFFFFFFFFF", "-1"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("1.5", "1.5"),
        ("1.", "1.0"),
        ("1e3", "1000.0"),
        ("1.5E-3", "0.0015"),
        ("long(7)", "7"),
        ("long( 7 )", "7"),
        ("int64(7)", "7"),
        ("int(-7)", "-7i"),
        ("int32(7)", "7i"),
        ("real(1)", "1.0"),
        ("double(1.25)", "1.25"),
        ("real(nan)", "NaN"),
        ("real(+inf)", "inf"),
        ("real(-inf)", "-inf"),
        ("decimal(1.50)", "1.50m"),
        ("decimal(1e2)", "100m"),
    ]);
    refuse(&[
        ("9223372036854775808", &["KQL104"]),
        ("int(3000000000)", &["KQL104"]),
        ("int(a)", &["KQL104"]),
        ("long(1.5)", &["KQL104"]),
    ]);
}

#[test]
fn words() {
    check(&[
        ("true", "true"),
        ("FALSE", "false"),
        ("True and False", "[true and false]"),
        ("bool(true)", "true"),
        ("bool(0)", "false"),
        ("bool(null)", "null bool"),
        ("long(null)", "null long"),
        ("datetime(null)", "null datetime"),
        ("time(null)", "null timespan"),
        ("guid(null)", "null guid"),
        ("dynamic(null)", "null dynamic"),
        ("real()", "null real"),
    ]);
}

#[test]
fn times() {
    check(&[
        ("1d", "#1.00:00:00"),
        ("2.5h", "#02:30:00"),
        ("90m", "#01:30:00"),
        ("10s", "#00:00:10"),
        ("1ms", "#00:00:00.0010000"),
        ("3microsecond", "#00:00:00.0000030"),
        ("200nanosecond", "#00:00:00.0000002"),
        ("7tick", "#00:00:00.0000007"),
        ("1day + 2hours + 3minutes", "[[#1.00:00:00 + #02:00:00] + #00:03:00]"),
        ("time(1d)", "#1.00:00:00"),
        ("time(1.02:03:04.5)", "#1.02:03:04.5000000"),
        ("timespan('00:10')", "#00:10:00"),
        ("timespan(15 seconds)", "#00:00:15"),
        ("time(2)", "#2.00:00:00"),
        ("datetime(2020)", "@2020-01-01T00:00:00.0000000Z"),
        ("datetime(2020-02-29 13:14:15.5)", "@2020-02-29T13:14:15.5000000Z"),
        ("datetime(\"2020-02-29T13:14:15Z\")", "@2020-02-29T13:14:15.0000000Z"),
        ("date(2020-02-29)", "@2020-02-29T00:00:00.0000000Z"),
        ("datetime(now)", "now()"),
        ("datetime(8:30:00 PM)", "[startofday(now()) + #20:30:00]"),
    ]);
    refuse(&[("datetime(2021-02-29)", &["KQL104"]), ("time(soon)", &["KQL104"])]);
}

#[test]
fn guids() {
    let dashed = "guid 00112233-4455-6677-8899-aabbccddeeff";
    check(&[
        ("guid(00112233-4455-6677-8899-aabbccddeeff)", dashed),
        ("guid(\"00112233-4455-6677-8899-AABBCCDDEEFF\")", dashed),
        ("guid(00112233445566778899aabbccddeeff)", dashed),
    ]);
    refuse(&[("guid(1)", &["KQL104"]), ("00112233-4455-6677-8899-aabbccddeeff", &["KQL104"])]);
}

#[test]
fn texts() {
    check(&[
        ("'a\"b'", "\"a\\\"b\""),
        ("\"a'b\"", "\"a'b\""),
        (r"'\t\n\\\'\x41\u00e9\101'", "\"\\t\\n\\\\'Aé\\u{41}\"".replace("\\u{41}", "A").leak()),
        (r"'\ud83d\ude00'", "\"😀\""),
        (r"@'a\b''c'", "\"a\\\\b'c\""),
        ("@\"a\"\"b\"", "\"a\\\"b\""),
        ("h'secret'", "h\"secret\""),
        ("H@\"se\\cret\"", "h\"se\\\\cret\""),
        ("```a\nb'\\n```", "\"a\\nb'\\\\n\""),
        ("~~~a `b`~~~", "\"a `b`\""),
        ("h```x```", "h\"x\""),
        ("'a' \"b\"\n@'c'", "\"abc\""),
        ("''", "\"\""),
    ]);
    refuse(&[
        ("'abc", &["KQL102"]),
        ("'abc\n'", &["KQL102", "KQL102"]),
        ("```abc", &["KQL102"]),
        (r"'a\q'", &["KQL103"]),
    ]);
}

#[test]
fn dynamics() {
    check(&[
        ("dynamic([1, 2.5, 'a', true, null])", "dynamic [1,2.5,\"a\",true,null]"),
        (
            "dynamic({'a': {\"b\": [-1, -2.5]}, 'c': []})",
            "dynamic {\"a\":{\"b\":[-1,-2.5]},\"c\":[]}",
        ),
        ("dynamic({})", "dynamic {}"),
        ("dynamic('text')", "dynamic \"text\""),
        ("dynamic(1)", "dynamic 1"),
        (
            "dynamic([datetime(2020-01-01), time(1d), 2h])",
            "dynamic [\"2020-01-01T00:00:00.0000000Z\",\"1.00:00:00\",\"02:00:00\"]",
        ),
        (
            "dynamic([guid(00112233-4455-6677-8899-aabbccddeeff)])",
            "dynamic [\"00112233-4455-6677-8899-aabbccddeeff\"]",
        ),
        (
            "dynamic([00112233-4455-6677-8899-AABBCCDDEEFF])",
            "dynamic [\"00112233-4455-6677-8899-aabbccddeeff\"]",
        ),
        ("dynamic([dynamic([1]), long(2)])", "dynamic [[1],2]"),
        ("dynamic({'a': 1, 'a': 2})", "dynamic {\"a\":2}"),
        ("dynamic(['a' 'b', @'c\\d'])", "dynamic [\"ab\",\"c\\\\d\"]"),
        ("dynamic([99999999999999999999])", "dynamic [1e+20]"),
        ("dynamic([\n  'a', // first\n  'b'\n])", "dynamic [\"a\",\"b\"]"),
    ]);
    refuse(&[
        ("dynamic([1, ])", &["KQL105"]),
        ("dynamic({a: 1})", &["KQL105"]),
        ("dynamic([x])", &["KQL105"]),
        ("dynamic([1)", &["KQL105"]),
    ]);
}
