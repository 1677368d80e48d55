//! Rows on their way through the write-ahead log: columns that repeat themselves take no place in
//! it, and come back as they were.

use kql::plan::Schema;
use kql::value::{Json, Type, Value};

use crate::plans::{NOW, schema};
use crate::store::{ask, in_folder, lake};

fn columns() -> Schema {
    schema(&[
        ("TimeGenerated", Type::DateTime),
        ("N", Type::Long),
        ("Text", Type::String),
        ("Flag", Type::Bool),
        ("Number", Type::Int),
        ("Ratio", Type::Real),
        ("Span", Type::TimeSpan),
        ("Bag", Type::Dynamic),
        ("Guid", Type::Guid),
        ("Decimal", Type::Decimal),
    ])
}

/// A row whose columns behind `N` are these.
fn row(n: i64, rest: [Value; 8]) -> Vec<Value> {
    [Value::DateTime(NOW + n * 10), Value::Long(n)].into_iter().chain(rest).collect()
}

fn full(text: &str) -> [Value; 8] {
    [
        Value::text(text),
        Value::Bool(true),
        Value::Int(-7),
        Value::Real(1.5),
        Value::TimeSpan(3),
        Value::json(Json::parse(r#"{"a":[1,"x"]}"#).unwrap()),
        Value::Guid(5),
        Value::Long(12).convert(Type::Decimal),
    ]
}

fn absent() -> [Value; 8] {
    std::array::from_fn(|at| if at == 0 { Value::text("") } else { Value::Null })
}

#[test]
fn what_repeats_comes_back_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let store = in_folder(folder.path());
    store.declare("Events", &columns()).unwrap();
    let long = "a text that is the same in all rows, and too long to stand beside its length";
    let very_long = "y".repeat(10_000);
    // Each append is one record of the log, in which columns are uniform or not.
    let appends: Vec<Vec<[Value; 8]>> = vec![
        vec![full("one")],
        vec![absent()],
        vec![full(long), full(long), full(long)],
        vec![full(&very_long), full(&very_long)],
        vec![absent(), absent(), absent()],
        vec![full("a"), full("b"), full("a")],
        vec![full(long), absent(), full(long)],
        vec![absent(), full("")],
    ];
    let mut all = Vec::new();
    for append in appends {
        let from = all.len() as i64;
        let rows: Vec<_> = (from..).zip(append).map(|(n, rest)| row(n, rest)).collect();
        store.append("Events", &rows).unwrap();
        all.extend(rows);
    }
    let query = "Events | sort by N asc";
    assert_eq!(ask(&lake(&store), query), all, "in memory");
    drop(store);
    let store = in_folder(folder.path());
    assert_eq!(store.status()[0].n_hot_rows, all.len(), "nothing is in files yet");
    assert_eq!(ask(&lake(&store), query), all, "from the log");
    store.flush().unwrap();
    assert_eq!(ask(&lake(&store), query), all, "from files");
}

#[test]
fn what_repeats_takes_no_place_in_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let store = in_folder(folder.path());
    store.declare("Events", &columns()).unwrap();
    let size = || -> u64 {
        let entries = std::fs::read_dir(folder.path().join("wal")).unwrap();
        entries.map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
    };
    let grown = |texts: &dyn Fn(i64) -> String| {
        let rest = |n| [&[Value::text(texts(n))], &absent()[1..]].concat().try_into().unwrap();
        let rows: Vec<_> = (0..1000).map(|n| row(n, rest(n))).collect();
        let before = size();
        store.append("Events", &rows).unwrap();
        size() - before
    };
    let same = grown(&|_| "the same text again and again".to_owned());
    let other = grown(&|n| format!("a text of row {n} that is another one"));
    // A view of a text has 16 bytes; numbers and times are as many bytes in both.
    assert!(same + 8000 < other, "{same} bytes, {other} where texts differ");
}
