//! Tables that are read from the server's host (`source = "host"`): files, processes, packages.
//!
//! Nothing is changed and no program of the server's account is run. What cannot be read is a gap,
//! file by file; a table is whole only where all that it is about was read.

mod accounts;
mod backups;
mod chain;
mod clients;
mod clock;
mod data;
mod dpkg;
mod encryption;
mod family;
mod files;
mod firewall;
mod homes;
mod include;
mod ini;
mod installed;
mod libraries;
mod marker;
mod packages;
mod poolers;
mod postmaster;
mod processes;
mod scripts;
mod server;
mod sockets;
mod stat;
mod storage;
mod sudo;
mod tls;
mod units;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Component, Path, PathBuf};

use kql::plan::Schema;
use kql::value::Json;

use crate::bundle::{Gap, State, TableEvidence};
use crate::derive::Given;
pub(crate) use server::Identity;

/// Bytes of a file that is read as text.
const TEXT_MAX: u64 = 4 << 20;
/// Links that are followed on the way to a file.
const LINKS_MAX: usize = 40;
/// The number of `/dev/null`: 1, 3 (Documentation/admin-guide/devices.txt of Linux).
const DEV_NULL: u64 = 0x103;

/// The machine that a server runs on, as far as it can be read.
#[derive(Debug, Clone)]
pub struct Host {
    root: PathBuf,
    pgdata: PathBuf,
}

impl Host {
    /// This machine, with the server's data directory.
    pub fn here(pgdata: impl Into<PathBuf>) -> Self {
        Self::at("/", pgdata)
    }

    /// The same with the system's own files (`/etc`, `/usr`, …) below another folder, as where a
    /// container's file system is mounted. Processes stay those of this machine.
    pub fn at(root: impl Into<PathBuf>, pgdata: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), pgdata: pgdata.into() }
    }

    /// The data directory.
    pub fn pgdata(&self) -> &Path {
        &self.pgdata
    }

    /// Where a file of the system is, by the path that it has on the host. A path without a root,
    /// as settings have them, is one of the data directory; paths in it stay as they are.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = path.as_ref();
        if !path.is_absolute() {
            return self.pgdata.join(path);
        }
        if path.starts_with(&self.pgdata) || self.root == Path::new("/") {
            return path.to_owned();
        }
        self.below_root(path, false)
    }

    /// A path of the host below its root. Links on the way lead to where they lead on the host: an
    /// absolute one must not end on this machine instead. `to_the_end` follows the last part too.
    fn below_root(&self, path: &Path, to_the_end: bool) -> PathBuf {
        let mut open: Vec<PathBuf> = parts(path);
        let mut whole = self.root.clone();
        let mut n_links = 0;
        while let Some(part) = open.pop() {
            if part == Path::new("..") {
                if whole != self.root {
                    whole.pop();
                }
                continue;
            }
            let next = whole.join(part);
            let is_followed = n_links < LINKS_MAX && (to_the_end || !open.is_empty());
            match is_followed.then(|| fs::read_link(&next)) {
                Some(Ok(target)) => {
                    n_links += 1;
                    if target.is_absolute() {
                        whole.clone_from(&self.root);
                    }
                    open.extend(parts(&target));
                }
                _ => whole = next,
            }
        }
        whole
    }

    /// The text of a file of the system.
    ///
    /// # Errors
    /// It cannot be read, is longer than 4 MiB, no UTF-8, or no file: a pipe that somebody put
    /// there would never end. `/dev/null` is empty.
    pub(crate) fn text(&self, path: impl AsRef<Path>) -> io::Result<String> {
        let mut path = self.path(path);
        if self.root != Path::new("/") && !path.starts_with(&self.pgdata) {
            let inside = path.strip_prefix(&self.root).unwrap_or(&path).to_owned();
            path = self.below_root(&inside, true);
        }
        let no_wait = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let file = File::options().read(true).custom_flags(no_wait).open(path)?;
        let metadata = file.metadata()?;
        if metadata.file_type().is_char_device() && metadata.rdev() == DEV_NULL {
            return Ok(String::new());
        }
        if !metadata.is_file() {
            return Err(io::Error::other("is no regular file"));
        }
        let mut text = String::new();
        let n = file.take(TEXT_MAX + 1).read_to_string(&mut text)?;
        if n as u64 > TEXT_MAX {
            return Err(io::Error::other(format!("longer than {TEXT_MAX} bytes")));
        }
        Ok(text)
    }
}

/// The named parts of a path, the last first.
fn parts(path: &Path) -> Vec<PathBuf> {
    let named = |part: &Component<'_>| matches!(part, Component::Normal(_) | Component::ParentDir);
    let parts = path.components().filter(named).map(|part| PathBuf::from(part.as_os_str()));
    let mut parts: Vec<PathBuf> = parts.collect();
    parts.reverse();
    parts
}

/// What a collector read.
#[derive(Debug, Default)]
pub(crate) struct Filled {
    /// Rows, in the order of the table's columns
    pub(crate) rows: Vec<Vec<Json>>,
    /// What is missing
    pub(crate) gaps: Vec<Gap>,
}

impl Filled {
    /// Notes what could not be read.
    pub(crate) fn lack(&mut self, what: &Path, error: &io::Error) {
        self.gaps.push(gap_of(what, error));
    }
}

/// Reads the rows of a table; `Given` holds the tables that were read before it (`from`).
type Read = fn(&Host, &Given<'_>, &Schema) -> Filled;

/// Tables by their names.
const TABLES: &[(&str, Read)] = &[
    ("Accounts", accounts::table),
    ("BackupRepositories", backups::repositories),
    ("Certificates", tls::certificates),
    ("ClientFiles", homes::client_files),
    ("Clock", clock::clock),
    ("DataFiles", data::data_files),
    ("DataStorage", encryption::data),
    ("ExtensionScripts", scripts::scripts),
    ("Firewall", firewall::firewall),
    ("HostClients", clients::clients),
    ("InstallationFiles", files::installation_files),
    ("Installations", installed::installations),
    ("Libraries", libraries::libraries),
    ("LogFiles", files::log_files),
    ("LogSequence", chain::sequence),
    ("MappedLibraries", family::libraries),
    ("Markers", marker::markers),
    ("OtherStorage", encryption::others),
    ("Packages", packages::packages),
    ("Poolers", poolers::poolers),
    ("ProcessSecrets", processes::secrets),
    ("ServerFiles", files::server_files),
    ("ServerProcess", processes::server),
    ("ServerProcesses", family::processes),
    ("Sockets", sockets::sockets),
    ("Storage", storage::storage),
    ("Sudo", sudo::sudo),
    ("Supervisors", units::supervisors),
    ("UnitSettings", units::settings_table),
];

/// Who may be asked: the host, or why it is not.
pub(crate) type Access<'a> = Result<&'a Host, Gap>;

/// The host, if it is the one that the server behind the connection runs on.
pub(crate) fn access<'a>(
    host: Option<&'a Host>,
    identity: Option<Result<Identity, Gap>>,
) -> Access<'a> {
    let gap = |reason: &str, message: String, cure: &str| {
        let (reason, cure) = (reason.to_owned(), Some(cure.to_owned()));
        Gap { database: None, reason, message, cure }
    };
    let (Some(host), Some(identity)) = (host, identity) else {
        let message = "this assessment has no access to the server's host".to_owned();
        let cure = "run it on the server's host with --pgdata DIRECTORY";
        return Err(gap("no-collector", message, cure));
    };
    host.compare(&identity?)?;
    Ok(host)
}

/// Reads a table.
pub(crate) fn read(
    host: &Access<'_>,
    name: &str,
    from: &[String],
    tables: &BTreeMap<String, TableEvidence>,
    major: u32,
) -> TableEvidence {
    let columns = tables.get(name).map(|table| table.columns.clone()).unwrap_or_default();
    let lacking = |reason: &str, message: String| {
        let gap = Gap { database: None, reason: reason.to_owned(), message, cure: None };
        TableEvidence::unread(columns.clone(), gap, "host")
    };
    let host = match host {
        Ok(host) => *host,
        Err(gap) => return TableEvidence::unread(columns, gap.clone(), "host"),
    };
    let Some((_, collect)) = TABLES.iter().find(|(known, _)| *known == name) else {
        return lacking("internal", format!("nothing reads {name}"));
    };
    // What names the files is itself evidence: without it nobody knows what to look at.
    for source in from {
        match tables.get(source) {
            Some(table) if table.state == State::Read => {}
            Some(table) => {
                let mut lacking = lacking("incomplete", format!("{source} was not read"));
                lacking.gaps.extend(table.gaps.iter().cloned());
                return lacking;
            }
            None => return lacking("internal", format!("{source} was not collected")),
        }
    }
    let filled = collect(host, &Given { tables, major }, &columns);
    let mut table = TableEvidence::whole(columns, filled.rows, "host");
    if !filled.gaps.is_empty() {
        table.state = if table.rows.is_empty() { State::Unread } else { State::Partial };
        table.gaps = filled.gaps;
    }
    table
}

/// Why a file could not be read.
pub(crate) fn gap_of(what: &Path, error: &io::Error) -> Gap {
    let (reason, cure) = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            ("missing-right", Some("run it as root or as the server's account".to_owned()))
        }
        io::ErrorKind::NotFound => ("not-found", None),
        _ => ("read-error", None),
    };
    let message = format!("{}: {error}", what.display());
    Gap { database: None, reason: reason.to_owned(), message, cure }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_of_the_host_stay_on_it() {
        let root = std::env::temp_dir().join(format!("pgkeep-host-{}", std::process::id()));
        fs::create_dir_all(root.join("run/pg")).expect("a temporary folder");
        fs::create_dir_all(root.join("var")).expect("a temporary folder");
        symlink("/run", root.join("var/run")).expect("a link");
        symlink("/run/pg/real", root.join("run/pg/link")).expect("a link");
        symlink("../../../../run/pg/real", root.join("run/pg/up")).expect("a link");
        symlink("loop", root.join("run/loop")).expect("a link");
        fs::write(root.join("run/pg/real"), "of the host").expect("a file");
        let host = Host::at(&root, "/srv/pg");
        assert_eq!(host.path("/var/run/pg/real"), root.join("run/pg/real"));
        assert_eq!(host.path("/var/run/pg/link"), root.join("run/pg/link"));
        for path in ["/var/run/pg/link", "/run/pg/up", "/../run/pg/real"] {
            assert_eq!(host.text(path).expect(path), "of the host");
        }
        assert!(host.text("/run/loop/x").is_err());
        assert!(host.text("/run/pg").is_err(), "a folder is no file");
        fs::remove_dir_all(&root).expect("it is ours");
    }
}
