//! Starts `pgkeep fs serve` for a server, gives it the key through a pipe, waits until it answers.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use base::{ExitCode, Fault};
use cryptfs::Event;
use cryptfs::check::Report;
use crypto::DataKey;
use serde_json::{Value, json};
use server::{Layout, Mounter, Progress};
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};

use super::mount::{Lines, ServeMount, log_words, next_line, said};
use super::{leftovers, mounts};
use crate::rpc;

/// Recovery after an unclean stop reads every open group; it may take its time.
const READY_DEADLINE: Duration = Duration::from_secs(3600);
/// The supervisor sets limits of the kernel within this time, or they stay as they are.
const TUNE_DEADLINE: Duration = Duration::from_secs(5);
/// What is kept of the events before `ready`.
const EARLY_EVENTS: usize = 200;
/// How often a long check says how far it is.
const SAY_EVERY: Duration = Duration::from_secs(1);
/// Programs of the distribution only: `fusermount3` is found there.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Mounts by a process of its own.
#[derive(Clone, Debug)]
pub(super) struct ServeMounter {
    supervisor: PathBuf,
}

/// A process that is not ready yet; dropping it kills it.
struct Starting(Option<Child>);

impl Drop for Starting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // One that has ended already needs no signal.
            let _ = child.start_kill();
        }
    }
}

impl ServeMounter {
    pub(super) fn new(supervisor: PathBuf) -> Self {
        Self { supervisor }
    }

    /// Has the kernel's write-back limits of the mount raised, which only root may do.
    async fn tune(&self, layout: &Layout, device: &str) {
        let args = json!({ "name": layout.name(), "device": device });
        let outcome = rpc::call_within(&self.supervisor, TUNE_DEADLINE, "tune", args, |_| {}).await;
        match outcome {
            Ok(settings) => tracing::debug!(%settings, "mount tuned"),
            Err(fault) => tracing::info!(%fault, "the mount keeps the kernel's own limits"),
        }
    }
}

impl Mounter for ServeMounter {
    type Mount = ServeMount;

    async fn clear_leftovers(
        &self,
        layout: &Layout,
        progress: &Progress,
    ) -> Result<Vec<String>, Fault> {
        leftovers::clear(layout, progress).await
    }

    async fn mount(
        &self,
        layout: &Layout,
        key: DataKey,
        progress: &Progress,
    ) -> Result<ServeMount, Fault> {
        let mut child = spawn(layout)?;
        let mut stdin = child.stdin.take().expect("because it was asked for");
        let stdout = child.stdout.take().expect("because it was asked for");
        let mut starting = Starting(Some(child));
        let handed = hand_over(&mut stdin, key).await;
        drop(stdin);
        let mut lines = BufReader::new(stdout);
        let ready = async {
            let ready = until_ready(&mut lines, progress).await;
            match (ready, handed) {
                (Ok(Some(ready)), _) => Ok(ready),
                (Err(fault), _) => Err(fault),
                (Ok(None), handed) => Err(ended_early(&mut starting, handed).await),
            }
        };
        let (device, early) =
            tokio::time::timeout(READY_DEADLINE, ready).await.map_err(|_| {
                Fault::new("timeout", "the encrypted storage was not mounted in time")
                    .exit(ExitCode::Timeout)
            })??;
        let child = starting.0.take().expect("because nobody else takes it");
        self.tune(layout, &device).await;
        ServeMount::of_child(child, lines, &layout.mountpoint(), device, early)
    }

    fn is_mounted(&self, layout: &Layout) -> Result<bool, Fault> {
        mounts::is_mounted(&layout.mountpoint())
    }

    async fn check(
        &self,
        layout: &Layout,
        key: DataKey,
        progress: &Progress,
    ) -> Result<Report, Fault> {
        let backing = layout.backing();
        let progress = progress.clone();
        let work = move || {
            let mut said = Instant::now();
            let mut tell = |done: u64, total: u64| {
                if said.elapsed() >= SAY_EVERY {
                    said = Instant::now();
                    let percent = done.saturating_mul(100) / total.max(1);
                    progress(&format!("{percent} % of the storage read"));
                }
            };
            cryptfs::check::check(&backing, &key, &mut tell).map_err(|e| store_fault(&e))
        };
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|e| {
            Err(Fault::from_error("internal", "the check of the storage failed", &e))
        })
    }
}

/// Starts the process; it waits for its key.
fn spawn(layout: &Layout) -> Result<Child, Fault> {
    // The running program itself, wherever it lies: its folder may be closed to this user.
    Command::new("/proc/self/exe")
        .arg0("pgkeep")
        // PostgreSQL waits for it: its share of the cores is not to be that of its parents.
        .args(["fs", "serve", "--own-session"])
        .arg(layout.backing())
        .arg(layout.mountpoint())
        .env_clear()
        .env("PATH", PATH)
        .env("LANG", "C.UTF-8")
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .map_err(|e| Fault::from_error("spawn", "could not start the file system process", &e))
}

/// Writes the key as the first line. Both copies are overwritten afterwards.
async fn hand_over(
    stdin: &mut tokio::process::ChildStdin,
    key: DataKey,
) -> Result<(), std::io::Error> {
    let hex = key.to_hex();
    drop(key);
    stdin.write_all(hex.expose().as_bytes()).await?;
    stdin.write_all(b"\n").await?;
    stdin.flush().await
}

/// Reads events until `ready`; `None` when the output ends before.
async fn until_ready(
    lines: &mut Lines,
    progress: &Progress,
) -> Result<Option<(String, Vec<Event>)>, Fault> {
    let mut early = Vec::new();
    while let Some(line) = next_line(lines).await {
        match serde_json::from_str::<Event>(&line) {
            Ok(Event::Ready { device, .. }) => return Ok(Some((device, early))),
            Ok(event) => {
                if let Event::Recovered { n_groups, .. } = &event {
                    progress(&format!("storage recovered, {n_groups} open groups read"));
                }
                if early.len() < EARLY_EVENTS {
                    early.push(event);
                }
            }
            Err(_) => {
                if let Some(fault) = failed(&line) {
                    return Err(fault);
                }
                log_words(&line);
            }
        }
    }
    Ok(None)
}

/// The fault in a line `{"event":"failed",…}`.
fn failed(line: &str) -> Option<Fault> {
    let value: Value = serde_json::from_str(line).ok()?;
    if value.get("event")? != "failed" {
        return None;
    }
    let text = |field: &str| value.get(field).and_then(Value::as_str);
    let message = text("message").unwrap_or("the encrypted storage could not be mounted");
    let mut fault = Fault::new(text("code").unwrap_or("mount_failed"), message);
    fault.detail = text("detail").map(str::to_owned);
    fault.hint = text("hint").map(str::to_owned);
    Some(fault)
}

async fn ended_early(starting: &mut Starting, handed: std::io::Result<()>) -> Fault {
    let child = starting.0.as_mut().expect("because it is taken only when it is ready");
    // Its output has ended, so it has or is about to; if not, it is killed on drop.
    let status = tokio::time::timeout(Duration::from_secs(5), child.wait()).await;
    let how = match status {
        Ok(Ok(status)) => said(status),
        Ok(Err(e)) => e.to_string(),
        Err(_) => "its output ended".to_owned(),
    };
    let fault = Fault::new("mount_failed", "the file system process ended before it mounted");
    let fault = fault.hint("its words are in the log of the agent, in the folder log/ of the home");
    match handed {
        Ok(()) => fault.detail(how),
        Err(e) => fault.detail(format!("{how}; it did not take the key: {e}")),
    }
}

/// A store's error as the edge says it.
fn store_fault(error: &cryptfs::Error) -> Fault {
    let code = match error {
        cryptfs::Error::WrongKey => "wrong_key",
        cryptfs::Error::InUse => "in_use",
        cryptfs::Error::Format(_) => "not_a_store",
        cryptfs::Error::Tampered { .. } => "damaged",
        _ => "io",
    };
    let mut fault = Fault::from_error(code, error.to_string(), error);
    let prefix = format!("{}: ", fault.message);
    fault.detail = fault
        .detail
        .and_then(|d| d.strip_prefix(&prefix).map(str::to_owned))
        .filter(|d| !d.is_empty());
    fault
}

#[cfg(test)]
mod tests {
    use super::failed;

    #[test]
    fn reads_why_a_mount_failed() {
        let line = r#"{"event":"failed","code":"wrong_key","message":"no","hint":"do"}"#;
        let fault = failed(line).unwrap();
        assert_eq!((fault.code.as_str(), fault.message.as_str()), ("wrong_key", "no"));
        assert_eq!(fault.hint.as_deref(), Some("do"));
        assert!(failed("{}").is_none() && failed("x").is_none());
        assert!(failed(r#"{"event":"ready"}"#).is_none());
    }
}
