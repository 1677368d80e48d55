//! `pgkeep keyvault`: key vaults that speak the Azure Key Vault keys API.

use base::{ExitCode, Fault};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::keyvault_key::{self, KeyCommand};
use super::keyvault_role::{self, RoleCommand};
use super::output::{self, Format};
use super::vault::ask;
use crate::home::Home;

/// Commands on key vaults.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum KeyvaultCommand {
    /// Make a key vault
    #[command(after_help = "\
Examples:
  pgkeep keyvault create -n pay
  pgkeep keyvault create -n pay --retention-days 7 --purge-protection

Deleted keys can be recovered for the retention time, which cannot be changed afterwards.")]
    Create(CreateCommand),
    /// Show a key vault: its URI for SDKs and the file of the CA that signs for it
    Show(Named),
    /// List the key vaults
    List,
    /// Turn purge protection on, for ever
    Update(UpdateCommand),
    /// Keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Who may do what with the keys of a vault
    #[command(subcommand)]
    RoleAssignment(RoleCommand),
}

#[derive(Clone, Debug, Args)]
pub(super) struct CreateCommand {
    #[command(flatten)]
    named: Named,
    /// How long a deleted key can be recovered, 7 to 90 days [default: 90]
    #[arg(long, value_parser = clap::value_parser!(u32).range(7..=90))]
    retention_days: Option<u32>,
    /// Nobody may purge a deleted key before that; cannot be undone
    #[arg(long)]
    purge_protection: bool,
}

/// Which vault.
#[derive(Clone, Debug, Args)]
pub(super) struct Named {
    /// Name of the key vault
    #[arg(short, long, alias = "vault-name")]
    name: String,
}

#[derive(Clone, Debug, Args)]
pub(super) struct UpdateCommand {
    #[command(flatten)]
    named: Named,
    /// Nobody may purge a deleted key before its retention time ends; cannot be undone
    #[arg(long, required = true)]
    purge_protection: bool,
}

const LIST: [&str; 4] = ["name", "uri", "retention_days", "purge_protection"];

/// Runs one command.
pub(super) fn run(
    home: &Home,
    command: KeyvaultCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    let (op, args, columns): (_, _, &[&str]) = match command {
        KeyvaultCommand::Create(command) => {
            let args = json!({
                "name": command.named.name,
                "retention_days": command.retention_days,
                "purge_protection": command.purge_protection,
            });
            ("keyvault-create", args, &[])
        }
        KeyvaultCommand::Show(named) => ("keyvault-show", json!({ "name": named.name }), &[]),
        KeyvaultCommand::List => ("keyvault-list", Value::Null, &LIST),
        KeyvaultCommand::Update(command) => {
            let UpdateCommand { named, purge_protection } = command;
            let args = json!({ "name": named.name, "purge_protection": purge_protection });
            ("keyvault-update", args, &[])
        }
        KeyvaultCommand::Key(command) => return keyvault_key::run(home, command, format),
        KeyvaultCommand::RoleAssignment(command) => {
            return keyvault_role::run(home, command, format);
        }
    };
    output::show(format, &ask(home, op, args)?, columns).map(|()| ExitCode::Ok)
}
