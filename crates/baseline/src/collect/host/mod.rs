//! Tables that are read from the server's host (`source = "host"`): files, processes, packages.
//!
//! Nothing is changed and no program of the server's account is run. What cannot be read is a gap,
//! file by file; a table is whole only where all that it is about was read.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use kql::plan::Schema;
use kql::value::Json;

use crate::bundle::{Gap, State, TableEvidence};
use crate::derive::Given;

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
const TABLES: &[(&str, Read)] = &[];

/// Reads a table.
pub(crate) fn read(
    host: Option<&Host>,
    name: &str,
    from: &[String],
    tables: &BTreeMap<String, TableEvidence>,
    major: u32,
) -> TableEvidence {
    let columns = tables.get(name).map(|table| table.columns.clone()).unwrap_or_default();
    let lacking = |reason: &str, message: String, cure: Option<&str>| {
        let (reason, cure) = (reason.to_owned(), cure.map(str::to_owned));
        let gap = Gap { database: None, reason, message, cure };
        TableEvidence::unread(columns.clone(), gap, "host")
    };
    let Some(host) = host else {
        let message = "this assessment has no access to the server's host".to_owned();
        let cure = "run it on the server's host with --pgdata DIRECTORY";
        return lacking("no-collector", message, Some(cure));
    };
    let Some((_, collect)) = TABLES.iter().find(|(known, _)| *known == name) else {
        return lacking("internal", format!("nothing reads {name}"), None);
    };
    // What names the files is itself evidence: without it nobody knows what to look at.
    for source in from {
        match tables.get(source) {
            Some(table) if table.state == State::Read => {}
            Some(table) => {
                let mut lacking = lacking("incomplete", format!("{source} was not read"), None);
                lacking.gaps.extend(table.gaps.iter().cloned());
                return lacking;
            }
            None => return lacking("internal", format!("{source} was not collected"), None),
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
