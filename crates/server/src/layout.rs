//! Where the files of one server lie below the home; the table in `ARCHITECTURE.md` as code.

use std::path::{Path, PathBuf};

use base::ServerName;

/// The paths of one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    home: PathBuf,
    name: ServerName,
}

impl Layout {
    /// The layout of server `name` below `home`.
    pub fn new(home: impl Into<PathBuf>, name: ServerName) -> Self {
        Self { home: home.into(), name }
    }

    /// The server's name.
    pub fn name(&self) -> &ServerName {
        &self.name
    }

    /// The home of the installation.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The certificate of the internal CA, public.
    pub fn internal_ca(&self) -> PathBuf {
        self.home.join("ca.pem")
    }

    /// The folder of this server.
    pub fn dir(&self) -> PathBuf {
        self.home.join("servers").join(self.name.as_str())
    }

    /// The backing store: ciphertext only.
    pub fn backing(&self) -> PathBuf {
        self.dir().join("data")
    }

    /// The mountpoint.
    pub fn mountpoint(&self) -> PathBuf {
        self.dir().join("mnt")
    }

    /// PostgreSQL's data directory, inside the mount.
    pub fn pgdata(&self) -> PathBuf {
        self.mountpoint().join("pgdata")
    }

    /// The folder of PostgreSQL's unix socket.
    pub fn socket_dir(&self) -> PathBuf {
        self.dir().join("sock")
    }

    /// The password file of the bootstrap role, in libpq's format.
    pub fn pgpass(&self) -> PathBuf {
        self.dir().join("pgpass")
    }

    /// The record of the server; holds no secret.
    pub fn record(&self) -> PathBuf {
        self.dir().join("server.json")
    }

    /// The bounded journal of states and events.
    pub fn history(&self) -> PathBuf {
        self.dir().join("history.jsonl")
    }

    /// The file that is given up when the disk is nearly full.
    pub fn ballast(&self) -> PathBuf {
        self.dir().join("ballast")
    }

    /// The certificate authority of a certificate of the owner's own, public.
    pub fn own_ca(&self) -> PathBuf {
        self.dir().join("own-ca.pem")
    }
}
