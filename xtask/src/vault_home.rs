//! A home with one key vault and an identity that may do everything in it, for loads over REST.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Doing, Failure, Outcome};
use crate::{cluster, proc};

const VAULT: &str = "load";
const IDENTITY: &str = "load";
const API_VERSION: &str = "7.4";

/// A running installation without servers. Stopped and removed when dropped.
pub(crate) struct VaultHome {
    program: PathBuf,
    home: PathBuf,
    uri: String,
    ca_file: String,
    is_up: bool,
}

impl VaultHome {
    /// Starts it below `work` and makes vault, identity and role.
    pub(crate) fn start(program: &Path, work: &Path) -> Outcome<Self> {
        let mut this = Self {
            program: program.to_owned(),
            home: work.join("home"),
            uri: String::new(),
            ca_file: String::new(),
            is_up: true,
        };
        let (port, https_port) = cluster::free_ports()?;
        let ports = ["--port", port.as_str(), "--https-port", https_port.as_str()];
        this.pgkeep(&[&["up", "--detach", "--no-sample"], &ports[..]].concat())?;
        this.pgkeep(&["keyvault", "create", "-n", VAULT])?;
        this.pgkeep(&["identity", "create", "-n", IDENTITY])?;
        let role = ["--role", "Key Vault Administrator", "--assignee", IDENTITY];
        let create = ["keyvault", "role-assignment", "create", "--vault-name", VAULT];
        this.pgkeep(&[&create[..], &role[..]].concat())?;
        let shown = this.pgkeep(&["keyvault", "show", "-n", VAULT, "-o", "json"])?;
        this.uri = json_text(&shown, "uri")?.trim_end_matches('/').to_owned();
        this.ca_file = json_text(&shown, "ca_file")?;
        Ok(this)
    }

    /// The vault's name.
    pub(crate) fn vault(&self) -> &str {
        VAULT
    }

    /// The home's folder.
    pub(crate) fn path(&self) -> &Path {
        &self.home
    }

    /// The vault's address, without a slash at its end.
    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// The variables that make the official SDKs the identity; one of them is a secret.
    pub(crate) fn identity_env(&self) -> Outcome<Vec<(String, String)>> {
        let env = self.pgkeep(&["identity", "env", "-n", IDENTITY])?;
        let pairs = env.lines().filter_map(|line| line.split_once('='));
        Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Certificate of the authority, for clients.
    pub(crate) fn ca_file(&self) -> &str {
        &self.ca_file
    }

    /// Runs the command line on this home.
    pub(crate) fn pgkeep(&self, words: &[&str]) -> Outcome<String> {
        proc::capture(Command::new(&self.program).args(words).arg("--home").arg(&self.home))
    }

    /// An address of the vault, with the API version.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}?api-version={API_VERSION}", self.uri)
    }

    /// A token of the identity for the vault.
    pub(crate) fn token(&self) -> Outcome<String> {
        let env = self.pgkeep(&["identity", "env", "-n", IDENTITY])?;
        let value = |name: &str| {
            let line = env.lines().find_map(|line| line.strip_prefix(name));
            let value = line.and_then(|rest| rest.strip_prefix('='));
            value.ok_or_else(|| Failure::new(format!("identity env printed no {name}")))
        };
        let resource = self.uri.replacen(&format!("{VAULT}."), "", 1);
        let url = format!(
            "{}?api-version=2019-08-01&resource={resource}&client_id={}",
            value("IDENTITY_ENDPOINT")?,
            value("AZURE_CLIENT_ID")?
        );
        let header = format!("X-IDENTITY-HEADER: {}", value("IDENTITY_HEADER")?);
        json_text(&self.curl(&url, &[header], None)?, "access_token")
    }

    /// Posts JSON with a token.
    pub(crate) fn post(&self, path: &str, token: &str, body: &str) -> Outcome<String> {
        let headers =
            [format!("Authorization: Bearer {token}"), "Content-Type: application/json".to_owned()];
        self.curl(&self.url(path), &headers, Some(body))
    }

    /// What must not be seen in a process list comes from a file that only we can read.
    fn curl(&self, url: &str, headers: &[String], body: Option<&str>) -> Outcome<String> {
        let mut config = format!("url = \"{url}\"\nsilent\nshow-error\nfail-with-body\n");
        config += &format!("max-time = 30\ncacert = \"{}\"\n", self.ca_file);
        for header in headers {
            config += &format!("header = \"{header}\"\n");
        }
        if let Some(body) = body {
            config += &format!("data = \"{}\"\n", body.replace('"', "\\\""));
        }
        let path = self.home.with_extension("curl");
        write_private(&path, &config)?;
        let answer = proc::capture(Command::new("curl").arg("--config").arg(&path));
        std::fs::remove_file(&path).doing(|| "remove curl's file".to_owned())?;
        answer
    }

    /// Process of the vault.
    pub(crate) fn vault_pid(&self) -> Outcome<String> {
        let [program, words @ ..] = self.vault_pid_command();
        let found = proc::capture(Command::new(program).args(words))?;
        let mut pids = found.split_whitespace();
        match (pids.next(), pids.next()) {
            (Some(pid), None) => Ok(pid.to_owned()),
            _ => Err(Failure::new("could not tell which process is the vault").detail(found)),
        }
    }

    /// A command that prints the process of the vault.
    pub(crate) fn vault_pid_command(&self) -> [String; 3] {
        let home = self.home.display();
        ["pgrep".to_owned(), "-f".to_owned(), format!("^pgkeep vault serve .*--home {home}$")]
    }

    /// Stops the installation.
    pub(crate) fn stop(mut self) -> Outcome {
        self.is_up = false;
        self.pgkeep(&["down"])?;
        std::fs::remove_dir_all(&self.home).doing(|| "remove the home".to_owned())
    }
}

impl Drop for VaultHome {
    fn drop(&mut self) {
        if self.is_up {
            // The failure that brought us here is the one to tell.
            drop(self.pgkeep(&["down"]));
        }
    }
}

/// Writes a file that only we can read.
pub(crate) fn write_private(path: &Path, text: &str) -> Outcome {
    let writing = || format!("write \"{}\"", path.display());
    let mut options = File::options();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    let file = file.as_mut().map_err(|e| std::io::Error::new(e.kind(), e.to_string()));
    file.doing(writing)?.write_all(text.as_bytes()).doing(writing)
}

/// The text of a field; good enough for the flat answers that are read here.
pub(crate) fn json_text(json: &str, name: &str) -> Outcome<String> {
    let after = json.split_once(&format!("\"{name}\"")).map(|(_, rest)| rest);
    let value = after.and_then(|rest| rest.split('"').nth(1));
    value
        .map(str::to_owned)
        .ok_or_else(|| Failure::new(format!("the answer has no {name}")).detail(json))
}

#[cfg(test)]
mod tests {
    use super::json_text;

    #[test]
    fn reads_texts() {
        let json = "{\n  \"uri\": \"https://x/\",\"ca_file\":\"/c\"}";
        assert_eq!(json_text(json, "uri").unwrap(), "https://x/");
        assert_eq!(json_text(json, "ca_file").unwrap(), "/c");
        assert!(json_text(json, "none").is_err());
    }
}
