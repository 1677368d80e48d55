//! Runs the front end over a file of queries (`{"id","query"}` a line) against a file of table
//! schemas: `corpus time SCHEMAS QUERIES` prints how long parsing and binding take,
//! `corpus truncate SCHEMAS QUERIES` cuts every query after every token and looks for panics and
//! for answers that take too long. `cargo xtask bench kql` and `cargo xtask fuzz` run it.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use kql::bind::{Tables, compile};
use kql::functions::Context;
use kql::value::{Json, UNIX_EPOCH};

/// Runs of each query when timing; the fastest counts.
const RUNS: usize = 5;
/// A cut query must be answered within this time.
const ANSWER_MAX: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [what, schemas, queries] = &words[..] else {
        eprintln!("usage: corpus time|truncate SCHEMAS QUERIES");
        return ExitCode::from(2);
    };
    let read = |path: &str| std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"));
    let run = || -> Result<bool, String> {
        let tables = Tables::from_json(&read(schemas)?)?;
        let queries = queries_of(&read(queries)?)?;
        match what.as_str() {
            "time" => Ok(time(&tables, &queries)),
            "truncate" => Ok(truncate(&tables, &queries)),
            other => Err(format!("no such command: {other}")),
        }
    };
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(6),
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn queries_of(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut all = Vec::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let json = Json::parse(line).ok_or("a line is no JSON")?;
        let field = |name: &str| match json.member(name) {
            Some(Json::String(text)) => Ok(text.to_string()),
            _ => Err(format!("a line has no text \"{name}\"")),
        };
        all.push((field("id")?, field("query")?));
    }
    Ok(all)
}

fn context() -> Context {
    Context { now: UNIX_EPOCH }
}

/// Prints the median and the tail of the time that one query takes, in microseconds.
fn time(tables: &Tables, queries: &[(String, String)]) -> bool {
    let mut micros = Vec::new();
    for (_, query) in queries {
        let best = (0..RUNS).map(|_| {
            let began = Instant::now();
            std::hint::black_box(compile(query, tables, context(), None));
            began.elapsed().as_secs_f64() * 1e6
        });
        micros.push(best.fold(f64::INFINITY, f64::min));
    }
    micros.sort_by(f64::total_cmp);
    let at = |share: f64| micros.get((micros.len() as f64 * share) as usize).copied();
    let shown = |share| at(share).unwrap_or_default();
    println!("queries\t{}", micros.len());
    println!("median_us\t{:.1}", shown(0.5));
    println!("p95_us\t{:.1}", shown(0.95));
    println!("max_us\t{:.1}", micros.last().copied().unwrap_or_default());
    !micros.is_empty()
}

/// Cuts every query after every token.
fn truncate(tables: &Tables, queries: &[(String, String)]) -> bool {
    let (mut n_cut, mut n_bad) = (0_u64, 0_u64);
    for (id, query) in queries {
        for token in kql::syntax::tokens(query) {
            let cut = &query[..token.span.end];
            let began = Instant::now();
            let ended = std::panic::catch_unwind(|| compile(cut, tables, context(), None));
            n_cut += 1;
            if ended.is_err() || began.elapsed() > ANSWER_MAX {
                n_bad += 1;
                let how = if ended.is_err() { "panicked" } else { "took too long" };
                println!("{how}\t{id}\tcut after byte {}", token.span.end);
            }
        }
    }
    println!("cut\t{n_cut}");
    println!("bad\t{n_bad}");
    n_bad == 0
}
