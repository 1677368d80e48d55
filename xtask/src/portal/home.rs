//! An installation with its demo server, for browsers and loads.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Doing, Failure, Outcome};
use crate::vault_home::json_text;
use crate::{cluster, proc};

/// The door of the API for the command line, below the home.
const SOCKET: &str = "run/api.sock";

/// A running installation. Stopped and removed when dropped.
pub(crate) struct PortalHome {
    program: PathBuf,
    home: PathBuf,
    https_port: String,
    is_up: bool,
}

impl PortalHome {
    /// Starts it below `work`, with the demo server and without sample data.
    pub(crate) fn start(program: &Path, work: &Path) -> Outcome<Self> {
        let (port, https_port) = cluster::free_ports()?;
        let this =
            Self { program: program.to_owned(), home: work.join("home"), https_port, is_up: true };
        let ports = ["--port", port.as_str(), "--https-port", this.https_port.as_str()];
        this.pgkeep(&[&["up", "--detach", "--no-sample"], &ports[..]].concat())?;
        Ok(this)
    }

    /// The portal's address, without a slash at its end.
    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}", self.https_port)
    }

    /// The home's folder.
    pub(crate) fn path(&self) -> &Path {
        &self.home
    }

    /// Runs the command line on this home.
    pub(crate) fn pgkeep(&self, words: &[&str]) -> Outcome<String> {
        proc::capture(Command::new(&self.program).args(words).arg("--home").arg(&self.home))
    }

    /// Asks the API as the local owner, through its unix socket.
    pub(crate) fn api(&self, method: &str, path: &str, body: &str) -> Outcome<String> {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--fail-with-body", "--max-time", "30"]);
        curl.arg("--unix-socket").arg(self.home.join(SOCKET)).args(["--request", method]);
        curl.args(["--header", "content-type: application/json", "--data", body]);
        proc::capture(curl.arg(format!("http://localhost/api/v1{path}")))
    }

    /// A new token with one role everywhere.
    pub(crate) fn token(&self, role: &str) -> Outcome<String> {
        let body = format!(r#"{{"name":"xtask","assignments":[{{"role":"{role}","scope":"/"}}]}}"#);
        json_text(&self.api("POST", "/tokens", &body)?, "token")
    }

    /// What a test in another language needs to know. Nothing of it is a secret.
    pub(crate) fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("PGKEEP_HOME", self.home.display().to_string()),
            ("PGKEEP_E2E_PROGRAM", self.program.display().to_string()),
            ("PGKEEP_E2E_URL", self.url()),
        ]
    }

    /// Process of the plane.
    pub(crate) fn plane_pid(&self) -> Outcome<String> {
        let pattern = format!("^pgkeep plane serve .*--home {}$", self.home.display());
        let found = proc::capture(Command::new("pgrep").args(["-f", &pattern]))?;
        let mut pids = found.split_whitespace();
        match (pids.next(), pids.next()) {
            (Some(pid), None) => Ok(pid.to_owned()),
            _ => Err(Failure::new("could not tell which process is the plane").detail(found)),
        }
    }

    /// Stops the installation.
    pub(crate) fn stop(mut self) -> Outcome {
        self.is_up = false;
        self.pgkeep(&["down"])?;
        std::fs::remove_dir_all(&self.home).doing(|| "remove the home".to_owned())
    }
}

impl Drop for PortalHome {
    fn drop(&mut self) {
        if self.is_up {
            // The failure that brought us here is the one to tell.
            drop(self.pgkeep(&["down"]));
        }
    }
}
