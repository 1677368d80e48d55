//! `pgkeep baseline`: what is weak in a PostgreSQL, why, and what was read.

mod assess;
mod feed;
mod list;
mod target;

use base::{ExitCode, Fault};
use baseline::Library;
use clap::Subcommand;

use super::output::Output;
use crate::home::Home;

/// Commands on the security baseline.
#[derive(Debug, Subcommand)]
pub(super) enum BaselineCommand {
    /// Assess a server: read evidence once, judge every check from it
    ///
    /// Nothing is written to the server. Every database that can be entered is read. What could
    /// not be read is cannot-tell, with the reason, and never passes.
    #[command(after_help = "\
Examples:
  pgkeep baseline assess -s demo
  pgkeep baseline assess --dsn 'host=db.example.com user=scan dbname=postgres sslmode=verify-full'
  pgkeep baseline assess --dsn postgresql://scan@db.example.com/postgres -o sarif > pgkeep.sarif
  pgkeep baseline assess -s demo --profile cis --fail-on high
  pgkeep baseline assess --evidence monday.json --id AUTH-01

A password in --dsn is seen by others on this machine: use PGPASSFILE or ~/.pgpass.
A role with pg_monitor is enough for most checks; the answer names the grants for the rest.")]
    Assess(assess::AssessCommand),
    /// List the checks
    Checks(list::ListCommand),
    /// Show one check: what it asks, why, how it is judged and mended
    Show {
        /// Its identifier
        id: String,
    },
    /// Feeds of vulnerabilities and versions: import newer ones, show how old they are
    #[command(after_help = "\
Examples:
  pgkeep baseline feed show
  pgkeep baseline feed import postgresql-cve.json --checksum 5f70bf18…")]
    Feed(feed::FeedCommand),
}

/// Runs one command.
pub(super) fn run(
    home: impl FnOnce() -> Result<Home, Fault>,
    command: &BaselineCommand,
    output: Output,
) -> Result<ExitCode, Fault> {
    match command {
        BaselineCommand::Assess(command) => assess::run(home, command, output),
        BaselineCommand::Checks(command) => list::run(command, output.plain()?),
        BaselineCommand::Show { id } => list::show(id, output.plain()?),
        BaselineCommand::Feed(command) => feed::run(home, command, output.plain()?),
    }
}

fn library() -> Result<Library, Fault> {
    Library::shipped().map_err(|error| error.fault())
}
