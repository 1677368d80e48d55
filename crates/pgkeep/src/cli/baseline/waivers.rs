//! `pgkeep baseline waive`, `waivers` and `unwaive`.

use base::{ExitCode, Fault};
use clap::Args;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::cli::ask::{all, ask, part, print};
use crate::cli::output::Format;
use crate::home::Home;

/// Arguments of `pgkeep baseline waive`.
#[derive(Debug, Args)]
pub(in crate::cli) struct WaiveCommand {
    /// The check
    id: String,
    /// Why the failure is accepted
    #[arg(long)]
    reason: String,
    /// Who answers for it
    #[arg(long)]
    owner: String,
    /// Who approved of it
    #[arg(long)]
    approver: Option<String>,
    /// The last day on which it holds, in UTC
    #[arg(long, value_name = "DATE")]
    until: Date,
    /// On this server alone
    #[arg(short, long, value_name = "NAME")]
    server: Option<String>,
    /// This finding alone, by its fingerprint
    #[arg(long, value_name = "FINGERPRINT")]
    finding: Option<String>,
}

/// Arguments of `pgkeep baseline waivers`.
#[derive(Debug, Args)]
pub(in crate::cli) struct WaiversCommand {
    /// Those that count on this server
    #[arg(short, long, value_name = "NAME")]
    server: Option<String>,
}

const COLUMNS: [&str; 7] = ["id", "check", "server", "finding", "owner", "until", "reason"];
const ALL: &str = "/baseline/waivers";

pub(super) fn waive(
    home: &Home,
    command: &WaiveCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    let wish = json!({
        "check": command.id,
        "reason": command.reason,
        "owner": command.owner,
        "approver": command.approver,
        "until": command.until,
        "finding": command.finding,
    });
    let path = path(command.server.as_deref())?;
    print(&ask(home, "POST", &path, Some(&wish))?, format, &[])
}

pub(super) fn list(
    home: &Home,
    command: &WaiversCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    let mut list = all(home, ALL)?;
    if let (Some(server), Value::Array(list)) = (&command.server, &mut list) {
        list.retain(|waiver| waiver["server"].is_null() || waiver["server"] == **server);
    }
    print(&list, format, &COLUMNS)
}

pub(super) fn unwaive(home: &Home, id: &str, format: Format) -> Result<ExitCode, Fault> {
    let list = all(home, ALL)?;
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let waiver = list.iter().find(|waiver| waiver["id"] == id).ok_or_else(|| {
        Fault::new("not_found", format!("there is no waiver \"{id}\""))
            .hint("`pgkeep baseline waivers` lists them")
            .exit(ExitCode::NotFound)
    })?;
    let path = format!("{}/{}", path(waiver["server"].as_str())?, part(id)?);
    print(&ask(home, "DELETE", &path, None)?, format, &[])
}

/// Where the waivers of a server are made and taken away, or those of all.
fn path(server: Option<&str>) -> Result<String, Fault> {
    match server {
        None => Ok(ALL.to_owned()),
        Some(server) => Ok(format!("/servers/{}{ALL}", part(server)?)),
    }
}
