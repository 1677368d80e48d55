//! `Libraries`: the files that sessions can load as code, and whether packages know them.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use kql::plan::Schema;
use kql::value::Json;

use super::postmaster::Postmaster;
use super::{Filled, Host, dpkg};
use crate::derive::{Given, row};

/// Files of the folder of libraries and those below it.
const FILES_MAX: usize = 20_000;
/// Bytes of one library, and of all.
const FILE_MAX: u64 = 512 << 20;
const BYTES_MAX: u64 = 4 << 30;
const DEPTH_MAX: usize = 8;
/// A library that every PostgreSQL has.
const OF_ALL: &str = "plpgsql.so";

/// Where a program's own files lie: beside it, as PostgreSQL itself finds them, or as distributions
/// put them. The first that holds `mark` is it.
pub(super) fn folder(host: &Host, program: &Path, beside: &[&str], mark: &str) -> Option<PathBuf> {
    let prefix = program.parent()?.parent()?;
    let major = prefix.file_name().and_then(|name| name.to_str()).unwrap_or("");
    let mut all = beside.iter().map(|name| match name.strip_prefix('/') {
        Some(_) => PathBuf::from(name.replace("MAJOR", major)),
        None => prefix.join(name),
    });
    all.find(|folder| host.path(folder.join(mark)).exists())
}

/// Fills the table.
pub(super) fn libraries(host: &Host, _: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let first = match Postmaster::find(host) {
        Ok(first) => first,
        Err(error) => {
            filled.lack(&host.pgdata().join("postmaster.pid"), &error);
            return filled;
        }
    };
    let beside = ["lib", "lib/postgresql", "lib64/pgsql", "lib64", "lib/pgsql", "/usr/lib64/pgsql"];
    let Some(folder) = folder(host, &first.program, &beside, OF_ALL) else {
        let error =
            io::Error::other("the folder of PostgreSQL's libraries is not where it is used");
        filled.lack(&first.program, &error);
        return filled;
    };
    let mut files = Vec::new();
    walk(host, &folder, 0, &mut files, &mut filled);
    let known = dpkg::owners(host, std::slice::from_ref(&folder)).and_then(|owners| {
        let packages: BTreeSet<String> = owners.values().cloned().collect();
        Ok((owners, dpkg::sums(host, &packages)?))
    });
    let (owners, sums) = match known {
        Ok(known) => known,
        Err(error) => {
            let error = match error.kind() {
                io::ErrorKind::NotFound => {
                    io::Error::other("there is none: packages of another kind cannot be read yet")
                }
                _ => error,
            };
            filled.lack(Path::new("/var/lib/dpkg/info"), &error);
            return filled;
        }
    };
    let mut left = BYTES_MAX;
    for path in files {
        let seen = fs::metadata(host.path(&path)).and_then(|found| {
            let wanted = sums.get(&path).map_or("", String::as_str);
            // What no package knows needs no sum.
            let sum = if wanted.is_empty() { String::new() } else { md5(host, &path, &mut left)? };
            Ok((found, wanted, sum))
        });
        let (found, wanted, sum) = match seen {
            Ok(seen) => seen,
            Err(error) => {
                filled.lack(&path, &error);
                continue;
            }
        };
        let target = fs::canonicalize(host.path(&path)).ok();
        let is_link = target.is_some_and(|target| target != host.path(&path));
        filled.rows.push(row(
            schema,
            &[
                ("path", Json::String(path.display().to_string().into())),
                ("package", Json::String(owners.get(&path).map_or("", |p| p).into())),
                ("md5_of_package", Json::String(wanted.into())),
                ("md5", Json::String(sum.into())),
                ("link", Json::Bool(is_link)),
                ("owner", Json::Long(i64::from(found.uid()))),
                ("writable", Json::Bool(found.mode() & 0o022 != 0)),
            ],
        ));
    }
    filled
}

/// Shared objects in a folder and those below it.
fn walk(host: &Host, folder: &Path, depth: usize, files: &mut Vec<PathBuf>, filled: &mut Filled) {
    let entries = match fs::read_dir(host.path(folder)) {
        Ok(entries) => entries,
        Err(error) => {
            filled.lack(folder, &error);
            return;
        }
    };
    for entry in entries {
        let kind = entry.and_then(|entry| Ok((entry.file_type()?, entry.file_name())));
        let (kind, name) = match kind {
            Ok(found) => found,
            Err(error) => {
                filled.lack(folder, &error);
                continue;
            }
        };
        if files.len() >= FILES_MAX || depth > DEPTH_MAX {
            filled.lack(folder, &io::Error::other(format!("more than {FILES_MAX} files, or deep")));
            return;
        }
        let path = folder.join(&name);
        let is_library = |name: &str| name.ends_with(".so") || name.contains(".so.");
        if kind.is_dir() {
            walk(host, &path, depth + 1, files, filled);
        } else if name.to_str().is_none_or(is_library) {
            files.push(path);
        }
    }
}

fn md5(host: &Host, path: &Path, left: &mut u64) -> io::Result<String> {
    let file = File::open(host.path(path))?;
    let size = file.metadata()?.len();
    if size > FILE_MAX || size > *left {
        return Err(io::Error::other("too long, or too much in all"));
    }
    *left -= size;
    let mut bytes = Vec::new();
    file.take(FILE_MAX).read_to_end(&mut bytes)?;
    Ok(crypto::md5(&bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}
