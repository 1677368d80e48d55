//! The engine in memory: queries as text, with the tables that come out.

mod graph;
mod operators;
mod parse;
mod plans;
mod plugins;
mod windows;

use std::sync::Arc;

use super::memory::Memory;
use super::*;
use crate::bind::{self, Tables};
use crate::functions::Context;
use crate::value::{TICKS_PER_DAY, UNIX_EPOCH};

/// A source without tables, with one address.
struct Sample;

impl Source for Sample {
    fn table(&self, _: &str) -> Result<Option<Arc<Rows>>> {
        Ok(None)
    }

    fn external(&self, address: &str) -> Result<Vec<u8>> {
        match address {
            "https://example.org/a.csv" => Ok(b"k,v\n1,\"a,b\"\n2,\n".to_vec()),
            "https://example.org/a.json" => Ok(br#"{"k":1,"v":"x"}{"v":"y"}"#.to_vec()),
            _ => Err(EngineError::Refused { what: format!("\"{address}\"") }),
        }
    }
}

fn try_ask(text: &str, limits: &Limits) -> std::result::Result<Answer, String> {
    let context = Context { now: UNIX_EPOCH + 20_000 * TICKS_PER_DAY };
    let cancel = Cancel::new();
    let find = |query: &Query| discover(query, &Sample, context, limits, &cancel).ok().flatten();
    let binding = bind::compile(text, &Tables::default(), context, Some(&find));
    let Some(query) = binding.query else {
        return Err(binding.diagnostics.into_iter().map(|found| found.message).collect());
    };
    let memory = Memory::new(&Sample, context);
    memory.run(&query, limits, &cancel).map_err(|error| error.to_string())
}

/// Columns and rows as lines: `a, b` then `1, x`.
fn ask(text: &str) -> Vec<String> {
    let answer = match try_ask(text, &Limits::default()) {
        Ok(answer) => answer,
        Err(why) => return vec![format!("error: {why}")],
    };
    let line = |cells: Vec<String>| cells.join(", ");
    let mut lines = vec![line(answer.schema.iter().map(|c| c.name.clone()).collect())];
    let rows = answer.rows.iter().map(|row| {
        assert_eq!(row.len(), answer.schema.len(), "{text}");
        for (value, column) in row.iter().zip(&answer.schema) {
            assert!(
                value.kind().is_none_or(|ty| ty == column.ty),
                "{text}: {value:?} in {column:?}"
            );
        }
        line(row.iter().map(|value| value.to_text().to_string()).collect())
    });
    lines.extend(rows);
    lines
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(ask(text), expected, "{text}");
}
