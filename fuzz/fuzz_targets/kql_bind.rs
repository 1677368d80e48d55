//! Parser and binder on any text over a few tables: no panic, no hang; a query without errors
//! has columns with names of their own.
#![no_main]

use std::sync::LazyLock;

use kql::bind::{Tables, compile};
use kql::functions::Context;

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let text = r#"{
        "T": {"a": "long", "b": "string", "c": "dynamic", "d": "datetime", "e": "real",
              "f": "timespan", "g": "guid", "h": "bool", "i": "int", "j": "decimal"},
        "U": {"a": "long", "b": "string", "x": "real", "y": "dynamic"},
        "Logs": {"TimeGenerated": "datetime", "Message": "string", "Properties": "dynamic"}
    }"#;
    Tables::from_json(text).expect("because it is right")
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let binding = compile(text, &*TABLES, Context { now: kql::value::UNIX_EPOCH }, None);
    if let Some(query) = binding.query {
        let mut names: Vec<&str> = query.rel.schema.iter().map(|c| c.name.as_str()).collect();
        let n = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(n, names.len(), "two columns have one name");
    }
});
