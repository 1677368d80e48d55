//! Packages of client programs and libraries, from dpkg's record of what is installed.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use kql::plan::Schema;
use kql::value::Json;

use super::{Filled, Host};
use crate::derive::{Given, list, row};

const STATUS: &str = "/var/lib/dpkg/status";
/// Bytes of it that are read.
const STATUS_MAX: u64 = 256 << 20;
/// Bytes of a line.
const LINE_MAX: usize = 1 << 20;

/// What a package brings, by the beginning of its name; a number may follow.
const PACKAGES: &[(&str, &[&str])] = &[
    (
        "postgresql-client-",
        &["psql", "pg_dump", "pg_dumpall", "pg_restore", "pg_basebackup", "pg_receivewal"],
    ),
    // On Debian and Ubuntu these come with the server.
    ("postgresql-", &["pg_rewind", "pg_upgrade", "pg_createsubscriber"]),
    ("libpq", &["libpq"]),
    ("libecpg", &["libecpg"]),
];

/// A paragraph of the file.
#[derive(Default)]
struct Package {
    name: String,
    status: String,
    version: String,
}

/// Reads the table `HostClients`.
pub(super) fn clients(host: &Host, _: &Given<'_>, columns: &Schema) -> Filled {
    let mut filled = Filled::default();
    match packages(host) {
        Ok(packages) => {
            let rows = packages.iter().map(|package| of_package(columns, package));
            filled.rows.extend(rows);
        }
        Err(error) => filled.lack(Path::new(STATUS), &error),
    }
    filled
}

fn packages(host: &Host) -> io::Result<Vec<Package>> {
    let mut reader = BufReader::new(File::open(host.path(STATUS))?.take(STATUS_MAX));
    let mut found = Vec::new();
    let mut package = Package::default();
    let mut n_bytes = 0;
    loop {
        let mut line = Vec::new();
        let n = (&mut reader).take(LINE_MAX as u64).read_until(b'\n', &mut line)?;
        n_bytes += n as u64;
        if n == LINE_MAX || n_bytes == STATUS_MAX {
            return Err(io::Error::other("longer than it may be"));
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim_end();
        if line.is_empty() {
            let whole = std::mem::take(&mut package);
            if whole.status.ends_with(" installed") && !tools(&whole.name).is_empty() {
                found.push(whole);
            }
        } else if let Some((field, value)) = line.split_once(": ") {
            match field {
                "Package" => value.clone_into(&mut package.name),
                "Status" => value.clone_into(&mut package.status),
                "Version" => value.clone_into(&mut package.version),
                _ => {}
            }
        }
        if n == 0 {
            return Ok(found);
        }
    }
}

fn of_package(columns: &Schema, package: &Package) -> Vec<Json> {
    let (major, minor) = numbers(&package.version);
    let long = |n: Option<u32>| n.map_or(Json::Null, |n| Json::Long(n.into()));
    let cells = [
        ("package", Json::String(package.name.as_str().into())),
        ("version", Json::String(package.version.as_str().into())),
        ("tools", list(tools(&package.name))),
        ("major", long(major)),
        ("minor", long(minor)),
    ];
    row(columns, &cells)
}

/// What a package of this name brings: `libpq5`, `postgresql-client-15`, but not
/// `postgresql-client-common`.
fn tools(name: &str) -> &'static [&'static str] {
    let is_number = |rest: &str| !rest.is_empty() && rest.chars().all(|c| c.is_ascii_digit());
    let of = PACKAGES.iter().find(|(begin, _)| name.strip_prefix(begin).is_some_and(is_number));
    of.map_or(&[], |(_, tools)| tools)
}

/// Major and minor version of PostgreSQL in the version of a package: `15.18-0+deb12u1`. The minor
/// version is absent where it is none of a release: `19~rc2-1`.
fn numbers(version: &str) -> (Option<u32>, Option<u32>) {
    let upstream = version.split_once(':').map_or(version, |(_, rest)| rest);
    let upstream = upstream.rsplit_once('-').map_or(upstream, |(whole, _)| whole);
    let (release, rest) = match upstream.find(|c: char| !c.is_ascii_digit() && c != '.') {
        Some(at) => upstream.split_at(at),
        None => (upstream, ""),
    };
    let mut parts = release.split('.').map(|part| part.parse().ok());
    let (major, minor) = (parts.next().flatten(), parts.next().flatten());
    // What follows a plus is the packager's; anything else makes it another version.
    let is_release = rest.is_empty() || rest.starts_with('+');
    (major, minor.filter(|_| is_release && parts.next().is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_whole_numbers() {
        let cases = [
            ("15.18-0+deb12u1", Some(15), Some(18)),
            ("15.9-1.pgdg120+1", Some(15), Some(9)),
            ("1:16.4-2", Some(16), Some(4)),
            ("18.6+ds-1", Some(18), Some(6)),
            ("19~rc2-1", Some(19), None),
            ("17.0~rc1-1", Some(17), None),
            ("9.6.24-1", Some(9), None),
            ("unknown", None, None),
        ];
        for (version, major, minor) in cases {
            assert_eq!(numbers(version), (major, minor), "{version}");
        }
    }

    #[test]
    fn packages_are_known_by_their_names() {
        assert_eq!(tools("libpq5"), ["libpq"]);
        assert!(tools("postgresql-client-15").contains(&"pg_dump"));
        assert!(tools("postgresql-15").contains(&"pg_rewind"));
        for other in
            ["postgresql", "postgresql-client-common", "libpq-dev", "postgresql-15-pgaudit"]
        {
            assert!(tools(other).is_empty(), "{other}");
        }
    }
}
