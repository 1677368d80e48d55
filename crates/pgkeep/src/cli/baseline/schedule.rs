//! `pgkeep baseline schedule` and `declare`.

use std::path::PathBuf;

use base::{ExitCode, Fault};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::assess::declared;
use crate::cli::ask::{ask, get, part, print};
use crate::cli::output::Format;
use crate::home::Home;

/// Commands on schedules.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ScheduleCommand {
    /// Assess the server once a day
    Enable {
        #[command(flatten)]
        server: ServerArg,
        /// From this hour of the day on, in UTC [default: as it was, 3 at first]
        #[arg(long, value_name = "0-23", value_parser = clap::value_parser!(u8).range(0..24))]
        hour: Option<u8>,
    },
    /// Assess it no longer by itself
    Disable {
        #[command(flatten)]
        server: ServerArg,
    },
    /// Show when it is assessed
    Show {
        #[command(flatten)]
        server: ServerArg,
    },
}

/// Which server.
#[derive(Debug, Args)]
pub(in crate::cli) struct ServerArg {
    /// One of pgkeep's own servers
    #[arg(short, long = "server", value_name = "NAME")]
    server: String,
}

/// Arguments of `pgkeep baseline declare`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DeclareCommand {
    #[command(flatten)]
    server: ServerArg,
    /// A TOML or JSON file of names by kind, in the place of what was declared; without it, what
    /// is declared is shown
    file: Option<PathBuf>,
}

impl ServerArg {
    /// A path of the API below this server's baseline.
    pub(super) fn path(&self, rest: &str) -> Result<String, Fault> {
        Ok(format!("/servers/{}/baseline{rest}", part(&self.server)?))
    }
}

pub(super) fn run(
    home: &Home,
    command: &ScheduleCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    let (server, wish) = match command {
        ScheduleCommand::Enable { server, hour } => {
            (server, Some(json!({ "enabled": true, "hour": hour })))
        }
        ScheduleCommand::Disable { server } => (server, Some(json!({ "enabled": false }))),
        ScheduleCommand::Show { server } => (server, None),
    };
    let path = server.path("/schedule")?;
    let answer = match wish {
        Some(wish) => ask(home, "PUT", &path, Some(&wish))?,
        None => get(home, &path)?,
    };
    print(&answer, format, &[])
}

pub(super) fn declare(
    home: &Home,
    command: &DeclareCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    let path = command.server.path("/declaration")?;
    let answer = match &command.file {
        None => get(home, &path)?,
        Some(file) => {
            let declare: Value = serde_json::from_str(&declared(Some(file))?.to_json())
                .map_err(|e| Fault::from_error("internal", "a declaration is no JSON", &e))?;
            ask(home, "PUT", &path, Some(&json!({ "declare": declare })))?
        }
    };
    print(&answer["declare"], format, &[])
}
