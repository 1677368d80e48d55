//! One running `pgkeep fs serve`, from its birth to its end.

use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use base::Fault;
use cryptfs::{Event, Stats};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use server::{Mount, MountEvent};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStdout};
use tokio::sync::{mpsc, watch};

use super::mounts;

/// So many events may wait for the state machine; further tamper findings are dropped, the
/// store's own figures go on counting them.
const EVENTS: usize = 1024;
/// No event is longer.
const LINE_BYTES: u64 = 256 * 1024;
/// After this time a mount that is busy is detached instead.
const BUSY: Duration = Duration::from_secs(15);
/// A killed process is gone within this time, whatever it was doing.
const KILL_DEADLINE: Duration = Duration::from_secs(30);

/// The standard output of the process, line by line.
pub(super) type Lines = BufReader<ChildStdout>;

/// A mounted storage and the process behind it.
#[derive(Debug)]
pub(super) struct ServeMount {
    mountpoint: PathBuf,
    device: String,
    pidfd: OwnedFd,
    events: mpsc::Receiver<MountEvent>,
    exit: watch::Receiver<Option<ExitStatus>>,
}

impl ServeMount {
    /// Takes over a process that has said it is ready. `early` is what it said before.
    pub(super) fn of_child(
        child: Child,
        lines: Lines,
        mountpoint: &Path,
        device: String,
        early: Vec<Event>,
    ) -> Result<Self, Fault> {
        let pidfd = pidfd(&child)?;
        let (sender, events) = mpsc::channel(EVENTS);
        for event in early {
            // The channel is larger than what is kept from before.
            let _ = sender.try_send(MountEvent::Reported(event));
        }
        let (told, exit) = watch::channel(None);
        tokio::spawn(follow(child, lines, sender, told));
        Ok(Self { mountpoint: mountpoint.to_owned(), device, pidfd, events, exit })
    }

    fn signal(&self, signal: Signal) {
        // One that has ended already needs no signal.
        let _ = pidfd_send_signal(&self.pidfd, signal);
    }

    async fn ended(&self, limit: Duration) -> Option<ExitStatus> {
        let mut exit = self.exit.clone();
        let waited = tokio::time::timeout(limit, exit.wait_for(Option::is_some)).await;
        waited.ok().and_then(Result::ok).and_then(|status| *status)
    }
}

impl Mount for ServeMount {
    fn device(&self) -> String {
        self.device.clone()
    }

    async fn next_event(&mut self) -> MountEvent {
        match self.events.recv().await {
            Some(event) => event,
            // The death was told already.
            None => std::future::pending().await,
        }
    }

    fn is_alive(&mut self) -> bool {
        let mut fds = [PollFd::new(&self.pidfd, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        poll(&mut fds, Some(&now)).is_ok_and(|n| n == 0)
    }

    async fn stats(&self) -> Option<Stats> {
        let root = self.mountpoint.clone();
        // A file system that hangs must not hang the agent.
        let read = tokio::task::spawn_blocking(move || {
            cryptfs::fuse::Figures::of_mount(&root).ok().map(|figures| figures.stats)
        });
        read.await.ok().flatten()
    }

    async fn unmount(&mut self, deadline: Duration) -> Result<(), Fault> {
        self.signal(Signal::TERM);
        let mut status = self.ended(BUSY).await;
        if status.is_none() && mounts::is_mounted(&self.mountpoint)? {
            tracing::warn!("the mount is busy and is detached");
            self.signal(Signal::TERM);
        }
        if status.is_none() {
            status = self.ended(deadline).await;
        }
        match status {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(Fault::new("unclean", "the storage was not closed cleanly")
                .detail(format!("the file system process ended ({})", said(status)))),
            None => Err(Fault::new("timeout", "the storage is not closed yet")
                .detail(format!("waited {} s", (BUSY + deadline).as_secs()))
                .exit(base::ExitCode::Timeout)),
        }
    }

    async fn kill(&mut self) -> Result<(), Fault> {
        self.signal(Signal::KILL);
        if self.ended(KILL_DEADLINE).await.is_none() {
            return Err(Fault::new("unkillable", "the file system process does not end")
                .hint("look into the kernel's log"));
        }
        if mounts::is_mounted(&self.mountpoint)? {
            mounts::detach(&self.mountpoint).await?;
        }
        Ok(())
    }
}

/// A handle that never means another process.
fn pidfd(child: &Child) -> Result<OwnedFd, Fault> {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    let gone = || Fault::new("mount_dead", "the file system process ended at once");
    pidfd_open(pid.ok_or_else(gone)?, PidfdFlags::empty()).map_err(|e| gone().detail(e.to_string()))
}

/// Hands events on until the process ends, then says how it ended.
async fn follow(
    mut child: Child,
    mut lines: Lines,
    events: mpsc::Sender<MountEvent>,
    told: watch::Sender<Option<ExitStatus>>,
) {
    while let Some(line) = next_line(&mut lines).await {
        match serde_json::from_str(&line) {
            Ok(event) => {
                if events.try_send(MountEvent::Reported(event)).is_err() {
                    tracing::warn!("an event of the file system was dropped: too many wait");
                }
            }
            Err(_) => log_words(&line),
        }
    }
    let status = match child.wait().await {
        Ok(status) => status,
        Err(error) => {
            tracing::error!(%error, "could not wait for the file system process");
            ExitStatus::from_raw(Signal::KILL.as_raw())
        }
    };
    told.send_replace(Some(status));
    // Room is waited for: a death must not get lost. Nobody listens any more after an unmount.
    let _ = events.send(MountEvent::Died(said(status))).await;
}

/// What is meant for the log only, for example `{"event":"warning",…}` or `{"event":"closed"}`.
pub(super) fn log_words(line: &str) {
    tracing::info!(line = line.trim_end(), "the file system says");
}

/// The next line without its end; `None` at the end of the output, or after a line too long.
pub(super) async fn next_line(lines: &mut Lines) -> Option<String> {
    let mut line = String::new();
    let n = lines.take(LINE_BYTES).read_line(&mut line).await.ok()?;
    (n > 0 && line.ends_with('\n')).then_some(line)
}

/// How a process ended, for a sentence.
pub(super) fn said(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => "cause unknown".to_owned(),
    }
}
