//! `pgkeep baseline checks`, `profiles` and `show`.

use base::{ExitCode, Fault};
use baseline::{Check, Profile};
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

/// Where benchmarks want different values: one row a value, with what each wants.
pub(super) fn profiles(format: Format) -> Result<ExitCode, Fault> {
    const COLUMNS: [&str; 8] =
        ["id", "title", "value", "default", "azure-mcsb", "cis", "stig", "paranoid"];
    let library = library()?;
    let mut rows = Vec::new();
    for check in library.checks().filter(|check| !check.profiles.is_empty()) {
        for (name, default) in &check.values {
            let of = |profile: Profile| check.profiles.get(&profile).and_then(|v| v.get(name));
            if Profile::ALL.iter().all(|profile| of(*profile).is_none()) {
                continue;
            }
            let mut row = json!({ "id": check.id, "title": check.title, "value": name });
            let as_json = |value| {
                serde_json::to_value(value)
                    .map_err(|e| Fault::from_error("content", "a check has odd values", &e))
            };
            row["default"] = as_json(default)?;
            for profile in Profile::ALL {
                row[profile.name()] = as_json(of(profile).unwrap_or(default))?;
            }
            rows.push(row);
        }
    }
    output::show(format, &Value::Array(rows), &COLUMNS).map(|()| ExitCode::Ok)
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
