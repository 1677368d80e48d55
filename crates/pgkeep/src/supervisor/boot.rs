//! The boot order: vault, plane, agents, and at the very first time the demo server.
//!
//! What fails is said and remembered; the rest is brought up nevertheless.

use std::time::Duration;

use base::{Changed, ExitCode, Fault, ServerName};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Outcome, Report, Supervisor, UpArgs};
use crate::home::{self, agent_process};
use crate::rpc;
use crate::vaultd::STARTING;

/// A process of ours answers its first question within this.
const FIRST_ANSWER_MAX: Duration = Duration::from_secs(60);
/// A server comes up within this, crash recovery included.
const SETTLE_MAX: Duration = Duration::from_secs(3600);
/// An agent begins to start its server within this; it may have to end what was left behind.
const BEGIN_MAX: Duration = Duration::from_secs(120);
/// The key vaults are served within this.
const SERVED_MAX: Duration = Duration::from_secs(20);
/// How often a server that comes up is looked at.
const LOOK_PERIOD: Duration = Duration::from_millis(50);
const DEMO: &str = "demo";
/// How the plane's word about the sample data begins while its server is being made.
const CREATING: &str = "create,";

/// Brings everything up; answers what came of it.
pub(super) async fn bring_up(supervisor: &Supervisor, args: &UpArgs, report: &Report) -> Outcome {
    let mut faults = Vec::new();
    let boot = Boot { supervisor, args, report };
    if let Err(fault) = boot.all(&mut faults).await {
        faults.insert(0, fault);
    }
    let status = boot.final_status().await;
    Outcome { changed: Changed::Changed, status, faults }
}

struct Boot<'a> {
    supervisor: &'a Supervisor,
    args: &'a UpArgs,
    report: &'a Report,
}

impl Boot<'_> {
    /// An error ends the boot; what goes into `faults` does not.
    async fn all(&self, faults: &mut Vec<Fault>) -> Result<(), Fault> {
        self.supervisor.children.outlive_others(self.report).await?;
        self.report.say("starting the vault");
        self.supervisor.children.start(self.supervisor.vault_spec()).map(drop)?;
        let vault = self.first_answer("vault", "status").await?;
        let unsealed = vault["state"] == "unsealed";
        if unsealed {
            let ca = self.first_answer("vault", "ca").await?;
            let pem = ca["pem"].as_str().unwrap_or_default();
            let _ = home::write_ca(&self.supervisor.home, pem)?;
            // Servers with a key of their customer's ask the key vaults for it.
            faults.extend(self.vaults_served().await.err());
        } else {
            let reason = vault["reason"].as_str().unwrap_or_default();
            faults.push(
                Fault::new("vault_sealed", "the vault is sealed")
                    .detail(reason)
                    .hint("pgkeep vault unseal; the servers follow by themselves")
                    .exit(ExitCode::Sealed),
            );
        }
        self.report.say("starting the plane");
        self.supervisor.children.start(self.supervisor.plane_spec()).map(drop)?;
        let names = self.first_answer("plane", "server-names").await?;
        let names: Vec<ServerName> = serde_json::from_value(names)
            .map_err(|e| Fault::from_error("boot", "the plane's list is not understood", &e))?;
        for name in &names {
            self.report.say(&format!("starting server {name}"));
            if let Err(fault) = self.supervisor.start_agent(name).map(drop) {
                faults.push(fault);
            }
        }
        let sample = self.first_answer("plane", "sample-get").await?;
        let sample = sample["state"].as_str().map(str::to_owned);
        let interrupted = sample.as_deref().is_some_and(|word| word.starts_with(CREATING));
        for name in &names {
            // The demo server's creation is taken up again below.
            if !(interrupted && unsealed && name.as_str() == DEMO) {
                faults.extend(self.settled(name).await.err());
            }
            self.adopt_password_file(name);
        }
        if unsealed && let Err(fault) = self.demo(&names, sample.as_deref()).await {
            faults.push(fault);
        }
        Ok(())
    }

    /// Waits until key vaults and identities are served; the vault goes on trying after a fault.
    async fn vaults_served(&self) -> Result<(), Fault> {
        let deadline = Instant::now() + SERVED_MAX;
        loop {
            let status = self.first_answer("vault", "status").await?;
            let closed = [("https", "the key vaults are"), ("identity", "the identities are")]
                .into_iter()
                .find(|(door, _)| status[door]["listening"] != true);
            let Some((door, what)) = closed else { return Ok(()) };
            let reason = status[door]["reason"].as_str().unwrap_or_default();
            if reason != STARTING || Instant::now() > deadline {
                return Err(Fault::new("vault_not_served", format!("{what} not served"))
                    .detail(reason)
                    .hint("free the port, and they will be; or choose another when starting")
                    .exit(ExitCode::Gate));
            }
            tokio::time::sleep(LOOK_PERIOD).await;
        }
    }

    /// Asks a process that was just started, and gives up when it dies.
    async fn first_answer(&self, process: &str, op: &str) -> Result<Value, Fault> {
        let socket = self.supervisor.home.socket(process);
        let call = rpc::call_within(&socket, FIRST_ANSWER_MAX, op, Value::Null, |_| {});
        tokio::select! {
            answer = call => answer,
            end = self.supervisor.children.death_of(process) => {
                let log = self.supervisor.home.log(process);
                Err(Fault::new("boot", format!("the {process} did not start"))
                    .detail(last_words(&log).unwrap_or(end))
                    .hint(format!("its log is {}", log.display())))
            }
        }
    }

    /// Waits until a server is in a state that lasts; a fault unless that is what was wanted.
    async fn settled(&self, name: &ServerName) -> Result<(), Fault> {
        let socket = self.supervisor.home.socket(&agent_process(name));
        let begun = Instant::now();
        let deadline = begun + SETTLE_MAX;
        let mut said = String::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let show = match rpc::call_within(&socket, left, "show", Value::Null, |_| {}).await {
                Ok(show) => show,
                Err(fault) if fault.code == "not_found" => {
                    return Err(down(name, "Stopped", "its creation was interrupted"));
                }
                Err(fault) => return Err(fault),
            };
            let state = show["state"].as_str().unwrap_or_default();
            let reason = show["state_reason"].as_str().unwrap_or_default();
            match state {
                "Ready" => {
                    self.report.say(&format!("server {name} is Ready"));
                    return Ok(());
                }
                // It has not begun yet: it would give a reason.
                "Stopped" if reason.is_empty() && wanted(&show) && begun.elapsed() < BEGIN_MAX => {}
                "Stopped" | "Disabled" | "Inaccessible" => {
                    // Stopped on purpose is what was wanted.
                    return if wanted(&show) { Err(down(name, state, reason)) } else { Ok(()) };
                }
                _ if left.is_zero() => {
                    return Err(down(name, state, reason).exit(ExitCode::Timeout));
                }
                _ => {}
            }
            if !reason.is_empty() && reason != said {
                self.report.say(&format!("server {name}: {reason}"));
                reason.clone_into(&mut said);
            }
            tokio::time::sleep(LOOK_PERIOD).await;
        }
    }

    /// A creation that was interrupted may have left it with the agent's user.
    fn adopt_password_file(&self, name: &ServerName) {
        let Supervisor { home, accounts, .. } = self.supervisor;
        if home.server(name).join("pgpass").symlink_metadata().is_ok()
            && let Err(fault) = home::adopt_password_file(home, accounts, name)
        {
            tracing::warn!(fault.message, fault.detail, "left as it is");
        }
    }

    /// The demo server, once in the life of a home; an interrupted attempt is taken up again.
    /// `sample` is what the plane remembers of it.
    async fn demo(&self, names: &[ServerName], sample: Option<&str>) -> Result<(), Fault> {
        self.say_kept_port(names).await;
        let word = match sample {
            None if !names.is_empty() => return Ok(()),
            None if self.args.no_sample => "declined",
            None => "wanted",
            Some(word) => word.strip_prefix(CREATING).unwrap_or(word),
        };
        if sample.is_none_or(|word| word.starts_with(CREATING)) {
            // Written before anything is made: a server that was deleted is not made again.
            self.plane("sample-set", json!({ "state": format!("{CREATING}{word}") })).await?;
            let created = self.create_demo().await;
            if created.is_ok() || self.demo_exists().await {
                self.plane("sample-set", json!({ "state": word })).await?;
            }
            created?;
        }
        if word == "wanted" { self.sample().await } else { Ok(()) }
    }

    /// A port is chosen when a server is made; a later wish is not granted in silence.
    async fn say_kept_port(&self, names: &[ServerName]) {
        let Some(asked) = self.args.port else { return };
        if !names.iter().any(|name| name.as_str() == DEMO) {
            return;
        }
        let shown = self.plane("server-show", json!({ "name": DEMO })).await.unwrap_or_default();
        if shown["port"].as_u64().is_some_and(|port| port != u64::from(asked)) {
            self.report.say(&format!("server demo keeps port {}; not {asked}", shown["port"]));
        }
    }

    /// Whether a demo server was made, whatever its state.
    async fn demo_exists(&self) -> bool {
        let shown = self.plane("server-show", json!({ "name": DEMO })).await;
        shown.is_ok_and(|shown| shown["desired_state"].is_string())
    }

    async fn create_demo(&self) -> Result<(), Fault> {
        self.report.say("creating server demo");
        let mut args = json!({ "name": DEMO });
        if let Some(port) = self.args.port {
            args["port"] = json!(port);
            args["port_as_it_is"] = json!(true);
        }
        let shown = match self.plane("server-create", args).await {
            Err(fault) if fault.code == "exists" => {
                return self.settled(&DEMO.parse().expect("because it is a good name")).await;
            }
            outcome => outcome.map_err(gate)?,
        };
        let text = |field: &str| shown[field].as_str().unwrap_or_default();
        if text("state") == "Ready" {
            self.report.say("server demo is Ready");
            return Ok(());
        }
        let name: ServerName = DEMO.parse().expect("because it is a good name");
        Err(down(&name, text("state"), text("state_reason")))
    }

    /// Loads the sample data; a second load of the same is none.
    async fn sample(&self) -> Result<(), Fault> {
        let shown = self.plane("server-show", json!({ "name": DEMO })).await;
        let shown = match shown {
            Ok(shown) if shown["state"] == "Ready" => shown,
            // It says elsewhere why it is not up; a deleted one needs no data.
            _ => return Ok(()),
        };
        self.report.say("loading the sample data");
        let dsn = shown["dsn"].as_str().unwrap_or_default();
        let report = self.report.clone();
        let _ = crate::sample::load(dsn, move |message: &str| report.say(message)).await?;
        self.plane("sample-set", json!({ "state": "loaded" })).await.map(drop)
    }

    async fn plane(&self, op: &str, args: Value) -> Result<Value, Fault> {
        let socket = self.supervisor.home.socket("plane");
        rpc::call(&socket, op, args, |message| self.report.say(message)).await
    }

    /// What `pgkeep status` shows now, with the page's address as soon as it is known.
    async fn final_status(&self) -> Value {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let status = match self.plane("status", Value::Null).await {
                Ok(status) => status,
                Err(fault) => {
                    return json!({
                        "vault": { "state": "unreachable", "reason": fault.message },
                        "plane": { "url": null, "reason": fault.message },
                        "servers": [],
                    });
                }
            };
            let starting = status["plane"]["reason"] == "it starts";
            if !starting || Instant::now() > deadline {
                return status;
            }
            tokio::time::sleep(LOOK_PERIOD).await;
        }
    }
}

/// Whether a server that is not up ought to be: it says so itself; doubt counts as yes.
fn wanted(show: &Value) -> bool {
    show["desired_state"].as_str() != Some("stopped")
}

fn down(name: &ServerName, state: &str, reason: &str) -> Fault {
    let reason = if reason.is_empty() { "it gave no reason" } else { reason };
    Fault::new("server_down", format!("server \"{name}\" is {state}"))
        .detail(reason)
        .hint(format!("correct it, then: pgkeep server start -n {name}"))
        .exit(ExitCode::Gate)
}

/// A server that cannot be made is a gate that failed, unless the fault says more.
fn gate(fault: Fault) -> Fault {
    match fault.exit {
        ExitCode::Error | ExitCode::Conflict => fault.exit(ExitCode::Gate),
        _ => fault,
    }
}

/// The message of the last line of a JSON log.
fn last_words(log: &std::path::Path) -> Option<String> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    const TAIL_BYTES: i64 = 8192;
    let mut file = std::fs::File::open(log).ok()?;
    let _ = file.seek(SeekFrom::End(-TAIL_BYTES)).or_else(|_| file.rewind().map(|()| 0));
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).ok()?;
    let tail = String::from_utf8_lossy(&tail).into_owned();
    let line = tail.lines().last()?;
    let fields = serde_json::from_str::<Value>(line).ok().map(|line| line["fields"].clone());
    match fields {
        Some(fields) => {
            let detail = fields["detail"].as_str().map(|detail| format!(": {detail}"));
            Some(format!("{}{}", fields["message"].as_str()?, detail.unwrap_or_default()))
        }
        None => Some(line.to_owned()),
    }
}
