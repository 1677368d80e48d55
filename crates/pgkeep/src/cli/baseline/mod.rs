//! `pgkeep baseline`: what is weak in a PostgreSQL, why, and what was read.

mod assess;
mod confirm;
mod feed;
mod fix;
mod history;
mod list;
mod own;
mod schedule;
mod target;
mod waivers;

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
    /// List the assessments of a server that are kept, newest first, with their scores
    History(history::HistoryCommand),
    /// Say what is different between two assessments of a server
    #[command(after_help = "\
Examples:
  pgkeep baseline drift -s demo
  pgkeep baseline drift -s demo --from 12 --to 15 -o json

Without --from and --to the last two assessments of all checks are compared. What is no longer
seen because it could not be read is not mended.")]
    Drift(history::DriftCommand),
    /// Answer for a failure until a day: it stays a failure, is shown as waived and breaks no gate
    #[command(after_help = "\
Examples:
  pgkeep baseline waive LOG-17 -s demo --reason 'the proxy logs connections' --owner anna \
    --until 2027-03-31
  pgkeep baseline waive OBJ-07 --finding 0123456789abcdef --reason … --owner … --until …

Without -s it is for all servers; without --finding for all that the check finds.")]
    Waive(waivers::WaiveCommand),
    /// List the waivers, also those whose day is over
    Waivers(waivers::WaiversCommand),
    /// Take a waiver away
    Unwaive {
        /// Its number, as `baseline waivers` lists it
        id: String,
    },
    /// Assess a server by itself once a day, or no longer
    #[command(subcommand)]
    Schedule(schedule::ScheduleCommand),
    /// Show or change what is meant to be so on a server; checks compare with it
    Declare(schedule::DeclareCommand),
    /// Mend what checks found: plan, try, make, prove; with a way back
    ///
    /// Statements are tried in a transaction that is rolled back, then made; settings by ALTER
    /// SYSTEM and a reload; lines of pg_hba.conf and files where --pgdata names the host's data
    /// directory. The check is then asked again through new connections, and what did not help is
    /// taken back at once. What is not mended by pgkeep says what to do.
    #[command(after_help = "\
Examples:
  pgkeep baseline fix LOG-18 TLS-02 --dsn 'host=db.example.com user=postgres' --dry-run
  pgkeep baseline fix OBJ-01 --dsn postgresql://postgres@db.example.com/postgres --yes
  pgkeep baseline fix AUTH-25 --dsn 'host=/run/postgresql user=postgres' --pgdata /srv/pgdata

The way back is kept in the home. With a password in --dsn it holds that too, until the undo.")]
    Fix(fix::FixCommand),
    /// Confirm a fix that would be taken back otherwise, through a new connection
    ///
    /// For `fix --confirm-within`.
    Confirm(fix::RecordCommand),
    /// Take a fix back: all of it, to the byte, or nothing
    ///
    /// Refused where somebody changed the same things since; it says which.
    Undo(fix::RecordCommand),
    /// Ask again whether a fix holds, for one that waited for a start of the server
    Prove(fix::RecordCommand),
    /// List the fixes that were made, the newest first
    Fixes,
    /// List where benchmarks want different values, and what each wants
    ///
    /// `assess --profile all` then says in `by_profile` which of them a server satisfies.
    Profiles,
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
    home: impl Fn() -> Result<Home, Fault>,
    command: &BaselineCommand,
    output: Output,
) -> Result<ExitCode, Fault> {
    match command {
        BaselineCommand::Assess(command) => assess::run(home, command, output),
        BaselineCommand::History(command) => history::list(&home()?, command, output.plain()?),
        BaselineCommand::Drift(command) => history::drift(&home()?, command, output.plain()?),
        BaselineCommand::Waive(command) => waivers::waive(&home()?, command, output.plain()?),
        BaselineCommand::Waivers(command) => waivers::list(&home()?, command, output.plain()?),
        BaselineCommand::Unwaive { id } => waivers::unwaive(&home()?, id, output.plain()?),
        BaselineCommand::Schedule(command) => schedule::run(&home()?, command, output.plain()?),
        BaselineCommand::Declare(command) => schedule::declare(&home()?, command, output.plain()?),
        BaselineCommand::Fix(command) => fix::run(home, command, output.plain()?),
        BaselineCommand::Confirm(command) => fix::confirm(home, command, output.plain()?),
        BaselineCommand::Undo(command) => fix::undo(home, command, output.plain()?),
        BaselineCommand::Prove(command) => fix::prove(home, command, output.plain()?),
        BaselineCommand::Fixes => fix::list(home, output.plain()?),
        BaselineCommand::Profiles => list::profiles(output.plain()?),
        BaselineCommand::Checks(command) => list::run(command, output.plain()?),
        BaselineCommand::Show { id } => list::show(id, output.plain()?),
        BaselineCommand::Feed(command) => feed::run(home, command, output.plain()?),
    }
}

fn library() -> Result<Library, Fault> {
    Library::shipped().map_err(|error| error.fault())
}
