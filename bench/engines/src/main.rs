//! The sides of `cargo xtask bench engines`: DataFusion in one process, `datafusion-distributed`
//! over workers and `ballista` over executors, with the same SQL over the same file.
//!
//! A program that serves reads names of queries from standard input and writes for each one line
//! of JSON, `{"name","ms","rows"}`, and then so many rows, their values as text with tabs between;
//! or `{"name","error"}` where there is no answer. The name `.pid` gives the number of the process.
//!
//! All processes listen on loopback only and ask nobody who they are: this is no server.

#![allow(clippy::print_stdout, reason = "a program that writes its answers")]

mod alone;
mod ballista_side;
mod distributed;
// The same rows as those of `bench kql`, without building a lake for them.
#[path = "../../../crates/lake/examples/kql_bench/events.rs"]
mod events;
mod serve;
mod shown;

use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use tokio::runtime::{Builder, Runtime};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Plans are deep; the default of two megabytes is for shallow ones.
const STACK_BYTES: usize = 16 << 20;

const USAGE: &str = "usage: engines generate DATA ROWS
       engines alone DATA QUERIES THREADS PARTITIONS
       engines distributed worker PORT THREADS
       engines distributed serve DATA QUERIES THREADS PARTITIONS PORT…
       engines ballista scheduler PORT THREADS WATCH
       engines ballista executor SCHEDULER PORT GRPC_PORT FOLDER THREADS WATCH
       engines ballista serve DATA QUERIES THREADS PARTITIONS SCHEDULER
WATCH is `default`, or `short` for executors that are missed after seconds";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Outcome {
    match *words {
        ["generate", data, rows] => events::write(Path::new(data), rows.parse()?),
        ["alone", data, queries, threads, partitions] => {
            let asked = Asked::new(data, queries, partitions)?;
            runtime(threads)?.block_on(alone::serve(&asked))
        }
        ["distributed", "worker", port, threads] => {
            runtime(threads)?.block_on(distributed::worker(number(port)?))
        }
        ["distributed", "serve", data, queries, threads, partitions, ref ports @ ..] => {
            let ports = ports.iter().map(|port| number(port)).collect::<Outcome<Vec<u16>>>()?;
            let asked = Asked::new(data, queries, partitions)?;
            runtime(threads)?.block_on(distributed::serve(&asked, ports))
        }
        ["ballista", "scheduler", port, threads, watch] => {
            runtime(threads)?.block_on(ballista_side::scheduler(number(port)?, watch.parse()?))
        }
        ["ballista", "executor", scheduler, port, grpc_port, folder, threads, watch] => {
            let executor = ballista_side::Executor {
                scheduler: number(scheduler)?,
                port: number(port)?,
                grpc_port: number(grpc_port)?,
                folder,
                n_threads: usize::from(number(threads)?),
                watch: watch.parse()?,
            };
            // One thread for connections: queries run on threads of the executor's own.
            runtime("1")?.block_on(ballista_side::executor(&executor))
        }
        ["ballista", "serve", data, queries, threads, partitions, scheduler] => {
            let asked = Asked::new(data, queries, partitions)?;
            runtime(threads)?.block_on(ballista_side::serve(&asked, number(scheduler)?))
        }
        _ => Err(USAGE.into()),
    }
}

/// What a program that serves is to read.
pub(crate) struct Asked<'a> {
    /// Folder with `events.parquet`
    pub(crate) data: &'a Path,
    /// Folder with the queries
    pub(crate) queries: &'a Path,
    /// Into how many partitions a process divides a plan
    pub(crate) n_partitions: usize,
}

impl<'a> Asked<'a> {
    fn new(data: &'a str, queries: &'a str, partitions: &str) -> Outcome<Self> {
        let n_partitions = usize::from(number(partitions)?);
        Ok(Self { data: Path::new(data), queries: Path::new(queries), n_partitions })
    }
}

fn number(text: &str) -> Outcome<u16> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(format!("\"{text}\" is no number from 1 to 65535").into()),
    }
}

fn runtime(threads: &str) -> Outcome<Runtime> {
    Ok(Builder::new_multi_thread()
        .worker_threads(usize::from(number(threads)?))
        .thread_stack_size(STACK_BYTES)
        .enable_all()
        .build()?)
}

/// An error and what is behind it.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut at = error.source();
    while let Some(source) = at {
        // A string takes whatever is written to it.
        let _ = write!(text, ": {source}");
        at = source.source();
    }
    text
}
