//! `pgkeep server parameter`.

use base::{ExitCode, Fault, ServerName};
use clap::{Args, Subcommand};
use serde_json::json;

use super::ask::{all, ask, get, print};
use super::output::Format;
use super::server;
use crate::home::Home;
use crate::plane::encode;

/// Commands on the settings of a server.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum ParameterCommand {
    /// List all settings
    List(Of),
    /// Show one setting
    Show(One),
    /// Change one setting and prove that it took effect
    Set(SetCommand),
    /// Give one setting its value from before pgkeep or you changed it
    Reset(One),
}

/// Which server.
#[derive(Clone, Debug, Args)]
pub(super) struct Of {
    /// Name of the server
    #[arg(short, long = "server-name")]
    server: ServerName,
}

/// Which setting of which server.
#[derive(Clone, Debug, Args)]
pub(super) struct One {
    #[command(flatten)]
    of: Of,
    /// Name of the setting
    #[arg(short, long)]
    name: String,
}

#[derive(Clone, Debug, Args)]
pub(super) struct SetCommand {
    #[command(flatten)]
    one: One,
    /// Its new value
    #[arg(short, long, allow_hyphen_values = true)]
    value: String,
}

/// Runs one command.
pub(super) fn run(
    home: &Home,
    command: ParameterCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    match command {
        ParameterCommand::List(of) => {
            let columns = ["name", "value", "unit", "context", "pending_restart"];
            print(&all(home, &server::of(&of.server, "/parameters"))?, format, &columns)
        }
        ParameterCommand::Show(one) => print(&get(home, &path(&one))?, format, &[]),
        ParameterCommand::Set(SetCommand { one, value }) => {
            let outcome = ask(home, "PATCH", &path(&one), Some(&json!({ "value": value })))?;
            print(&outcome, format, &[])
        }
        ParameterCommand::Reset(one) => {
            print(&ask(home, "DELETE", &path(&one), None)?, format, &[])
        }
    }
}

fn path(one: &One) -> String {
    server::of(&one.of.server, &format!("/parameters/{}", encode(one.name.trim())))
}
