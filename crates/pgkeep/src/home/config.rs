//! `config.toml`: what an installation was told. Written by the first `up`, kept when edited.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use base::{ExitCode, Fault};
use serde::Deserialize;

use super::Home;

/// The settings; a missing file is a file without any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Port of the status page.
    pub(crate) https_port: Option<u16>,
    /// HTTPS port of the key vaults; part of every key's address.
    pub(crate) vault_port: Option<u16>,
    /// Loopback port of the identity endpoint.
    pub(crate) identity_port: Option<u16>,
    /// Folder of PostgreSQL's programs; empty means the newest supported one that is installed.
    pub(crate) postgresql_bindir: Option<PathBuf>,
}

const HEAD: &str = "\
# Settings of this pgkeep installation. `pgkeep up` reads them and keeps what you change.

";

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// `config` when it cannot be read or has a line that is not understood.
    pub(crate) fn load(home: &Home) -> Result<Self, Fault> {
        let path = home.config();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => {
                let message = format!("could not read {}", path.display());
                return Err(Fault::from_error("config", message, &e));
            }
        };
        toml::from_str(&text).map_err(|e| {
            Fault::new("config", format!("{} is not understood", path.display()))
                .detail(e.to_string().trim_end().to_owned())
                .hint("correct it, or move it away to get a new one")
                .exit(ExitCode::Usage)
        })
    }

    /// Writes ports into the file, leaving every other line as it is.
    pub(crate) fn keep_ports(home: &Home, ports: &[(&str, u16)]) -> Result<(), Fault> {
        let path = home.config();
        let old = std::fs::read_to_string(&path).unwrap_or_else(|_| HEAD.to_owned());
        let new = ports
            .iter()
            .fold(old.clone(), |text, (key, port)| with_value(&text, key, &port.to_string()));
        if new == old && path.exists() {
            return Ok(());
        }
        write_public(&path, new.as_bytes())
    }
}

/// `text` with the top-level line of `key` replaced, or added in front of the first table.
fn with_value(text: &str, key: &str, value: &str) -> String {
    let is_key = |line: &str| {
        let rest = line.trim_start().strip_prefix(key);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let mut result = String::new();
    let mut done = false;
    for line in text.lines() {
        if !done && (is_key(line) || line.trim_start().starts_with('[')) {
            let _ = writeln!(result, "{key} = {value}");
            done = true;
            if is_key(line) {
                continue;
            }
        }
        let _ = writeln!(result, "{line}");
    }
    if !done {
        let _ = writeln!(result, "{key} = {value}");
    }
    result
}

/// Replaces a file that everyone may read, durably: the old or the new one, never half of one.
pub(super) fn write_public(path: &Path, bytes: &[u8]) -> Result<(), Fault> {
    use std::os::unix::fs::PermissionsExt as _;
    let write = || -> std::io::Result<()> {
        let temporary = path.with_extension("new");
        std::fs::write(&temporary, bytes)?;
        std::fs::set_permissions(&temporary, std::fs::Permissions::from_mode(0o644))?;
        std::fs::File::open(&temporary)?.sync_all()?;
        std::fs::rename(&temporary, path)?;
        std::fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write()
        .map_err(|e| Fault::from_error("file", format!("could not write {}", path.display()), &e))
}

#[cfg(test)]
mod tests {
    use super::{Config, HEAD, with_value};

    #[test]
    fn keeps_what_a_person_wrote() {
        let text = "# mine\nhttps_port=1 # old\npostgresql_bindir = \"/x\"\n";
        let new = with_value(text, "https_port", "2");
        assert_eq!(new, "# mine\nhttps_port = 2\npostgresql_bindir = \"/x\"\n");
        assert_eq!(with_value("", "https_port", "2"), "https_port = 2\n");
        assert_eq!(with_value("[t]\nx = 1\n", "a", "2"), "a = 2\n[t]\nx = 1\n");
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        assert!(toml::from_str::<Config>("http_port = 1").is_err());
        assert!(toml::from_str::<Config>("https_port = 70000").is_err());
        assert!(toml::from_str::<Config>("vault_port = \"9443\"").is_err());
        let config: Config = toml::from_str(&with_value(HEAD, "https_port", "8443"))
            .expect("because it is what we write");
        assert_eq!(config.https_port, Some(8443));
        assert_eq!((config.vault_port, config.identity_port), (None, None));
    }
}
