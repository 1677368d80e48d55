//! Signals by process id, through the shell's own `kill`: the standard library has none.

use std::process::{Child, Command};

use crate::proc;

/// SIGKILL to processes; ones that are gone already are no error.
pub(super) fn kill_now(pids: &[u32]) {
    for pid in pids {
        let _ = send("KILL", *pid);
    }
}

/// Sends a named signal; false when the process is gone or not ours.
pub(super) fn send(name: &str, pid: u32) -> bool {
    let mut command = Command::new("sh");
    command.args(["-c", "kill -s \"$1\" \"$2\"", "sh", name, &pid.to_string()]);
    proc::output(&mut command).is_ok_and(|output| output.status.success())
}

/// The children of a process, from /proc.
pub(super) fn children(parent: u32) -> Vec<u32> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return vec![] };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| parent_of(*pid) == Some(parent))
        .collect()
}

/// Whether a process has not ended; one that waits to be reaped has.
pub(super) fn is_alive(pid: u32) -> bool {
    stat_fields(pid).is_some_and(|fields| fields.first().is_some_and(|state| state != "Z"))
}

/// Whether a child has not ended.
pub(super) fn child_is_alive(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(None))
}

fn parent_of(pid: u32) -> Option<u32> {
    stat_fields(pid)?.get(1)?.parse().ok()
}

/// The fields of /proc/PID/stat after the program's name, which may itself hold anything.
fn stat_fields(pid: u32) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    #[test]
    fn sees_and_ends_a_child() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        assert!(super::is_alive(child.id()));
        assert!(super::children(std::process::id()).contains(&child.id()));
        super::kill_now(&[child.id()]);
        assert!(!child.wait().unwrap().success());
        assert!(!super::is_alive(child.id()));
    }
}
