//! `pgkeep doctor`: what this machine and this home lack, and what cures it. Changes nothing.

mod keyvault;
mod machine;
mod parse;
mod place;
mod postgres;
mod running;
mod seal;
#[cfg(test)]
mod tests;

use base::{ExitCode, Fault};
use serde::Serialize;
use serde_json::json;

use crate::cli::output::{self, Format};
use crate::home::{Accounts, Config, Home};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    Ok,
    /// It works, but not as well or as safely as it could.
    Warn,
    /// pgkeep will not run, or not safely.
    Fail,
    /// It could not be found out; never counts as good.
    CannotTell,
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    verdict: Verdict,
    message: String,
    /// What to do, where something is to be done.
    fix: Option<String>,
}

impl Check {
    fn new(name: &'static str, verdict: Verdict, message: impl Into<String>) -> Self {
        Self { name, verdict, message: message.into(), fix: None }
    }

    fn ok(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Verdict::Ok, message)
    }

    fn warn(name: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..Self::new(name, Verdict::Warn, message) }
    }

    fn fail(name: &'static str, message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { fix: Some(fix.into()), ..Self::new(name, Verdict::Fail, message) }
    }

    fn cannot_tell(name: &'static str, message: impl Into<String>) -> Self {
        Self::new(name, Verdict::CannotTell, message)
    }
}

/// Runs all checks and prints them; a gate: one that failed is exit code 6.
pub(crate) fn run(home: &Home, format: Format) -> Result<ExitCode, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Fault::from_error("runtime", "could not start the runtime", &e))?;
    let checks = runtime.block_on(check(home));
    match format {
        Format::Table => output::print(&text(&checks))?,
        _ => output::show(format, &json!(checks), &["name", "verdict", "message", "fix"])?,
    }
    let failed = checks.iter().any(|check| check.verdict == Verdict::Fail);
    Ok(if failed { ExitCode::Gate } else { ExitCode::Ok })
}

async fn check(home: &Home) -> Vec<Check> {
    let config = Config::load(home);
    let accounts = Accounts::find(false, &mut |_| {});
    let mut checks = postgres::checks(config.as_ref().ok()).await;
    checks.extend(machine::checks(accounts.as_ref().ok()));
    let vault = keyvault::status(home).await;
    checks.extend(place::checks(home, &config, accounts.as_ref(), vault.as_ref()));
    checks.extend(seal::token(home, config.as_ref().ok(), accounts.as_ref().ok()).await);
    checks.push(keyvault::names().await);
    if let Some(vault) = &vault {
        checks.extend([keyvault::served(home, vault), keyvault::identities(vault)]);
    }
    checks.extend(running::checks(home, config.as_ref().ok()).await);
    checks
}

fn text(checks: &[Check]) -> String {
    let mut lines = String::new();
    for check in checks {
        let mark = match check.verdict {
            Verdict::Ok => "✓",
            Verdict::Warn => "!",
            Verdict::Fail => "✗",
            Verdict::CannotTell => "?",
        };
        lines.push_str(&format!("{mark} {:<18} {}\n", check.name, check.message));
        if let Some(fix) = &check.fix {
            lines.push_str(&format!("  {:<18} → {fix}\n", ""));
        }
    }
    lines
}
