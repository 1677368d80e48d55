//! Guard rails: what no setting may take away.
//!
//! Switches that must never change are on the postmaster's command line, which wins over every
//! file and over ALTER SYSTEM. The rest is checked whenever it is set and after each start.

use std::path::{Component, Path};

use crate::conf::TLS_FILE;
use crate::{Cluster, Connection, Error, Parameter, Result};

/// The TLS 1.2 suites that are offered, in OpenSSL's names: forward secrecy and AEAD only.
pub const TLS12_SUITES: [&str; 6] = [
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
];

/// Addresses under which a server is reached as `localhost`.
pub(crate) const LOCAL: [&str; 6] = ["*", "0.0.0.0", "::", "localhost", "127.0.0.1", "::1"];

/// A guard rail that does not hold.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Violation {
    /// The parameter.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What is lost by it.
    pub reason: String,
}

impl Cluster {
    /// The settings that are fixed on the command line.
    pub(crate) fn pinned(&self) -> Vec<(&'static str, String)> {
        let major = self.binaries.version.major;
        let in_data_dir = |name: &str| self.data_dir.join(name).display().to_string();
        let mut pinned = vec![
            ("port", self.port.to_string()),
            ("unix_socket_directories", format!("\"{}\"", self.socket_dir.display())),
            ("hba_file", in_data_dir("pg_hba.conf")),
            ("ident_file", in_data_dir("pg_ident.conf")),
            ("fsync", "on".to_owned()),
            ("full_page_writes", "on".to_owned()),
            ("ssl", "on".to_owned()),
            ("ssl_cert_file", TLS_FILE.to_owned()),
            ("ssl_key_file", TLS_FILE.to_owned()),
            ("ssl_prefer_server_ciphers", "on".to_owned()),
            ("logging_collector", "on".to_owned()),
            ("log_destination", if major >= 15 { "jsonlog" } else { "csvlog" }.to_owned()),
            ("log_file_mode", "0600".to_owned()),
        ];
        if major >= 14 {
            // syncfs does not reach a FUSE server; only fsync of each file does.
            pinned.push(("recovery_init_sync_method", "fsync".to_owned()));
        }
        pinned
    }

    /// Says of a parameter what pgkeep allows of it.
    pub(crate) fn mark_guarded(&self, parameter: &mut Parameter) {
        let name = parameter.name.as_str();
        if let Some((_, fixed)) = self.pinned().into_iter().find(|(pinned, _)| *pinned == name) {
            parameter.read_only = true;
            let why = reason_for(name);
            parameter.guard = Some(format!("pgkeep starts the server with \"{fixed}\": {why}"));
            return;
        }
        let text = match name {
            "data_directory" | "config_file" | "external_pid_file" => {
                parameter.read_only = true;
                "it belongs to pgkeep: the place of a server is fixed"
            }
            "log_directory" | "stats_temp_directory" => {
                "only inside the encrypted data directory, so that nothing is written in clear"
            }
            "password_encryption" => "scram-sha-256 only: md5 passwords are as good as known",
            "ssl_min_protocol_version" | "ssl_max_protocol_version" => {
                "TLS 1.2 is the lowest version: older ones have known attacks"
            }
            "ssl_ciphers" => "only suites with forward secrecy and authenticated encryption",
            "shared_preload_libraries" => {
                "only libraries that are installed, and pgaudit stays where it is"
            }
            "listen_addresses" => {
                "this machine stays among the addresses: pgkeep connects back to prove TLS"
            }
            _ => return,
        };
        parameter.guard = Some(text.to_owned());
    }

    /// Refuses a value that would take a protection away.
    pub(crate) fn check_value(&self, name: &str, value: &str) -> Result<()> {
        let Some((reason, hint)) = self.objection(name, value) else { return Ok(()) };
        Err(Error::GuardRail { name: name.to_owned(), value: value.to_owned(), reason, hint })
    }

    /// Why a value is refused, and what is allowed instead.
    fn objection(&self, name: &str, value: &str) -> Option<(String, String)> {
        let both = |reason: &str, hint: &str| Some((reason.to_owned(), hint.to_owned()));
        if let Some((_, fixed)) = self.pinned().into_iter().find(|(pinned, _)| *pinned == name) {
            return (!same_value(&fixed, value)).then(|| {
                let reason = format!("pgkeep needs it to be \"{fixed}\" and starts the server so");
                (reason, reason_for(name).to_owned())
            });
        }
        match name {
            "data_directory" | "config_file" | "external_pid_file" => {
                both("it belongs to pgkeep", "move the server with backup and restore instead")
            }
            "log_directory" | "stats_temp_directory" if !self.inside(value) => both(
                "it would lead out of the encrypted data directory",
                "use a path relative to the data directory",
            ),
            "password_encryption" if !same_value("scram-sha-256", value) => both(
                "passwords are kept as SCRAM-SHA-256 only",
                "clients that know only md5 have to be updated",
            ),
            "ssl_min_protocol_version" if !["tlsv1.2", "tlsv1.3"].contains(&&*lower(value)) => {
                both("TLS 1.2 is the lowest version", "use TLSv1.2 or TLSv1.3")
            }
            "ssl_max_protocol_version" if !["", "tlsv1.2", "tlsv1.3"].contains(&&*lower(value)) => {
                both("TLS 1.2 is the lowest version", "use TLSv1.2, TLSv1.3 or an empty value")
            }
            "ssl_ciphers" if !only_known_suites(value) => Some((
                "only suites with forward secrecy and authenticated encryption are offered".into(),
                format!("use some of {}", TLS12_SUITES.join(":")),
            )),
            "shared_preload_libraries" => self.objection_to_libraries(value),
            "listen_addresses" if !list_elements(value).iter().any(|a| LOCAL.contains(&&**a)) => {
                both(
                    "pgkeep proves the server's TLS by connecting to it on this machine",
                    "keep \"localhost\" among the addresses, or use \"*\"",
                )
            }
            _ => None,
        }
    }

    fn objection_to_libraries(&self, value: &str) -> Option<(String, String)> {
        let libraries = list_elements(value);
        if self.binaries.pgaudit && !libraries.iter().any(|library| library == "pgaudit") {
            let reason = "pgaudit is installed and has to stay loaded".to_owned();
            return Some((reason, format!("use \"{}\"", ["pgaudit", value].join(", "))));
        }
        let is_missing = |library: &&String| {
            let name = library.strip_prefix("$libdir/").unwrap_or(library);
            if name.contains('/') {
                !Path::new(name).exists()
            } else {
                !self.binaries.has_library(name)
            }
        };
        libraries.iter().find(is_missing).map(|library| {
            let reason =
                format!("library \"{library}\" is not installed, the server would not start");
            (reason, "install the package of the extension first".to_owned())
        })
    }

    /// Whether a configured path stays in the data directory, judged by its text alone.
    fn inside(&self, value: &str) -> bool {
        let path = Path::new(value);
        let climbs = path.components().any(|part| part == Component::ParentDir);
        !value.is_empty() && !climbs && (path.is_relative() || path.starts_with(&self.data_dir))
    }

    /// Asks the running server whether every guard rail holds.
    pub async fn guard_rail_violations(&self, connection: &Connection) -> Result<Vec<Violation>> {
        let mut names: Vec<String> =
            self.pinned().iter().map(|(name, _)| (*name).to_owned()).collect();
        let checked = [
            "log_directory",
            "stats_temp_directory",
            "password_encryption",
            "ssl_min_protocol_version",
            "ssl_max_protocol_version",
            "ssl_ciphers",
            "shared_preload_libraries",
        ];
        names.extend(checked.map(str::to_owned));
        let sql = "select name, coalesce(current_setting(name), '') from pg_settings \
                   where name = any($1) order by name";
        let rows = connection.query("read guard rails", sql, &[&names]).await?;
        let mut violations = Vec::new();
        for row in rows {
            let (name, value): (String, String) = (row.get(0), row.get(1));
            if let Some((reason, _)) = self.objection(&name, &value) {
                violations.push(Violation { name, value, reason });
            }
        }
        Ok(violations)
    }

    /// Fails when a guard rail does not hold in the running server.
    pub async fn check_guard_rails(&self, connection: &Connection) -> Result<()> {
        let violations = self.guard_rail_violations(connection).await?;
        if violations.is_empty() {
            return Ok(());
        }
        let each = violations.iter().map(|v| format!("{} = \"{}\": {}", v.name, v.value, v.reason));
        Err(Error::GuardRails { detail: each.collect::<Vec<_>>().join("; ") })
    }
}

fn reason_for(name: &str) -> &'static str {
    match name {
        "fsync" => "without it a crash loses committed rows; see synchronous_commit instead",
        "full_page_writes" => "without it a crash can leave torn pages that nothing repairs",
        "ssl" | "ssl_cert_file" | "ssl_key_file" => {
            "use require_secure_transport to let plain connections in as well"
        }
        "log_destination" | "logging_collector" | "log_file_mode" => {
            "the log must stay inside the encrypted data directory"
        }
        "recovery_init_sync_method" => "syncfs does not reach an encrypting file system",
        _ => "it is part of how pgkeep runs the server",
    }
}

fn lower(text: &str) -> String {
    text.trim().to_ascii_lowercase()
}

/// Whether two values mean the same: letter case, quotes and spellings of booleans aside.
fn same_value(one: &str, other: &str) -> bool {
    let normal = |text: &str| match lower(text).trim_matches('"') {
        "true" | "yes" | "1" => "on".to_owned(),
        other => other.to_owned(),
    };
    normal(one) == normal(other)
}

fn only_known_suites(value: &str) -> bool {
    let mut suites = value.split([':', ',', ' ']).filter(|suite| !suite.is_empty()).peekable();
    suites.peek().is_some() && suites.all(|suite| TLS12_SUITES.contains(&suite))
}

/// The elements of a list parameter, without their quotes.
pub(crate) fn list_elements(value: &str) -> Vec<String> {
    let elements = value.split(',').map(|element| element.trim().trim_matches('"').to_owned());
    elements.filter(|element| !element.is_empty()).collect()
}

#[cfg(test)]
mod tests;
