//! The processes of the assessed server: the postmaster and whatever came from it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::Host;

/// Processes that are looked at.
const PROCESSES_MAX: usize = 50_000;
/// Bytes of a command line that are looked at.
const COMMAND_MAX: usize = 4096;

/// The server's first process.
#[derive(Debug, Clone)]
pub(super) struct Postmaster {
    /// Its number
    pub(super) pid: u32,
    /// The program that it runs, as the host names it
    pub(super) program: PathBuf,
    /// That file is no longer there, or another by now
    pub(super) is_deleted: bool,
    /// Device and inode of what runs
    pub(super) image: (u64, u64),
}

/// One process.
#[derive(Debug, Clone)]
pub(super) struct Process {
    /// Its number
    pub(super) pid: u32,
    /// Who made it
    pub(super) parent: u32,
    /// It has a terminal
    pub(super) has_terminal: bool,
}

impl Postmaster {
    /// Finds it.
    ///
    /// # Errors
    /// The file or the process cannot be read, or the process is another.
    pub(super) fn find(host: &Host) -> io::Result<Self> {
        let pid = host.postmaster()?;
        let (program, is_deleted) = program(pid)?;
        Ok(Self { pid, program, is_deleted, image: image(pid)? })
    }
}

/// A file of a process in `/proc`.
pub(super) fn of(pid: u32, name: &str) -> PathBuf {
    Path::new("/proc").join(pid.to_string()).join(name)
}

/// The program of a process, and whether its file is gone.
pub(super) fn program(pid: u32) -> io::Result<(PathBuf, bool)> {
    let path = fs::read_link(of(pid, "exe"))?;
    let text = path.to_string_lossy();
    Ok(match text.strip_suffix(" (deleted)") {
        Some(text) => (PathBuf::from(text), true),
        None => (path, false),
    })
}

/// Device and inode of the program that a process runs, also where its file is gone.
pub(super) fn image(pid: u32) -> io::Result<(u64, u64)> {
    let found = fs::metadata(of(pid, "exe"))?;
    Ok((found.dev(), found.ino()))
}

/// The words of a command line; the first is the program's or the process's own title.
pub(super) fn words(pid: u32) -> io::Result<Vec<String>> {
    let mut bytes = fs::read(of(pid, "cmdline"))?;
    bytes.truncate(COMMAND_MAX);
    let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    Ok(words.map(|word| String::from_utf8_lossy(word).into_owned()).collect())
}

/// All processes of this machine; those that end meanwhile are left out.
pub(super) fn all() -> io::Result<BTreeMap<u32, Process>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(of(pid, "stat")) else { continue };
        // The name in parentheses may hold anything.
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<i64> =
            rest.split(' ').skip(1).take(4).filter_map(|field| field.parse().ok()).collect();
        let [parent, _, _, terminal] = fields[..] else { continue };
        let parent = u32::try_from(parent).unwrap_or(0);
        found.insert(pid, Process { pid, parent, has_terminal: terminal != 0 });
        if found.len() > PROCESSES_MAX {
            return Err(io::Error::other(format!("more than {PROCESSES_MAX} processes")));
        }
    }
    Ok(found)
}

/// Whoever came from a process, it among them.
pub(super) fn family(all: &BTreeMap<u32, Process>, first: u32) -> BTreeSet<u32> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for process in all.values() {
        children.entry(process.parent).or_default().push(process.pid);
    }
    let mut family = BTreeSet::from([first]);
    let mut open = vec![first];
    while let Some(pid) = open.pop() {
        for child in children.get(&pid).into_iter().flatten() {
            if family.insert(*child) {
                open.push(*child);
            }
        }
    }
    family
}

/// Whether a process is gone, so that what it was cannot be read any more and need not be.
pub(super) fn is_gone(error: &io::Error) -> bool {
    // ESRCH: the process ended between two reads.
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(3)
}
