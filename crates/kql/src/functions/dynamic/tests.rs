//! Functions of arrays and bags on values.

use super::Path;
use crate::functions::{Context, scalar};
use crate::value::{Json, Value, parse_datetime};

fn call(name: &str, arguments: &[Value]) -> Value {
    scalar(name).unwrap_or_else(|| panic!("no {name}"))(arguments, &Context { now: 0 })
}

fn t(text: &str) -> Value {
    Value::text(text)
}

fn n(n: i64) -> Value {
    Value::Long(n)
}

fn j(text: &str) -> Value {
    Value::json(Json::parse(text).unwrap_or_else(|| panic!("no JSON: {text}")))
}

fn check(cases: &[(&str, &[Value], Value)]) {
    for (name, arguments, expected) in cases {
        assert_eq!(call(name, arguments), *expected, "{name} {arguments:?}");
    }
}

const N: Value = Value::Null;

#[test]
fn arrays() {
    let five = || j("[1,2,3,4,5]");
    let words = || j(r#"["this","is","an","example","an","example"]"#);
    check(&[
        ("array_concat", &[j("[1,2]"), N, j("[3]")], j("[1,2,3]")),
        ("array_iff", &[j("[true,false,true]"), j("[1,2]"), j("[4,5,6]")], j("[1,5,null]")),
        ("array_iff", &[j("[1,0,50]"), t("yes"), t("no")], j(r#"["yes","no","yes"]"#)),
        ("array_iff", &[j(r#"["x",null]"#), n(1), n(0)], j("[null,null]")),
        ("array_index_of", &[words(), t("an")], n(2)),
        ("array_index_of", &[words(), t("example"), n(1), n(3)], n(3)),
        ("array_index_of", &[words(), t("example"), n(1), n(2)], n(-1)),
        ("array_index_of", &[words(), t("an"), n(1), n(-1), n(2)], n(4)),
        ("array_index_of", &[words(), t("an"), n(-3)], n(4)),
        ("array_index_of", &[words(), t("is"), n(-4)], n(-1)),
        ("array_length", &[five()], n(5)),
        ("array_length", &[j("{}")], N),
        ("array_rotate_left", &[five(), n(2)], j("[3,4,5,1,2]")),
        ("array_rotate_left", &[five(), n(-2)], j("[4,5,1,2,3]")),
        ("array_rotate_right", &[five(), n(i64::MIN)], j("[4,5,1,2,3]")),
        ("array_shift_left", &[five(), n(2)], j("[3,4,5,null,null]")),
        ("array_shift_right", &[five(), n(-2), n(-1)], j("[3,4,5,-1,-1]")),
        ("array_shift_right", &[j(r#"["a","b"]"#), n(1)], j(r#"["","a"]"#)),
        ("array_slice", &[five(), n(2), n(-1)], j("[3,4,5]")),
        ("array_slice", &[five(), n(-3), n(-2)], j("[3,4]")),
        ("array_slice", &[five(), n(9), n(-20)], j("[]")),
        ("array_split", &[five(), n(2)], j("[[1,2],[3,4,5]]")),
        ("array_split", &[five(), j("[1,-2]")], j("[[1],[2,3],[4,5]]")),
        ("array_reverse", &[j("[1,2]")], j("[2,1]")),
        ("array_sum", &[five()], Value::Real(15.0)),
    ]);
}

#[test]
fn sorting() {
    let holes = || j(r#"[null,"blue","yellow","green",null]"#);
    check(&[
        ("array_sort_asc", &[holes()], j(r#"["blue","green","yellow",null,null]"#)),
        (
            "array_sort_asc",
            &[holes(), Value::Bool(false)],
            j(r#"[null,null,"blue","green","yellow"]"#),
        ),
        ("array_sort_desc", &[holes()], j(r#"["yellow","green","blue",null,null]"#)),
        (
            "array_sort_asc",
            &[j("[1,3,4,5,2]"), j(r#"["a","b","c","d","e"]"#), j("[1]")],
            j(r#"[[1,2,3,4,5],["a","e","b","c","d"],null]"#),
        ),
        ("array_sort_asc", &[j(r#"[true,"b",2,"a",1.5]"#)], j(r#"[1.5,2,"a","b",true]"#)),
        ("array_sort_asc", &[N], N),
    ]);
}

#[test]
fn bags() {
    let nested = || j(r#"{"key1":123,"key2":{"prop1":"abc","prop2":"xyz"},"key3":[100]}"#);
    check(&[
        ("bag_pack", &[t("a"), n(1), t("b"), N], j(r#"{"a":1,"b":null}"#)),
        ("pack_all", &[Value::Bool(true), t("a"), t(""), t("b"), n(2)], j(r#"{"b":2}"#)),
        ("bag_merge", &[j(r#"{"a":1}"#), N, j(r#"{"b":2,"a":3}"#)], j(r#"{"a":1,"b":2}"#)),
        ("bag_keys", &[j(r#"{"a":1,"b":{"c":2}}"#)], j(r#"["a","b"]"#)),
        ("bag_keys", &[j("[]")], N),
        ("bag_has_key", &[nested(), t("$.key2.prop1")], Value::Bool(true)),
        ("bag_has_key", &[nested(), t("key4")], Value::Bool(false)),
        (
            "bag_remove_keys",
            &[nested(), j(r#"["$.key2.prop1","key3","key9"]"#)],
            j(r#"{"key1":123,"key2":{"prop2":"xyz"}}"#),
        ),
        ("bag_set_key", &[j(r#"{"a":1}"#), t("b"), n(2)], j(r#"{"a":1,"b":2}"#)),
        ("bag_set_key", &[j(r#"{"a":1}"#), t("$.b.c"), n(2)], j(r#"{"a":1,"b":{"c":2}}"#)),
        ("bag_set_key", &[j(r#"{"a":1}"#), t("$.a.c"), n(2)], N),
        ("bag_zip", &[j(r#"["a","b",3]"#), j("[1]")], j(r#"{"a":1,"b":null}"#)),
        ("bag_zip", &[j(r#"["a","b"]"#), n(1)], j(r#"{"a":null,"b":null}"#)),
        ("bag_zip", &[t("a"), j("[1]")], N),
    ]);
}

#[test]
fn sets() {
    check(&[
        ("set_union", &[j("[1,2,1.0]"), j("[3,2]")], j("[1,2,3]")),
        ("set_difference", &[j("[4,1,4,2]"), j("[1]"), j("[2]")], j("[4]")),
        ("set_intersect", &[j("[1,2,3,2]"), j("[2,3]"), j("[3,2,9]")], j("[2,3]")),
        ("set_equals", &[j("[1,2]"), j("[2,1,2]")], Value::Bool(true)),
        ("set_has_element", &[j(r#"["a"]"#), t("a")], Value::Bool(true)),
        ("jaccard_index", &[j("[1,2,3]"), j("[1,2,3,4]")], j("0.75")),
        ("set_intersect", &[j("[1]"), N], N),
    ]);
}

#[test]
fn making() {
    let at = |text: &str| Value::DateTime(parse_datetime(text).unwrap());
    check(&[
        ("pack_array", &[n(1), t("x"), N], j(r#"[1,"x",null]"#)),
        ("range", &[n(1), n(8), n(3)], j("[1,4,7]")),
        ("range", &[n(3), n(1), n(-1)], j("[3,2,1]")),
        ("range", &[n(1), n(3), n(0)], N),
        ("range", &[Value::Real(0.5), n(2)], j("[0.5,1.5]")),
        (
            "range",
            &[at("2020-01-01 00:00"), at("2020-01-01 01:30")],
            j(r#"["2020-01-01T00:00:00.0000000Z","2020-01-01T01:00:00.0000000Z"]"#),
        ),
        ("repeat", &[n(1), n(3)], j("[1,1,1]")),
        ("repeat", &[n(1), n(0)], j("[]")),
        ("repeat", &[n(1), n(-1)], N),
        ("zip", &[j(r#"["A",1,1.5]"#), j(r#"[{},"B"]"#)], j(r#"[["A",{}],[1,"B"],[1.5,null]]"#)),
    ]);
    assert_eq!(call("array_length", &[call("range", &[n(1), n(i64::MAX)])]), n(1 << 20));
    assert_eq!(call("array_length", &[call("repeat", &[n(1), n(i64::MAX)])]), n(1 << 20));
    assert_eq!(call("repeat", &[t(&"x".repeat(1000)), n(i64::MAX)]), N);
}

#[test]
fn paths() {
    let text = || t(r#"{"name":"John","tags":["a",{"b c":true}]}"#);
    check(&[
        ("extract_json", &[t("$.name"), text(), t("string")], t("John")),
        ("extract_json", &[t("$.tags[1]['b c']"), text(), t("bool")], Value::Bool(true)),
        ("extract_json", &[t("$.tags[1]"), text()], t(r#"{"b c":true}"#)),
        ("extract_json", &[t("$.none"), text(), t("long")], N),
        ("extract_json", &[t("$.none"), text()], t("")),
        ("treepath", &[j(r#"{"a":"b","c":123}"#)], j(r#"["['a']","['c']"]"#)),
        (
            "treepath",
            &[j(r#"{"l":[100,200,"abcde",{"x":"y"}]}"#)],
            j(r#"["['l']","['l'][0]","['l'][0]['x']"]"#),
        ),
    ]);
    for path in ["", "a", "$.", "$[", "$['a", "$[x]", "$['a'"] {
        assert_eq!(Path::parse(path), None, "{path}");
    }
}
