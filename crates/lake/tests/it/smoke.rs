//! Each way that a plan can take, once.

use kql::engine::Rows;
use kql::plan::Rel;
use kql::value::{Type, Value};

use crate::plans::{Both, Pipe, call, lit, query, rows};

const COLUMNS: &[(&str, Type)] =
    &[("s", Type::String), ("n", Type::Long), ("x", Type::Real), ("d", Type::Dynamic)];

fn some() -> Rel {
    let mut all = Vec::new();
    for at in 0..40_i64 {
        all.push(vec![
            Value::text(["a", "b", "", "Ärger"][at as usize % 4]),
            if at % 7 == 0 { Value::Null } else { Value::Long(at % 5) },
            [Value::Real(1.5), Value::Real(f64::NAN), Value::Null][at as usize % 3].clone(),
            Value::json(kql::value::Json::parse(r#"{"a":[1,2]}"#).unwrap()),
        ]);
    }
    rows(COLUMNS, all)
}

fn both() -> Both {
    Both::new(Vec::<(&str, Rows)>::new())
}

#[test]
fn filter_and_project() {
    let rel = some();
    let (n, s) = (rel.col("n"), rel.col("s"));
    let rel = rel.filter(call(">", vec![n, lit(Value::Long(2))], Type::Bool));
    let up = call("toupper", vec![s], Type::String);
    let d = rel.col("d");
    let rel = rel.project(vec![("up", up), ("d", d)]);
    let got = both().same(&query(rel), false);
    assert!(got.len() > 5);
}

#[test]
fn groups() {
    let rel = some();
    let (s, n, x) = (rel.col("s"), rel.col("n"), rel.col("x"));
    let all = vec![
        ("count_", "count", vec![], Type::Long),
        ("max_n", "max", vec![n.clone()], Type::Long),
        ("min_s", "min", vec![s.clone()], Type::String),
        ("sum_n", "sum", vec![n.clone()], Type::Long),
        ("set", "make_set", vec![n.clone()], Type::Dynamic),
    ];
    both().same(&query(rel.clone().summarize(vec![("s", s)], all.clone())), false);
    both().same(&query(rel.clone().summarize(vec![("x", x)], all.clone())), false);
    both().same(&query(rel.clone().summarize(vec![], all.clone())), false);
    let none = rel.filter(lit(Value::Bool(false)));
    both().same(&query(none.summarize(vec![], all)), false);
}

#[test]
fn order() {
    let rel = some();
    let (s, n, x) = (rel.col("s"), rel.col("n"), rel.col("x"));
    let sorted = rel.sort(vec![(x, false), (n.clone(), true), (s, false)]);
    both().same(&query(sorted.clone()), true);
    let top = sorted.clone().take(7);
    both().same(&query(top), true);
    let filtered = sorted.filter(call(">", vec![n, lit(Value::Long(1))], Type::Bool));
    both().same(&query(filtered), true);
}
