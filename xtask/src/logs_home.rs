//! A home with a demo server whose log goes into the lake, for loads on the collector.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::cluster;
use crate::failure::{Failure, Outcome};
use crate::{proc, vault_home};

/// A running installation with one server. Stopped when dropped.
pub(crate) struct LogsHome {
    program: PathBuf,
    home: PathBuf,
    dsn: String,
    is_up: bool,
}

impl LogsHome {
    /// Starts it below `work`.
    pub(crate) fn start(program: &Path, work: &Path) -> Outcome<Self> {
        let (program, home) = (program.to_owned(), work.join("home"));
        let mut this = Self { program, home, dsn: String::new(), is_up: true };
        this.up()?;
        let shown = this.pgkeep(&["server", "show", "-n", "demo", "-o", "json"])?;
        this.dsn = vault_home::json_text(&shown, "dsn")?;
        Ok(this)
    }

    /// Starts it again after [`LogsHome::down`].
    pub(crate) fn up(&self) -> Outcome {
        let (port, https_port) = cluster::free_ports()?;
        let mut words = vec!["up", "--detach", "--no-sample"];
        if self.dsn.is_empty() {
            words.extend(["--port", port.as_str(), "--https-port", https_port.as_str()]);
        }
        self.pgkeep(&words).map(drop)
    }

    /// Stops it in order.
    pub(crate) fn down(&self) -> Outcome {
        self.pgkeep(&["down"]).map(drop)
    }

    /// Where it lives.
    pub(crate) fn path(&self) -> &Path {
        &self.home
    }

    /// Runs the command line on this home.
    pub(crate) fn pgkeep(&self, words: &[&str]) -> Outcome<String> {
        proc::capture(self.command().args(words))
    }

    /// The command line on this home.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("--home").arg(&self.home);
        command
    }

    /// Runs SQL on the server.
    pub(crate) fn sql(&self, sql: &str) -> Outcome<String> {
        proc::capture(Command::new("psql").args([&self.dsn, "-XAtqc", sql]))
    }

    /// The connection string, for programs that take one.
    pub(crate) fn dsn(&self) -> &str {
        &self.dsn
    }

    /// The first cell of a query's answer.
    pub(crate) fn ask(&self, query: &str) -> Outcome<String> {
        let text = self.pgkeep(&["logs", "query", query, "-o", "tsv"])?;
        Ok(text.split(['\t', '\n']).next().unwrap_or_default().to_owned())
    }

    /// Waits until a query's first cell is `wanted`.
    pub(crate) fn wait(&self, query: &str, wanted: &str, limit: Duration) -> Outcome {
        let until = Instant::now() + limit;
        loop {
            // One that cannot be asked right now is asked again.
            if self.ask(query).is_ok_and(|found| found == wanted) {
                return Ok(());
            }
            if Instant::now() > until {
                let found = self.ask(query).unwrap_or_default();
                return Err(Failure::new(format!("{query} gives {found:?}, not {wanted:?}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// CPU seconds that a process of the installation has used (proc(5), `utime` and `stime`).
    pub(crate) fn cpu_seconds(&self, process: &str) -> Outcome<f64> {
        let path = format!("/proc/{}/stat", self.pid(process)?);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        // The name stands in brackets and may hold blanks; the state comes behind it.
        let behind = text.rsplit_once(')').map_or("", |(_, rest)| rest);
        let mut fields = behind.split_whitespace().skip(11).map_while(|n| n.parse::<f64>().ok());
        match (fields.next(), fields.next()) {
            (Some(user), Some(system)) => Ok((user + system) / proc::ticks_per_second()?),
            _ => Err(Failure::new(format!("{path} is not understood")).detail(text)),
        }
    }

    /// Process of `plane`, `agent` or `fs`.
    pub(crate) fn pid(&self, process: &str) -> Outcome<String> {
        let pattern = format!("^pgkeep {process} serve .*{}", self.home.display());
        let found = proc::capture(Command::new("pgrep").args(["-f", &pattern]))?;
        match found.split_whitespace().collect::<Vec<_>>()[..] {
            [pid] => Ok(pid.to_owned()),
            _ => Err(Failure::new(format!("which process is the {process}?")).detail(found)),
        }
    }

    /// A figure of a process in KiB, such as `VmRSS`.
    pub(crate) fn memory(&self, process: &str, name: &str) -> Outcome<f64> {
        let path = format!("/proc/{}/status", self.pid(process)?);
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let figure = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        figure.ok_or_else(|| Failure::new(format!("{path} has no {name}")))
    }

    /// Sends a signal to a process.
    pub(crate) fn signal(&self, process: &str, signal: &str) -> Outcome {
        let pid = self.pid(process)?;
        proc::run(Command::new("kill").args([signal, &pid]))
    }

    /// Stops the installation.
    pub(crate) fn stop(mut self) -> Outcome {
        self.is_up = false;
        self.down()
    }
}

impl Drop for LogsHome {
    fn drop(&mut self) {
        if self.is_up {
            // The failure that brought us here is the one to tell.
            drop(self.down());
        }
    }
}
