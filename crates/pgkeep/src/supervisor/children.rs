//! The processes of one home: started, watched, started again when they die, ended in order.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base::{Changed, ExitCode, Fault};
use rustix::process::{Pid, Resource, Rlimit, Signal};
use serde_json::{Value, json};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::Instant;

use super::Report;
use crate::home::{Account, Home};
use crate::process::SUPERVISOR_VAR;
use crate::rpc;

/// The first pause before a process that died is started again; doubles up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(15);
/// A process that lived longer begins with the first pause again.
const STABLE: Duration = Duration::from_secs(60);
/// Vault and plane end at once when told; an agent may have a long checkpoint to write.
const SERVICE_END_MAX: Duration = Duration::from_secs(20);
const AGENT_END_MAX: Duration = Duration::from_secs(600);
/// A larger log is put aside when its process starts; one older log is kept.
const LOG_MAX_BYTES: u64 = 16 << 20;

/// One process to run.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    /// Name of its socket and log.
    pub(super) process: String,
    pub(super) account: Account,
    /// Arguments, the home apart.
    pub(super) args: Vec<String>,
    pub(super) socket_mode: u32,
    /// Variables on top of those that every process gets.
    pub(super) environment: Vec<(String, OsString)>,
    /// Name and mode of one more socket, handed over as standard output.
    pub(super) second_socket: Option<(&'static str, u32)>,
    /// It begins a session of its own, which one that leads a group cannot.
    pub(super) begins_session: bool,
}

/// What a child is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Life {
    pid: Option<u32>,
    n_restarts: u32,
    last_end: Option<String>,
    over: bool,
}

struct Entry {
    life: watch::Receiver<Life>,
    stop: Arc<tokio::sync::Notify>,
}

/// All processes of one home.
pub(super) struct Children {
    home: Home,
    postgresql_bindir: Option<PathBuf>,
    entries: Mutex<BTreeMap<String, Entry>>,
}

impl Children {
    pub(super) fn new(home: Home, postgresql_bindir: Option<PathBuf>) -> Self {
        Self { home, postgresql_bindir, entries: Mutex::default() }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names of all processes that run or are about to run again.
    pub(super) fn names(&self) -> Vec<String> {
        self.entries().keys().cloned().collect()
    }

    /// Starts a process unless one of its name runs. Its socket takes calls from now on.
    pub(super) fn start(&self, spec: Spec) -> Result<Changed, Fault> {
        let mut entries = self.entries();
        if entries.get(&spec.process).is_some_and(|entry| !entry.life.borrow().over) {
            return Ok(Changed::Unchanged);
        }
        let socket = rpc::bind(&self.home.socket(&spec.process), spec.socket_mode)?;
        let second_socket = spec
            .second_socket
            .map(|(name, mode)| rpc::bind(&self.home.socket(name), mode))
            .transpose()?;
        let stop = Arc::new(tokio::sync::Notify::new());
        let (told, life) = watch::channel(Life::default());
        let runner = Runner {
            home: self.home.clone(),
            postgresql_bindir: self.postgresql_bindir.clone(),
            spec: spec.clone(),
            socket,
            second_socket,
            stop: Arc::clone(&stop),
            life: told,
        };
        // The first start is tried here, so that whoever asked hears why it failed.
        let child = runner.spawn()?;
        tokio::spawn(runner.run(child));
        entries.insert(spec.process, Entry { life, stop });
        Ok(Changed::Changed)
    }

    /// Waits until processes of an earlier supervisor have ended: one that was killed could not
    /// wait for them, but they end by themselves.
    pub(super) async fn outlive_others(&self, report: &Report) -> Result<(), Fault> {
        let deadline = Instant::now() + AGENT_END_MAX;
        let failed = |e| Fault::from_error("home", "could not look for other processes", &e);
        for entry in std::fs::read_dir(self.home.run()).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            if name == "supervisor" || path.extension().is_none_or(|end| end != "sock") {
                continue;
            }
            let mut said = false;
            while UnixStream::connect(&path).is_ok() {
                if Instant::now() > deadline {
                    return Err(Fault::new("in_use", format!("another {name} of this home runs"))
                        .hint("end it, then start pgkeep again")
                        .exit(ExitCode::Conflict));
                }
                if !said {
                    report.say(&format!("waiting for the {name} of an earlier pgkeep to end"));
                    said = true;
                }
                tokio::time::sleep(PAUSE_MIN).await;
            }
        }
        Ok(())
    }

    /// Ends processes at the same time and waits for them; an unknown one has ended already.
    pub(super) async fn stop_all(&self, names: &[&str]) -> Result<(), Fault> {
        let mut outcome = Ok(());
        let mut waiting = Vec::new();
        for name in names {
            if let Some(entry) = self.entries().get(*name) {
                entry.stop.notify_one();
                waiting.push(((*name).to_owned(), entry.life.clone()));
            }
        }
        for (name, mut life) in waiting {
            // The runner ends its child or kills it within its own deadline.
            let over = life.wait_for(|life| life.over).await.map(|life| life.last_end.clone());
            self.entries().remove(&name);
            if let Ok(Some(end)) = over
                && end.starts_with("killed")
            {
                outcome = Err(Fault::new("killed", format!("{name} did not end in time"))
                    .detail(end)
                    .exit(ExitCode::Timeout));
            }
        }
        outcome
    }

    /// Resolves when the process dies or is gone: for whoever waits for its first answer.
    pub(super) async fn death_of(&self, name: &str) -> String {
        let life = self.entries().get(name).map(|entry| entry.life.clone());
        let Some(mut life) = life else { return "it is not running".to_owned() };
        let dead = life.wait_for(|life| life.over || life.n_restarts > 0).await;
        dead.ok().and_then(|life| life.last_end.clone()).unwrap_or_else(|| "it ended".to_owned())
    }

    /// What runs, for `status`.
    pub(super) fn status(&self) -> Value {
        let entries = self.entries();
        let lines = entries.iter().map(|(name, entry)| {
            let life = entry.life.borrow();
            json!({
                "process": name, "pid": life.pid, "n_restarts": life.n_restarts,
                "last_end": life.last_end,
            })
        });
        Value::Array(lines.collect())
    }
}

fn pid_of(child: &Child) -> Option<Pid> {
    child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw)
}

/// Keeps one process running.
struct Runner {
    home: Home,
    postgresql_bindir: Option<PathBuf>,
    spec: Spec,
    socket: UnixListener,
    second_socket: Option<UnixListener>,
    stop: Arc<tokio::sync::Notify>,
    life: watch::Sender<Life>,
}

impl Runner {
    async fn run(self, first: Child) {
        let mut next = Some(first);
        let mut pause = PAUSE_MIN;
        loop {
            let started = Instant::now();
            let end = match next.take().map_or_else(|| self.spawn(), Ok) {
                Ok(mut child) => {
                    self.life.send_modify(|life| life.pid = child.id());
                    tokio::select! {
                        status = child.wait() => match status {
                            Ok(status) => status.to_string(),
                            Err(e) => e.to_string(),
                        },
                        () = self.stop.notified() => {
                            let end = self.end(child).await;
                            self.finish(end);
                            return;
                        }
                    }
                }
                Err(fault) => fault.to_string(),
            };
            let process = &self.spec.process;
            tracing::warn!(process, end, "a process ended and will be started again");
            self.life.send_modify(|life| {
                life.pid = None;
                life.n_restarts += 1;
                life.last_end = Some(end);
            });
            pause = if started.elapsed() > STABLE { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.stop.notified() => {
                    self.finish("it had ended already".to_owned());
                    return;
                }
            }
        }
    }

    /// Asks a child to end, waits, and kills it when it does not.
    async fn end(&self, mut child: Child) -> String {
        let agent = self.spec.process.starts_with("agent-");
        let deadline = if agent { AGENT_END_MAX } else { SERVICE_END_MAX };
        // The child is not reaped yet, so its pid is still its own.
        if let Some(pid) = pid_of(&child)
            && let Err(e) = rustix::process::kill_process(pid, Signal::TERM)
        {
            tracing::warn!(error = %e, "could not tell a process to end");
        }
        match tokio::time::timeout(deadline, child.wait()).await {
            Ok(Ok(status)) => status.to_string(),
            Ok(Err(e)) => e.to_string(),
            Err(_) => {
                let killed = child.kill().await;
                format!("killed after {} s ({killed:?})", deadline.as_secs())
            }
        }
    }

    fn finish(&self, end: String) {
        // Callers must not queue at a socket that nobody will serve.
        let second = self.spec.second_socket.map(|(name, _)| name);
        for name in [Some(self.spec.process.as_str()), second].into_iter().flatten() {
            let _ = std::fs::remove_file(self.home.socket(name));
        }
        self.life.send_modify(|life| {
            life.pid = None;
            life.last_end = Some(end);
            life.over = true;
        });
    }

    fn spawn(&self) -> Result<Child, Fault> {
        let process = &self.spec.process;
        let failed = |e: &std::io::Error| {
            let user = &self.spec.account.name;
            Fault::from_error("spawn", format!("could not start {process} as {user}"), e)
        };
        let log = self.open_log().map_err(|e| failed(&e))?;
        let output: OwnedFd = match &self.second_socket {
            Some(socket) => socket.try_clone().map_err(|e| failed(&e))?.into(),
            None => log.try_clone().map_err(|e| failed(&e))?.into(),
        };
        let socket: OwnedFd = self.socket.try_clone().map_err(|e| failed(&e))?.into();
        // The running program itself, wherever it lies: its folder may be closed to others.
        let mut command = Command::new("/proc/self/exe");
        command
            .arg0("pgkeep")
            .args(&self.spec.args)
            .arg("--home")
            .arg(self.home.root())
            .env_clear()
            .envs(self.spec.environment.iter().map(|(name, value)| (name, value)))
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LANG", "C.UTF-8")
            .env(SUPERVISOR_VAR, std::process::id().to_string())
            .envs(self.postgresql_bindir.iter().map(|dir| ("PGKEEP_PG_BINDIR", dir)))
            .envs(
                ["TZ", "PGKEEP_LOG", "PGKEEP_PG_BINDIR", "CREDENTIALS_DIRECTORY"]
                    .iter()
                    .filter_map(|name| std::env::var_os(name).map(|value| (*name, value))),
            )
            .current_dir("/")
            .stdin(Stdio::from(socket))
            .stdout(Stdio::from(output))
            .stderr(Stdio::from(log))
            .kill_on_drop(false);
        if !self.spec.begins_session {
            // A terminal's Ctrl-C is for the supervisor, which ends its children in order.
            command.process_group(0);
        }
        if rustix::process::geteuid().is_root() {
            // Also leaves all other groups of root.
            command.gid(self.spec.account.gid).uid(self.spec.account.uid);
        }
        let child = command.spawn().map_err(|e| failed(&e))?;
        tracing::info!(process, pid = child.id(), "started");
        if rustix::process::geteuid().is_root() && self.spec.process.starts_with("agent-") {
            self.allow_locked_memory(&child);
        }
        Ok(child)
    }

    /// Lets the file system that an agent starts keep its keys out of swap.
    fn allow_locked_memory(&self, child: &Child) {
        let unlimited = Rlimit { current: None, maximum: None };
        if let Some(pid) = pid_of(child)
            && let Err(error) = rustix::process::prlimit(Some(pid), Resource::Memlock, unlimited)
        {
            let process = &self.spec.process;
            tracing::warn!(process, %error, "could not allow locked memory");
        }
    }

    fn open_log(&self) -> std::io::Result<File> {
        let path = self.home.log(&self.spec.process);
        if std::fs::metadata(&path).is_ok_and(|meta| meta.len() > LOG_MAX_BYTES) {
            std::fs::rename(&path, path.with_extension("log.1"))?;
        }
        File::options().create(true).append(true).mode(0o600).open(path)
    }
}
