//! Processes of the host: those that show a password, and the server's own.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use kql::plan::Schema;
use kql::value::Json;
use regex::bytes::Regex;

use super::stat::{Names, found, text};
use super::{Filled, Host};
use crate::derive::{Given, list, row};

/// Processes that are looked at.
const PROCESSES_MAX: usize = 100_000;
/// Bytes of a command line or environment.
const BYTES_MAX: u64 = 2 << 20;

static IN_COMMAND: LazyLock<Regex> = LazyLock::new(|| {
    let parts = [
        r#"postgres(ql)?://[^\s:/@"']*:[^\s@]+@"#,
        r"postgres(ql)?://\S*[?&]password=[^&\s]",
        r#"\bPGPASSWORD=["']?[^\s"'$]"#,
    ];
    Regex::new(&parts.join("|")).expect("a sound pattern")
});
/// `password=` stands in the words of other programs too.
static IN_CONNINFO: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(^|[\s\x00])password\s*=\s*\S").expect("a sound pattern"));
static CONNINFO: LazyLock<Regex> = LazyLock::new(|| {
    let programs = r"psql|pg_\w+|pgbench|(vacuum|create|drop|reindex|cluster)db|(create|drop)user";
    Regex::new(&format!(r"(^|/)({programs})\x00|\bdbname\s*=|\bhost\s*=")).expect("a sound pattern")
});

/// A file of a process; none where it ended.
fn of_process(pid: u32, name: &str) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let Some(file) = found(fs::File::open(format!("/proc/{pid}/{name}")))? else {
        return Ok(None);
    };
    match io::Read::read_to_end(&mut io::Read::take(file, BYTES_MAX), &mut bytes) {
        Ok(_) => Ok(Some(bytes)),
        // ESRCH: it ended meanwhile.
        Err(error) if error.raw_os_error() == Some(3) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether others' processes are listed at all (`hidepid`, proc(5)).
fn all_are_seen() -> io::Result<()> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let hides = mounts.lines().filter(|line| line.split(' ').nth(4) == Some("/proc")).any(|line| {
        let option = line.rsplit([' ', ',']).find_map(|option| option.strip_prefix("hidepid="));
        option.is_some_and(|value| value != "0" && value != "off")
    });
    if hides && !rustix::process::geteuid().is_root() {
        let what = "processes of other accounts are hidden (hidepid)";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, what));
    }
    Ok(())
}

fn pids() -> io::Result<Vec<u32>> {
    let mut pids = Vec::new();
    for entry in fs::read_dir("/proc")? {
        pids.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u32>().ok()));
    }
    Ok(pids)
}

/// `Field:` of /proc/PID/status.
fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    Some(line.trim())
}

/// `ProcessSecrets`: each program with whether its environment or command line has a password.
pub(super) fn secrets(host: &Host, _: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let names = Names::of(host);
    let all = match pids() {
        Ok(pids) => pids,
        Err(error) => {
            filled.lack(Path::new("/proc"), &error);
            return filled;
        }
    };
    if let Err(error) = all_are_seen() {
        filled.lack(Path::new("/proc"), &error);
    }
    let (mut refused, mut first) = (0, None);
    for pid in all.iter().take(PROCESSES_MAX).copied() {
        let read = || -> io::Result<Option<(String, Vec<u8>)>> {
            let Some(status) = of_process(pid, "status")? else { return Ok(None) };
            let Some(command) = of_process(pid, "cmdline")? else { return Ok(None) };
            Ok(Some((String::from_utf8_lossy(&status).into_owned(), command)))
        };
        let (status, command) = match read() {
            Ok(Some(read)) => read,
            Ok(None) => continue,
            Err(error) => {
                filled.lack(&PathBuf::from(format!("/proc/{pid}")), &error);
                continue;
            }
        };
        // Threads of the kernel have no command.
        if command.is_empty() {
            continue;
        }
        let environment = match of_process(pid, "environ") {
            Ok(Some(environment)) => environment,
            Ok(None) => continue,
            Err(error) => {
                refused += 1;
                first.get_or_insert(error);
                Vec::new()
            }
        };
        let assigned = environment.split(|byte| *byte == 0).any(|variable| {
            variable.strip_prefix(b"PGPASSWORD=").is_some_and(|value| !value.is_empty())
        });
        let uid = field(&status, "Uid").and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok());
        let cells = [
            ("pid", Json::Long(i64::from(pid))),
            ("program", text(field(&status, "Name").unwrap_or_default())),
            ("account", text(uid.map_or_else(String::new, |uid| names.user(uid)))),
            ("in_environment", Json::Bool(assigned)),
            ("in_command", Json::Bool(shows_password(&command))),
        ];
        filled.rows.push(row(schema, &cells));
    }
    if let Some(error) = first {
        let error = io::Error::new(error.kind(), format!("{refused} processes: {error}"));
        filled.lack(Path::new("/proc/*/environ"), &error);
    }
    if all.len() > PROCESSES_MAX {
        let error = io::Error::other(format!("more than {PROCESSES_MAX} processes"));
        filled.lack(Path::new("/proc"), &error);
    }
    filled
}

fn shows_password(command: &[u8]) -> bool {
    IN_COMMAND.is_match(command) || CONNINFO.is_match(command) && IN_CONNINFO.is_match(command)
}

/// `ServerProcess`: one row.
pub(super) fn server(host: &Host, _: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let pid = match host.postmaster() {
        Ok(pid) => pid,
        Err(error) => {
            filled.lack(Path::new("the server's process"), &error);
            return filled;
        }
    };
    let mut texts = [const { String::new() }; 3];
    for (text, name) in texts.iter_mut().zip(["status", "limits", "cgroup"]) {
        match of_process(pid, name) {
            Ok(read) => *text = String::from_utf8_lossy(&read.unwrap_or_default()).into_owned(),
            Err(error) => filled.lack(&PathBuf::from(format!("/proc/{pid}/{name}")), &error),
        }
    }
    let [status, limits, cgroup] = texts;
    // No security module answers: EINVAL.
    let label = match of_process(pid, "attr/current") {
        Ok(label) => label.unwrap_or_default(),
        Err(error) if error.raw_os_error() == Some(22) => Vec::new(),
        Err(error) => {
            filled.lack(&PathBuf::from(format!("/proc/{pid}/attr/current")), &error);
            Vec::new()
        }
    };
    let label = String::from_utf8_lossy(&label);
    let mut of_system = |path: &str| match found(host.text(path)) {
        Ok(text) => text.unwrap_or_default().trim().to_owned(),
        Err(error) => {
            filled.lack(Path::new(path), &error);
            String::new()
        }
    };
    let core_pattern = of_system("/proc/sys/kernel/core_pattern");
    let ptrace = of_system("/proc/sys/kernel/yama/ptrace_scope");
    let enforcing = of_system("/sys/fs/selinux/enforce");
    let apparmor = of_system("/sys/module/apparmor/parameters/enabled");
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size"));
    let core = core.and_then(|line| line.split_whitespace().next()).unwrap_or_default();
    let is_set = |name: &str| Json::Bool(field(&status, name).is_some_and(|value| value != "0"));
    let bounding = field(&status, "CapBnd").and_then(|hex| u64::from_str_radix(hex, 16).ok());
    let parent = field(&status, "PPid").unwrap_or("0");
    let parent = of_process(parent.parse().unwrap_or(0), "comm").ok().flatten();
    let own_tmp = match (mount_namespace("1"), mount_namespace(&pid.to_string())) {
        (Ok(init), Ok(own)) => Json::Bool(init != own),
        _ => Json::Null,
    };
    let in_container = field(&status, "NSpid").is_some_and(|ids| ids.contains(['\t', ' ']));
    let cells = [
        ("pid", Json::Long(i64::from(pid))),
        ("umask", text(field(&status, "Umask").unwrap_or_default())),
        ("core_limit", text(core)),
        ("core_pattern", text(core_pattern)),
        ("ptrace_scope", ptrace.parse().map_or(Json::Null, Json::Long)),
        ("no_new_privileges", is_set("NoNewPrivs")),
        ("seccomp", is_set("Seccomp")),
        ("capabilities", bounding.map_or(Json::Null, |set| Json::Long(set.count_ones().into()))),
        ("own_mounts", own_tmp),
        ("label", text(label.trim_matches(['\0', '\n', ' ']))),
        ("selinux_enforcing", Json::Bool(enforcing == "1")),
        ("apparmor", Json::Bool(apparmor == "Y")),
        ("parent", text(String::from_utf8_lossy(&parent.unwrap_or_default()).trim())),
        ("in_container", Json::Bool(in_container)),
        ("units", list(units(&cgroup))),
    ];
    filled.rows.push(row(schema, &cells));
    filled
}

fn mount_namespace(pid: &str) -> io::Result<PathBuf> {
    fs::read_link(format!("/proc/{pid}/ns/mnt"))
}

/// Services of systemd that a process is in, by its control groups.
pub(super) fn units(cgroup: &str) -> Vec<String> {
    let lines = cgroup.lines().filter_map(|line| line.rsplit_once(':'));
    let mut units: Vec<String> = lines
        .filter_map(|(_, path)| path.rsplit('/').find(|part| part.ends_with(".service")))
        .map(str::to_owned)
        .collect();
    units.sort();
    units.dedup();
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_that_show_a_password() {
        for command in [
            "psql\0postgres://app:x@db/app\0",
            "psql\0host=db password=x\0",
            "app\0--dsn\0postgresql://db/app?user=a&password=x\0",
            "sh\0-c\0PGPASSWORD=x psql\0",
            "/usr/bin/pg_dump\0-d\0password = x\0",
        ] {
            assert!(shows_password(command.as_bytes()), "{command:?}");
        }
        for command in [
            "psql\0postgres://app@db/app\0",
            "htpasswd\0password=x\0",
            "sh\0-c\0PGPASSWORD=$P psql\0",
            "psql\0host=db passfile=x\0",
        ] {
            assert!(!shows_password(command.as_bytes()), "{command:?}");
        }
    }

    #[test]
    fn the_unit_of_a_process() {
        let text = "0::/system.slice/system-postgresql.slice/postgresql@15-main.service\n";
        assert_eq!(units(text), ["postgresql@15-main.service"]);
        assert!(units("0::/user.slice/session-3.scope\n").is_empty());
    }
}
