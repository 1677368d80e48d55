//! `pgkeep token`: tokens by which programs use the API.

use base::{ExitCode, Fault};
use clap::{Args, Subcommand};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde_json::json;

use super::ask::{all, ask, part};
use super::output::{self, Format, say};
use super::roles::{assignments, with_roles};
use crate::home::Home;

/// Commands on tokens.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and print it, this once
    #[command(after_help = "\
Examples:
  pgkeep token create --role reader
  pgkeep token create --role key-officer --scope /keyvaults/shop --name rotation --expires-in P30D
  curl --cacert ca.pem -H \"Authorization: Bearer $TOKEN\" https://localhost:8443/api/v1/servers

Roles: owner, security-admin, security-reader, data-steward, auditor, key-officer, reader.
Scopes: / (everything), /servers/NAME, /keyvaults/NAME.")]
    Create(CreateCommand),
    /// List the tokens, without their secrets
    List,
    /// End a token
    Revoke {
        /// Id or name of the token
        #[arg(long, value_name = "ID|NAME")]
        id: String,
    },
}

/// Arguments of `pgkeep token create`.
#[derive(Clone, Debug, Args)]
pub(super) struct CreateCommand {
    /// What it may do: ROLE, or ROLE@SCOPE; several are possible
    #[arg(long, required = true)]
    role: Vec<String>,
    /// Where, for roles that name no scope
    #[arg(long, default_value = "/")]
    scope: String,
    /// What it is for [default: made up]
    #[arg(short, long)]
    name: Option<String>,
    /// How long it is good, as an ISO 8601 duration [default: P90D]
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<Span>,
}

const COLUMNS: [&str; 6] = ["id", "name", "roles", "made_by", "expires_at", "used_at"];

/// Runs one command.
pub(super) fn run(home: &Home, command: &TokenCommand, format: Format) -> Result<ExitCode, Fault> {
    match command {
        TokenCommand::Create(command) => create(home, command, format),
        TokenCommand::List => {
            let list = with_roles(all(home, "/tokens")?);
            output::show(format, &list, &COLUMNS).map(|()| ExitCode::Ok)
        }
        TokenCommand::Revoke { id } => revoke(home, id),
    }
}

fn create(home: &Home, command: &CreateCommand, format: Format) -> Result<ExitCode, Fault> {
    let CreateCommand { role, scope, name, expires_in } = command;
    let mut wish = json!({ "assignments": assignments(role, scope) });
    if let Some(name) = name {
        wish["name"] = json!(name);
    }
    if let Some(span) = expires_in {
        wish["expires_at"] = json!(after(*span)?);
    }
    let mut made = ask(home, "POST", "/tokens", Some(&wish))?;
    let printed = match format {
        Format::Table | Format::Tsv => {
            say(&format!(
                "token {} ends at {}; it is shown this once",
                made["name"].as_str().unwrap_or_default(),
                made["expires_at"].as_str().unwrap_or_default(),
            ));
            let text = made["token"].as_str().unwrap_or_default();
            output::print(&zeroize::Zeroizing::new(format!("{text}\n")))
        }
        _ => output::show(format, &made, &[]),
    };
    crate::rpc::scrub(&mut made);
    printed.map(|()| ExitCode::Ok)
}

/// The moment after a span of calendar days or hours.
fn after(span: Span) -> Result<Timestamp, Fault> {
    let now = Timestamp::now().to_zoned(TimeZone::UTC);
    let then = now.checked_add(span).map_err(|e| {
        Fault::from_error("usage", "this is no time to expire", &e).exit(ExitCode::Usage)
    })?;
    Ok(then.timestamp())
}

fn revoke(home: &Home, wanted: &str) -> Result<ExitCode, Fault> {
    let list = all(home, "/tokens")?;
    let tokens = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let found = tokens.iter().find(|token| token["id"] == wanted || token["name"] == wanted);
    let id = found.and_then(|token| token["id"].as_str()).ok_or_else(|| {
        Fault::new("not_found", format!("there is no token \"{wanted}\""))
            .hint("pgkeep token list")
            .exit(ExitCode::NotFound)
    })?;
    ask(home, "DELETE", &format!("/tokens/{}", part(id)?), None)?;
    say(&format!("token {wanted} has ended"));
    Ok(ExitCode::Ok)
}
