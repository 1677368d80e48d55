//! The lake's side of `cargo xtask bench kql`: makes the rows, and answers queries by name.
//!
//! `kql_bench generate FOLDER ROWS` writes `events.parquet`. `kql_bench serve FOLDER QUERIES`
//! reads names of queries from standard input and writes for each one line of JSON,
//! `{"name","ms","rows"}`, and then so many rows, their values as text with tabs between.
//! With addresses behind QUERIES it gives parts of them to workers there;
//! `kql_bench worker SOCKET THREADS` is one. `kql_bench explain FOLDER QUERY` prints the plan of
//! one query.

#![allow(clippy::print_stdout, reason = "a program that writes its answers")]

mod events;
mod serve;
mod worker;

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["generate", folder, rows] => match rows.parse() {
            Ok(rows) => events::write(Path::new(folder), rows),
            Err(_) => Err("ROWS is no number".into()),
        },
        ["serve", folder, queries, ref workers @ ..] => {
            serve::run(Path::new(folder), Path::new(queries), workers)
        }
        ["worker", socket, threads] => match threads.parse() {
            Ok(threads) => worker::run(Path::new(socket), threads),
            Err(_) => Err("THREADS is no number".into()),
        },
        ["explain", folder, query] => serve::explain(Path::new(folder), Path::new(query)),
        _ => Err("usage: kql_bench generate FOLDER ROWS | serve FOLDER QUERIES [ADDRESS…] \
                   | worker SOCKET THREADS | explain FOLDER QUERY"
            .into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let mut text = error.to_string();
            let mut at = error.source();
            while let Some(source) = at {
                text = format!("{text}: {source}");
                at = source.source();
            }
            println!("{{\"error\":{text:?}}}");
            ExitCode::FAILURE
        }
    }
}
