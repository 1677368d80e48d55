//! `pgkeep keyvault role-assignment`: roles of Azure Key Vault, per vault or per key.

use base::{ExitCode, Fault};
use clap::{Args, Subcommand};
use serde_json::json;
use vault::Role;

use super::output::{self, Format};
use super::vault::ask;
use crate::home::Home;

/// Commands on role assignments.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum RoleCommand {
    /// Give an identity a role; it holds from the next request on
    #[command(after_help = "\
Examples:
  pgkeep keyvault role-assignment create --vault-name pay --assignee app \\
      --role 'Key Vault Crypto Service Encryption User' --key tde
  pgkeep keyvault role-assignment create --vault-name pay --assignee ann \\
      --role 'Key Vault Crypto Officer'

Roles: Key Vault Administrator, Key Vault Crypto Officer, Key Vault Crypto User,
Key Vault Crypto Service Encryption User, Key Vault Reader, and the others of Azure; \"Key Vault\"
may be left out, and Azure's id does as well. Without a role nothing is allowed.")]
    Create(Assignment),
    /// Take a role away; the next request is refused
    #[command(after_help = "\
Examples:
  pgkeep keyvault role-assignment delete --vault-name pay --assignee app \\
      --role 'Key Vault Crypto Service Encryption User' --key tde
  pgkeep keyvault role-assignment delete --id 3b0f8f3e-5d59-4c2c-8d0c-0d3a7f3f9a11")]
    Delete(DeleteCommand),
    /// List the roles held on a vault, or on all
    List(ListCommand),
}

/// Who holds which role where.
#[derive(Clone, Debug, Args)]
pub(super) struct Assignment {
    /// Name of the key vault
    #[arg(long)]
    vault_name: String,
    /// One key of it instead of all; it need not be there yet
    #[arg(long, short)]
    key: Option<String>,
    /// Name or id of the role
    #[arg(long, value_parser = role)]
    role: Role,
    /// Name, client id or object id of the identity
    #[arg(long, value_name = "IDENTITY")]
    assignee: String,
}

#[derive(Clone, Debug, Args)]
pub(super) struct DeleteCommand {
    #[command(flatten)]
    assignment: Option<Assignment>,
    /// Id of the assignment, instead of all that it says
    #[arg(long, conflicts_with = "Assignment", required_unless_present = "vault_name")]
    id: Option<String>,
}

#[derive(Clone, Debug, Args)]
pub(super) struct ListCommand {
    /// Name of the key vault [default: all]
    #[arg(long)]
    vault_name: Option<String>,
}

const LIST: [&str; 5] = ["vault", "key", "role", "assignee", "id"];

/// Runs one command.
pub(super) fn run(home: &Home, command: RoleCommand, format: Format) -> Result<ExitCode, Fault> {
    let (op, args, columns): (_, _, &[&str]) = match command {
        RoleCommand::Create(assignment) => ("role-assignment-create", args(&assignment), &[]),
        RoleCommand::Delete(DeleteCommand { assignment, id }) => {
            let args = assignment.map_or_else(|| json!({ "id": id }), |it| args(&it));
            ("role-assignment-delete", args, &[])
        }
        RoleCommand::List(command) => {
            ("role-assignment-list", json!({ "vault": command.vault_name }), &LIST)
        }
    };
    output::show(format, &ask(home, op, args)?, columns).map(|()| ExitCode::Ok)
}

fn args(assignment: &Assignment) -> serde_json::Value {
    json!({
        "vault": assignment.vault_name,
        "key": assignment.key,
        "role": assignment.role.id(),
        "assignee": assignment.assignee,
    })
}

/// A role by its name, with or without "Key Vault", or by its id.
fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).or_else(|| Role::parse(&format!("Key Vault {text}"))).ok_or_else(|| {
        let names: Vec<&str> = Role::ALL.into_iter().map(Role::name).collect();
        format!("there is no such role; there are {}", names.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_understood_in_three_ways() {
        for text in [
            "Key Vault Crypto Officer",
            "key vault crypto officer",
            "crypto officer",
            "14B46E9E-C2B7-41B4-B07B-48A6EBF60603",
        ] {
            assert_eq!(role(text), Ok(Role::CryptoOfficer), "{text}");
        }
        assert!(role("Owner").unwrap_err().contains("Key Vault Reader"));
        assert!(role("").is_err());
    }
}
