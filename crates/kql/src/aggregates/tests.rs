//! Aggregates over a few rows: results, what nothing gives, and that states merge.

use super::*;
use crate::value::Json;

fn call<'a>(arguments: &'a [Type], outputs: &'a [Type]) -> Call<'a> {
    Call { arguments, outputs, context: Context { now: 0 } }
}

/// Runs an aggregate in one go and, to compare, in two parts merged through their states.
fn run(name: &str, outputs: &[Type], rows: &[Vec<Value>]) -> Vec<Value> {
    let arguments = vec![Type::Dynamic; rows.first().map_or(1, Vec::len)];
    let call = call(&arguments, outputs);
    let make = aggregate(name).unwrap();
    let (mut whole, mut left, mut right) = (make(&call), make(&call), make(&call));
    for (i, row) in rows.iter().enumerate() {
        whole.update(row);
        if i < rows.len() / 2 { left.update(row) } else { right.update(row) }
    }
    let mut merged = make(&call);
    merged.merge(&left.state());
    merged.merge(&right.state());
    let text = |values: Vec<Value>| values.iter().map(Value::to_text).collect::<Vec<_>>();
    assert_eq!(text(whole.finish()), text(merged.finish()), "{name}");
    assert!(whole.bytes() > 0);
    whole.finish()
}

fn text(name: &str, output: Type, rows: &[Vec<Value>]) -> String {
    run(name, &[output], rows)[0].to_text().to_string()
}

fn longs(of: impl IntoIterator<Item = i64>) -> Vec<Vec<Value>> {
    of.into_iter().map(|n| vec![Value::Long(n)]).collect()
}

fn json(text: &str) -> Value {
    Value::json(Json::parse(text).unwrap())
}

#[test]
fn every_name_of_the_signatures_is_there() {
    let signatures = include_str!("../../../../content/kql/aggregates.tsv");
    for line in signatures.lines().skip(1) {
        let name = line.split('\t').next().unwrap();
        assert!(aggregate(name).is_some(), "{name}");
    }
}

#[test]
fn sums_and_means() {
    assert_eq!(text("sum", Type::Long, &longs(1..=4)), "10");
    assert_eq!(text("sum", Type::Long, &longs([i64::MAX, 1])), "");
    assert_eq!(text("sum", Type::Long, &longs([i64::MAX, 1, -1])), i64::MAX.to_string());
    assert_eq!(text("avg", Type::Real, &longs(1..=4)), "2.5");
    assert_eq!(text("avg", Type::Real, &[]), "NaN");
    assert_eq!(text("avg", Type::TimeSpan, &[]), "");
    assert_eq!(text("sum", Type::TimeSpan, &[]), "00:00:00");
    assert_eq!(text("binary_all_and", Type::Long, &longs([0b1101, 0b0111])), "5");
    let when = |n, yes| vec![Value::Long(n), Value::Bool(yes)];
    assert_eq!(text("sumif", Type::Long, &[when(9, false), when(5, true), when(7, true)]), "12");
    assert_eq!(text("countif", Type::Long, &[vec![Value::Bool(true)], vec![Value::Null]]), "1");
}

#[test]
fn spreads() {
    assert_eq!(text("stdev", Type::Real, &longs([1, 3, 5])), "2.0");
    assert_eq!(text("variancep", Type::Real, &longs(1..=5)), "2.0");
    assert_eq!(text("variance", Type::Real, &[]), "0.0");
    let pairs = [(1.0, 4.0), (2.0, 6.0), (3.0, 14.0)];
    let pairs = pairs.map(|(x, y)| vec![Value::Real(x), Value::Real(y)]);
    assert_eq!(text("covariance", Type::Real, &pairs), "5.0");
}

#[test]
fn the_row_of_an_extreme() {
    let row = |n: Option<i32>, s: &str| vec![n.map_or(Value::Null, Value::Int), Value::text(s)];
    let outputs = [Type::Int, Type::String];
    let rows = [row(None, "a"), row(Some(1), "b"), row(Some(2), "c"), row(Some(2), "d")];
    assert_eq!(run("arg_max", &outputs, &rows), row(Some(2), "c"));
    assert_eq!(run("arg_min", &outputs, &rows), row(Some(1), "b"));
    assert_eq!(run("arg_max", &outputs, &[row(None, "x"), row(None, "y")]), row(None, "x"));
    assert_eq!(run("arg_max", &outputs, &[]), row(None, ""));
    assert_eq!(run("take_any", &outputs, &rows), row(None, "a"));
    assert_eq!(text("take_any", Type::Int, &[row(None, ""), row(Some(3), "")]), "3");
    assert_eq!(text("max", Type::Real, &[vec![Value::Real(f64::NAN)], longs([1]).remove(0)]), "1");
}

#[test]
fn lists_sets_and_bags() {
    let rows = [json("1"), json(r#"["a","b"]"#), Value::Null, json("1"), json(r#"["b","c"]"#)];
    let rows = rows.map(|value| vec![value]);
    assert_eq!(text("make_set", Type::Dynamic, &rows), r#"[1,"a","b","c"]"#);
    assert_eq!(text("make_list", Type::Dynamic, &rows), r#"[1,"a","b",1,"b","c"]"#);
    assert_eq!(text("make_list_with_nulls", Type::Dynamic, &rows), r#"[1,"a","b",null,1,"b","c"]"#);
    let limited: Vec<_> = (0..9).map(|n| vec![Value::Long(n), Value::Long(2)]).collect();
    assert_eq!(text("make_list", Type::Dynamic, &limited), "[0,1]");
    assert_eq!(text("make_set", Type::Dynamic, &limited), "[0,1]");
    let many = longs(0..500);
    let Value::Dynamic(set) = &run("makeset", &[Type::Dynamic], &many)[0] else { panic!() };
    assert!(set.element(127).is_some() && set.element(128).is_none());
    let bags = [json(r#"{"a":1}"#), json("7"), json(r#"{"b":2,"a":3}"#)].map(|bag| vec![bag]);
    assert_eq!(text("make_bag", Type::Dynamic, &bags), r#"{"a":1,"b":2}"#);
    assert_eq!(text("make_list", Type::Dynamic, &[]), "[]");
    assert_eq!(text("make_bag", Type::Dynamic, &[]), "[]");
}

#[test]
fn distinct_values() {
    let rows = longs((0..900).map(|n| n % 450));
    for name in ["dcount", "count_distinct"] {
        assert_eq!(text(name, Type::Long, &rows), "450", "{name}");
        assert_eq!(text(name, Type::Long, &[]), "0", "{name}");
    }
    let sketch = run("hll", &[Type::Dynamic], &rows);
    assert_eq!(run("hll_merge", &[Type::Dynamic], &[sketch.clone(), sketch.clone()]), sketch);
    assert_eq!(
        text("hll", Type::Dynamic, &longs([0])),
        r#"[[1024,14],["3803688792395291579"],[]]"#
    );
}

#[test]
fn ranks() {
    let rows: Vec<_> = [(1, 5), (2, 4), (3, 2), (4, 1)]
        .map(|(value, weight)| {
            let long = Value::Long;
            vec![long(value), long(weight), long(50), long(75), Value::Real(99.9)]
        })
        .into();
    let outputs = [Type::Long; 3];
    assert_eq!(run("percentilesw", &outputs, &rows), [2, 2, 4].map(Value::Long));
    assert_eq!(run("percentilesw", &outputs, &[]), [Value::Null, Value::Null, Value::Null]);
    assert_eq!(text("percentilesw_array", Type::Dynamic, &rows), "[2,2,4]");
    let rows: Vec<_> = (1..=100).map(|n| vec![Value::Long(n), json("[5,50.0,95]")]).collect();
    assert_eq!(text("percentiles_array", Type::Dynamic, &rows), "[5,50,95]");
    assert_eq!(text("tdigest", Type::Dynamic, &longs([2, 1, 2])), r#"[["long"],[1,2],[1,2]]"#);
}

#[test]
fn a_schema_admits_all() {
    let rows = [
        r#"{"id":7,"cost":0.5}"#,
        r#"{"id":"none","tags":[true,2]}"#,
        r#"{"cost":{"net":"free"},"of":["a"],"tags":["b"]}"#,
    ];
    let schema = concat!(
        r#"{"id":["long","string"],"cost":["double",{"net":"string"}],"#,
        r#""tags":{"`indexer`":["bool","long","string"]},"of":{"`indexer`":"string"}}"#
    );
    assert_eq!(text("buildschema", Type::Dynamic, &rows.map(|row| vec![json(row)])), schema);
    assert_eq!(text("buildschema", Type::Dynamic, &[]), "");
}
