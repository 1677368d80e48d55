//! Files that settings name, and the files that configuration includes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use kql::plan::Schema;
use kql::value::Json;

use super::include::{self, Syntax};
use super::stat::{Looker, found, text};
use super::{Filled, Host};
use crate::derive::{Given, row};

/// Files of one kind that are looked at.
pub(super) const FILES_MAX: usize = 20_000;

/// Settings that name one file or folder, and what it is called.
const NAMED: [(&str, &str); 8] = [
    ("ssl_key_file", "tls key"),
    ("ssl_cert_file", "tls certificate"),
    ("ssl_ca_file", "tls certificate"),
    ("ssl_crl_file", "tls certificate"),
    ("ssl_crl_dir", "tls folder"),
    ("ssl_dh_params_file", "tls certificate"),
    ("log_directory", "log folder"),
    ("krb_server_keyfile", "keytab"),
];

/// A file to be looked at.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    path: PathBuf,
    purpose: &'static str,
    setting: String,
    by: String,
}

/// `ServerFiles`: the data directory, configuration with what it includes, TLS, log and socket
/// folders.
pub(super) fn server_files(host: &Host, given: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let looker = match Looker::of(host) {
        Ok(looker) => looker,
        Err(error) => {
            filled.lack(host.pgdata(), &error);
            return filled;
        }
    };
    let mut wanted = BTreeSet::new();
    let mut want = |path: &Path, purpose, setting: &str, by: &str| {
        let (setting, by) = (setting.to_owned(), by.to_owned());
        wanted.insert(Wanted { path: path.to_owned(), purpose, setting, by });
    };
    want(host.pgdata(), "data directory", "data_directory", "");
    for setting in given.rows("Settings") {
        let (name, value) = (setting.text("name"), setting.text("setting"));
        if value.is_empty() {
            continue;
        }
        let path = of_setting(host, value);
        if let Some((_, purpose)) = NAMED.iter().find(|(known, _)| *known == name) {
            want(&path, purpose, name, "");
            if *purpose == "tls certificate"
                && let Some(folder) = path.parent()
            {
                want(folder, "tls folder", name, "");
            }
            continue;
        }
        match name {
            "config_file" | "hba_file" | "ident_file" => {
                let (purpose, syntax) = match name {
                    "config_file" => ("configuration", Syntax::Settings),
                    "hba_file" => ("hba", Syntax::Lines { fields: 3 }),
                    _ => ("ident", Syntax::Lines { fields: 0 }),
                };
                want(&path, purpose, name, "");
                let read = include::of(host, &path, syntax, given.major);
                filled.gaps.extend(read.gaps);
                for found in read.files {
                    let purpose = if found.is_folder { "included folder" } else { purpose };
                    want(&found.path, purpose, name, &found.by);
                }
            }
            "unix_socket_directories" => {
                let folders = value.split(',').map(|part| part.trim().trim_matches('"'));
                for folder in folders.filter(|part| part.starts_with('/')) {
                    want(Path::new(folder), "socket folder", name, "");
                }
            }
            _ => {}
        }
    }
    want(&host.pgdata().join("postgresql.auto.conf"), "configuration", "postgresql.auto.conf", "");
    let folder = config_folder(host, given);
    for wanted in wanted {
        let looked = match looker.look(&wanted.path) {
            Ok(looked) => looked,
            Err(error) => {
                filled.lack(&wanted.path, &error);
                continue;
            }
        };
        let mut cells = looker.cells(&wanted.path, looked.as_ref());
        let real = looked.as_ref().and_then(|looked| looked.behind.as_ref());
        let real = real.map_or(wanted.path.as_path(), |(_, path)| path);
        let in_config = folder.as_ref().is_some_and(|folder| is_below(real, folder));
        cells.extend([
            ("purpose", text(wanted.purpose)),
            ("setting", text(&wanted.setting)),
            ("included_by", text(&wanted.by)),
            ("in_pgdata", Json::Bool(is_below(real, host.pgdata()))),
            ("in_config", Json::Bool(in_config)),
        ]);
        filled.rows.push(row(schema, &cells));
    }
    filled
}

/// The folder of postgresql.conf.
fn config_folder(host: &Host, given: &Given<'_>) -> Option<PathBuf> {
    let file = given.rows("Settings").find(|setting| setting.text("name") == "config_file")?;
    of_setting(host, file.text("setting")).parent().map(Path::to_owned)
}

/// A path as a setting has it, as one of the host; relative ones are in the data directory.
fn of_setting(host: &Host, value: &str) -> PathBuf {
    let value = value.strip_prefix("FILE:").unwrap_or(value);
    clean(&host.pgdata().join(value))
}

/// Without `.` and `..`, as far as names alone say.
pub(super) fn clean(path: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                whole.pop();
            }
            std::path::Component::CurDir => {}
            part => whole.push(part),
        }
    }
    whole
}

/// Whether a path is in a folder, by its name or, where both can be found, by what it really is.
pub(super) fn is_below(path: &Path, folder: &Path) -> bool {
    if clean(path).starts_with(folder) {
        return true;
    }
    match (fs::canonicalize(path), fs::canonicalize(folder)) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}

/// `LogFiles`: what is in the folder of the log.
pub(super) fn log_files(host: &Host, given: &Given<'_>, schema: &Schema) -> Filled {
    let folder = given.rows("Settings").find(|row| row.text("name") == "log_directory");
    let Some(folder) = folder.map(|row| of_setting(host, row.text("setting"))) else {
        return Filled::default();
    };
    listed(host, schema, &[(folder, "log".to_owned())], 2)
}

/// `InstallationFiles`: libraries and scripts that the server may load.
pub(super) fn installation_files(host: &Host, given: &Given<'_>, schema: &Schema) -> Filled {
    let mut folders = Vec::new();
    let place = |name: &str| {
        let found = given.rows("Installation").find(|row| row.text("name") == name);
        found.map(|row| row.text("setting").to_owned())
    };
    let (library, share) = (place("PKGLIBDIR"), place("SHAREDIR"));
    for setting in given.rows("Settings") {
        let (system, own, purpose) = match setting.text("name") {
            "dynamic_library_path" => ("$libdir", library.as_deref(), "library"),
            "extension_control_path" => ("$system", share.as_deref(), "extension"),
            _ => continue,
        };
        for part in setting.text("setting").split(':').map(str::trim) {
            let path = match (part, own) {
                ("", _) => continue,
                (part, Some(own)) => part.replace(system, own),
                (part, None) => part.to_owned(),
            };
            folders.push((PathBuf::from(path), purpose.to_owned()));
        }
    }
    // Libraries of extensions are named as $libdir/NAME whatever the setting says, and versions
    // before 18 have no other folder for extensions.
    folders.extend(library.map(|path| (PathBuf::from(path), "library".to_owned())));
    folders.extend(share.map(|path| (Path::new(&path).join("extension"), "extension".to_owned())));
    folders.sort();
    folders.dedup();
    listed(host, schema, &folders, 1)
}

/// Folders and what is in them, to a depth.
fn listed(host: &Host, schema: &Schema, folders: &[(PathBuf, String)], depth: usize) -> Filled {
    let mut filled = Filled::default();
    let looker = match Looker::of(host) {
        Ok(looker) => looker,
        Err(error) => {
            filled.lack(host.pgdata(), &error);
            return filled;
        }
    };
    let roots = folders.iter().map(|(path, purpose)| (path.clone(), purpose.as_str(), 0));
    let mut open: Vec<_> = roots.collect();
    let mut seen = BTreeSet::new();
    while let Some((path, purpose, level)) = open.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        if seen.len() > FILES_MAX {
            let error = std::io::Error::other(format!("more than {FILES_MAX} files"));
            filled.lack(&path, &error);
            break;
        }
        let looked = match looker.look(&path) {
            Ok(looked) => looked,
            Err(error) => {
                filled.lack(&path, &error);
                continue;
            }
        };
        let behind = looked.as_ref().and_then(|looked| looked.behind.as_ref());
        let is_folder = behind.is_some_and(|(metadata, _)| metadata.is_dir());
        let is_link = looked.as_ref().is_some_and(|looked| looked.link.is_some());
        if is_folder && level < depth && (level == 0 || !is_link) {
            match fs::read_dir(host.path(&path)).and_then(|all| all.collect::<Result<Vec<_>, _>>())
            {
                Ok(entries) => {
                    let names = entries.iter().map(|entry| path.join(entry.file_name()));
                    open.extend(names.map(|path| (path, purpose, level + 1)));
                }
                Err(error) => filled.lack(&path, &error),
            }
        }
        let mut cells = looker.cells(&path, looked.as_ref());
        cells.extend([
            ("purpose", text(purpose)),
            ("top", Json::Bool(level == 0)),
            ("in_pgdata", Json::Bool(level == 0 && is_below(&path, host.pgdata()))),
        ]);
        filled.rows.push(row(schema, &cells));
    }
    filled
}

/// Names of a folder of the host, sorted; none where it is not there.
pub(super) fn names(host: &Host, folder: &Path) -> std::io::Result<Vec<String>> {
    let Some(entries) = found(fs::read_dir(host.path(folder)))? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in entries {
        if names.len() == FILES_MAX {
            return Err(std::io::Error::other(format!("more than {FILES_MAX} names")));
        }
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}
