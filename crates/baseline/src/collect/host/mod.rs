//! Tables that are read from the server's host (`source = "host"`): files, processes, packages.
//!
//! Nothing is changed and no program of the server's account is run. What cannot be read is a gap,
//! file by file; a table is whole only where all that it is about was read.

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
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use kql::plan::Schema;
use kql::value::Json;

use crate::bundle::{Gap, State, TableEvidence};
use crate::derive::Given;
pub(crate) use server::Identity;

/// Bytes of a file that is read as text.
const TEXT_MAX: u64 = 4 << 20;

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
        let parts = path.components().filter(|part| matches!(part, Component::Normal(_)));
        parts.fold(self.root.clone(), |whole, part| whole.join(part))
    }

    /// The text of a file of the system.
    ///
    /// # Errors
    /// It cannot be read, is longer than 4 MiB, or no UTF-8.
    pub(crate) fn text(&self, path: impl AsRef<Path>) -> io::Result<String> {
        let mut text = String::new();
        let n = File::open(self.path(path))?.take(TEXT_MAX + 1).read_to_string(&mut text)?;
        if n as u64 > TEXT_MAX {
            return Err(io::Error::other(format!("longer than {TEXT_MAX} bytes")));
        }
        Ok(text)
    }
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
    ("Accounts", units::accounts_table),
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
