//! `BackupRepositories`: where backups of the server are, by the files of the tools that make them.

mod manifest;
mod tools;

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use kql::plan::Schema;
use kql::value::Json;

use super::{Filled, Host, encryption};
use crate::derive::{Given, row};

/// The kind of a declaration that names a folder with backups.
const DECLARED: &str = "backup-repository";

/// One repository.
#[derive(Debug, Clone, Default)]
struct Repository {
    /// `pgbackrest`, `barman`, `wal-g`, `pg_basebackup`
    tool: &'static str,
    /// The file that names it, or `declared`
    configured_in: String,
    /// A folder of the host, or an address without secrets
    place: String,
    /// It is a folder of this host
    is_local: bool,
    /// The tool encrypts: `yes`, `no`
    is_encrypted: bool,
    /// Where the key lies: a file of the host; empty where it is elsewhere
    key_file: String,
    /// The newest backup that was finished
    newest: Option<Newest>,
    n_backups: usize,
    /// What is in it could be looked at
    is_read: bool,
}

/// A finished backup.
#[derive(Debug, Clone, Default)]
struct Newest {
    label: String,
    /// When it ended: seconds since 1970, or a text
    at: i64,
    at_text: String,
    /// Its folder with a `backup_manifest`
    folder: Option<PathBuf>,
    /// The system identifier of the server that it is of; empty where that is not known
    system: String,
}

/// Folders of this host that hold backups.
pub(super) fn folders(host: &Host, given: &Given<'_>, filled: &mut Filled) -> Vec<PathBuf> {
    let found = find(host, given, filled);
    // What the tool encrypts is safe wherever it lies.
    let plain = found.into_iter().filter(|found| found.is_local && !found.is_encrypted);
    let folders: BTreeSet<PathBuf> = plain.map(|found| PathBuf::from(found.place)).collect();
    folders.into_iter().collect()
}

/// Fills the table.
pub(super) fn repositories(host: &Host, given: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    for found in find(host, given, &mut filled) {
        match describe(host, &found, schema) {
            Ok(row) => filled.rows.push(row),
            Err(error) => filled.lack(Path::new(&found.place), &error),
        }
    }
    filled
}

fn find(host: &Host, given: &Given<'_>, filled: &mut Filled) -> Vec<Repository> {
    let mut found = tools::pgbackrest(host, filled);
    found.extend(tools::barman(host, filled));
    found.extend(tools::wal_g(host, filled));
    let declared = given.rows("Declared").filter(|row| row.text("kind") == DECLARED);
    for name in declared.map(|row| row.text("name").to_owned()) {
        if found.iter().any(|known| known.place == name) {
            continue;
        }
        match plain_folder(host, &name) {
            Ok(repository) => found.push(repository),
            Err(error) => filled.lack(Path::new(&name), &error),
        }
    }
    // A host may have the backups of several servers.
    let own = given.rows("Server").next().map_or("", |row| row.text("system_identifier"));
    found.retain(|found| {
        let system = found.newest.as_ref().map_or("", |newest| newest.system.as_str());
        system.is_empty() || own.is_empty() || system == own
    });
    found
}

/// A folder that `pg_basebackup` wrote to, or one of such folders.
fn plain_folder(host: &Host, name: &str) -> io::Result<Repository> {
    let folder = host.path(name);
    let mut backups = vec![folder.clone()];
    for entry in fs::read_dir(&folder)?.take(tools::ENTRIES_MAX) {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            backups.push(entry.path());
        }
    }
    let mut newest: Option<Newest> = None;
    let mut n_backups = 0;
    for backup in backups {
        let Some(at) = manifest::ended_at(&backup)? else { continue };
        n_backups += 1;
        if newest.as_ref().is_none_or(|newest| newest.at_text < at) {
            let label = backup.file_name().map(|name| name.to_string_lossy().into_owned());
            let system = manifest::system(&backup)?.unwrap_or_default();
            let (label, folder) = (label.unwrap_or_default(), Some(backup));
            newest = Some(Newest { label, at: 0, at_text: at, folder, system });
        }
    }
    Ok(Repository {
        tool: "pg_basebackup",
        configured_in: "declared".to_owned(),
        place: name.to_owned(),
        is_local: true,
        newest,
        n_backups,
        is_read: true,
        ..Repository::default()
    })
}

fn describe(host: &Host, found: &Repository, schema: &Schema) -> io::Result<Vec<Json>> {
    let text = |text: &str| Json::String(text.into());
    let newest = found.newest.clone().unwrap_or_default();
    let mut cells = vec![
        ("tool", text(found.tool)),
        ("configured_in", text(&found.configured_in)),
        ("place", text(&found.place)),
        ("local", Json::Bool(found.is_local)),
        ("encrypted", Json::Bool(found.is_encrypted)),
        ("key_file", text(&found.key_file)),
        ("read", Json::Bool(found.is_read)),
        ("newest", text(&newest.label)),
        ("newest_unix", if newest.at > 0 { Json::Long(newest.at) } else { Json::Null }),
        ("newest_text", text(&newest.at_text)),
        ("n_backups", Json::Long(i64::try_from(found.n_backups).unwrap_or(i64::MAX))),
    ];
    if found.is_local {
        let path = host.path(&found.place);
        let about = fs::metadata(&path)?;
        let server = fs::metadata(host.pgdata())?.uid();
        cells.extend([
            ("mode", text(&format!("{:04o}", about.mode() & 0o7777))),
            ("owner", Json::Long(i64::from(about.uid()))),
            ("owner_is_server", Json::Bool(about.uid() == server)),
            ("beside_data", Json::Bool(encryption::is_beside_data(host, &path)?)),
        ]);
        // Only whoever may see the mounts can say more than that.
        if let Ok(layer) = encryption::under(host, Path::new(&found.place)) {
            cells.push(("protection", text(layer.protection)));
            cells.push(("key_of_storage", text(layer.key)));
        }
        if let Some(folder) = &newest.folder {
            let verified = manifest::verify(folder)?;
            cells.extend([
                ("manifest", text(verified.state)),
                ("manifest_faults", crate::derive::list(verified.faults)),
                ("n_files", Json::Long(i64::try_from(verified.n_files).unwrap_or(i64::MAX))),
            ]);
        }
    }
    Ok(row(schema, &cells))
}
