//! `pgkeep keyvault key rotation-policy`: when a key is rotated by itself.

use base::{ExitCode, Fault};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::keyvault_key::{OfKey, change, on_key};
use super::output::{self, Format};
use crate::home::Home;

/// Commands on rotation policies.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum PolicyCommand {
    /// Show when a key is rotated
    Show(OfKey),
    /// Say anew when a key is rotated; what is left out is taken away
    #[command(
        alias = "update",
        after_help = "\
Examples:
  pgkeep keyvault key rotation-policy set --vault-name pay -n tde --rotate-after P90D
  pgkeep keyvault key rotation-policy set --vault-name pay -n tde \\
      --expires-in P1Y --rotate-before P30D --notify-before P60D

Times are ISO 8601 durations of at least seven days, by days, months or years: P90D, P18M, P2Y."
    )]
    Set(SetCommand),
}

#[derive(Clone, Debug, Args)]
pub(super) struct SetCommand {
    #[command(flatten)]
    key: OfKey,
    /// Rotate so long after a version was made
    #[arg(long, value_name = "DURATION", conflicts_with = "rotate_before")]
    rotate_after: Option<String>,
    /// Rotate so long before a version expires
    #[arg(long, value_name = "DURATION")]
    rotate_before: Option<String>,
    /// Record that a version is about to expire so long before [default: P30D]
    #[arg(long, value_name = "DURATION")]
    notify_before: Option<String>,
    /// How long a version made by rotation is valid [default: for ever]
    #[arg(long, value_name = "DURATION")]
    expires_in: Option<String>,
}

/// Runs one command.
pub(super) fn run(home: &Home, command: PolicyCommand, format: Format) -> Result<ExitCode, Fault> {
    let policy = match command {
        PolicyCommand::Show(of) => on_key(home, "policy-get", &of)?,
        PolicyCommand::Set(command) => {
            let body = command.body();
            change(home, "policy-set", &command.key, body)?
        }
    };
    match format {
        Format::Table | Format::Tsv => output::show(format, &plain(&policy), &COLUMNS)?,
        _ => output::show(format, &policy, &[])?,
    }
    Ok(ExitCode::Ok)
}

const COLUMNS: [&str; 4] = ["rotate_after", "rotate_before", "notify_before", "expires_in"];

impl SetCommand {
    fn body(&self) -> Value {
        let Self { rotate_after, rotate_before, notify_before, expires_in, .. } = self;
        let after = ("Rotate", "timeAfterCreate", rotate_after);
        let before = ("Rotate", "timeBeforeExpiry", rotate_before);
        let notify = ("Notify", "timeBeforeExpiry", notify_before);
        let actions: Vec<Value> = [after, before, notify]
            .into_iter()
            .filter_map(|(kind, trigger, time)| {
                let time = time.as_ref()?;
                Some(json!({ "action": { "type": kind }, "trigger": { trigger: time } }))
            })
            .collect();
        json!({ "lifetimeActions": actions, "attributes": { "expiryTime": expires_in } })
    }
}

/// A policy for a person.
fn plain(policy: &Value) -> Value {
    let actions = policy["lifetimeActions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let time = |kind: &str, trigger: &str| {
        let is = |action: &&Value| {
            action["action"]["type"].as_str().is_some_and(|text| text.eq_ignore_ascii_case(kind))
        };
        actions.iter().find(is).map(|action| action["trigger"][trigger].clone())
    };
    json!({
        "rotate_after": time("Rotate", "timeAfterCreate"),
        "rotate_before": time("Rotate", "timeBeforeExpiry"),
        "notify_before": time("Notify", "timeBeforeExpiry"),
        "expires_in": policy["attributes"]["expiryTime"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_as_it_was_said() {
        let key = OfKey { vault_name: "v".to_owned(), name: "k".to_owned() };
        let command = SetCommand {
            key,
            rotate_after: None,
            rotate_before: Some("P30D".to_owned()),
            notify_before: Some("P60D".to_owned()),
            expires_in: Some("P1Y".to_owned()),
        };
        let body = command.body();
        assert_eq!(body["lifetimeActions"].as_array().unwrap().len(), 2);
        assert_eq!(
            plain(&body),
            json!({
                "rotate_after": null,
                "rotate_before": "P30D",
                "notify_before": "P60D",
                "expires_in": "P1Y",
            })
        );
    }
}
