//! `ServerProcesses` and `MappedLibraries`: what runs below the postmaster, and what code is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use kql::plan::Schema;
use kql::value::Json;

use super::postmaster::{self, Postmaster, Process};
use super::{Filled, Host};
use crate::derive::{Given, list, row};

/// Programs that carry out a command line.
const SHELLS: &[&str] = &["sh", "dash", "bash", "busybox"];
/// Settings whose commands the server itself runs.
const COMMANDS: &[&str] =
    &["archive_command", "restore_command", "archive_cleanup_command", "recovery_end_command"];
/// Processes of the server that run them.
const RUNNERS: &[&str] = &["archiver", "startup", "checkpointer"];
/// Libraries that are told apart.
const LIBRARIES_MAX: usize = 10_000;

/// Fills `ServerProcesses`.
pub(super) fn processes(host: &Host, given: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let found = Postmaster::find(host).and_then(|first| Ok((first, postmaster::all()?)));
    let (first, all) = match found {
        Ok(found) => found,
        Err(error) => {
            filled.lack(&host.pgdata().join("postmaster.pid"), &error);
            return filled;
        }
    };
    let commands: Vec<&str> = given
        .rows("Settings")
        .filter(|row| COMMANDS.contains(&row.text("name")))
        .map(|row| row.text("setting"))
        .collect();
    let family = postmaster::family(&all, first.pid);
    let mut known: BTreeMap<u32, Seen> = BTreeMap::new();
    for process in all.values() {
        let is_member = family.contains(&process.pid);
        if !is_member && !is_left_behind(host, process) {
            continue;
        }
        let seen = look(process, &first);
        match seen {
            Ok(seen) => {
                known.insert(process.pid, Seen { is_member, ..seen });
            }
            Err(error) if postmaster::is_gone(&error) => {}
            Err(error) => filled.lack(&postmaster::of(process.pid, "exe"), &error),
        }
    }
    for (pid, seen) in &known {
        let under = nearest(*pid, &known);
        let relation = match () {
            () if *pid == first.pid => "postmaster",
            () if !seen.is_member => "left behind",
            () if seen.parent == first.pid => "child",
            () => "descendant",
        };
        filled.rows.push(row(
            schema,
            &[
                ("pid", Json::Long(i64::from(*pid))),
                ("parent", Json::Long(i64::from(seen.parent))),
                ("exe", Json::String(seen.exe.as_str().into())),
                ("program", Json::String(seen.program.as_str().into())),
                ("deleted", Json::Bool(seen.is_deleted)),
                ("same_program", Json::Bool(seen.is_same)),
                ("relation", Json::String(relation.into())),
                ("under", Json::String(under.into())),
                ("configured", Json::Bool(is_configured(*pid, &known, &commands))),
            ],
        ));
    }
    filled
}

/// What is known of a process.
struct Seen {
    parent: u32,
    exe: String,
    program: String,
    is_deleted: bool,
    is_same: bool,
    is_member: bool,
    /// What kind of server process it says to be
    title: String,
    words: Vec<String>,
}

fn look(process: &Process, first: &Postmaster) -> io::Result<Seen> {
    let (exe, is_deleted) = postmaster::program(process.pid)?;
    let is_same = postmaster::image(process.pid)? == first.image;
    let words = postmaster::words(process.pid)?;
    let program = exe.file_name().map(|name| name.to_string_lossy().into_owned());
    let title = if is_same { title(words.first().map_or("", String::as_str)) } else { "" };
    Ok(Seen {
        parent: process.parent,
        exe: exe.display().to_string(),
        program: program.unwrap_or_default(),
        is_deleted,
        is_same,
        is_member: true,
        title: title.to_owned(),
        words,
    })
}

/// A process without a terminal that works in the data directory and belongs to nobody there: what
/// a session started and left running.
fn is_left_behind(host: &Host, process: &Process) -> bool {
    let here = host.pgdata().canonicalize();
    let cwd = fs::read_link(postmaster::of(process.pid, "cwd"));
    !process.has_terminal && matches!((here, cwd), (Ok(here), Ok(cwd)) if here == cwd)
}

/// `archiver` of `postgres: 15/main: archiver last was …`; empty where it is a session.
fn title(first: &str) -> &str {
    let Some(title) = first.strip_prefix("postgres: ") else { return "" };
    let title = title.split_once(": ").map_or(title, |(_, title)| title).trim();
    RUNNERS.iter().find(|runner| title.split(' ').next() == Some(runner)).copied().unwrap_or("")
}

/// The process of the server that it runs under.
fn nearest(pid: u32, known: &BTreeMap<u32, Seen>) -> &str {
    let mut at = pid;
    for _ in 0..known.len() {
        let Some(seen) = known.get(&at) else { return "" };
        if !seen.title.is_empty() {
            return &seen.title;
        }
        at = seen.parent;
    }
    ""
}

/// Whether a process carries out a command of the settings, for the process that has to.
fn is_configured(pid: u32, known: &BTreeMap<u32, Seen>, commands: &[&str]) -> bool {
    let mut at = pid;
    for _ in 0..known.len() {
        let Some(seen) = known.get(&at) else { return false };
        if seen.is_same {
            return false;
        }
        let runs_below = known.get(&seen.parent).is_some_and(|parent| !parent.title.is_empty());
        if runs_below {
            return commands.iter().any(|command| carries_out(seen, command));
        }
        at = seen.parent;
    }
    false
}

fn carries_out(seen: &Seen, command: &str) -> bool {
    let fixed = command.split('%').next().unwrap_or("");
    if fixed.trim().is_empty() {
        return false;
    }
    let is_shell = SHELLS.contains(&seen.program.as_str());
    if is_shell && seen.words.get(1).is_some_and(|word| word == "-c") {
        return seen.words.get(2).is_some_and(|line| line.starts_with(fixed));
    }
    // A shell that has one command left becomes it.
    let own = seen.words.first().map(|word| base(word));
    command.split([' ', ';', '&', '|']).filter(|word| !word.is_empty()).any(|word| {
        let word = base(word.trim_matches(['"', '\'']));
        Some(word) == own || word == seen.program
    })
}

fn base(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Fills `MappedLibraries`: code that processes of the server have in memory, by file.
pub(super) fn libraries(host: &Host, _: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let found = Postmaster::find(host).and_then(|first| Ok((first, postmaster::all()?)));
    let (first, all) = match found {
        Ok(found) => found,
        Err(error) => {
            filled.lack(&host.pgdata().join("postmaster.pid"), &error);
            return filled;
        }
    };
    let mut by_path: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for pid in postmaster::family(&all, first.pid) {
        let maps = match postmaster::image(pid) {
            Ok(image) if image == first.image => fs::read_to_string(postmaster::of(pid, "maps")),
            Ok(_) => continue,
            Err(error) => Err(error),
        };
        match maps {
            Ok(maps) => {
                for path in maps.lines().filter_map(code) {
                    by_path.entry(path.to_owned()).or_default().insert(pid);
                }
            }
            Err(error) if postmaster::is_gone(&error) => {}
            Err(error) => filled.lack(&postmaster::of(pid, "maps"), &error),
        }
        if by_path.len() > LIBRARIES_MAX {
            let error = io::Error::other(format!("more than {LIBRARIES_MAX} libraries"));
            filled.lack(Path::new("/proc"), &error);
            break;
        }
    }
    for (path, pids) in by_path {
        let (name, is_deleted) = match path.strip_suffix(" (deleted)") {
            Some(name) => (name, true),
            None => (path.as_str(), false),
        };
        let some = pids.iter().take(20).map(u32::to_string);
        filled.rows.push(row(
            schema,
            &[
                ("path", Json::String(name.into())),
                ("deleted", Json::Bool(is_deleted)),
                ("program", Json::Bool(Path::new(name) == first.program)),
                ("in_postmaster", Json::Bool(pids.contains(&first.pid))),
                ("n_processes", Json::Long(i64::try_from(pids.len()).unwrap_or(i64::MAX))),
                ("pids", list(some)),
            ],
        ));
    }
    filled
}

/// The file of a line of `maps` that is mapped as code.
fn code(line: &str) -> Option<&str> {
    let rest = line.split_once(' ')?.1;
    let is_code = rest.as_bytes().get(2) == Some(&b'x');
    let path = line.find('/').map(|at| &line[at..])?;
    is_code.then_some(path)
}
