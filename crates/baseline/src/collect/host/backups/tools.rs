//! Repositories of pgBackRest, barman and wal-g, as their own files name them. Passwords and keys
//! in these files are not kept.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::Deserialize;

use super::{Newest, Repository};
use crate::collect::host::ini::{self, Entry};
use crate::collect::host::{Filled, Host};

/// Entries of one folder.
pub(super) const ENTRIES_MAX: usize = 10_000;
const REPOSITORIES_MAX: usize = 64;

/// The text of a file that need not be there.
fn optional(host: &Host, path: &Path, filled: &mut Filled) -> Option<String> {
    match host.text(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            filled.lack(path, &error);
            None
        }
    }
}

/// Files of a folder that need not be there.
fn parts(host: &Host, folder: &str, ending: &str, filled: &mut Filled) -> Vec<PathBuf> {
    let mut found = Vec::new();
    match fs::read_dir(host.path(folder)) {
        Ok(entries) => {
            let names = entries.take(ENTRIES_MAX).flatten().map(|entry| entry.file_name());
            found.extend(names.map(|name| Path::new(folder).join(name)));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => filled.lack(Path::new(folder), &error),
    }
    found.retain(|path| ending.is_empty() || path.extension().is_some_and(|of| of == ending));
    found.sort();
    found
}

/// pgBackRest: `repoN-…` in the section `global` or of a stanza.
pub(super) fn pgbackrest(host: &Host, filled: &mut Filled) -> Vec<Repository> {
    let mut files: Vec<PathBuf> =
        ["/etc/pgbackrest/pgbackrest.conf", "/etc/pgbackrest.conf"].map(PathBuf::from).into();
    files.extend(parts(host, "/etc/pgbackrest/conf.d", "conf", filled));
    let texts: Vec<(PathBuf, String)> = files
        .into_iter()
        .filter_map(|path| Some((path.clone(), optional(host, &path, filled)?)))
        .collect();
    let entries: Vec<(&Path, Entry<'_>)> = texts
        .iter()
        .flat_map(|(path, text)| ini::entries(text).into_iter().map(|e| (path.as_path(), e)))
        .collect();
    let stanzas: BTreeSet<&str> = entries
        .iter()
        .filter(|(_, entry)| entry.name.starts_with("pg") && entry.name.ends_with("-path"))
        .map(|(_, entry)| entry.section)
        .filter(|section| !section.starts_with("global"))
        .collect();
    let mut found = Vec::new();
    for stanza in stanzas {
        let mut by_number: BTreeMap<u32, BTreeMap<&str, (&Path, &str)>> = BTreeMap::new();
        // What a stanza says goes before what is global.
        for section in ["global", stanza] {
            for (path, entry) in entries.iter().filter(|(_, entry)| entry.section == section) {
                let number = entry.name.strip_prefix("repo").and_then(|n| n.split_once('-'));
                if let Some((number, name)) = number {
                    let number = number.parse().unwrap_or(1);
                    by_number.entry(number).or_default().insert(name, (path, entry.value));
                }
            }
        }
        for options in by_number.values().take(REPOSITORIES_MAX) {
            found.push(of_pgbackrest(host, stanza, options, filled));
        }
    }
    found
}

fn of_pgbackrest(
    host: &Host,
    stanza: &str,
    options: &BTreeMap<&str, (&Path, &str)>,
    filled: &mut Filled,
) -> Repository {
    let option = |name: &str| options.get(name).map_or("", |(_, value)| *value);
    let kind = if option("type").is_empty() { "posix" } else { option("type") };
    let path = if option("path").is_empty() { "/var/lib/pgbackrest" } else { option("path") };
    let is_local = matches!(kind, "posix" | "cifs") && option("host").is_empty();
    let machine = [option("host"), option("s3-bucket"), option("azure-container")];
    let bucket = [option("gcs-bucket"), option("sftp-host")];
    let other = machine.iter().chain(&bucket).find(|name| !name.is_empty()).copied();
    let is_encrypted = !matches!(option("cipher-type"), "" | "none");
    let key_file = options.get("cipher-pass").map(|(file, _)| file.display().to_string());
    let named = options.values().next().map(|(file, _)| file.display().to_string());
    let mut found = Repository {
        tool: "pgbackrest",
        configured_in: named.unwrap_or_default(),
        place: match other {
            _ if is_local => path.to_owned(),
            other => format!("{kind}://{}{path}", other.unwrap_or("")),
        },
        is_local,
        is_encrypted,
        key_file: key_file.filter(|_| is_encrypted).unwrap_or_default(),
        ..Repository::default()
    };
    if !is_local {
        return found;
    }
    let folder = Path::new(path).join("backup").join(stanza);
    let read = if is_encrypted {
        by_folders(host, &folder)
    } else {
        by_info(host, &folder.join("backup.info"))
    };
    match read {
        Ok((newest, n)) => (found.newest, found.n_backups, found.is_read) = (newest, n, true),
        Err(error) => filled.lack(&folder, &error),
    }
    found
}

#[derive(Deserialize)]
struct Backup {
    #[serde(rename = "backup-timestamp-stop")]
    stop: i64,
    #[serde(rename = "backup-error", default)]
    has_errors: Option<bool>,
}

/// `backup.info`: a backup a line in the section `backup:current`, as JSON.
fn by_info(host: &Host, path: &Path) -> io::Result<(Option<Newest>, usize)> {
    let text = host.text(path)?;
    let entries = ini::entries(&text);
    let system = ini::value(&entries, "db", "db-system-id").unwrap_or("");
    let mut newest: Option<Newest> = None;
    let mut n = 0;
    for entry in entries.iter().filter(|entry| entry.section == "backup:current") {
        let backup: Backup = serde_json::from_str(entry.value)
            .map_err(|_| io::Error::other("the line of a backup is not understood"))?;
        if backup.has_errors == Some(true) {
            continue;
        }
        n += 1;
        if newest.as_ref().is_none_or(|newest| newest.at < backup.stop) {
            let (label, system) = (entry.name.to_owned(), system.to_owned());
            newest = Some(Newest { label, at: backup.stop, system, ..Newest::default() });
        }
    }
    Ok((newest, n))
}

/// Where that is encrypted: backups by the names of their folders, which get their manifest at the
/// end.
fn by_folders(host: &Host, folder: &Path) -> io::Result<(Option<Newest>, usize)> {
    let mut newest: Option<Newest> = None;
    let mut n = 0;
    for entry in fs::read_dir(host.path(folder))?.take(ENTRIES_MAX) {
        let entry = entry?;
        let label = entry.file_name().to_string_lossy().into_owned();
        // `20261128-051015F`
        let is_backup = label.len() >= 16 && label.as_bytes()[8] == b'-' && label.contains('F');
        if !is_backup || !entry.file_type()?.is_dir() {
            continue;
        }
        let at = match fs::metadata(entry.path().join("backup.manifest")) {
            Ok(found) => found.mtime(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        n += 1;
        if newest.as_ref().is_none_or(|newest| newest.at < at) {
            newest = Some(Newest { label, at, ..Newest::default() });
        }
    }
    Ok((newest, n))
}

/// barman: a section a server, with the folder of all of them in the section `barman`.
pub(super) fn barman(host: &Host, filled: &mut Filled) -> Vec<Repository> {
    let mut files =
        vec![PathBuf::from("/etc/barman.conf"), PathBuf::from("/etc/barman/barman.conf")];
    files.extend(parts(host, "/etc/barman.d", "conf", filled));
    files.extend(parts(host, "/etc/barman/conf.d", "conf", filled));
    let mut home = "/var/lib/barman".to_owned();
    let mut found = Vec::new();
    for path in files {
        let Some(text) = optional(host, &path, filled) else { continue };
        let entries = ini::entries(&text);
        if let Some(value) = ini::value(&entries, "barman", "barman_home") {
            value.clone_into(&mut home);
        }
        let sections: BTreeSet<&str> = entries.iter().map(|entry| entry.section).collect();
        let servers = sections.into_iter().filter(|name| !matches!(*name, "" | "barman"));
        for server in servers.take(REPOSITORIES_MAX) {
            let option = |name| {
                let own = ini::value(&entries, server, name);
                own.or_else(|| ini::value(&entries, "barman", name)).unwrap_or("")
            };
            let place = match option("backup_directory") {
                "" => format!("{home}/{server}"),
                folder => folder.replace("%(barman_home)s", &home).replace("%(name)s", server),
            };
            let mut repository = Repository {
                tool: "barman",
                configured_in: path.display().to_string(),
                place: place.clone(),
                is_local: true,
                is_encrypted: !matches!(option("encryption"), "" | "none"),
                ..Repository::default()
            };
            let folder = Path::new(&place).join("base");
            match of_barman(host, &folder) {
                Ok((newest, n)) => {
                    repository.newest = newest;
                    (repository.n_backups, repository.is_read) = (n, true);
                }
                Err(error) => filled.lack(&folder, &error),
            }
            found.push(repository);
        }
    }
    found
}

fn of_barman(host: &Host, folder: &Path) -> io::Result<(Option<Newest>, usize)> {
    let mut newest: Option<Newest> = None;
    let mut n = 0;
    for entry in fs::read_dir(host.path(folder))?.take(ENTRIES_MAX) {
        let label = entry?.file_name();
        let text = match host.text(folder.join(&label).join("backup.info")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let entries = ini::entries(&text);
        if ini::value(&entries, "", "status") != Some("DONE") {
            continue;
        }
        n += 1;
        let ended = ini::value(&entries, "", "end_time").unwrap_or("").to_owned();
        if newest.as_ref().is_none_or(|newest| newest.at_text < ended) {
            let data = host.path(folder.join(&label).join("data"));
            let label = label.to_string_lossy().into_owned();
            let folder = data.join("backup_manifest").exists().then_some(data);
            let system = ini::value(&entries, "", "systemid").unwrap_or("").to_owned();
            newest = Some(Newest { label, at: 0, at_text: ended, folder, system });
        }
    }
    Ok((newest, n))
}

/// wal-g: variables in JSON, or one a file.
pub(super) fn wal_g(host: &Host, filled: &mut Filled) -> Vec<Repository> {
    let mut found = Vec::new();
    let mut json = vec![PathBuf::from("/etc/wal-g/wal-g.json"), PathBuf::from("/etc/wal-g.json")];
    json.extend(home(host, filled).map(|home| home.join(".walg.json")));
    for path in json {
        let Some(text) = optional(host, &path, filled) else { continue };
        match serde_json::from_str::<BTreeMap<String, serde_json::Value>>(&text) {
            Ok(all) => {
                let text = |value: serde_json::Value| match value {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                };
                let all = all.into_iter().map(|(name, value)| (name, text(value))).collect();
                found.extend(of_wal_g(host, &path, &all, filled));
            }
            Err(_) => filled.lack(&path, &io::Error::other("it is no JSON")),
        }
    }
    let folder = "/etc/wal-g.d/env";
    let mut all = BTreeMap::new();
    for path in parts(host, folder, "", filled) {
        let Some(text) = optional(host, &path, filled) else { continue };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        all.insert(name.unwrap_or_default(), text.trim().to_owned());
    }
    found.extend(of_wal_g(host, Path::new(folder), &all, filled));
    found
}

/// The home of the server's account.
fn home(host: &Host, filled: &mut Filled) -> Option<PathBuf> {
    let text = optional(host, Path::new("/etc/passwd"), filled)?;
    let uid = fs::metadata(host.pgdata()).ok()?.uid().to_string();
    let mut lines = text.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let line = lines.find(|fields| fields.get(2) == Some(&uid.as_str()))?;
    line.get(5).map(PathBuf::from)
}

fn of_wal_g(
    host: &Host,
    path: &Path,
    all: &BTreeMap<String, String>,
    filled: &mut Filled,
) -> Option<Repository> {
    let prefix =
        all.iter().find(|(name, _)| name.starts_with("WALG_") && name.ends_with("_PREFIX"));
    let (name, place) = prefix?;
    let is_local = name == "WALG_FILE_PREFIX";
    let keys = ["LIBSODIUM_KEY", "PGP_KEY", "GPG_KEY_ID", "CSE_KMS_ID", "YC_CSE_KMS_KEY_ID"];
    let key = all.keys().find(|name| {
        name.strip_prefix("WALG_").is_some_and(|name| keys.iter().any(|k| name.starts_with(k)))
    });
    let key_file = match key {
        Some(name) if name.ends_with("_PATH") => all[name].clone(),
        Some(name) if name.ends_with("_ID") => String::new(),
        Some(_) => path.display().to_string(),
        None => String::new(),
    };
    let mut found = Repository {
        tool: "wal-g",
        configured_in: path.display().to_string(),
        place: place.strip_prefix("file://localhost").unwrap_or(place).to_owned(),
        is_local,
        is_encrypted: key.is_some(),
        key_file,
        ..Repository::default()
    };
    if is_local {
        let folder = Path::new(&found.place).join("basebackups_005");
        match by_sentinels(host, &folder) {
            Ok((newest, n)) => (found.newest, found.n_backups, found.is_read) = (newest, n, true),
            Err(error) => filled.lack(&folder, &error),
        }
    }
    Some(found)
}

/// wal-g writes a file of its own when a backup is finished.
fn by_sentinels(host: &Host, folder: &Path) -> io::Result<(Option<Newest>, usize)> {
    let mut newest: Option<Newest> = None;
    let mut n = 0;
    for entry in fs::read_dir(host.path(folder))?.take(ENTRIES_MAX) {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(label) = name.strip_suffix("_backup_stop_sentinel.json") else { continue };
        let at = entry.metadata()?.mtime();
        n += 1;
        if newest.as_ref().is_none_or(|newest| newest.at < at) {
            newest = Some(Newest { label: label.to_owned(), at, ..Newest::default() });
        }
    }
    Ok((newest, n))
}
