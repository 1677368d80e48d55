//! Queries over a few small tables: the columns that come out, and what is found wrong.

mod columns;
mod errors;
mod limits;
mod open;
mod plans;
mod stored;

use super::{Binding, Tables, compile};
use crate::functions::Context;
use crate::plan::Query;

const TABLES: &str = r#"{
    "Visits": {"Page": "string", "Ms": "long", "At": "datetime", "Extra": "dynamic",
               "Ok": "bool", "Share": "real", "Took": "timespan", "Port": "int"},
    "Pages": {"Page": "string", "Title": "string", "Port": "long"},
    "Owners": {"Name": "string", "Ms": "string"}
}"#;

pub(super) fn bound(text: &str) -> Binding {
    let tables = Tables::from_json(TABLES).unwrap();
    compile(text, &tables, Context { now: 638_000_000_000_000_000 }, None)
}

pub(super) fn query(text: &str) -> Query {
    let binding = bound(text);
    match binding.query {
        Some(query) => query,
        None => panic!("{text}: {:?}", binding.diagnostics),
    }
}

/// `Name:type Name:type …`
pub(super) fn columns(text: &str) -> String {
    let schema = query(text).rel.schema;
    let all: Vec<String> = schema.iter().map(|c| format!("{}:{}", c.name, c.ty)).collect();
    all.join(" ")
}

/// Checks a table of queries and their columns.
pub(super) fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(columns(text), *expected, "{text}");
    }
}
