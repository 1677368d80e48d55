//! `Installations`: programs and data directories of PostgreSQL on the host, and which of them
//! runs.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use kql::plan::Schema;
use kql::value::Json;

use super::postmaster::{self, Postmaster};
use super::{Filled, Host};
use crate::derive::{Given, row};

/// Folders that hold programs, by pattern: `*` stands for one name.
const PROGRAMS: &[&str] = &[
    "/usr/lib/postgresql/*/bin/postgres",
    "/usr/pgsql-*/bin/postgres",
    "/usr/local/pgsql/bin/postgres",
    "/opt/*/bin/postgres",
    "/usr/lib/postgresql*/bin/postgres",
    "/usr/bin/postgres",
];
/// The same for data directories.
const DATA: &[&str] = &[
    "/var/lib/postgresql/*/*/PG_VERSION",
    "/var/lib/pgsql/*/data/PG_VERSION",
    "/var/lib/pgsql/data/PG_VERSION",
    "/var/lib/postgres/data/PG_VERSION",
    "/var/lib/postgresql/data/PG_VERSION",
    "/usr/local/pgsql/data/PG_VERSION",
];
/// Names of one folder that are compared with a pattern.
const NAMES_MAX: usize = 1000;
/// Bytes of a program in which its version is looked for.
const PROGRAM_MAX: u64 = 256 << 20;
/// What stands before the version in every program: what `postgres --version` says.
const SAID: &[u8] = b"postgres (PostgreSQL) ";

/// Fills the table.
pub(super) fn installations(host: &Host, _: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let first = match Postmaster::find(host) {
        Ok(first) => first,
        Err(error) => {
            filled.lack(&host.pgdata().join("postmaster.pid"), &error);
            return filled;
        }
    };
    let running = version(&postmaster::of(first.pid, "exe"));
    let running = running.unwrap_or_else(|error| {
        filled.lack(&first.program, &error);
        None
    });
    let mut programs: BTreeSet<PathBuf> = BTreeSet::from([first.program.clone()]);
    for pattern in PROGRAMS {
        find(host, pattern, &mut programs, &mut filled);
    }
    for path in programs {
        let is_running = path == first.program;
        let found = match fs::metadata(host.path(&path)) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_running => None,
            Err(error) => {
                filled.lack(&path, &error);
                continue;
            }
        };
        let is_same = found.as_ref().is_some_and(|f| (f.dev(), f.ino()) == first.image);
        let own = match (found.is_some(), is_same) {
            (false, _) => None,
            (true, true) => running.clone(),
            (true, false) => match version(&host.path(&path)) {
                Ok(version) => version,
                Err(error) => {
                    filled.lack(&path, &error);
                    continue;
                }
            },
        };
        // Another name of what runs is no other installation.
        if is_same && !is_running {
            continue;
        }
        filled.rows.push(row(
            schema,
            &[
                ("kind", Json::String("program".into())),
                ("path", Json::String(path.display().to_string().into())),
                ("major", major(own.as_deref())),
                ("version", Json::String(own.as_deref().unwrap_or("").into())),
                ("running", Json::Bool(is_running)),
                ("running_version", Json::String(running.as_deref().unwrap_or("").into())),
                ("there", Json::Bool(found.is_some())),
                ("same_image", Json::Bool(is_same && !first.is_deleted)),
            ],
        ));
    }
    let mut data = BTreeSet::new();
    for pattern in DATA {
        find(host, pattern, &mut data, &mut filled);
    }
    let own = host.pgdata().canonicalize().ok();
    for path in data {
        let text = match host.text(&path) {
            Ok(text) => text.trim().to_owned(),
            Err(error) => {
                filled.lack(&path, &error);
                continue;
            }
        };
        let folder = path.parent().unwrap_or(&path);
        let is_own = host.path(folder).canonicalize().ok() == own;
        filled.rows.push(row(
            schema,
            &[
                ("kind", Json::String("data".into())),
                ("path", Json::String(folder.display().to_string().into())),
                ("major", major(Some(&text))),
                ("version", Json::String(text.as_str().into())),
                ("running", Json::Bool(is_own)),
                ("there", Json::Bool(true)),
            ],
        ));
    }
    filled
}

/// `15` of `15.18 (Debian …)`.
fn major(version: Option<&str>) -> Json {
    let digits = version.unwrap_or("").split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|digits| digits.parse().ok()).map_or(Json::Null, Json::Long)
}

/// What a program says of its version, without running it; `None` where it says nothing.
fn version(program: &Path) -> io::Result<Option<String>> {
    let mut file = File::open(program)?.take(PROGRAM_MAX);
    let mut window = Vec::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut piece)?;
        if n == 0 {
            return Ok(None);
        }
        window.extend_from_slice(&piece[..n]);
        let found = window.windows(SAID.len()).position(|part| part == SAID);
        // The version itself may lie in the next piece.
        if let Some(at) = found
            && let Some(text) = ended(&window[at + SAID.len()..])
        {
            return Ok(Some(text));
        }
        let keep = window.len().saturating_sub(SAID.len() + 256);
        window.drain(..keep);
    }
}

fn ended(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == b'\n' || *byte == 0)?;
    Some(String::from_utf8_lossy(&bytes[..end.min(200)]).into_owned())
}

/// Files that a pattern names.
pub(super) fn find(host: &Host, pattern: &str, found: &mut BTreeSet<PathBuf>, filled: &mut Filled) {
    let mut open = vec![PathBuf::from("/")];
    for part in pattern.split('/').filter(|part| !part.is_empty()) {
        let mut next = Vec::new();
        for folder in open {
            let Some((before, after)) = part.split_once('*') else {
                next.push(folder.join(part));
                continue;
            };
            let entries = match fs::read_dir(host.path(&folder)) {
                Ok(entries) => entries,
                Err(error) if is_absent(&error) => continue,
                Err(error) => {
                    filled.lack(&folder, &error);
                    continue;
                }
            };
            for (n, entry) in entries.enumerate() {
                if n >= NAMES_MAX {
                    filled.lack(&folder, &io::Error::other(format!("more than {NAMES_MAX} names")));
                    break;
                }
                let name = match entry {
                    Ok(entry) => entry.file_name(),
                    Err(error) => {
                        filled.lack(&folder, &error);
                        continue;
                    }
                };
                let Some(text) = name.to_str() else { continue };
                let fits = text.len() >= before.len() + after.len();
                if fits && text.starts_with(before) && text.ends_with(after) {
                    next.push(folder.join(text));
                }
            }
        }
        open = next;
    }
    for path in open {
        match fs::metadata(host.path(&path)) {
            Ok(_) => {
                found.insert(path);
            }
            Err(error) if is_absent(&error) => {}
            Err(error) => filled.lack(&path, &error),
        }
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}
