//! Finds and ends what an agent that was killed left behind: PostgreSQL, then the file system.
//!
//! Only a process that is provably this server's is touched: of our own OS user, and either a
//! `postgres` that works in this server's data directory, or a `pgkeep fs serve` of exactly this
//! backing folder and mountpoint. A pidfd is opened first and the proof read afterwards, so that
//! a number that was given to another process in between is never signalled.

use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use base::Fault;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use server::{Layout, Progress};
use tokio::time::Instant;

use super::mounts;

/// PostgreSQL's checkpoint on its way out may take so long.
const POSTGRES_DEADLINE: Duration = Duration::from_secs(120);
/// Closing a store writes what is in memory.
const STORE_DEADLINE: Duration = Duration::from_secs(120);
/// A killed process is gone within this time.
const KILL_DEADLINE: Duration = Duration::from_secs(15);
const POLL: Duration = Duration::from_millis(25);

/// A process, held so that its number cannot come to mean another one.
struct Held {
    pid: u32,
    parent: u32,
    pidfd: OwnedFd,
}

/// Ends what is left of an earlier agent's work; answers what was done.
pub(super) async fn clear(layout: &Layout, progress: &Progress) -> Result<Vec<String>, Fault> {
    let mut done = Vec::new();
    let pgdata = layout.pgdata();
    let is_postgres = |pid: u32| works_as_postgres_in(pid, &pgdata);
    let orphans = find(&is_postgres);
    if !orphans.is_empty() {
        progress("stopping the PostgreSQL of an agent that was killed");
        // On a dead mount no checkpoint can be written.
        let alive = pgdata.metadata().is_ok();
        let signal = if alive { Signal::INT } else { Signal::QUIT };
        end(&orphans, signal, POSTGRES_DEADLINE, &is_postgres).await?;
        done.push(format!("ended {} PostgreSQL processes without an agent", orphans.len()));
    }
    let wanted = [layout.backing(), layout.mountpoint()];
    let is_store = |pid: u32| serves(pid, &wanted);
    let stores = find(&is_store);
    if !stores.is_empty() {
        progress("closing the storage of an agent that was killed");
        end(&stores, Signal::TERM, STORE_DEADLINE, &is_store).await?;
        done.push("ended a file system process without an agent".to_owned());
    }
    let mountpoint = layout.mountpoint();
    if mounts::is_mounted(&mountpoint)? {
        progress("removing a mount whose process is gone");
        mounts::detach(&mountpoint).await?;
        if mounts::is_mounted(&mountpoint)? {
            let message = format!("something is still mounted at \"{}\"", mountpoint.display());
            return Err(Fault::new("still_mounted", message).hint("unmount it by hand"));
        }
        done.push("removed a mount whose process was gone".to_owned());
    }
    Ok(done)
}

/// Sends `signal` to the topmost of `processes`, waits for all, then kills what is left.
async fn end(
    processes: &[Held],
    signal: Signal,
    deadline: Duration,
    is_one: &(impl Fn(u32) -> bool + Sync),
) -> Result<(), Fault> {
    let among = |pid: u32| processes.iter().any(|held| held.pid == pid);
    for held in processes.iter().filter(|held| !among(held.parent)) {
        // One that has ended already needs no signal.
        let _ = pidfd_send_signal(&held.pidfd, signal);
    }
    if gone(deadline, is_one).await {
        return Ok(());
    }
    for held in find(is_one) {
        tracing::warn!(pid = held.pid, "killing a process that does not end");
        let _ = pidfd_send_signal(&held.pidfd, Signal::KILL);
    }
    if gone(KILL_DEADLINE, is_one).await {
        return Ok(());
    }
    let left: Vec<_> = find(is_one).iter().map(|held| held.pid.to_string()).collect();
    Err(Fault::new("leftovers", "processes of an earlier agent do not end")
        .detail(format!("process ids {}", left.join(", "))))
}

async fn gone(deadline: Duration, is_one: &(impl Fn(u32) -> bool + Sync)) -> bool {
    let until = Instant::now() + deadline;
    loop {
        if find(is_one).is_empty() {
            return true;
        }
        if Instant::now() >= until {
            return false;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// All processes of our own user for which the proof holds.
fn find(is_one: &impl Fn(u32) -> bool) -> Vec<Held> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let own = rustix::process::geteuid().as_raw();
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| hold(pid, own, is_one)).collect()
}

fn hold(pid: u32, own: u32, is_one: &impl Fn(u32) -> bool) -> Option<Held> {
    // Most processes are not meant: they cost no descriptor.
    if !is_one(pid) {
        return None;
    }
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw)?;
    let pidfd = pidfd_open(raw, PidfdFlags::empty()).ok()?;
    let status = Status::read(pid)?;
    (status.uid == own && !status.is_zombie && is_one(pid)).then_some(Held {
        pid,
        parent: status.parent,
        pidfd,
    })
}

/// True for a server process of PostgreSQL in `pgdata`.
fn works_as_postgres_in(pid: u32, pgdata: &Path) -> bool {
    let link = |name: &str| std::fs::read_link(format!("/proc/{pid}/{name}"));
    let name_of = |path: PathBuf| path.file_name().map(ToOwned::to_owned);
    // A program that was upgraded meanwhile is called "postgres (deleted)".
    let is_postgres = link("exe")
        .ok()
        .and_then(name_of)
        .is_some_and(|name| name == "postgres" || name == "postgres (deleted)");
    is_postgres && link("cwd").is_ok_and(|cwd| cwd == pgdata)
}

/// True for a `pgkeep fs serve` whose last two paths are `wanted`.
fn serves(pid: u32, wanted: &[PathBuf; 2]) -> bool {
    let Ok(bytes) = std::fs::read(format!("/proc/{pid}/cmdline")) else { return false };
    let args: Vec<OsString> =
        bytes.split(|byte| *byte == 0).map(|arg| OsString::from_vec(arg.to_vec())).collect();
    args.get(1).is_some_and(|arg| arg == "fs")
        && args.get(2).is_some_and(|arg| arg == "serve")
        && wanted.iter().all(|path| args.iter().any(|arg| arg == path.as_os_str()))
}

/// What `/proc/PID/status` says; readable for processes that let nobody look into them, too.
struct Status {
    uid: u32,
    parent: u32,
    is_zombie: bool,
}

impl Status {
    fn read(pid: u32) -> Option<Self> {
        Self::parse(&std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()
        };
        Some(Self {
            uid: field("Uid:")?.parse().ok()?,
            parent: field("PPid:")?.parse().ok()?,
            is_zombie: field("State:")? == "Z",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_status_of_a_process() {
        let own = Status::read(std::process::id()).unwrap();
        assert_eq!(own.uid, rustix::process::geteuid().as_raw());
        assert!(!own.is_zombie);
        let text = "Name:\tx\nState:\tZ (zombie)\nPPid:\t7\nUid:\t101\t101\t101\t101\n";
        let status = Status::parse(text).unwrap();
        assert_eq!((status.uid, status.parent, status.is_zombie), (101, 7, true));
        assert!(Status::parse("Name:\tx\n").is_none());
    }

    #[test]
    fn touches_nobody_else() {
        let nowhere = PathBuf::from("/nowhere/servers/x/mnt/pgdata");
        assert!(find(&|pid| works_as_postgres_in(pid, &nowhere)).is_empty());
        let wanted = [PathBuf::from("/nowhere/data"), PathBuf::from("/nowhere/mnt")];
        assert!(find(&|pid| serves(pid, &wanted)).is_empty());
    }
}
