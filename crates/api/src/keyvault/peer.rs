//! The process at the other end of a unix socket: what the kernel says of it, and no more.
//!
//! `SO_PEERCRED` is fixed when the peer connects. Its process id alone proves nothing later, as
//! ids are used again; so the unit is read only while `SO_PEERPIDFD` (Linux 6.5) says that the
//! very same process still lives. On an older kernel the unit stays unknown.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd as _, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{getsockopt, sockopt};
use tokio::net::UnixStream;

use super::backend::Peer;

/// The most that is read of `/proc/PID/cgroup`.
const MAX_CGROUP_BYTES: u64 = 16 * 1024;

/// Credentials of a peer and a handle of its process.
#[derive(Debug)]
pub struct Process {
    pid: Option<u32>,
    uid: u32,
    gid: u32,
    handle: Option<OwnedFd>,
}

impl Process {
    /// Asks the kernel who is at the other end.
    pub fn of(stream: &UnixStream) -> std::io::Result<Self> {
        let credentials = stream.peer_cred()?;
        // 0 stands for a process that cannot be seen from this pid namespace.
        let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0);
        let handle = getsockopt(stream, sockopt::PeerPidfd).ok();
        Ok(Self { pid, uid: credentials.uid(), gid: credentials.gid(), handle })
    }

    /// The user.
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// The credentials, with the unit as it is now.
    pub fn peer(&self) -> Peer {
        Peer { pid: self.pid, uid: self.uid, gid: self.gid, unit: self.unit() }
    }

    /// The order matters: what was read belongs to the process only if it lives afterwards.
    fn unit(&self) -> Option<String> {
        let (pid, handle) = (self.pid?, self.handle.as_ref()?);
        let cgroups = read(&format!("/proc/{pid}/cgroup"))?;
        lives(handle).then(|| unit_of(&cgroups)).flatten()
    }
}

/// A pidfd becomes readable when its process ends.
fn lives(handle: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(handle.as_fd(), PollFlags::POLLIN)];
    matches!(poll(&mut fds, PollTimeout::ZERO), Ok(0))
}

fn read(path: &str) -> Option<String> {
    let mut text = String::new();
    File::open(path).ok()?.take(MAX_CGROUP_BYTES).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The unit of the system's service manager in `/proc/PID/cgroup`.
///
/// The first part of the path that is no slice: what stands below it was named by the unit
/// itself, for example by a user's own service manager, and could claim anything.
fn unit_of(cgroups: &str) -> Option<String> {
    let path = of_hierarchy(cgroups, "0::").or_else(|| of_hierarchy(cgroups, "1:name=systemd:"))?;
    let mut parts = path.strip_prefix('/')?.split('/');
    let unit = parts.find(|part| !part.ends_with(".slice"))?;
    let known = [".service", ".scope", ".socket", ".mount", ".swap"];
    let named = known.iter().any(|end| unit.strip_suffix(end).is_some_and(|name| !name.is_empty()));
    (named && unit.len() <= 255).then(|| unit.to_owned())
}

fn of_hierarchy<'a>(cgroups: &'a str, prefix: &str) -> Option<&'a str> {
    let path = cgroups.lines().find_map(|line| line.strip_prefix(prefix))?;
    (path != "/").then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_that_a_process_has_ended() {
        use std::process::{Command, Stdio};
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        let flags = rustix::process::PidfdFlags::empty();
        let handle = rustix::process::pidfd_open(pid, flags).unwrap();
        assert!(lives(&handle));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!lives(&handle));
    }

    #[test]
    fn takes_the_unit_that_the_system_named() {
        for (cgroups, unit) in [
            ("0::/system.slice/shop.service\n", Some("shop.service")),
            ("0::/system.slice/system-shop.slice/shop@1.service/sub\n", Some("shop@1.service")),
            ("0::/user.slice/user-7.slice/session-2.scope\n", Some("session-2.scope")),
            // A user's own manager names what it likes.
            (
                "0::/user.slice/user-7.slice/user@7.service/app.slice/shop.service\n",
                Some("user@7.service"),
            ),
            ("0::/\n1:name=systemd:/system.slice/shop.service\n", Some("shop.service")),
            ("0::/\n", None),
            ("0::/docker/system.slice/shop.service\n", None),
            ("0::/../system.slice/shop.service\n", None),
            ("0::/system.slice\n", None),
            ("0::/system.slice/.service\n", None),
            ("4:memory:/system.slice/shop.service\n", None),
            ("", None),
        ] {
            assert_eq!(unit_of(cgroups).as_deref(), unit, "{cgroups}");
        }
    }
}
