//! `pgkeep logs retention` and `pgkeep logs erase`: what makes events go.

use base::{ExitCode, Fault};
use serde_json::json;

use super::super::ask::{ask, part, print};
use super::super::output::{Format, say};
use super::query;
use crate::home::Home;

/// Arguments of `pgkeep logs retention`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct RetentionCommand {
    /// The table
    #[arg(long, value_name = "TABLE")]
    table: String,
    /// After so many days a day of events is dropped
    #[arg(long, value_name = "N", required_unless_present = "forever")]
    days: Option<u32>,
    /// Keep all
    #[arg(long, conflicts_with = "days")]
    forever: bool,
}

/// Arguments of `pgkeep logs erase`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct EraseCommand {
    /// The table
    #[arg(long, value_name = "TABLE")]
    table: String,
    /// Which events: what stands behind `where` in a query
    #[arg(long = "where", value_name = "CONDITION")]
    condition: String,
    /// Remove the old files now instead of after a week
    #[arg(long)]
    at_once: bool,
    /// Do it
    #[arg(long)]
    yes: bool,
}

pub(super) fn retention(
    home: &Home,
    command: &RetentionCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    let path = format!("/logs/tables/{}/retention", part(&command.table)?);
    let wish = json!({ "days": command.days });
    print(&ask(home, "PUT", &path, Some(&wish))?, format, &[])
}

pub(super) fn erase(
    home: &Home,
    command: &EraseCommand,
    format: Format,
) -> Result<ExitCode, Fault> {
    let table = part(&command.table)?;
    if !command.yes {
        let text = format!("{table} | where {} | count", command.condition);
        let answer = query::ask(home, &json!({ "query": text }))?;
        let n = answer.rows.first().and_then(|row| row.first()?.as_u64()).unwrap_or(0);
        say(&format!("{n} rows of {table} would be erased"));
        return Err(Fault::new("bad_request", "erasing cannot be undone")
            .hint("say that you mean it: --yes")
            .exit(ExitCode::Usage));
    }
    let wish = json!({ "condition": command.condition, "at_once": command.at_once });
    let path = format!("/logs/tables/{table}/erase");
    print(&ask(home, "POST", &path, Some(&wish))?, format, &[])
}
