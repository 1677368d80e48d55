//! Times queries for one term each, with the store's side-cars and without:
//! `term_bench FOLDER ROWS NEEDLES`. The table has the shape of a server's log; half of the
//! needles stand in one row each, the others in none. Prints one line of JSON.

#![allow(clippy::print_stdout, reason = "a program that writes its answers")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kql::engine::{Cancel, Limits};
use kql::functions::Context;
use kql::plan::{Column, Schema};
use kql::value::{TICKS_PER_MILLISECOND, Type, UNIX_EPOCH, Value, parse_datetime};
use lake::store::{Doors, Rows, Store, StoreLimits};
use lake::{Lake, Tables};

/// Rows of one append.
const BATCH: u64 = 20_000;
/// Rows of one file before files are merged.
const FILE_ROWS: u64 = 200_000;
/// Every so many rows have a word that few have.
const RARE: u64 = 1009;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let usage = "usage: term_bench FOLDER ROWS NEEDLES";
    let folder = words.next().ok_or(usage)?;
    let n_rows: u64 = words.next().ok_or(usage)?.parse()?;
    let n_needles: u64 = words.next().ok_or(usage)?.parse()?;
    let store = Arc::new(Store::open(Doors::of_folder(&folder)?, limits())?);
    fill(&store, n_rows)?;
    let mut lake = Lake::new(Tables::new(), lake::Limits::default())?;
    lake.attach(Arc::clone(&store));
    // Half of them stand in one row, half in none; spread over all of the table.
    let n_rare = n_rows / RARE;
    let needles = (0..n_needles).map(|n| match n % 2 {
        0 => word(n * n_rare.max(1) / n_needles * RARE),
        _ => format!("absent{n:x}q"),
    });
    let needles: Vec<String> = needles.collect();
    let terms = Path::new(&folder).join("tables/Log/_terms");
    let aside = Path::new(&folder).join("tables/terms-aside");
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let (mut n_wrong, mut n_found) = (0, 0);
    // In turn, so that both see the same machine.
    for needles in needles.chunks(20) {
        let mut counts = Vec::new();
        for needle in needles {
            let (count, took) = count(&lake, needle)?;
            counts.push(count);
            with.push(took);
        }
        std::fs::rename(&terms, &aside)?;
        for (needle, counted) in needles.iter().zip(counts) {
            let (count, took) = count(&lake, needle)?;
            without.push(took);
            n_wrong += u64::from(count != counted);
            n_found += u64::from(count > 0);
        }
        std::fs::rename(&aside, &terms)?;
    }
    let status = store.status();
    let status = status.first().ok_or("no table")?;
    let sum = |times: &[f64]| times.iter().sum::<f64>();
    println!(
        "{}",
        serde_json::json!({
            "rows": n_rows, "needles": needles.len(), "found": n_found, "wrong": n_wrong,
            "files": status.n_files, "bytes": status.file_bytes,
            "with_ms": median(&mut with.clone()) * 1e3,
            "without_ms": median(&mut without.clone()) * 1e3,
            "ratio_of_sums": sum(&without) / sum(&with),
            "ratio_of_medians": median(&mut without) / median(&mut with),
        })
    );
    Ok(())
}

fn limits() -> StoreLimits {
    StoreLimits { tend_interval: Duration::ZERO, ..StoreLimits::default() }
}

fn schema() -> Schema {
    vec![
        Column::new("TimeGenerated", Type::DateTime),
        Column::new("ProcessId", Type::Int),
        Column::new("ErrorLevel", Type::String),
        Column::new("Message", Type::String),
    ]
}

/// The word of a row that has one.
fn word(row: u64) -> String {
    format!("session{:x}z", row.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

fn fill(store: &Store, n_rows: u64) -> Result<(), Box<dyn Error>> {
    store.declare("Log", &schema())?;
    let start = parse_datetime("2026-11-24T00:00:00Z").unwrap_or(UNIX_EPOCH);
    for first in (0..n_rows).step_by(usize::try_from(BATCH)?) {
        let rows = first..(first + BATCH).min(n_rows);
        let message = |row: u64| match row % RARE {
            0 => format!("connection authorized: user=app token={} application=web", word(row)),
            n => format!(
                "duration: {}.{:03} ms  statement: UPDATE pgbench_accounts SET abalance = abalance \
                 + {} WHERE aid = {};",
                n % 7,
                row % 1000,
                row.wrapping_mul(37) % 5000,
                row.wrapping_mul(0x9e37_79b9) % 100_000
            ),
        };
        let time = |row: u64| Value::DateTime(start + row as i64 * TICKS_PER_MILLISECOND * 20);
        let columns = vec![
            rows.clone().map(time).collect(),
            rows.clone().map(|row| Value::Int((row % 50) as i32 + 1000)).collect(),
            rows.clone().map(|_| Value::text("LOG")).collect(),
            rows.clone().map(|row| Value::text(message(row))).collect(),
        ];
        store.append_all(vec![Rows { table: "Log".to_owned(), columns }], None)?;
        if rows.end % FILE_ROWS == 0 || rows.end == n_rows {
            store.flush()?;
        }
    }
    // Until there is nothing left to merge.
    while store.tend() > 0 {}
    match store.status().into_iter().find_map(|s| s.trouble.or(s.untended)) {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

fn count(lake: &Lake, needle: &str) -> Result<(i64, f64), Box<dyn Error>> {
    let now = parse_datetime("2026-11-25T00:00:00Z").unwrap_or(UNIX_EPOCH);
    let text = format!("Log | where Message has '{needle}' | count");
    let began = Instant::now();
    let binding = kql::bind::compile(&text, &lake.snapshot(), Context { now }, None);
    let query = binding.query.ok_or("the query is wrong")?;
    let answer = lake.run_at(now, &query, &Limits::default(), &Cancel::new())?;
    let took = began.elapsed().as_secs_f64();
    match answer.rows.first().and_then(|row| row.first()) {
        Some(Value::Long(n)) => Ok((*n, took)),
        _ => Err("no count".into()),
    }
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}
