//! A running postmaster: one that we started, or one that an earlier process of ours left.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::pid_file::PidFile;
use crate::ring::Ring;
use crate::{Cluster, Error, Result, file, process};

/// How a server is asked to stop; see "Shutting Down the Server" in the PostgreSQL manual.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StopMode {
    /// Waits for the clients to go.
    Smart,
    /// Ends the sessions, writes a checkpoint.
    Fast,
    /// Ends at once; the next start recovers.
    Immediate,
}

/// How a postmaster ended. Both parts are absent for one that was not our child.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Exit {
    /// Its exit code.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// A handle on a running postmaster; clones watch the same process. Dropping it stops nothing.
#[derive(Clone, Debug)]
pub struct Postmaster {
    pid: u32,
    pidfd: Arc<OwnedFd>,
    exit: watch::Receiver<Option<Exit>>,
    data_dir: PathBuf,
    stderr: Ring,
}

const POLL: Duration = Duration::from_millis(20);

impl Postmaster {
    /// Takes a child that was just spawned.
    pub(crate) fn of_child(mut child: Child, cluster: &Cluster) -> Result<Self> {
        let spawn_error =
            |source| Error::Spawn { program: cluster.binaries.program("postgres"), source };
        let pid = child.id().ok_or_else(|| spawn_error(std::io::ErrorKind::NotFound.into()))?;
        let pidfd = open(pid).map_err(spawn_error)?;
        let stderr = Ring::default();
        let reader = child.stderr.take().map(|stream| stderr.follow(stream));
        let (sender, exit) = watch::channel(None);
        tokio::spawn(async move {
            let status = child.wait().await.ok();
            if let Some(reader) = reader {
                // The logger may hold the stream a little longer than the postmaster lives.
                let _ = tokio::time::timeout(Duration::from_secs(2), reader).await;
            }
            use std::os::unix::process::ExitStatusExt;
            let code = status.and_then(|status| status.code());
            let signal = status.and_then(|status| status.signal());
            sender.send_replace(Some(Exit { code, signal }));
        });
        Ok(Self { pid, pidfd: Arc::new(pidfd), exit, data_dir: cluster.data_dir.clone(), stderr })
    }

    /// Takes a postmaster that another process started.
    fn adopt(pid: u32, pidfd: OwnedFd, cluster: &Cluster) -> Self {
        let pidfd = Arc::new(pidfd);
        let watched = pidfd.clone();
        let (sender, exit) = watch::channel(None);
        tokio::spawn(async move {
            while !has_ended(&watched, Duration::ZERO) {
                tokio::time::sleep(POLL).await;
            }
            sender.send_replace(Some(Exit::default()));
        });
        let data_dir = cluster.data_dir.clone();
        Self { pid, pidfd, exit, data_dir, stderr: Ring::default() }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it still runs.
    pub fn is_running(&self) -> bool {
        self.exit.borrow().is_none()
    }

    /// Waits until it ends, for whatever reason.
    pub async fn wait(&self) -> Exit {
        let mut exit = self.exit.clone();
        let ended = exit.wait_for(Option::is_some).await;
        ended.ok().and_then(|exit| *exit).unwrap_or_default()
    }

    /// What it wrote on standard error, the last lines.
    pub(crate) fn stderr(&self) -> Vec<String> {
        self.stderr.lines()
    }

    /// Stops it and waits until every process has left the data directory.
    ///
    /// Answers [`Error::Timeout`] when that takes longer than `deadline`; the caller then chooses
    /// a harder mode. A postmaster that has ended already is fine.
    pub async fn stop(&self, mode: StopMode, deadline: Duration) -> Result<()> {
        let signal = match mode {
            StopMode::Smart => Signal::TERM,
            StopMode::Fast => Signal::INT,
            StopMode::Immediate => Signal::QUIT,
        };
        self.end(signal, deadline).await
    }

    /// Kills the postmaster (SIGKILL) and waits for its children, who notice and leave.
    pub async fn kill(&self, deadline: Duration) -> Result<()> {
        self.end(Signal::KILL, deadline).await
    }

    async fn end(&self, signal: Signal, deadline: Duration) -> Result<()> {
        let until = Instant::now() + deadline;
        let timed_out =
            |detail: String| Error::Timeout { what: "stop", seconds: deadline.as_secs(), detail };
        if self.is_running() {
            self.signal(signal);
        }
        let waited = tokio::time::timeout_at(until, self.wait()).await;
        waited.map_err(|_| timed_out(format!("process {} still runs", self.pid)))?;
        loop {
            let left = process::all_in(&self.data_dir);
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(timed_out(format!("processes {left:?} are still there")));
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Stops it without a runtime, for destructors: immediate, then SIGKILL to its whole group.
    pub fn stop_blocking(&self, deadline: Duration) {
        self.signal(Signal::QUIT);
        if !has_ended(&self.pidfd, deadline) {
            tracing::warn!(pid = self.pid, "postmaster does not stop and is killed");
            if let Some(group) = Pid::from_raw(self.pid as i32) {
                // It is alive (the pidfd says so), hence the group is still its own.
                let _ = kill_process_group(group, Signal::KILL);
            }
        }
    }

    /// Asks it to read its configuration again.
    pub fn reload(&self) {
        self.signal(Signal::HUP);
    }

    /// A signal through the pidfd never reaches another process; one that has ended is fine.
    fn signal(&self, signal: Signal) {
        if let Err(error) = pidfd_send_signal(&*self.pidfd, signal) {
            tracing::debug!(pid = self.pid, %error, "signal was not delivered");
        }
    }
}

/// Whether a process has ended, or does so within `deadline`: its pidfd becomes readable.
fn has_ended(pidfd: &OwnedFd, deadline: Duration) -> bool {
    let timeout = Timespec::try_from(deadline).ok();
    let mut fds = [PollFd::new(pidfd, PollFlags::IN)];
    poll(&mut fds, timeout.as_ref()).is_ok_and(|n| n > 0)
}

fn open(pid: u32) -> std::io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(std::io::ErrorKind::InvalidInput)?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

impl Cluster {
    /// The postmaster that runs this data directory now, if there is one; whoever started it.
    ///
    /// A `postmaster.pid` whose process is gone, or is some other program by now, counts as stale.
    pub fn running(&self) -> Result<Option<Postmaster>> {
        let Some(found) = PidFile::read(&self.data_dir)? else { return Ok(None) };
        // First the handle, then the question: so the answer is about the process we hold.
        let Ok(pidfd) = open(found.pid) else { return Ok(None) };
        if !process::works_in(found.pid, &self.data_dir) {
            return Ok(None);
        }
        Ok(Some(Postmaster::adopt(found.pid, pidfd, self)))
    }

    /// Removes a stale `postmaster.pid`, whose number another program may have by now.
    ///
    /// Does so only when no process works in the data directory any more; PostgreSQL itself would
    /// otherwise be right to refuse.
    pub(crate) fn clear_stale_pid_file(&self) -> Result<()> {
        if let Some(postmaster) = self.running()? {
            return Err(Error::AlreadyRunning { pid: postmaster.pid });
        }
        let left = process::all_in(&self.data_dir);
        if let Some(pid) = left.first() {
            return Err(Error::AlreadyRunning { pid: *pid });
        }
        let _ = file::remove(&PidFile::path(&self.data_dir))?;
        Ok(())
    }
}
