//! The few things asked of apt, as root or through sudo.

use std::path::Path;
use std::process::{Command, Stdio};

use super::host::{Host, NEWEST_MAJOR, OLDEST_MAJOR};
use crate::failure::{Doing, Failure, Outcome};
use crate::{proc, say};

/// Read by postgresql-common before it would make a cluster of its own.
const CREATECLUSTER: &str = "/etc/postgresql-common/createcluster.d/pgkeep.conf";
const CREATECLUSTER_TEXT: &str = "\
# Written by `cargo xtask deps` of pgkeep: do not start an unencrypted cluster on installation.
create_main_cluster = false
";

/// A command as root, or a failure that names what root would have to run.
pub(super) fn as_root(host: &Host, program: &str, words: &[&str]) -> Outcome<Command> {
    if host.is_root {
        let mut command = Command::new(program);
        command.args(words);
        return Ok(command);
    }
    if host.has_sudo {
        let mut command = Command::new("sudo");
        command.arg(program).args(words);
        return Ok(command);
    }
    Err(Failure::new(format!("{program} needs root, and there is no sudo"))
        .hint(format!("run as root: {program} {}", words.join(" "))))
}

/// Keeps Debian from starting an unencrypted cluster; must run before postgresql is installed.
pub(super) fn forbid_main_cluster(host: &Host) -> Outcome {
    if std::fs::read_to_string(CREATECLUSTER).is_ok_and(|text| text == CREATECLUSTER_TEXT) {
        return Ok(());
    }
    let folder = Path::new(CREATECLUSTER).parent().expect("because the path is a constant");
    proc::run(&mut as_root(host, "mkdir", &["-p", &folder.to_string_lossy()])?)?;
    let mut tee = as_root(host, "tee", &[CREATECLUSTER])?;
    let mut child = tee
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .doing(|| format!("write {CREATECLUSTER}"))?;
    let mut input = child.stdin.take().expect("because stdin is piped");
    std::io::Write::write_all(&mut input, CREATECLUSTER_TEXT.as_bytes())
        .doing(|| format!("write {CREATECLUSTER}"))?;
    drop(input);
    let status = child.wait().doing(|| format!("write {CREATECLUSTER}"))?;
    if !status.success() {
        return Err(Failure::new(format!("could not write {CREATECLUSTER}")));
    }
    say::note(&format!("wrote {CREATECLUSTER}: no unencrypted cluster will be made"));
    Ok(())
}

/// Whether apt has read its package lists at least once.
pub(super) fn has_lists() -> bool {
    std::fs::read_dir("/var/lib/apt/lists").is_ok_and(|entries| {
        entries.flatten().any(|entry| entry.file_name().to_string_lossy().contains("_Packages"))
    })
}

/// Reads the package lists.
pub(super) fn update(host: &Host) -> Outcome {
    say::step("apt-get update");
    proc::run(&mut as_root(host, "apt-get", &["update", "-q"])?)
}

/// Installs packages. Lists may be old: the first failure brings them up to date and tries again.
pub(super) fn install(host: &Host, packages: &[String], updated: bool) -> Outcome {
    if !updated && !has_lists() {
        update(host)?;
    }
    let attempt = || -> Outcome {
        let mut words = vec!["DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-q", "-y"];
        words.push("--no-install-recommends");
        words.extend(packages.iter().map(String::as_str));
        proc::run(as_root(host, "env", &words)?.stdin(Stdio::null()))
    };
    say::step(&format!("apt-get install {}", packages.join(" ")));
    attempt().or_else(|_| {
        say::note("trying once more with fresh package lists");
        update(host)?;
        attempt()
    })
}

/// The major version that `postgresql` would install.
pub(super) fn candidate_major() -> Outcome<u32> {
    let text = proc::capture(Command::new("apt-cache").args(["depends", "postgresql"]))?;
    major_in(&text).ok_or_else(|| {
        Failure::new("apt knows no supported version of PostgreSQL")
            .hint(format!("pgkeep works with PostgreSQL {OLDEST_MAJOR} to {NEWEST_MAJOR}"))
    })
}

/// Reads `Depends: postgresql-NN` from the words of apt-cache.
pub(super) fn major_in(depends: &str) -> Option<u32> {
    depends
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("postgresql-")?.parse().ok())
        .find(|major| (OLDEST_MAJOR..=NEWEST_MAJOR).contains(major))
}
