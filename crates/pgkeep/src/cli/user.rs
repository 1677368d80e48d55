//! `pgkeep user`: local accounts of people. Passwords are typed or come by standard input.

use base::{ExitCode, Fault};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::ask::{all, ask, part};
use super::output::{self, Format, say};
use super::roles::{assignments, roles_text, with_roles};
use super::vault_input::new_passphrase;
use crate::home::Home;

/// Commands on accounts.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Make an account; its password is typed, or the first line of standard input
    #[command(after_help = "\
Examples:
  pgkeep user create -n anna --role owner
  pgkeep user create -n ben --role key-officer@/keyvaults/shop --role reader
  pgkeep user create -n carla --role auditor --no-password

Without a password only a one-time link lets in: pgkeep portal login-link --user carla")]
    Create(CreateCommand),
    /// Show an account
    Show(Named),
    /// List the accounts
    List,
    /// Set a password; all sessions of the account end
    SetPassword(Named),
    /// Set all roles of an account
    SetRoles(RolesCommand),
    /// Let an account sign in again
    Enable(Named),
    /// Keep an account out at once
    Disable(Named),
    /// Delete an account, with its sessions and tokens
    Delete(Named),
}

/// Which account.
#[derive(Clone, Debug, Args)]
pub(super) struct Named {
    /// Name of the user
    #[arg(short, long)]
    name: String,
}

/// Arguments of `pgkeep user create`.
#[derive(Clone, Debug, Args)]
pub(super) struct CreateCommand {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    roles: Roles,
    /// No password: by one-time link only
    #[arg(long)]
    no_password: bool,
}

/// Arguments of `pgkeep user set-roles`.
#[derive(Clone, Debug, Args)]
pub(super) struct RolesCommand {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    roles: Roles,
}

#[derive(Clone, Debug, Args)]
struct Roles {
    /// What they may do: ROLE, or ROLE@SCOPE; several are possible, none takes all away
    #[arg(long)]
    role: Vec<String>,
    /// Where, for roles that name no scope
    #[arg(long, default_value = "/")]
    scope: String,
}

const COLUMNS: [&str; 5] = ["name", "enabled", "has_password", "roles", "signed_in_at"];

/// Runs one command.
pub(super) fn run(home: &Home, command: &UserCommand, format: Format) -> Result<ExitCode, Fault> {
    let shown = match command {
        UserCommand::Create(command) => create(home, command)?,
        UserCommand::Show(named) => ask(home, "GET", &path(named)?, None)?,
        UserCommand::List => {
            let list = with_roles(all(home, "/users")?);
            return output::show(format, &list, &COLUMNS).map(|()| ExitCode::Ok);
        }
        UserCommand::SetPassword(named) => {
            let path = format!("{}/password", path(named)?);
            let mut wish = json!({ "password": password(&named.name)? });
            let set = ask(home, "POST", &path, Some(&wish));
            crate::rpc::scrub(&mut wish);
            set?;
            say(&format!("the password of {} is set; all sessions have ended", named.name));
            return Ok(ExitCode::Ok);
        }
        UserCommand::SetRoles(RolesCommand { named, roles }) => {
            let wish = json!({ "assignments": assignments(&roles.role, &roles.scope) });
            ask(home, "PUT", &format!("{}/roles", path(named)?), Some(&wish))?
        }
        UserCommand::Enable(named) => enable(home, named, true)?,
        UserCommand::Disable(named) => enable(home, named, false)?,
        UserCommand::Delete(named) => {
            ask(home, "DELETE", &path(named)?, None)?;
            say(&format!("user {} is deleted", named.name));
            return Ok(ExitCode::Ok);
        }
    };
    show(format, shown)
}

fn path(named: &Named) -> Result<String, Fault> {
    Ok(format!("/users/{}", part(&named.name)?))
}

fn create(home: &Home, command: &CreateCommand) -> Result<Value, Fault> {
    let CreateCommand { named, roles, no_password } = command;
    let mut wish = json!({
        "name": named.name, "assignments": assignments(&roles.role, &roles.scope),
    });
    if !no_password {
        wish["password"] = json!(password(&named.name)?);
    }
    let made = ask(home, "POST", "/users", Some(&wish));
    crate::rpc::scrub(&mut wish);
    made
}

fn password(name: &str) -> Result<String, Fault> {
    let prompt = format!("New password of {name} (12 characters at least):");
    Ok(new_passphrase(&prompt)?.expose().clone())
}

fn enable(home: &Home, named: &Named, enabled: bool) -> Result<Value, Fault> {
    ask(home, "PATCH", &path(named)?, Some(&json!({ "enabled": enabled })))
}

fn show(format: Format, mut shown: Value) -> Result<ExitCode, Fault> {
    if format == Format::Table {
        shown["roles"] = json!(roles_text(&shown));
        return output::show(format, &shown, &COLUMNS).map(|()| ExitCode::Ok);
    }
    output::show(format, &shown, &[]).map(|()| ExitCode::Ok)
}
