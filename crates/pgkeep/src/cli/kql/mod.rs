//! `pgkeep kql`: queries in the Kusto language on files, with nothing running.

mod check;
mod explain;
mod files;
mod fmt;
mod run;
mod spans;
mod tables;

use std::path::PathBuf;

use base::{ExitCode, Fault};
use clap::Subcommand;

use super::output::Format;

/// Commands on queries in the Kusto Query Language.
#[derive(Debug, Subcommand)]
pub(super) enum KqlCommand {
    /// Say whether queries are right, and which columns they give
    ///
    /// Exit code 6 where one is not. FILE is .kql (one query) or .jsonl (one {"id","query"} a
    /// line); - reads one query from standard input.
    Check(check::CheckCommand),
    /// Run queries over CSV and Parquet files
    ///
    /// Datetimes are printed in RFC 3339, timespans as [-][d.]hh:mm:ss[.fffffff].
    Run(run::RunCommand),
    /// Print a query in the usual layout
    Fmt(fmt::FmtCommand),
    /// Show how a query would be run
    Explain(explain::ExplainCommand),
}

/// What queries are bound against.
#[derive(Debug, clap::Args)]
struct TablesArgs {
    /// Tables by their columns only: {"Table":{"Column":"kusto type"}}
    #[arg(long, value_name = "SCHEMA.json")]
    schema: Option<PathBuf>,
    /// A table and the file, or folder of Parquet files, that holds its rows (can be repeated)
    #[arg(long = "table", value_name = "NAME=FILE", value_parser = files::table)]
    tables: Vec<files::TableFile>,
    /// What now() is [default: the present]
    #[arg(long, value_name = "DATETIME", value_parser = files::moment)]
    now: Option<files::Moment>,
}

pub(super) fn run(command: KqlCommand, format: Format) -> Result<ExitCode, Fault> {
    // Deeply nested queries are bound and planned by recursion: give it room.
    let worker = std::thread::Builder::new().name("kql".to_owned()).stack_size(STACK_BYTES);
    let work = move || match command {
        KqlCommand::Check(command) => check::run(&command, format),
        KqlCommand::Run(command) => run::run(&command, format),
        KqlCommand::Fmt(command) => fmt::run(&command, format),
        KqlCommand::Explain(command) => explain::run(&command, format),
    };
    let handle = worker
        .spawn(work)
        .map_err(|e| Fault::from_error("thread", "could not start a thread", &e))?;
    handle.join().unwrap_or_else(|_| {
        Err(Fault::new("internal", "the query language failed where it must not")
            .hint("please report the query"))
    })
}

const STACK_BYTES: usize = 64 << 20;
