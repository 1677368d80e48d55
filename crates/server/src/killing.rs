//! The hardest way to end a PostgreSQL: SIGKILL to each of its processes.
//!
//! Backends lead sessions of their own, so no process group holds them all; what they share is
//! the data directory that they work in. Nothing here touches a file of that directory, because
//! the file system below it may be what hangs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use base::{ExitCode, Fault};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::time::Instant;

const POLL: Duration = Duration::from_millis(20);

/// Kills every process of our own user that works in `data_dir`, until none is left.
/// `data_dir` lies in a mount; the folder above the mount is what is resolved.
pub(crate) async fn kill_all(
    mount_dir: &Path,
    data_dir: &Path,
    deadline: Duration,
) -> Result<(), Fault> {
    let wanted = resolved(mount_dir, data_dir);
    let until = Instant::now() + deadline;
    loop {
        let left = working_in(&wanted);
        if left.is_empty() {
            return Ok(());
        }
        // Again in each round: a process may have been born between the look and the signal.
        left.iter().for_each(|pid| kill(*pid, &wanted));
        if Instant::now() >= until {
            return Err(Fault::new("unkillable", "processes of PostgreSQL do not end")
                .detail(format!("process ids {left:?}"))
                .hint("look into the kernel's log")
                .exit(ExitCode::Timeout));
        }
        tokio::time::sleep(POLL).await;
    }
}

/// The path as the kernel shows it, found without asking the mounted file system.
fn resolved(mount_dir: &Path, data_dir: &Path) -> PathBuf {
    let Some((above, name)) = mount_dir.parent().zip(mount_dir.file_name()) else {
        return data_dir.to_owned();
    };
    let Ok(inside) = data_dir.strip_prefix(mount_dir) else { return data_dir.to_owned() };
    let above = above.canonicalize().unwrap_or_else(|_| above.to_owned());
    above.join(name).join(inside)
}

/// The processes of our own user that work in `wanted` and are not dead already.
fn working_in(wanted: &Path) -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| works_in(*pid, wanted)).collect()
}

fn works_in(pid: i32, wanted: &Path) -> bool {
    std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == wanted)
}

/// The handle comes first and the proof after it, so that a number given to another process in
/// between is never signalled.
fn kill(pid: i32, wanted: &Path) {
    let Some(raw) = Pid::from_raw(pid).filter(|_| pid > 1) else { return };
    let Ok(handle) = pidfd_open(raw, PidfdFlags::empty()) else { return };
    if works_in(pid, wanted) {
        tracing::warn!(pid, "killing a process of PostgreSQL");
        // One that has ended already needs no signal.
        let _ = pidfd_send_signal(&handle, Signal::KILL);
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[tokio::test]
    async fn ends_even_a_stopped_process_that_works_there_and_nobody_else() {
        let home = tempfile::tempdir().unwrap();
        let mount = home.path().join("mnt");
        let (data, other) = (mount.join("pgdata"), mount.join("other"));
        let born = |dir: &PathBuf| {
            std::fs::create_dir_all(dir).unwrap();
            Command::new("cat")
                .current_dir(dir)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        };
        let (mut inside, mut outside) = (born(&data), born(&other));
        let pid = Pid::from_raw(i32::try_from(inside.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, Signal::STOP).unwrap();
        // Reaped beside it: a zombie works nowhere, but its number stays until then.
        let reaper = std::thread::spawn(move || inside.wait().unwrap());
        kill_all(&mount, &data, Duration::from_secs(20)).await.unwrap();
        assert!(!reaper.join().unwrap().success());
        assert_eq!(outside.try_wait().unwrap(), None, "another process was killed");
        outside.kill().unwrap();
        outside.wait().unwrap();
        kill_all(&mount, &data, Duration::from_secs(1)).await.unwrap();
    }
}
