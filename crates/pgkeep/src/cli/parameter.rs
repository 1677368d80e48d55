//! `pgkeep server parameter`.

use base::{ExitCode, Fault, ServerName};
use clap::{Args, Subcommand};
use serde_json::json;

use super::output::Format;
use super::server::print;
use crate::home::Home;

/// Commands on the settings of a server.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum ParameterCommand {
    /// List all settings
    List(Of),
    /// Show one setting
    Show(One),
    /// Change one setting and prove that it took effect
    Set(SetCommand),
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
            print(home, "parameter-list", json!({ "server": of.server }), format, &columns)
        }
        ParameterCommand::Show(one) => {
            let args = json!({ "server": one.of.server, "name": one.name });
            print(home, "parameter-show", args, format, &[])
        }
        ParameterCommand::Set(SetCommand { one, value }) => {
            let args = json!({ "server": one.of.server, "name": one.name, "value": value });
            print(home, "parameter-set", args, format, &[])
        }
    }
}
