//! Aggregates over many batches and partitions, with keys and without.

use kql::engine::Rows;
use kql::value::{Json, Type, Value};

use crate::plans::{Both, schema};

const TEXTS: [&str; 6] = ["", "a", "b\"q", "c\\", "ü", "long text of more than twelve"];

fn both(folder: &std::path::Path) -> Both {
    let rows = (0..3000_i64)
        .map(|at| {
            let n = at * 7919 % 1013;
            let real = [Value::Real(n as f64 / 4.0), Value::Real(f64::NAN), Value::Null];
            let null_each = |every: i64, value: Value| {
                if n % every == 0 { Value::Null } else { value }
            };
            vec![
                Value::Long(at),
                Value::text(format!("k{}", n % 11)),
                null_each(13, Value::Long(n - 500)),
                Value::Int((n % 97) as i32),
                real[n as usize % 3].clone(),
                Value::text(TEXTS[n as usize % 6]),
                null_each(5, Value::DateTime(637_000_000_000_000_000 + n * 10)),
                Value::TimeSpan(n),
                null_each(3, Value::Bool(n % 2 == 0)),
                Value::json(Json::Long(n % 4)),
            ]
        })
        .collect();
    let columns = &[
        ("row", Type::Long),
        ("k", Type::String),
        ("n", Type::Long),
        ("i", Type::Int),
        ("x", Type::Real),
        ("s", Type::String),
        ("t", Type::DateTime),
        ("p", Type::TimeSpan),
        ("b", Type::Bool),
        ("d", Type::Dynamic),
    ];
    Both::in_parquet("T", Rows::new(schema(columns), rows), folder)
}

/// Aggregates whose results do not depend on the order of rows.
const ALL: &[&str] = &[
    "count()",
    "countif(b)",
    "sum(n)",
    "sum(i)",
    "sum(p)",
    "avg(n)",
    "avg(i)",
    "avg(p)",
    "sumif(n, b)",
    "min(n), max(n), min(i), max(i)",
    "min(s), max(s)",
    "min(t), max(t), min(p), max(p)",
    "min(x), max(x)",
    "minif(n, b), maxif(n, b)",
    "dcount(s)",
    "dcount(n)",
    "dcount(i, 4)",
    "dcount(t)",
    "dcount(x)",
    "dcountif(n, b)",
    "dcountif(s, b, 2)",
    "array_sort_asc(make_set(s))",
    "array_sort_asc(make_set(n))",
    "array_sort_asc(make_set(i))",
    "array_sort_asc(make_set(t))",
    "array_sort_asc(make_set(p))",
    "array_sort_asc(make_set(d))",
    "array_sort_asc(make_set_if(n, b))",
    "array_length(make_set(n, 7))",
    "array_length(makeset(row))",
    "array_length(make_list(s))",
    "array_sort_asc(make_list(n))",
    "array_sort_asc(make_list(t))",
    "array_sort_asc(make_list_if(i, b))",
    "array_length(make_list(n, 9))",
    "arg_max(row, *)",
    "arg_min(row, n, s, t)",
    "percentile(n, 50)",
    "stdev(i)",
    "variance(n)",
    "make_bag(bag_pack(s, 1))",
    "binary_all_or(n)",
    "hll(s)",
];

#[test]
fn with_keys_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let both = both(folder.path());
    let mut differences = Vec::new();
    for all in ALL {
        for text in [
            format!("T | summarize {all}"),
            format!("T | summarize {all} by k"),
            format!("T | summarize {all} by k, i"),
            format!("T | summarize {all} by bin(t, 100tick), b"),
            format!("T | where row < 0 | summarize {all}"),
            format!("T | where row < 0 | summarize {all} by k"),
        ] {
            differences.extend(both.difference(&text));
        }
    }
    for text in [
        // Which of the rows that tie is shown is free: only their keys are looked at.
        "T | summarize arg_max(n, row) | project n",
        "T | summarize arg_min(x, row) by k | project k, x",
        "T | summarize arg_max(x, row) by k | project k, x",
        "T | summarize take_any(s) by k | project k",
        "T | summarize take_any(n, s) by row | sort by row asc",
        "T | sort by row asc | summarize take_any(n) by k",
        "T | sort by row asc | summarize make_list(n) by k",
        "T | sort by row desc | summarize make_set(s), make_list(i) by k",
        "T | sort by row desc | summarize arg_max(n, row, s), take_any(row) by k",
    ] {
        differences.extend(both.difference(text));
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
