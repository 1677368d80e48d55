//! How every child process of this crate is made.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use crate::{Error, Result, RunAs};

/// Programs of the distribution only; PostgreSQL hands this on to `archive_command` and friends.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A command that runs as `run_as` in a process group of its own, with a clean environment.
///
/// Nothing of our environment is handed on: no `PG…` variable changes what the program does,
/// and no secret of the caller reaches it. Messages are in English, because `diagnose` reads them.
pub(crate) fn command(program: &Path, run_as: &RunAs) -> Result<Command> {
    if run_as.is_root() {
        return Err(Error::Root);
    }
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C.UTF-8")
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    if !run_as.is_current() {
        // Only root can; for others the spawn fails with EPERM. Supplementary groups are dropped.
        command.uid(run_as.uid).gid(run_as.gid);
    }
    Ok(command)
}
