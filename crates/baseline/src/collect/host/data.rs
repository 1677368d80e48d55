//! What is in the data directory that PostgreSQL did not put there.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use kql::plan::Schema;
use kql::value::Json;
use regex::Regex;

use super::files::{clean, is_below};
use super::stat::{Looker, number, text};
use super::{Filled, Host};
use crate::derive::{Given, row};

/// Entries that are looked at, and rows.
const ENTRIES_MAX: u64 = 2_000_000;
const ROWS_MAX: usize = 10_000;

/// What PostgreSQL 13 to 18 and their tools have at the top (manual, 73.1).
const TOP: [&str; 40] = [
    "PG_VERSION",
    "backup_label",
    "backup_label.old",
    "backup_manifest",
    "base",
    "current_logfiles",
    "current_logfiles.tmp",
    "global",
    "log",
    "pg_commit_ts",
    "pg_dynshmem",
    "pg_hba.conf",
    "pg_ident.conf",
    "pg_log",
    "pg_logical",
    "pg_multixact",
    "pg_notify",
    "pg_replslot",
    "pg_serial",
    "pg_snapshots",
    "pg_stat",
    "pg_stat_tmp",
    "pg_subtrans",
    "pg_tblspc",
    "pg_twophase",
    "pg_wal",
    "pg_xact",
    "postgresql.auto.conf",
    "postgresql.auto.conf.tmp",
    "postgresql.conf",
    "postmaster.opts",
    "postmaster.pid",
    "promote",
    "recovery.done",
    "recovery.signal",
    "standby.signal",
    "tablespace_map",
    "tablespace_map.old",
    "logrotate",
    "pgsql_tmp",
];

static RELATION: LazyLock<Regex> = LazyLock::new(|| {
    let parts = [
        r"(t\d+_)?\d+(_(fsm|vm|init))?(\.\d+)?",
        r"pg_filenode\.map(\.tmp)?",
        r"pg_internal\.init(\.\d+)?",
        r"PG_VERSION",
        r"pg_control(\.tmp)?",
        r"config_exec_params(\.new)?",
    ];
    Regex::new(&format!("^({})$", parts.join("|"))).expect("a sound pattern")
});
static WAL: LazyLock<Regex> = LazyLock::new(|| {
    let parts = [
        r"[0-9A-F]{24}(\.partial|\.[0-9A-F]{8}\.backup)?",
        r"[0-9A-F]{8}\.history",
        r"xlogtemp\.\d+",
        r"RECOVERY(XLOG|HISTORY)",
        r"archive_status|summaries",
    ];
    Regex::new(&format!("^({})$", parts.join("|"))).expect("a sound pattern")
});

/// `DataFiles`: everything at the top, and below it what is odd: `problem` is `unknown name`,
/// `link`, `foreign owner` or `program`; empty where there is none. Tablespaces have a row each.
pub(super) fn data_files(host: &Host, given: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let made = Looker::of(host).and_then(|looker| Ok((looker, fs::metadata(host.pgdata())?)));
    let (looker, top) = match made {
        Ok(made) => made,
        Err(error) => {
            filled.lack(host.pgdata(), &error);
            return filled;
        }
    };
    let named = named(host, given);
    let root = fs::metadata(host.path("/")).ok().map(|root| root.dev());
    let mut n_entries = 0;
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        let place = host.pgdata().join(&folder);
        let entries = match fs::read_dir(&place) {
            Ok(entries) => entries,
            // A table or database may be dropped meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                filled.lack(&place, &error);
                continue;
            }
        };
        for entry in entries {
            n_entries += 1;
            if n_entries > ENTRIES_MAX || filled.rows.len() > ROWS_MAX {
                let what = format!("more than {ENTRIES_MAX} files or {ROWS_MAX} odd ones");
                filled.lack(host.pgdata(), &io::Error::other(what));
                return filled;
            }
            let read = entry.and_then(|entry| Ok((entry.file_name(), entry.metadata()?)));
            let (name, metadata) = match read {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    filled.lack(&place, &error);
                    continue;
                }
            };
            let path = folder.join(&name);
            let is_named = named.iter().any(|named| named.starts_with(&path));
            let is_inside_named = named.iter().any(|named| path.starts_with(named));
            let problem = problem(&path, &name.to_string_lossy(), &metadata, top.uid());
            let known = is_named || is_inside_named;
            let problem = problem.filter(|problem| !known || *problem == "program");
            if metadata.is_dir() {
                open.push(path.clone());
            }
            let is_space = metadata.is_symlink() && folder == Path::new("pg_tblspc");
            if problem.is_none() && !is_space && path.components().count() > 1 {
                continue;
            }
            let full = host.pgdata().join(&path);
            let looked = match looker.look(&full) {
                Ok(Some(looked)) => looked,
                Ok(None) => continue,
                Err(error) => {
                    filled.lack(&full, &error);
                    continue;
                }
            };
            let behind = looked.behind.as_ref();
            let target = looked.link.clone().unwrap_or_default();
            let own = behind
                .is_some_and(|(found, _)| found.dev() != top.dev() && Some(found.dev()) != root);
            let mut cells = looker.cells(&full, Some(&looked));
            let purpose = if is_space { "tablespace" } else { "entry" };
            cells.extend([
                ("name", text(path.display().to_string())),
                ("purpose", text(purpose)),
                ("problem", text(problem.unwrap_or_default())),
                ("in_pgdata", Json::Bool(is_below(&place.join(&target), host.pgdata()))),
                ("own_filesystem", Json::Bool(own)),
                ("entries", number(n_entries)),
            ]);
            filled.rows.push(row(schema, &cells));
        }
    }
    filled
}

fn problem(path: &Path, name: &str, metadata: &fs::Metadata, server: u32) -> Option<&'static str> {
    let parts: Vec<_> = path.components().map(|part| part.as_os_str().to_string_lossy()).collect();
    let first = parts.first().map(AsRef::as_ref).unwrap_or_default();
    let is_pg_wal = parts.len() == 1 && name == "pg_wal";
    let is_space = parts.len() == 2 && first == "pg_tblspc";
    if metadata.is_symlink() && !is_pg_wal && !is_space {
        return Some("link");
    }
    if metadata.uid() != server {
        return Some("foreign owner");
    }
    if metadata.is_file() && metadata.mode() & 0o6111 != 0 {
        return Some("program");
    }
    let is_known = match (first, parts.len()) {
        (_, 1) => TOP.contains(&name),
        ("global", 2) => RELATION.is_match(name) || name.starts_with("pgstat"),
        ("base", 2) => name == "pgsql_tmp" || name.bytes().all(|byte| byte.is_ascii_digit()),
        ("base", 3) => parts[1] == "pgsql_tmp" || RELATION.is_match(name),
        ("pg_wal", 2) => WAL.is_match(name),
        ("pg_tblspc", 2) => name.bytes().all(|byte| byte.is_ascii_digit()),
        _ => true,
    };
    (!is_known).then_some("unknown name")
}

/// Files of the data directory that settings and configuration name, relative to it.
fn named(host: &Host, given: &Given<'_>) -> Vec<PathBuf> {
    const SETTINGS: [&str; 10] = [
        "config_file",
        "hba_file",
        "ident_file",
        "external_pid_file",
        "ssl_cert_file",
        "ssl_key_file",
        "ssl_ca_file",
        "ssl_crl_file",
        "ssl_crl_dir",
        "log_directory",
    ];
    let settings = given.rows("Settings").filter(|row| SETTINGS.contains(&row.text("name")));
    let mut paths: Vec<PathBuf> = settings
        .map(|row| row.text("setting"))
        .filter(|value| !value.is_empty())
        .map(|value| clean(&host.pgdata().join(value)))
        .collect();
    for setting in given.rows("Settings") {
        let syntax = match setting.text("name") {
            "config_file" => super::include::Syntax::Settings,
            "hba_file" => super::include::Syntax::Lines { fields: 3 },
            "ident_file" => super::include::Syntax::Lines { fields: 0 },
            _ => continue,
        };
        let file = host.pgdata().join(setting.text("setting"));
        let tree = super::include::of(host, &file, syntax, given.major);
        paths.extend(tree.files.into_iter().map(|file| file.path));
    }
    // The server may know the folder by another name, through a link.
    let settings = given.rows("Settings");
    let mut folders: Vec<PathBuf> = settings
        .filter(|setting| setting.text("name") == "data_directory")
        .map(|setting| PathBuf::from(setting.text("setting")))
        .collect();
    folders.push(host.pgdata().to_owned());
    let inside = paths
        .iter()
        .filter_map(|path| folders.iter().find_map(|folder| path.strip_prefix(folder).ok()));
    inside.filter(|path| *path != Path::new("")).map(Path::to_owned).collect()
}
