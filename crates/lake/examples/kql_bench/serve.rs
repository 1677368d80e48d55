//! Answers queries that are named on standard input.

use std::error::Error;
use std::io::BufRead as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kql::engine::{Cancel, Limits};
use kql::functions::Context;
use kql::plan::Query;
use kql::value::Value;
use lake::beyond::{Sockets, Workers};
use lake::{Lake, Table, Tables};

/// 2026-01-15, the end of the rows: `now()` of all queries.
const NOW: &str = "2026-01-15";

/// What a task of a worker reads of the file.
const TASK_BYTES: usize = 64 << 20;

pub(crate) fn run(folder: &Path, queries: &Path, workers: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut lake = open(folder)?;
    if !workers.is_empty() {
        let addresses: Vec<String> = workers.iter().map(|at| (*at).to_owned()).collect();
        lake.spread(Arc::new(Workers::new(&addresses, TASK_BYTES, Arc::new(Sockets))?))?;
    }
    let limits = Limits {
        rows: 1_000_000,
        working_rows: 100_000_000,
        bytes: 8 << 30,
        time: Duration::from_secs(600),
    };
    for name in std::io::stdin().lock().lines() {
        let name = name?;
        let text = std::fs::read_to_string(queries.join(format!("{name}.kql")))?;
        let started = Instant::now();
        let query = bound(&lake, &text)?;
        let answer = lake.run_at(now(), &query, &limits, &Cancel::new())?;
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        println!("{{\"name\":\"{name}\",\"ms\":{ms:.3},\"rows\":{}}}", answer.rows.len());
        for row in &answer.rows {
            let cells: Vec<String> = row.iter().map(shown).collect();
            println!("{}", cells.join("\t"));
        }
    }
    Ok(())
}

/// Prints the plan of one query.
pub(crate) fn explain(folder: &Path, query: &Path) -> Result<(), Box<dyn Error>> {
    let lake = open(folder)?;
    let query = bound(&lake, &std::fs::read_to_string(query)?)?;
    println!("{}", lake.explain(now(), &query)?);
    Ok(())
}

fn open(folder: &Path) -> Result<Lake, Box<dyn Error>> {
    let mut tables = Tables::new();
    let file = folder.join("events.parquet");
    tables.add("Events", Table::parquet("Events", &[file], None)?);
    let limits = lake::Limits { memory_bytes: 8 << 30, ..lake::Limits::default() };
    Ok(Lake::new(tables, limits)?)
}

fn now() -> i64 {
    kql::value::parse_datetime(NOW).unwrap_or(0)
}

fn bound(lake: &Lake, text: &str) -> Result<Query, Box<dyn Error>> {
    let binding = kql::bind::compile(text, lake.tables(), Context { now: now() }, None);
    binding.query.ok_or_else(|| format!("{:?}", binding.diagnostics).into())
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::Dynamic(json) => json.to_string(),
        other => other.to_text().to_string(),
    };
    text.replace(['\t', '\n'], " ")
}
