//! `Packages`: packages about PostgreSQL, and where they came from.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use kql::plan::Schema;
use kql::value::Json;

use super::{Filled, Host, dpkg};
use crate::derive::{Given, list, row};

/// Packages that are about PostgreSQL, by how their names begin.
const BEGINNINGS: &[&str] = &[
    "postgresql",
    "libpq",
    "pgbackrest",
    "barman",
    "pgbouncer",
    "pgpool",
    "pgcat",
    "odyssey",
    "wal-g",
    "patroni",
    "repmgr",
    "timescaledb",
    "citus",
    "pgadmin",
    "phppgadmin",
    "adminer",
    "pgcluu",
    "pgbadger",
    "percona-postgresql",
    "edb-",
    "pgdg-",
    "postgis",
];
/// Programs that administer it through a page or a window.
const ADMIN: &[&str] = &["pgadmin", "phppgadmin", "adminer", "postgresql-autodoc"];
/// Languages other than PL/pgSQL.
const LANGUAGES: &[&str] =
    &["plperl", "plpython3", "pltcl", "plr", "pllua", "plsh", "plv8", "pljava"];

/// Fills the table.
pub(super) fn packages(host: &Host, _: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let is_ours = |name: &str| BEGINNINGS.iter().any(|beginning| name.starts_with(beginning));
    let installed = match dpkg::installed(host, is_ours) {
        Ok(installed) => installed,
        Err(error) => {
            let error = match error.kind() {
                io::ErrorKind::NotFound => {
                    io::Error::other("there is none: packages of another kind cannot be read yet")
                }
                _ => error,
            };
            filled.lack(Path::new("/var/lib/dpkg/status"), &error);
            return filled;
        }
    };
    let names: BTreeSet<String> = installed.iter().map(|package| package.name.clone()).collect();
    // Where packages came from is less than that they are there: without it there is a row.
    let offers = dpkg::offers(host, &names);
    let why = offers.as_ref().err().map(ToString::to_string).unwrap_or_default();
    let offers = offers.unwrap_or_default();
    for package in installed {
        let offers = offers.get(&package.name);
        let same: Vec<&dpkg::Offer> =
            offers.into_iter().flatten().filter(|offer| offer.version == package.version).collect();
        let origins: BTreeSet<&str> = same.iter().map(|offer| offer.origin.as_str()).collect();
        let unsigned = same.iter().filter(|offer| !offer.is_signed).map(|offer| &offer.list);
        let (kind, major) = kind(&package.name);
        filled.rows.push(row(
            schema,
            &[
                ("name", Json::String(package.name.as_str().into())),
                ("version", Json::String(package.version.as_str().into())),
                ("architecture", Json::String(package.architecture.as_str().into())),
                ("kind", Json::String(kind.into())),
                ("major", major.map_or(Json::Null, Json::Long)),
                ("origins", list(origins)),
                ("unsigned", list(unsigned)),
                ("offered", Json::Bool(offers.is_some())),
                ("offered_same", Json::Bool(!same.is_empty())),
                ("lists_unread", Json::String(why.as_str().into())),
            ],
        ));
    }
    filled
}

/// What a package is, and of which major version.
fn kind(name: &str) -> (&'static str, Option<i64>) {
    let major = |text: &str| text.split('-').next().and_then(|text| text.parse().ok());
    if ADMIN.iter().any(|beginning| name.starts_with(beginning)) {
        return ("admin", None);
    }
    if let Some(rest) = name.strip_prefix("postgresql-client-") {
        return ("client", major(rest));
    }
    let Some(rest) = name.strip_prefix("postgresql-") else {
        return (if name == "postgresql" { "meta" } else { "other" }, None);
    };
    if let Some(language) = LANGUAGES.iter().find(|language| rest.starts_with(**language)) {
        return ("language", major(rest[language.len()..].trim_start_matches('-')));
    }
    let Some(of) = major(rest) else { return ("other", None) };
    match rest.split_once('-').map(|(_, rest)| rest) {
        None => ("server", Some(of)),
        Some(part) if LANGUAGES.iter().any(|language| part.starts_with(language)) => {
            ("language", Some(of))
        }
        Some(_) => ("extension", Some(of)),
    }
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn kinds_are_told_apart() {
        for (name, wanted) in [
            ("postgresql", ("meta", None)),
            ("postgresql-15", ("server", Some(15))),
            ("postgresql-client-15", ("client", Some(15))),
            ("postgresql-client-common", ("client", None)),
            ("postgresql-common", ("other", None)),
            ("postgresql-15-pgaudit", ("extension", Some(15))),
            ("postgresql-plperl-15", ("language", Some(15))),
            ("postgresql-15-plr", ("language", Some(15))),
            ("pgadmin4-web", ("admin", None)),
            ("pgbackrest", ("other", None)),
        ] {
            assert_eq!(kind(name), wanted, "{name}");
        }
    }
}
