//! The home of one installation: where everything lies, and how it is made.

mod accounts;
mod config;
mod prepare;

pub(crate) use accounts::{Account, Accounts};
#[cfg(feature = "otlp")]
pub(crate) use config::OtlpSettings;
pub(crate) use config::{Config, LogsSettings, SealKeySettings};
pub(crate) use prepare::{adopt_password_file, prepare, prepare_server, remove_server, write_ca};

use std::path::{Path, PathBuf};

use base::{ExitCode, Fault, ServerName};

/// A unix socket's path has at most 107 bytes; PostgreSQL's own in `servers/NAME/sock` is the
/// longest of ours, here for a name of eight characters.
const HOME_MAX_BYTES: usize = 107 - "/servers/12345678/sock/.s.PGSQL.65535".len();

/// The home's paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Home {
    root: PathBuf,
}

impl Home {
    /// The home that was named, or the default: root has one for the machine, others their own.
    pub(crate) fn resolve(named: Option<&Path>) -> Result<Self, Fault> {
        let root = match named {
            Some(path) => path.to_owned(),
            None if rustix::process::geteuid().is_root() => PathBuf::from("/var/lib/pgkeep"),
            None => default_of_user()?,
        };
        let root = std::path::absolute(&root).map_err(|e| {
            let message = format!("{} cannot be the home", root.display());
            Fault::from_error("home", message, &e).exit(ExitCode::Usage)
        })?;
        // One name for one home: the lock and the sockets must meet.
        let root = root.canonicalize().unwrap_or(root);
        let n = root.as_os_str().len();
        if n > HOME_MAX_BYTES {
            return Err(Fault::new("home", "the path of the home is too long")
                .detail(format!(
                    "{} has {n} bytes; paths of unix sockets leave room for {HOME_MAX_BYTES}",
                    root.display()
                ))
                .hint("choose a shorter one with --home")
                .exit(ExitCode::Usage));
        }
        Ok(Self { root })
    }

    /// The folder itself.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Ports and such.
    pub(crate) fn config(&self) -> PathBuf {
        self.root.join("config.toml")
    }

    /// The internal authority's certificate.
    pub(crate) fn ca(&self) -> PathBuf {
        self.root.join("ca.pem")
    }

    /// The folder of the sockets.
    pub(crate) fn run(&self) -> PathBuf {
        self.root.join("run")
    }

    /// The socket of `supervisor`, `vault`, `plane` or `agent-NAME`.
    pub(crate) fn socket(&self, process: &str) -> PathBuf {
        self.run().join(format!("{process}.sock"))
    }

    /// Held by the one supervisor of this home.
    pub(crate) fn lock(&self) -> PathBuf {
        self.run().join("supervisor.lock")
    }

    /// The folder of the logs.
    pub(crate) fn logs(&self) -> PathBuf {
        self.root.join("log")
    }

    /// The log of one process.
    pub(crate) fn log(&self, process: &str) -> PathBuf {
        self.logs().join(format!("{process}.log"))
    }

    /// The vault's own folder.
    pub(crate) fn vault(&self) -> PathBuf {
        self.root.join("vault")
    }

    /// The plane's own folder.
    pub(crate) fn plane(&self) -> PathBuf {
        self.root.join("plane")
    }

    /// The folder of all servers.
    pub(crate) fn servers(&self) -> PathBuf {
        self.root.join("servers")
    }

    /// The folder of one server.
    pub(crate) fn server(&self, name: &ServerName) -> PathBuf {
        self.servers().join(name.as_str())
    }
}

/// The process name of a server's agent, as in its socket and log.
pub(crate) fn agent_process(name: &ServerName) -> String {
    format!("agent-{name}")
}

fn default_of_user() -> Result<PathBuf, Fault> {
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
    let user = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    state.or_else(user).map(|base| base.join("pgkeep")).ok_or_else(|| {
        Fault::new("home", "there is no home to use")
            .detail("neither XDG_STATE_HOME nor HOME is set")
            .hint("name one with --home")
            .exit(ExitCode::Usage)
    })
}
