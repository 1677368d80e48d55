//! Plans made by hand: joins, expansion, limits.

use std::sync::Arc;
use std::time::Duration;

use super::super::memory::Memory;
use super::super::*;
use crate::functions::Context;
use crate::plan::{Column, Expand, JoinKind, Op, Rel, Scalar, ScalarKind, SortKey};
use crate::value::{Json, Type, Value};

struct Nothing;

impl Source for Nothing {
    fn table(&self, _: &str) -> Result<Option<Arc<Rows>>> {
        Ok(None)
    }
}

fn schema(columns: &[(&str, Type)]) -> Schema {
    columns.iter().map(|(name, ty)| Column::new(*name, *ty)).collect()
}

fn rel(op: Op, columns: &[(&str, Type)]) -> Rel {
    Rel { op: Box::new(op), schema: schema(columns) }
}

fn literal(value: Value) -> Scalar {
    let ty = value.kind().unwrap_or(Type::Dynamic);
    Scalar { kind: ScalarKind::Literal(value), ty }
}

fn column(at: usize, ty: Type) -> Scalar {
    Scalar { kind: ScalarKind::Column(at), ty }
}

fn range(to: i64) -> Rel {
    let long = |n| literal(Value::Long(n));
    rel(Op::Range { from: long(1), to: long(to), step: long(1) }, &[("x", Type::Long)])
}

fn query(rel: Rel) -> Query {
    Query {
        rel,
        open: false,
        render: None,
        options: vec![],
        shared: vec![],
        scalars: vec![],
        further: vec![],
    }
}

fn run_with(rel: Rel, limits: &Limits, cancel: &Cancel) -> Result<Answer> {
    Memory::new(&Nothing, Context { now: 0 }).run(&query(rel), limits, cancel)
}

fn run(rel: Rel) -> Vec<Row> {
    run_with(rel, &Limits::default(), &Cancel::new()).unwrap().rows
}

fn longs(rows: &[Row]) -> Vec<Vec<Option<i64>>> {
    rows.iter().map(|row| row.iter().map(Value::as_integer).collect()).collect()
}

#[test]
fn a_range_is_sorted_and_taken() {
    let keys = vec![SortKey { value: column(0, Type::Long), descending: true, nulls_first: false }];
    let top = Op::Top { input: range(5), count: literal(Value::Long(2)), keys };
    assert_eq!(longs(&run(rel(top, &[("x", Type::Long)]))), [[Some(5)], [Some(4)]]);
}

#[test]
fn a_null_key_matches_a_null_key() {
    let side = |values: &[Value]| {
        rel(Op::Rows(values.iter().map(|v| vec![v.clone()]).collect()), &[("k", Type::Long)])
    };
    let join = |kind| {
        let on = vec![(column(0, Type::Long), column(0, Type::Long))];
        let left = side(&[Value::Null, Value::Long(1), Value::Long(1)]);
        let right = side(&[Value::Null, Value::Long(1), Value::Long(2)]);
        let columns = [("k", Type::Long), ("k1", Type::Long)];
        run(rel(Op::Join { kind, left, right, on }, &columns)).len()
    };
    assert_eq!(join(JoinKind::Inner), 3);
    assert_eq!(join(JoinKind::InnerUnique), 2);
    assert_eq!(join(JoinKind::FullOuter), 4);
    assert_eq!(join(JoinKind::LeftAnti), 0);
    assert_eq!(join(JoinKind::RightAnti), 1);
    assert_eq!(join(JoinKind::LeftSemi), 3);
}

#[test]
fn expansion_zips_to_the_longest() {
    let array = |text: &str| Value::json(Json::parse(text).unwrap());
    let input = rel(
        Op::Rows(vec![
            vec![array("[1,2.5]"), array(r#"["a"]"#)],
            vec![array("[]"), array("[]")],
            vec![Value::Null, array("[]")],
        ]),
        &[("a", Type::Dynamic), ("b", Type::Dynamic)],
    );
    let expand = |at: usize, ty| Expand { value: column(at, Type::Dynamic), at, ty };
    let op = Op::MvExpand {
        input,
        columns: vec![expand(0, Type::Long), expand(1, Type::String)],
        limit: None,
        item_index: Some(2),
        bags_as_arrays: false,
    };
    let columns = [("a", Type::Long), ("b", Type::String), ("i", Type::Long)];
    assert_eq!(
        run(rel(op, &columns)),
        [
            vec![Value::Long(1), Value::text("a"), Value::Long(0)],
            vec![Value::Long(2), Value::text(""), Value::Long(1)],
            vec![Value::Null, Value::text(""), Value::Long(0)],
        ]
    );
}

#[test]
fn limits_are_errors_and_a_long_answer_is_cut() {
    let limits = Limits { rows: 3, working_rows: 100, ..Limits::default() };
    let answer = run_with(range(5), &limits, &Cancel::new()).unwrap();
    assert!(answer.truncated && answer.rows.len() == 3);
    let error = run_with(range(101), &limits, &Cancel::new()).unwrap_err();
    assert!(matches!(error, EngineError::Limit { limit: 100, .. }), "{error}");
    let limits = Limits { bytes: 10_000, ..Limits::default() };
    let error = run_with(range(1000), &limits, &Cancel::new()).unwrap_err();
    assert!(matches!(error, EngineError::Limit { what: "bytes", .. }), "{error}");
    let limits = Limits { time: Duration::ZERO, ..Limits::default() };
    let error = run_with(range(1_000_000), &limits, &Cancel::new()).unwrap_err();
    assert!(matches!(error, EngineError::Time { .. }), "{error}");
    let cancel = Cancel::new();
    cancel.cancel();
    let error = run_with(range(1_000_000), &Limits::default(), &cancel).unwrap_err();
    assert!(matches!(error, EngineError::Cancelled), "{error}");
}

#[test]
fn long_pipes_and_deep_nests_do_not_overflow_the_stack() {
    let mut long = range(3);
    for _ in 0..20_000 {
        long = rel(Op::Serialize { input: long }, &[("x", Type::Long)]);
    }
    // Dropping so long a chain recurses; no binder makes one.
    let query: &'static Query = Box::leak(Box::new(query(long)));
    let memory = Memory::new(&Nothing, Context { now: 0 });
    let answer = memory.run(query, &Limits::default(), &Cancel::new()).unwrap();
    assert_eq!(answer.rows.len(), 3);

    let mut deep = range(1);
    for _ in 0..300 {
        let legs = vec![range(1), deep];
        deep = rel(Op::Union { legs }, &[("x", Type::Long)]);
    }
    let error = run_with(deep, &Limits::default(), &Cancel::new()).unwrap_err();
    assert!(matches!(error, EngineError::Limit { .. }), "{error}");
}
