//! pjdfstest: about 400 cases of POSIX semantics, many of which change users and so need root.

use super::tools::Tool;
use super::{Bench, Verdict};
use crate::cluster::{Account, EngineKind};
use crate::failure::{Doing, Failure, Outcome};
use crate::proc;

const TOOL: Tool = Tool { name: "pjdfstest", version: "0.2.2" };

/// What Linux has, and two users that every Debian has.
const CONFIGURATION: &str = "\
[features]
posix_fallocate = {}
rename_ctime = {}
utime_now = {}
utimensat = {}
[settings]
naptime = 0.01
allow_remount = false
[dummy_auth]
entries = [[\"nobody\", \"nogroup\"], [\"daemon\", \"daemon\"]]
";

pub(super) fn run(bench: &Bench<'_>) -> Outcome<Verdict> {
    let account = Account::root()
        .map_err(|failure| failure.hint("pjdfstest changes users: run it as root"))?;
    let program = bench.work.program(&TOOL.install()?)?;
    let configuration = bench.work.path().join("pjdfstest.toml");
    std::fs::write(&configuration, CONFIGURATION).doing(|| "write its configuration".to_owned())?;
    // The suite's other users must see the mount, which those of a real server never do.
    let options: &[&str] = if bench.kind == EngineKind::Pgkeep { &["--allow-other"] } else { &[] };
    let mount = bench.engine(&account)?.with_options(options).mount()?;
    // Short, because the suite makes sockets below and their paths end at 107 bytes (unix(7)).
    let inside = mount.dir().join("t");
    let make = |path: &std::path::Path| {
        use std::os::unix::fs::PermissionsExt;
        std::fs::create_dir_all(path)
            .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)))
            .doing(|| format!("make \"{}\"", path.display()))
    };
    make(mount.dir())?;
    make(&inside)?;
    let mut command = account.command(&program);
    command.arg("-c").arg(&configuration).arg("-p").arg(&inside);
    if bench.kind != EngineKind::Plain {
        let other = bench.work.path().join("other-disk");
        make(&other)?;
        command.arg("-s").arg(&other);
    }
    let output = proc::output(&mut command)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    mount.unmount()?;
    read(&without_colour(&said)).ok_or_else(|| {
        Failure::new("pjdfstest printed no summary").detail(format!(
            "{}\n{}",
            output.status,
            proc::tail(&said, 20)
        ))
    })
}

/// Reads lines of `name  ok|FAILED|skipped` and the closing summary.
fn read(said: &str) -> Option<Verdict> {
    let summary = said.lines().rev().find_map(|line| line.strip_prefix("Summary: "))?;
    let count = |what: &str| -> Option<u64> {
        let part = summary.split(", ").find(|part| part.ends_with(what))?;
        part.split_whitespace().next()?.parse().ok()
    };
    let failures = said
        .lines()
        .filter_map(|line| line.strip_suffix("FAILED"))
        .map(|name| name.trim().to_owned())
        .collect();
    Some(Verdict {
        suite: format!("pjdfstest {}", TOOL.version),
        n_passed: count(" passed")?,
        n_failed: count(" failed")?,
        n_skipped: count(" skipped")?,
        failures,
        remark: "Run as root; skipped: cases of other systems \
                 (flags, birth time, NFSv4 lists) and those that remount read-only."
            .to_owned(),
    })
}

/// Takes out terminal colours (ECMA-48 `ESC [ … m`).
fn without_colour(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        plain += part.split_once('m').map_or(part, |(_, rest)| rest);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{read, without_colour};

    #[test]
    fn reads_the_summary_and_the_names() {
        let said = "a::b   ok\nc::d   FAILED\n\tpanicked\n\nSummary: 1 failed, 2 skipped, \
                    3 passed, 0 expected failures, 6 total\n";
        let verdict = read(said).unwrap();
        assert_eq!((verdict.n_failed, verdict.n_skipped, verdict.n_passed), (1, 2, 3));
        assert_eq!(verdict.failures, ["c::d"]);
        assert!(read("nothing").is_none());
    }

    #[test]
    fn colours_go() {
        assert_eq!(without_colour("a\u{1b}[31mb\u{1b}[0mc"), "abc");
    }
}
