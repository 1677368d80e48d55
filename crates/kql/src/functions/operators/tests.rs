//! Operators on values, null among them.

use crate::functions::{Context, scalar};
use crate::value::{Json, TICKS_PER_DAY, TICKS_PER_HOUR, Value, parse_datetime};

fn call(name: &str, arguments: &[Value]) -> Value {
    scalar(name).unwrap_or_else(|| panic!("no {name}"))(arguments, &Context { now: 0 })
}

fn json(text: &str) -> Value {
    Value::json(Json::parse(text).unwrap())
}

const T: Value = Value::Bool(true);
const F: Value = Value::Bool(false);
const N: Value = Value::Null;

fn long(n: i64) -> Value {
    Value::Long(n)
}

#[test]
fn arithmetic() {
    let day = Value::TimeSpan(TICKS_PER_DAY);
    let hour = Value::TimeSpan(TICKS_PER_HOUR);
    let new_year = Value::DateTime(parse_datetime("2020-01-01").unwrap());
    for (a, op, b, expected) in [
        (Value::Int(7), "/", Value::Int(2), long(3)),
        (long(-7), "/", long(2), long(-3)),
        (long(7), "/", long(0), N),
        (long(7), "/", Value::Real(2.0), Value::Real(3.5)),
        (long(-14), "%", long(12), long(10)),
        (long(-14), "%", long(-12), long(10)),
        (long(i64::MAX), "+", long(1), long(i64::MIN)),
        (long(1), "+", N, N),
        (json("2"), "*", long(3), long(6)),
        (
            new_year.clone(),
            "-",
            day.clone(),
            Value::DateTime(parse_datetime("2019-12-31").unwrap()),
        ),
        (new_year.clone(), "-", new_year.clone(), Value::TimeSpan(0)),
        (new_year.clone(), "+", Value::TimeSpan(i64::MAX), N),
        (day.clone(), "/", hour.clone(), Value::Real(24.0)),
        (day.clone(), "/", long(24), hour.clone()),
        (hour.clone(), "*", long(24), day.clone()),
        (new_year, "%", day, Value::TimeSpan(0)),
    ] {
        assert_eq!(call(op, &[a.clone(), b.clone()]), expected, "{a:?} {op} {b:?}");
    }
    assert_eq!(call("neg", &[hour]), Value::TimeSpan(-TICKS_PER_HOUR));
}

#[test]
fn equality_is_total_and_order_is_not() {
    let a = Value::text("a");
    for (x, op, y, expected) in [
        (long(1), "==", N, F),
        (N, "==", N, N),
        (long(1), "!=", N, T),
        (N, "!=", N, N),
        (long(1), "<", N, N),
        (long(1), "==", Value::Real(1.0), T),
        (T, "==", long(1), T),
        (json("\"a\""), "==", a.clone(), T),
        (json("\"A\""), "=~", a.clone(), T),
        (json("[1,2]"), "==", Value::text("[1,2]"), T),
        (json("5"), "==", long(5), T),
        (json("\"5\""), "==", long(5), T),
        (json("{\"a\":1,\"b\":2}"), "==", json("{\"b\":2,\"a\":1.0}"), T),
        (a.clone(), "!~", Value::text("A"), F),
        (Value::Real(f64::NAN), "<", Value::Real(1.0), F),
        (json("3"), ">", long(2), T),
        (json("\"118.5\""), ">", long(100), T),
        (json("\"x\""), ">", long(100), N),
    ] {
        assert_eq!(call(op, &[x.clone(), y.clone()]), expected, "{x:?} {op} {y:?}");
    }
    assert_eq!(call("between", &[long(1), long(1), long(2)]), T);
    assert_eq!(call("!between", &[long(3), long(1), long(2)]), T);
    assert_eq!(call("between", &[N, long(1), long(2)]), N);
    let start = Value::DateTime(0);
    assert_eq!(call("between", &[Value::DateTime(5), start, Value::TimeSpan(5)]), T);
}

#[test]
fn logic_has_three_values() {
    for (op, a, b, expected) in [
        ("and", T, N, N),
        ("and", F, N, F),
        ("or", T, N, T),
        ("or", F, N, N),
        ("or", F, F, F),
        ("and", T, json("true"), T),
    ] {
        assert_eq!(call(op, &[a, b]), expected);
    }
    assert_eq!(call("not", &[N]), N);
    assert_eq!(call("not", &[T]), F);
}

#[test]
fn text_operators() {
    for (text, op, needle, expected) in [
        ("a_b", "has", "A", true),
        ("North America", "has", "america", true),
        ("North America", "has", "ame", false),
        ("North America", "has_cs", "america", false),
        ("North America", "hasprefix", "ame", true),
        ("North America", "hassuffix", "ICA", true),
        ("North America", "hassuffix", "ame", false),
        ("cmd /c dir", "has", "/c", true),
        ("cmd x/cc dir", "has", "/c", false),
        ("x10.0.0.1", "has", "10.0.0.1", false),
        ("ip 10.0.0.1:80", "has", "10.0.0.1", true),
        ("Ärger ÜBER", "has", "über", true),
        ("naïve", "has", "na", false),
        ("abc", "!has", "b", true),
        ("abc", "contains", "B", true),
        ("abc", "!contains_cs", "B", true),
        ("abc", "startswith", "AB", true),
        ("abc", "endswith_cs", "BC", false),
        ("abc", "matches regex", "^a.c$", true),
        ("abc", "matches regex", "(", false),
        ("abc", "like", "A%C", true),
        ("abc", "like", "a_", false),
        ("abc", "!like", "%z%", true),
    ] {
        let got = call(op, &[Value::text(text), Value::text(needle)]);
        assert_eq!(got, Value::Bool(expected), "{text:?} {op} {needle:?}");
    }
    assert_eq!(call("has", &[N, Value::text("a")]), F);
    assert_eq!(call("!has", &[N, Value::text("a")]), T);
    assert!(crate::functions::regex_error("a(?=b)").is_some());
    assert!(crate::functions::regex_error("a.b").is_none());
}

#[test]
fn lists_and_access() {
    let a = Value::text("a");
    assert_eq!(call("in", &[a.clone(), Value::text("b"), json("[\"x\",\"a\"]")]), T);
    assert_eq!(call("!in", &[a.clone(), Value::text("b")]), T);
    assert_eq!(call("in~", &[a.clone(), Value::text("A")]), T);
    assert_eq!(call("in", &[N, long(1)]), F);
    assert_eq!(call("!in", &[N, long(1)]), T);
    assert_eq!(call("in", &[long(5), json("[1,5]")]), T);
    assert_eq!(call("has_any", &[Value::text("x y z"), json("[\"Y\"]")]), T);
    assert_eq!(call("has_any", &[Value::text("x y z")]), F);
    assert_eq!(call("has_all", &[Value::text("x y z")]), T);
    assert_eq!(call("has_all", &[Value::text("x y z"), Value::text("X"), Value::text("w")]), F);
    let bag = json(r#"{"a":[1,{"b":2}]}"#);
    let array = call("[]", &[bag.clone(), a]);
    assert_eq!(array, json(r#"[1,{"b":2}]"#));
    assert_eq!(call("[]", &[array.clone(), long(-2)]), json("1"));
    assert_eq!(call("[]", &[array, long(2)]), N);
    assert_eq!(call("[]", &[bag, Value::text("z")]), N);
}
