//! `pgkeep baseline history` and `drift`.

use base::{ExitCode, Fault};
use clap::Args;
use serde_json::{Value, json};

use super::assess::Wanted;
use super::schedule::ServerArg;
use crate::cli::ask::{all, get, print};
use crate::cli::output::{Format, say};
use crate::home::Home;

/// Arguments of `pgkeep baseline history`.
#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryCommand {
    #[command(flatten)]
    server: ServerArg,
}

/// Arguments of `pgkeep baseline drift`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DriftCommand {
    #[command(flatten)]
    server: ServerArg,
    /// The earlier one, by its number
    #[arg(long, value_name = "ID")]
    from: Option<u64>,
    /// The later one
    #[arg(long, value_name = "ID")]
    to: Option<u64>,
    /// Compare the last two by this profile
    #[arg(long, value_name = "PROFILE", conflicts_with_all = ["from", "to"])]
    profile: Option<Wanted>,
}

const COLUMNS: [&str; 9] = [
    "id",
    "assessed_at",
    "by",
    "profile",
    "score",
    "coverage",
    "counts/fail",
    "counts/pass",
    "has_evidence",
];
const CHANGES: [&str; 7] = ["id", "severity", "was", "is", "new", "fixed", "title"];

pub(super) fn list(
    home: &Home,
    command: &HistoryCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    print(&all(home, &command.server.path("/assessments")?)?, format, &COLUMNS)
}

pub(super) fn drift(
    home: &Home,
    command: &DriftCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    let said = [
        command.from.map(|id| format!("from={id}")),
        command.to.map(|id| format!("to={id}")),
        command.profile.map(|profile| format!("profile={}", profile.name())),
    ];
    let said: Vec<String> = said.into_iter().flatten().collect();
    let query = if said.is_empty() { String::new() } else { format!("?{}", said.join("&")) };
    let drift = get(home, &command.server.path(&format!("/drift{query}"))?)?;
    if matches!(format, Format::Json | Format::Jsonc) {
        return print(&drift, format, &[]);
    }
    let n = |list: &Value| list.as_array().map_or(0, Vec::len);
    let changes = drift["changes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rows: Value = changes
        .iter()
        .map(|change| {
            json!({
                "id": change["id"],
                "severity": change["severity"],
                "was": change["was"],
                "is": change["is"],
                "new": n(&change["new"]),
                "fixed": n(&change["fixed"]),
                "title": change["title"],
            })
        })
        .collect();
    let printed = print(&rows, format, &CHANGES)?;
    say(&format!("{} findings are new, {} are mended", drift["n_new"], drift["n_fixed"]));
    Ok(printed)
}
