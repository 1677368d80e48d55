//! `pgkeep baseline feed`: what is known of PostgreSQL's vulnerabilities and versions.

use std::path::PathBuf;

use base::{Clock as _, ExitCode, Fault, SystemClock};
use baseline::{Feeds, import};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::cli::output::{self, Format, say};
use crate::home::Home;

/// Arguments of `pgkeep baseline feed`.
#[derive(Debug, Args)]
pub(in crate::cli) struct FeedCommand {
    #[command(subcommand)]
    command: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// Take in a newer feed from a file; nothing is fetched
    ///
    /// An older feed than the one that is there, one with another checksum and one that is dated in
    /// the future are refused.
    Import {
        /// The file (JSON)
        file: PathBuf,
        /// SHA-256 of the file in hex, from whoever made it
        #[arg(long, value_name = "SHA256")]
        checksum: Option<String>,
    },
    /// Show the feeds that are read, and how old they are
    Show,
}

const COLUMNS: [&str; 7] = ["name", "kind", "as_of", "age_days", "stale", "records", "imported"];

pub(super) fn run(
    home: impl FnOnce() -> Result<Home, Fault>,
    command: &FeedCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    let home = home()?;
    match &command.command {
        Which::Import { file, checksum } => {
            let now = SystemClock.now();
            let done = import(file, &folder(&home), checksum.as_deref(), now)
                .map_err(|error| error.fault())?;
            let feed = &done.feed;
            if done.changed {
                let (added, gone) = (done.added.len(), done.gone.len());
                say(&format!(
                    "{} of {}: {added} records more than before, {gone} that are gone",
                    feed.name, feed.as_of
                ));
            } else {
                say(&format!("{} of {} was there already", feed.name, feed.as_of));
            }
            if feed.stale {
                say("it is too old to say that all is well");
            }
            if checksum.is_none() {
                say(&format!("nobody vouched for it: its SHA-256 is {}", feed.checksum));
            }
            shown(format, &done, &COLUMNS)
        }
        Which::Show => shown(format, &known(&home)?.about(SystemClock.now()), &COLUMNS),
    }
}

/// The feeds that are part of the program and those that were imported, the newest of each.
pub(super) fn known(home: &Home) -> Result<Feeds, Fault> {
    let feeds = Feeds::shipped().and_then(|feeds| feeds.with(&folder(home), SystemClock.now()));
    feeds.map_err(|error| error.fault())
}

/// Those of a home, or those that are part of the program where there is no home: only pgkeep's
/// own servers need one, and nothing was imported into it then.
pub(super) fn of(home: &Result<Home, Fault>) -> Result<Feeds, Fault> {
    match home {
        Ok(home) => known(home),
        Err(fault) => {
            say(&format!("imported feeds are not read: {}", fault.message));
            Feeds::shipped().map_err(|error| error.fault())
        }
    }
}

/// Where imported feeds lie.
fn folder(home: &Home) -> PathBuf {
    home.root().join("baseline/feeds")
}

fn shown(format: Format, value: &impl Serialize, columns: &[&str]) -> Result<ExitCode, Fault> {
    let value = serde_json::to_value(value)
        .map_err(|e| Fault::from_error("internal", "the feeds are no JSON", &e))?;
    output::show(format, &value, columns).map(|()| ExitCode::Ok)
}
