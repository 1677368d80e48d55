//! `pgkeep up`, `down`, `status`.

use std::io::IsTerminal as _;
use std::time::Duration;

use api::access::ADMIN;
use base::{Changed, ExitCode, Fault, Secret};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::output::{self, Format, say};
use super::progress::Steps;
use super::{messages, one_thread, portal};
use crate::home::Home;
use crate::rpc;
use crate::supervisor::{self, Outcome, Report, UpArgs};

/// Arguments of `pgkeep up`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct UpCommand {
    #[command(flatten)]
    up: UpArgs,
    /// Return when everything is up, and leave it running
    #[arg(long)]
    detach: bool,
}

/// Arguments of `pgkeep down`.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(super) struct DownCommand {
    /// Give up waiting after so many seconds; what was begun goes on
    #[arg(long, default_value_t = 600, value_name = "SECONDS")]
    timeout: u64,
}

/// Starts everything; in the foreground until a signal comes.
pub(super) fn up(home: &Home, command: &UpCommand, format: Format) -> Result<ExitCode, Fault> {
    let runtime = one_thread()?;
    let steps = Steps::new();
    let outcome = runtime.block_on(async {
        if supervisor::status_of(home).await.is_ok() {
            return supervisor::unchanged(home).await.map(|outcome| Some((outcome, None)));
        }
        if command.detach {
            let outcome = supervisor::up_detached(home, &command.up, |m| steps.say(m)).await?;
            let link = link(home, format).await;
            return Ok(Some((outcome, link)));
        }
        let outcome = foreground(home, command, &steps, format).await?;
        Ok(outcome.map(|outcome| (outcome, None)))
    });
    steps.done();
    match outcome? {
        Some((outcome, link)) => conclude(home, &outcome, link.as_ref(), format),
        None => Ok(ExitCode::Ok),
    }
}

/// `None` after a whole life in the foreground; the outcome when another supervisor was faster.
async fn foreground(
    home: &Home,
    command: &UpCommand,
    steps: &Steps,
    format: Format,
) -> Result<Option<Outcome>, Fault> {
    let for_report = steps.clone();
    let report = Report::new(move |message| for_report.say(message));
    let ready = async |outcome: Outcome| {
        let link = link(home, format).await;
        steps.done();
        conclude(home, &outcome, link.as_ref(), format)?;
        say("running until Ctrl-C");
        Ok(())
    };
    match supervisor::run(home, &command.up, &report, ready).await? {
        Some(()) => Ok(None),
        None => supervisor::unchanged(home).await.map(Some),
    }
}

/// A one-time link to sign in, for a person at a terminal only: what is written elsewhere stays.
/// Without one the way to get it is said.
async fn link(home: &Home, format: Format) -> Option<Secret<String>> {
    if format != Format::Table || !std::io::stdout().is_terminal() {
        return None;
    }
    portal::new_link(home, ADMIN).await.ok()
}

/// Prints the summary, and what did not come up.
fn conclude(
    home: &Home,
    outcome: &Outcome,
    link: Option<&Secret<String>>,
    format: Format,
) -> Result<ExitCode, Fault> {
    if format == Format::Table {
        output::print(&summary(home, outcome))?;
        let sign_in = match link {
            Some(link) => format!("{} (once, within 15 minutes)", link.expose()),
            None => "pgkeep portal login-link".to_owned(),
        };
        output::print(&Zeroizing::new(format!("  sign in  {sign_in}\n")))?;
    } else {
        output::show(format, &outcome.status, &[])?;
    }
    for fault in &outcome.faults {
        messages::complain(format, fault);
    }
    Ok(supervisor::exit_of(&outcome.faults))
}

fn summary(home: &Home, outcome: &Outcome) -> String {
    let status = &outcome.status;
    let head = match (outcome.changed, outcome.faults.is_empty()) {
        (Changed::Unchanged, _) => "pgkeep is already up",
        (Changed::Changed, true) => "pgkeep is up",
        (Changed::Changed, false) => "pgkeep is up, but not all of it",
    };
    format!("{head}\n{}", overview(home, status))
}

/// The body of `up` and `status` for a person.
fn overview(home: &Home, status: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut lines = vec![
        format!("  home     {}", home.root().display()),
        format!("  vault    {}", text(&status["vault"]["state"])),
    ];
    lines.push(match status["plane"]["url"].as_str() {
        Some(url) => format!("  portal   {url}"),
        None => format!("  portal   not served: {}", text(&status["plane"]["reason"])),
    });
    let servers = status["servers"].as_array().map(Vec::as_slice).unwrap_or_default();
    if servers.is_empty() {
        lines.push("  servers  none; make one: pgkeep server create -n NAME".to_owned());
    }
    for server in servers {
        let reason = text(&server["state_reason"]);
        let reason = if reason.is_empty() { reason } else { format!(" ({reason})") };
        lines.push(format!(
            "  server   {} {} on port {}{reason}",
            text(&server["name"]),
            text(&server["state"]),
            server["port"],
        ));
        if let Some(dsn) = server["dsn"].as_str() {
            lines.push(format!("  connect  psql \"{dsn}\""));
        }
        for warning in server["warnings"].as_array().into_iter().flatten() {
            lines.push(format!("  warning  {}", text(warning)));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

/// Stops everything and waits.
pub(super) fn down(home: &Home, command: &DownCommand, format: Format) -> Result<ExitCode, Fault> {
    let steps = Steps::new();
    let socket = home.socket("supervisor");
    let call = rpc::call_within(
        &socket,
        Duration::from_secs(command.timeout.max(1)),
        "down",
        Value::Null,
        |message| steps.say(message),
    );
    let changed = match one_thread()?.block_on(call) {
        Ok(_) => {
            supervisor::wait_until_gone(home)?;
            Changed::Changed
        }
        // Nothing runs: what was wanted is so already.
        Err(fault) if fault.code == "not_running" => Changed::Unchanged,
        Err(fault) => return Err(fault),
    };
    steps.done();
    if format == Format::Table {
        say(match changed {
            Changed::Changed => "pgkeep is down",
            Changed::Unchanged => "pgkeep is already down",
        });
    } else {
        output::show(format, &json!({ "changed": changed }), &[])?;
    }
    Ok(ExitCode::Ok)
}

/// Shows what runs.
pub(super) fn status(home: &Home, format: Format) -> Result<ExitCode, Fault> {
    let status = one_thread()?.block_on(supervisor::status_of(home))?;
    match format {
        Format::Table => output::print(&overview(home, &status))?,
        Format::Tsv => {
            let columns = ["name", "state", "port", "dsn", "state_reason"];
            output::show(format, &status["servers"], &columns)?;
        }
        _ => output::show(format, &status, &[])?,
    }
    Ok(ExitCode::Ok)
}
