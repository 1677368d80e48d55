//! Functions of numbers, hashes, units, conditions and conversions on values.

use crate::functions::{Context, scalar};
use crate::value::{Json, Value, parse_datetime, parse_timespan};

fn call(name: &str, arguments: &[Value]) -> Value {
    scalar(name).unwrap_or_else(|| panic!("no {name}"))(arguments, &Context { now: 0 })
}

const N: Value = Value::Null;

fn n(n: i64) -> Value {
    Value::Long(n)
}

fn r(x: f64) -> Value {
    Value::Real(x)
}

fn t(text: &str) -> Value {
    Value::text(text)
}

fn span(text: &str) -> Value {
    Value::TimeSpan(parse_timespan(text).unwrap())
}

fn at(text: &str) -> Value {
    Value::DateTime(parse_datetime(text).unwrap())
}

fn json(text: &str) -> Value {
    Value::json(Json::parse(text).unwrap())
}

fn check(cases: &[(&str, &[Value], Value)]) {
    for (name, arguments, expected) in cases {
        assert_eq!(call(name, arguments), *expected, "{name} {arguments:?}");
    }
}

fn near(name: &str, arguments: &[Value], expected: f64) {
    let Value::Real(got) = call(name, arguments) else { panic!("{name} is not real") };
    assert!((got - expected).abs() <= expected.abs() * 1e-12, "{name} {got} {expected}");
}

#[test]
fn bins_and_rounding() {
    check(&[
        ("bin", &[r(4.5), n(1)], r(4.0)),
        ("bin", &[n(-7), n(5)], n(-10)),
        ("bin", &[n(7), n(0)], N),
        ("bin", &[n(7), n(-5)], N),
        ("bin", &[N, n(5)], N),
        ("bin", &[span("16d"), span("7d")], span("14d")),
        ("bin", &[at("2007-01-03"), span("7d")], at("2007-01-01")),
        ("bin_at", &[r(6.5), r(2.5), n(7)], r(4.5)),
        ("bin_at", &[span("1h"), span("1d"), span("12h")], span("-12h")),
        ("bin_at", &[at("2017-05-17 10:20"), span("7d"), at("2017-06-04")], at("2017-05-14")),
        ("round", &[r(2.98765), n(3)], r(2.988)),
        ("round", &[r(2.15), n(1)], r(2.2)),
        ("round", &[r(-50.55), n(-2)], r(-100.0)),
        ("round", &[r(21.5), n(-1)], r(20.0)),
        ("round", &[n(255), n(-1)], n(260)),
        ("ceiling", &[r(-1.5)], r(-1.0)),
        ("format_bytes", &[n(564)], t("564 Bytes")),
        ("format_bytes", &[n(10332), n(1)], t("10.1 KB")),
        ("format_bytes", &[n(20_010_332), n(2)], t("19.08 MB")),
        ("format_bytes", &[n(20_010_332), n(0), t("KB")], t("19541 KB")),
    ]);
}

#[test]
fn elementary_and_special() {
    check(&[
        ("abs", &[Value::Int(-5)], n(5)),
        ("abs", &[span("-1h")], span("1h")),
        ("acos", &[n(2)], N),
        ("sqrt", &[n(-1)], N),
        ("log", &[n(-1)], N),
        ("sign", &[n(-42)], r(-1.0)),
        ("sign", &[n(0)], r(0.0)),
        ("pow", &[n(2), n(3)], r(8.0)),
        ("gamma", &[n(5)], r(24.0)),
        ("isnan", &[r(f64::NAN)], Value::Bool(true)),
        ("binary_shift_left", &[n(1), n(2)], n(4)),
        ("binary_shift_left", &[n(1), n(66)], n(4)),
        ("binary_shift_right", &[n(1), n(-2)], N),
        ("binary_xor", &[n(5), n(3)], n(6)),
        ("bitset_count_ones", &[n(42)], n(3)),
        ("beta_inv", &[r(1.5), n(10), n(20)], N),
    ]);
    near("beta_pdf", &[r(0.5), r(10.0), r(20.0)], 0.746176019310951);
    near("beta_cdf", &[r(0.9), r(10.0), r(20.0)], 0.999999999999959);
    near("beta_inv", &[r(0.1), r(10.0), r(20.0)], 0.226415022388749);
    near("loggamma", &[n(5)], 3.1780538303479458);
    let Value::Real(nan) = call("beta_cdf", &[r(1.5), n(10), n(20)]) else { panic!() };
    assert!(nan.is_nan());
    // Two series of the second example on Wikipedia's page about the test.
    let p = call("welch_test", &[r(20.6), r(9.0), n(15), r(22.1), r(0.9), n(15)]);
    assert!(matches!(p, Value::Real(p) if p > 0.05 && p < 0.1), "{p:?}");
}

#[test]
fn units() {
    near("convert_angle", &[r(1.2), t("Degree"), t("Arcminute")], 72.0);
    near("convert_energy", &[r(1.2), t("Joule"), t("BritishThermalUnit")], 0.00113738054437598);
    near("convert_length", &[r(1.2), t("Meter"), t("Foot")], 3.93700787401575);
    near("convert_mass", &[r(1.2), t("Kilogram"), t("Pound")], 2.64554714621853);
    near("convert_speed", &[r(1.2), t("MeterPerSecond"), t("CentimeterPerHour")], 432000.0);
    near("convert_volume", &[r(1.2), t("CubicMeter"), t("AcreFoot")], 0.0009728568);
    near("convert_temperature", &[r(212.0), t("DegreeFahrenheit"), t("DegreeCelsius")], 100.0);
    assert_eq!(call("convert_force", &[r(1.0), t("Newton"), t("Nothing")]), N);
}

#[test]
fn hashes() {
    check(&[
        ("hash", &[t("World")], n(1_846_988_464_401_551_951)),
        ("hash", &[t("World"), n(100)], n(51)),
        ("hash", &[at("2015-01-01")], n(1_380_966_698_541_616_202)),
        ("hash_md5", &[t("World")], t("f5a7924e621e84c9280a9a27e1bcb7f6")),
        ("hash_md5", &[at("2020-01-01")], t("786c530672d1f8db31fee25ea8a9390b")),
        ("hash_sha1", &[t("World")], t("70c07ec18ef89c5309bbb0937f3a6342411e1fdd")),
        ("__hash_crc32", &[t("123456789"), n(1 << 40), n(0)], n(0xcbf4_3926)),
    ]);
    let many = call("hash_many", &[t("Hello"), t("World")]);
    let parts = [call("hash", &[t("Hello")]), call("hash", &[t("World")])];
    assert_eq!(many, call("hash_combine", &parts));
}

#[test]
fn conditions() {
    let (yes, no) = (Value::Bool(true), Value::Bool(false));
    check(&[
        ("iff", &[N, n(1), n(2)], n(2)),
        ("case", &[no.clone(), n(1), yes.clone(), n(2), n(3)], n(2)),
        ("case", &[no.clone(), n(1), n(3)], n(3)),
        ("coalesce", &[N, t(""), t("x")], t("x")),
        ("max_of", &[n(10), N, n(17)], n(17)),
        ("min_of", &[N, N], N),
        ("isempty", &[t("")], yes.clone()),
        ("isempty", &[json("[]")], no.clone()),
        ("isnull", &[t("")], no.clone()),
        ("isnotempty", &[N], no),
        ("around", &[n(5), n(4), n(1)], yes),
    ]);
}

#[test]
fn conversions() {
    check(&[
        ("tolong", &[t("1.5")], N),
        ("tolong", &[t("0xff")], n(255)),
        ("tolong", &[r(-1.9)], n(-1)),
        ("tolong", &[r(1e300)], N),
        ("toint", &[n(1 << 40)], N),
        ("tobool", &[t("yes")], N),
        ("tobool", &[t("FALSE")], Value::Bool(false)),
        ("tobool", &[t("2")], Value::Bool(true)),
        ("toreal", &[t("1e3")], r(1000.0)),
        ("tostring", &[Value::Bool(true)], t("True")),
        ("tostring", &[json("\"x\"")], t("x")),
        ("tostring", &[r(0.00001)], t("1E-05")),
        ("tostring", &[r(0.0001)], t("0.0001")),
        ("todatetime", &[t("nope")], N),
        ("toguid", &[t("{0}")], N),
        (
            "toguid",
            &[t("0123456789ab-cdef-0123-456789abcdef")],
            Value::Guid(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        ),
        ("toguid", &[t("a string that is not a guid")], N),
        ("tohex", &[n(256)], t("100")),
        ("tohex", &[n(-256)], t("ffffffffffffff00")),
        ("tohex", &[Value::Int(-256), n(8)], t("ffffff00")),
        ("tohex", &[n(256), n(8)], t("00000100")),
        ("parse_json", &[t("")], N),
        ("parse_json", &[t("not json")], json("\"not json\"")),
        ("gettype", &[json("{}")], t("dictionary")),
        ("gettype", &[N], t("null")),
        (
            "dynamic_to_json",
            &[json(r#"{"b":1,"a":{"d":1,"c":2}}"#)],
            t(r#"{"a":{"c":2,"d":1},"b":1}"#),
        ),
    ]);
    let deep = "[".repeat(100_000);
    assert_eq!(call("parse_json", &[t(&deep)]), Value::json(Json::String(deep.into())));
}
