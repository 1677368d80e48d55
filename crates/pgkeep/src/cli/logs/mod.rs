//! `pgkeep logs`: the log lake from the command line.

mod ingest;
mod keep;
mod query;
mod tail;
mod worker;

use base::{ExitCode, Fault};
use clap::Subcommand;
use serde_json::Value;

use super::ask::{all, print};
use super::output::{self, Format};
use crate::home::Home;

/// Commands on events.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum LogsCommand {
    /// Ask the log lake in the Kusto Query Language
    #[command(after_help = "\
Examples:
  pgkeep logs query 'PGSQLServerLogs | where ErrorLevel == \"FATAL\" | take 10'
  pgkeep logs query --timespan PT1H 'PgkeepConnections | summarize count() by RoleName' -o csv
  pgkeep logs query -f failed-logins.kql -o json

Rows are asked for within --timespan by their TimeGenerated; what the query says of time holds
besides. -o json prints {\"columns\", \"rows\", \"truncated\", \"elapsed_ms\", \"render\"}.")]
    Query(query::QueryCommand),
    /// Take events in from a file
    #[command(after_help = "\
Examples:
  pgkeep logs ingest --table Shop_CL orders.jsonl
  pgkeep logs ingest --format postgresql-jsonlog postgresql.json
  zcat syslog.gz | pgkeep logs ingest --format syslog -

A table that is not there is made from the file: the types of its columns are found by reading all
of it. The same file is taken in once, however often the command runs; --again takes it in again.
What is not understood stands in PgkeepDeadLetters with the reason.")]
    Ingest(ingest::IngestCommand),
    /// List the tables
    Tables,
    /// Set how long a table keeps its events
    Retention(keep::RetentionCommand),
    /// Erase events of a table, such as those about a person
    #[command(after_help = "\
Example:
  pgkeep logs erase --table PgkeepConnections --where 'RoleName == \"anna\"'

Without --yes it says how many rows that would be and erases nothing. What is erased is gone from
all files; old files stay for a week for whoever reads them, with --at-once they go now.")]
    Erase(keep::EraseCommand),
    /// Show events as they come
    Tail(tail::TailCommand),
    /// Answer parts of others' queries over large tables
    #[command(after_help = "\
Examples:
  pgkeep logs worker --listen unix:///run/pgkeep/worker-1.sock
  pgkeep logs worker --listen https://worker-1.example:8500 --certificate-file worker-1.pem \\
    --key-file worker-1.key --authority-file authority.pem

The plane asks the workers that [logs.workers] of config.toml names. A worker must be of the
plane's version and reach the lake's files under the same names, or the object store that
[logs.lake] names: say --url and what goes with it. It answers its own OS user on a socket, and on
a port whoever shows a certificate of the authority: they can read all events.")]
    Worker(worker::WorkerCommand),
    /// Ask the workers of [logs.workers] whether they are there
    Workers,
    /// List the sources of events and how they stand
    Connectors,
    /// List the queries that are kept: the gallery and those that people saved
    Queries,
}

/// Runs one command.
pub(super) fn run(home: &Home, command: &LogsCommand, format: Format) -> Result<ExitCode, Fault> {
    match command {
        LogsCommand::Query(command) => query::run(home, command, format),
        LogsCommand::Ingest(command) => ingest::run(home, command, format),
        LogsCommand::Retention(command) => keep::retention(home, command, format),
        LogsCommand::Erase(command) => keep::erase(home, command, format),
        LogsCommand::Tables => tables(home, format),
        LogsCommand::Tail(command) => tail::run(home, command, format),
        LogsCommand::Worker(command) => worker::run(command),
        LogsCommand::Workers => {
            print(&all(home, "/logs/workers")?, format, &["address", "state", "detail"])
        }
        LogsCommand::Connectors => {
            let columns = [
                "name",
                "kind",
                "health",
                "last_event_at",
                "events_per_s",
                "lag_bytes",
                "n_dead_letters",
                "reason",
            ];
            print(&all(home, "/logs/connectors")?, format, &columns)
        }
        LogsCommand::Queries => {
            let columns = ["name", "category", "saved_by", "description"];
            print(&all(home, "/logs/saved-queries")?, format, &columns)
        }
    }
}

fn tables(home: &Home, format: Format) -> Result<ExitCode, Fault> {
    let mut tables = all(home, "/logs/tables")?;
    if matches!(format, Format::Table | Format::Tsv | Format::Csv)
        && let Value::Array(tables) = &mut tables
    {
        // For people the number of columns; all of them with -o json.
        for table in tables {
            table["n_columns"] = Value::from(table["columns"].as_array().map_or(0, Vec::len));
        }
    }
    let columns =
        ["name", "n_columns", "n_hot_rows", "n_files", "file_bytes", "retention_days", "trouble"];
    output::show(format, &tables, &columns).map(|()| ExitCode::Ok)
}
