//! `pgkeep baseline checks` and `show`.

use base::{ExitCode, Fault};
use baseline::Check;
use clap::Args;
use serde_json::{Value, json};

use super::library;
use crate::cli::output::{self, Format};

/// Arguments of `pgkeep baseline checks`.
#[derive(Debug, Args)]
pub(in crate::cli) struct ListCommand {
    /// Only those of this topic
    #[arg(long)]
    topic: Option<String>,
    /// Only those that pgkeep can mend by itself
    #[arg(long)]
    automatic: bool,
}

const COLUMNS: [&str; 6] = ["id", "topic", "severity", "access", "fix/class", "title"];

pub(super) fn run(command: &ListCommand, format: Format) -> Result<ExitCode, Fault> {
    let library = library()?;
    let is_wanted = |check: &&Check| {
        command.topic.as_ref().is_none_or(|topic| *topic == check.topic)
            && (!command.automatic || check.fix.class.is_automatic())
    };
    let checks = library.checks().filter(is_wanted);
    let list: Vec<Value> = checks.map(brief).collect();
    output::show(format, &Value::Array(list), &COLUMNS).map(|()| ExitCode::Ok)
}

pub(super) fn show(id: &str, format: Format) -> Result<ExitCode, Fault> {
    let library = library()?;
    let check = library.check(id).map_err(|error| error.fault())?;
    let mut whole = brief(check);
    whole["why"] = json!(check.why);
    whole["rules"] = json!({
        "not_applicable": check.rules.not_applicable,
        "cannot_tell": check.rules.cannot_tell,
        "fail": check.rules.fail,
        "show": check.rules.show,
    });
    let values: Value = serde_json::to_value(&check.values)
        .map_err(|e| Fault::from_error("content", "a check has odd values", &e))?;
    whole["values"] = values;
    whole["mcsb"] = json!(check.mcsb);
    whole["cis"] = json!(check.cis);
    whole["stig"] = json!(check.stig);
    whole["nist"] = json!(check.nist);
    output::show(format, &whole, &[]).map(|()| ExitCode::Ok)
}

fn brief(check: &Check) -> Value {
    json!({
        "id": check.id,
        "topic": check.topic,
        "title": check.title,
        "severity": check.severity,
        "access": check.access,
        "fix": {
            "class": check.fix.class,
            "automatic": check.fix.class.is_automatic(),
            "why": check.fix.why,
        },
    })
}
