//! One PostgreSQL server of a harness: made, started, stopped, killed, asked.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::{Account, signal, wait_until};
use crate::deps;
use crate::failure::{Doing, Failure, Outcome};
use crate::proc;

/// Crash recovery of a busy cluster may replay gigabytes.
const START_LIMIT: Duration = Duration::from_secs(600);
const STOP_LIMIT: Duration = Duration::from_secs(300);
/// The sockets are private to the folder, so one number does for all.
const PORT: &str = "5432";

/// Settings of a cluster, the same on every engine.
pub(crate) type Settings = &'static [(&'static str, &'static str)];

/// A cluster and, while it runs, its server.
#[derive(Debug)]
pub(crate) struct Server {
    account: Account,
    bin: PathBuf,
    sockets: PathBuf,
    log: PathBuf,
    settings: Settings,
    data: PathBuf,
    process: Option<Child>,
}

impl Server {
    /// Makes a cluster in `dir/pgdata`; sockets and the harness's log lie in `sockets`.
    pub(crate) fn init(
        account: &Account,
        dir: &Path,
        sockets: &Path,
        settings: Settings,
    ) -> Outcome<Self> {
        let (_, bin) = deps::postgres_bin().ok_or_else(|| {
            Failure::new("no supported PostgreSQL was found").hint("`cargo xtask deps`")
        })?;
        let server = Self {
            account: account.clone(),
            data: dir.join("pgdata"),
            log: sockets.join("postgres.log"),
            sockets: sockets.to_path_buf(),
            settings,
            bin,
            process: None,
        };
        let mut initdb = server.tool("initdb");
        initdb.arg("--pgdata").arg(&server.data).args([
            "--username=postgres",
            "--auth=trust",
            "--data-checksums",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
        ]);
        proc::capture(&mut initdb)?;
        Ok(server)
    }

    /// Starts the server and waits until it takes connections.
    pub(crate) fn start(&mut self) -> Outcome {
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.doing(|| format!("open \"{}\"", self.log.display()))?;
        let errors = log.try_clone().doing(|| "share the log".to_owned())?;
        let mut command = self.account.command(&self.bin.join("postgres"));
        command.arg("-D").arg(&self.data).args(["-p", PORT, "-c", "listen_addresses="]);
        let sockets = format!("unix_socket_directories={}", self.sockets.display());
        command.args(["-c", &sockets]);
        for (name, value) in self.settings {
            command.args(["-c", &format!("{name}={value}")]);
        }
        let child = command.stdin(Stdio::null()).stdout(log).stderr(errors).spawn();
        self.process = Some(child.doing(|| "start postgres".to_owned())?);
        wait_until("PostgreSQL to take connections", START_LIMIT, || {
            if !self.is_running() {
                return Err(Failure::new("PostgreSQL did not start").detail(self.last_words()));
            }
            self.answers()
        })
    }

    /// Fast shutdown: checkpoint, then end.
    pub(crate) fn stop(&mut self) -> Outcome {
        let Some(mut child) = self.process.take() else { return Ok(()) };
        // PostgreSQL's fast shutdown is SIGINT ("Shutting Down the Server" in its manual).
        signal::send("INT", child.id());
        let mut status = None;
        wait_until("PostgreSQL to stop", STOP_LIMIT, || {
            status = child.try_wait().doing(|| "wait for postgres".to_owned())?;
            Ok(status.is_some())
        })?;
        match status {
            Some(status) if !status.success() => {
                Err(Failure::new("PostgreSQL did not stop well").detail(self.last_words()))
            }
            _ => Ok(()),
        }
    }

    /// SIGKILL to the postmaster, and to every other process of the server when `all`.
    pub(crate) fn kill(&mut self, all: bool) {
        let Some(child) = &self.process else { return };
        let mut pids = vec![child.id()];
        if all {
            pids.extend(signal::children(child.id()));
        }
        signal::kill_now(&pids);
    }

    /// Waits until no process of a killed server is left; kills what does not go by itself.
    pub(crate) fn wait_gone(&mut self, family: &[u32]) -> Outcome {
        if let Some(mut child) = self.process.take() {
            let _ = child.kill();
            child.wait().doing(|| "wait for postgres".to_owned())?;
        }
        signal::kill_now(family);
        wait_until("the killed server's processes to end", STOP_LIMIT, || {
            Ok(!family.iter().any(|pid| signal::is_alive(*pid)))
        })
    }

    /// Whether the postmaster has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(signal::child_is_alive)
    }

    /// The process ids of the running server, the postmaster first.
    pub(crate) fn family(&self) -> Vec<u32> {
        let Some(child) = &self.process else { return vec![] };
        let mut family = vec![child.id()];
        family.extend(signal::children(child.id()));
        family
    }

    /// Runs SQL in a new session and returns the rows, unaligned.
    pub(crate) fn sql(&self, sql: &str) -> Outcome<String> {
        let mut psql = self.psql();
        psql.args(["-v", "ON_ERROR_STOP=1", "-c", sql]);
        Ok(proc::capture(&mut psql)?.trim().to_owned())
    }

    /// A `psql` that reads no start-up file and prints nothing but rows.
    pub(crate) fn psql(&self) -> Command {
        let mut command = self.client("psql");
        command.args(["-X", "-q", "-A", "-t", "-d", "postgres"]);
        command
    }

    /// A client program of the same version, pointed at the server.
    pub(crate) fn client(&self, name: &str) -> Command {
        let mut command = self.tool(name);
        command.arg("-h").arg(&self.sockets).args(["-p", PORT]);
        command
    }

    /// A program of the same version, pointed at nothing.
    pub(crate) fn tool(&self, name: &str) -> Command {
        self.account.command(&self.bin.join(name))
    }

    /// The folder of the server's socket.
    pub(crate) fn sockets(&self) -> &Path {
        &self.sockets
    }

    /// The data directory.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The version that the server reports.
    pub(crate) fn version(&self) -> Outcome<String> {
        let text = proc::capture(self.tool("postgres").arg("--version"))?;
        let version = text.split_whitespace().find(|word| word.starts_with(char::is_numeric));
        Ok(version.unwrap_or("unknown").to_owned())
    }

    /// The end of the server's log.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        proc::tail(&String::from_utf8_lossy(&log), 15)
    }

    fn answers(&self) -> Outcome<bool> {
        Ok(proc::output(self.client("pg_isready").arg("-q"))?.status.success())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let family = self.family();
        let _ = self.wait_gone(&family);
    }
}
