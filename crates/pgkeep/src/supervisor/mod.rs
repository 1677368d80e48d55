//! `pgkeep up`: makes the home, starts vault, plane and agents, and keeps them running.
//!
//! The runtime has one thread, the main one, on purpose: a child asks the kernel to be told when
//! the *thread* that started it ends, so that thread must live as long as the supervisor.

mod answers;
mod boot;
mod children;
mod detach;
mod ports;
mod report;
mod tune;

pub(crate) use detach::{serve, unchanged, up_detached};
pub(crate) use report::Report;

use std::ffi::OsString;
use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use api::client::Client;
use base::{Changed, ExitCode, Fault, ServerName};
use serde_json::Value;
use tokio::sync::Notify;

use crate::home::{self, Accounts, Config, Home, agent_process};
use crate::plane::API_SOCKET;
use crate::vaultd::IDENTITY;
use crate::{otlp, process, rpc};
use children::{Children, Spec};
use ports::Ports;

/// What `up` was told.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct UpArgs {
    /// Port of the demo server [default: 5432, or the next free one]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) port: Option<u16>,
    /// Port of the API and the portal [default: 8443, or the next free one]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) https_port: Option<u16>,
    /// Port of the key vaults, part of every key's address [default: 9443, or the next free one]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) vault_port: Option<u16>,
    /// Loopback port of the identity endpoint [default: 9843, or the next free one]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) identity_port: Option<u16>,
    /// Leave the sample data out of the demo server
    #[arg(long)]
    pub(crate) no_sample: bool,
}

/// How an `up` ended: the document of `status`, and what did not come up.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// Whether this call started anything.
    pub(crate) changed: Changed,
    /// What `pgkeep status` shows.
    pub(crate) status: Value,
    /// What is not as it should be; the first decides the exit code.
    pub(crate) faults: Vec<Fault>,
}

/// The supervisor's shared state.
pub(crate) struct Supervisor {
    home: Home,
    accounts: Accounts,
    children: Children,
    ports: Ports,
    /// What the configuration lets vault and agents have; the plane uses no keys.
    environment: Vec<(String, OsString)>,
    /// Told when `down` was asked for and answered.
    ending: Notify,
    /// True from the moment that the end began: nothing is started any more.
    closed: AtomicBool,
}

/// Runs in the foreground: brings all up, calls `ready`, and serves until told to end.
///
/// `Ok(None)` when another supervisor has this home.
pub(crate) async fn run(
    home: &Home,
    args: &UpArgs,
    report: &Report,
    ready: impl AsyncFnOnce(Outcome) -> Result<(), Fault>,
) -> Result<Option<()>, Fault> {
    let Some(supervisor) = Supervisor::take(home, args, report)? else { return Ok(None) };
    let supervisor = Arc::new(supervisor);
    let known = [0, supervisor.accounts.starter.uid, supervisor.accounts.plane.uid];
    let agent = supervisor.accounts.agent.uid;
    let for_calls = Arc::clone(&supervisor);
    let listener = rpc::listen(&home.socket("supervisor"), supervisor.socket_mode())?;
    let serving = rpc::answer_on(
        listener,
        move |uid| uid == agent || known.contains(&uid),
        move |request| answers::answer(Arc::clone(&for_calls), request),
    );
    let living = async {
        let outcome = boot::bring_up(&supervisor, args, report).await;
        ready(outcome).await?;
        supervisor.ending.notified().await;
        Ok::<(), Fault>(())
    };
    let outcome = tokio::select! {
        outcome = serving => outcome,
        outcome = living => outcome,
        outcome = process::told_to_end() => outcome,
    };
    // A signal may have come in the middle of anything: whatever runs is ended in order.
    let ended = supervisor.end(&|message| report.say(message)).await;
    outcome.and(ended).map(Some)
}

impl Supervisor {
    /// Prepares the home and takes its lock; `None` when another supervisor has it.
    fn take(home: &Home, args: &UpArgs, report: &Report) -> Result<Option<Self>, Fault> {
        // The home's folders get the modes they are given, not less.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        let accounts = Accounts::find(true, &mut |message| report.say(message))?;
        let config = Config::load(home)?;
        home::prepare(home, &accounts)?;
        if !lock(home)? {
            return Ok(None);
        }
        let ports = Ports::choose(&config, args, report)?;
        ports.keep(home)?;
        if let Some(warning) = otlp::warning(&config) {
            report.say(&format!("warning: {warning}"));
        }
        process::raise_limits();
        open_fuse(&accounts, report);
        let environment = config.environment(|name| std::env::var_os(name));
        let children = Children::new(home.clone(), config.postgresql_bindir);
        Ok(Some(Self {
            home: home.clone(),
            accounts,
            children,
            ports,
            environment,
            ending: Notify::new(),
            closed: AtomicBool::new(false),
        }))
    }

    /// Others may connect only where others run our processes.
    fn socket_mode(&self) -> u32 {
        if self.accounts.starter.uid == 0 { 0o666 } else { 0o600 }
    }

    fn spec(&self, process: &str, account: &home::Account, args: Vec<String>) -> Spec {
        let mode = self.socket_mode();
        Spec {
            process: process.to_owned(),
            account: account.clone(),
            args,
            socket_mode: mode,
            environment: Vec::new(),
            second_socket: None,
            begins_session: false,
        }
    }

    fn vault_spec(&self) -> Spec {
        let Accounts { starter, plane, agent, vault } = &self.accounts;
        let args = vec![
            "vault".to_owned(),
            "serve".to_owned(),
            format!("--operator-uid={}", starter.uid),
            format!("--plane-uid={}", plane.uid),
            format!("--agent-uid={}", agent.uid),
            format!("--vault-port={}", self.ports.vault),
            format!("--identity-port={}", self.ports.identity),
        ];
        // Everybody may connect: the kernel says who they are, the vault whom it answers.
        let second_socket = Some((IDENTITY, 0o666));
        let environment = self.environment.clone();
        Spec { second_socket, environment, ..self.spec("vault", vault, args) }
    }

    fn plane_spec(&self) -> Spec {
        let Accounts { starter, plane, agent, .. } = &self.accounts;
        let args = vec![
            "plane".to_owned(),
            "serve".to_owned(),
            format!("--https-port={}", self.ports.https),
            format!("--starter-uid={}", starter.uid),
            format!("--agent-uid={}", agent.uid),
        ];
        let second_socket = Some((crate::plane::API_SOCKET, self.socket_mode()));
        Spec { second_socket, begins_session: true, ..self.spec("plane", plane, args) }
    }

    fn agent_spec(&self, name: &ServerName) -> Spec {
        let Accounts { starter, plane, agent, .. } = &self.accounts;
        let args = vec![
            "agent".to_owned(),
            "serve".to_owned(),
            format!("--name={name}"),
            format!("--allow-uid={}", plane.uid),
            format!("--allow-uid={}", starter.uid),
        ];
        let environment = self.environment.clone();
        Spec { environment, ..self.spec(&agent_process(name), agent, args) }
    }

    /// Starts the agent of a server unless it runs.
    fn start_agent(&self, name: &ServerName) -> Result<Changed, Fault> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Fault::new("ending", "pgkeep is being shut down"));
        }
        home::prepare_server(&self.home, &self.accounts, name)?;
        self.children.start(self.agent_spec(name))
    }

    /// Ends agents, plane and vault, in this order, and waits for each.
    async fn end(&self, say: &(dyn Fn(&str) + Sync)) -> Result<(), Fault> {
        if self.closed.swap(true, Ordering::AcqRel) && self.children.names().is_empty() {
            return Ok(());
        }
        let agents = self.children.names();
        let agents: Vec<_> =
            agents.iter().filter(|name| name.starts_with("agent-")).map(String::as_str).collect();
        for name in &agents {
            say(&format!("stopping server {}", name.trim_start_matches("agent-")));
        }
        let mut outcome = self.children.stop_all(&agents).await;
        for name in ["plane", "vault"] {
            outcome = outcome.and(self.children.stop_all(&[name]).await);
        }
        let _ = std::fs::remove_file(self.home.socket("supervisor"));
        say("all is down");
        outcome
    }
}

/// Takes the lock of this home for as long as this process lives: whoever waits for the lock waits
/// for the end of the process. False when another process holds it.
fn lock(home: &Home) -> Result<bool, Fault> {
    static HELD: OnceLock<File> = OnceLock::new();
    let path = home.lock();
    let failed = |e: std::io::Error| {
        Fault::from_error("home", format!("could not lock {}", path.display()), &e)
    };
    let file =
        File::options().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(HELD.set(file).is_ok()),
        Err(std::fs::TryLockError::WouldBlock) => Ok(false),
        Err(std::fs::TryLockError::Error(e)) => Err(failed(e)),
    }
}

/// Lets the agents' user open the FUSE device where the machine does not.
///
/// udev gives it mode 0666 everywhere; containers without udev leave it to root alone.
fn open_fuse(accounts: &Accounts, report: &Report) {
    use std::os::unix::fs::PermissionsExt as _;
    const DEVICE: &str = "/dev/fuse";
    if accounts.starter.uid != 0 || accounts.agent.uid == 0 {
        return;
    }
    let Ok(meta) = std::fs::metadata(DEVICE) else { return };
    if meta.permissions().mode() & 0o006 != 0o006 {
        let mode = std::fs::Permissions::from_mode(0o666);
        match std::fs::set_permissions(DEVICE, mode) {
            Ok(()) => report.say("gave /dev/fuse the mode 0666, as udev does"),
            Err(e) => tracing::warn!(error = %e, "could not change the mode of {DEVICE}"),
        }
    }
}

/// What another supervisor of this home runs.
pub(crate) async fn status_of(home: &Home) -> Result<Value, Fault> {
    Client::new(&home.socket(API_SOCKET)).call("GET", "/status", None, |_| {}).await
}

/// The exit code that faults amount to.
pub(crate) fn exit_of(faults: &[Fault]) -> ExitCode {
    faults.first().map_or(ExitCode::Ok, |fault| fault.exit)
}

/// Waits until the supervisor of this home has let go of its lock.
pub(crate) fn wait_until_gone(home: &Home) -> Result<(), Fault> {
    let failed = |e: std::io::Error| {
        Fault::from_error("home", "could not see whether the supervisor has ended", &e)
    };
    match File::open(home.lock()) {
        // The lock goes with the process, which has nothing left to do but end.
        Ok(file) => file.lock().map_err(failed),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(failed(e)),
    }
}
