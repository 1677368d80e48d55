//! `pgkeep.conf`: the part of the configuration that is ours, made anew before each start.
//!
//! `postgresql.conf` includes it; `postgresql.auto.conf` (ALTER SYSTEM) comes after it and wins.
//! What must win over everything is on the command line, see `guard`.

use std::fmt::Write;

use crate::guard::TLS12_SUITES;
use crate::{Cluster, Error, Policy, Result, access, file};

const INCLUDE: &str = "include = 'pgkeep.conf'";
/// Folder of certificate and key, inside the data directory.
pub(crate) const TLS_DIR: &str = "tls";
/// Chain and key of the server in one file, so that one rename replaces both.
pub(crate) const TLS_FILE: &str = "tls/server.pem";
/// Authorities of client certificates.
pub(crate) const CLIENT_CA_FILE: &str = "tls/client-ca.pem";

impl Cluster {
    /// Writes `pgkeep.conf`, its include line, `pg_hba.conf` and `pg_ident.conf` from the policy.
    pub(crate) fn write_configuration(&self) -> Result<()> {
        let policy = self.policy()?;
        self.write_configuration_of(&policy)
    }

    pub(crate) fn write_configuration_of(&self, policy: &Policy) -> Result<()> {
        file::make_dir(&self.data_dir.join(TLS_DIR), &self.run_as)?;
        let client_ca = self.data_dir.join(CLIENT_CA_FILE);
        let _ = match &policy.client_certificates {
            Some(wanted) => file::replace(&client_ca, wanted.ca_pem.as_bytes(), &self.run_as)?,
            None => file::remove(&client_ca)?,
        };
        let text = self.render(policy);
        let path = self.data_dir.join("pgkeep.conf");
        let _ = file::replace(&path, text.as_bytes(), &self.run_as)?;
        self.include()?;
        access::write(self, policy)
    }

    /// Appends the include line to `postgresql.conf` if it is not there.
    fn include(&self) -> Result<()> {
        let path = self.data_dir.join("postgresql.conf");
        let Some(mut text) = file::read_text(&path)? else {
            let detail = "it is not there".to_owned();
            return Err(Error::Damaged { path, detail });
        };
        if text.lines().any(|line| line.trim() == INCLUDE) {
            return Ok(());
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str("\n# Written by pgkeep.\n");
        text.push_str(INCLUDE);
        text.push('\n');
        let _ = file::replace(&path, text.as_bytes(), &self.run_as)?;
        Ok(())
    }

    fn render(&self, policy: &Policy) -> String {
        let mut text = String::from(
            "# Written by pgkeep before each start; changes made here are lost.\n\
             # Set parameters with ALTER SYSTEM or \"pgkeep server parameter set\".\n\n",
        );
        let suites = TLS12_SUITES.join(":");
        let mut settings = vec![
            ("listen_addresses", self.listen_addresses.as_str()),
            ("password_encryption", "scram-sha-256"),
            ("log_directory", "log"),
            // What the log lake understands: messages that are not translated, times in UTC, who
            // came and went.
            ("lc_messages", "C"),
            ("log_timezone", "UTC"),
            ("log_connections", "on"),
            ("log_disconnections", "on"),
            ("ssl_min_protocol_version", "TLSv1.2"),
            ("ssl_ciphers", suites.as_str()),
        ];
        if self.binaries.version.major < 18 {
            // PostgreSQL 18 has a list of groups instead, with a good default.
            settings.push(("ssl_ecdh_curve", "prime256v1"));
        }
        if policy.client_certificates.is_some() {
            settings.push(("ssl_ca_file", CLIENT_CA_FILE));
        }
        if self.binaries.pgaudit {
            settings.push(("shared_preload_libraries", "pgaudit"));
            settings.push(("pgaudit.log", "ddl, role"));
        }
        for (name, value) in settings {
            writeln!(text, "{name} = {}", quote(value)).expect("because a String takes all text");
        }
        text
    }
}

/// Quotes a value for a configuration file; backslashes are escapes there.
pub(crate) fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn quotes_values() {
        assert_eq!(quote("on"), "'on'");
        assert_eq!(quote("it's a \\ path"), "'it''s a \\\\ path'");
    }
}
