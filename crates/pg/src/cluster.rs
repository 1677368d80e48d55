//! One data directory: where it is, who owns it, on which port it answers.

use std::path::{Path, PathBuf};

use crate::{Binaries, Error, Result, RunAs};

/// Called with one short sentence whenever something moves on.
pub type Progress<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// The longest path of a unix socket (`sun_path` without its terminating zero).
const SOCKET_PATH_BYTES: usize = 107;

/// One PostgreSQL cluster: a data directory and how it is run. Holds nothing open.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// The programs that run it.
    pub binaries: Binaries,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The folder of its unix socket.
    pub socket_dir: PathBuf,
    /// Its TCP port, also part of the socket's name.
    pub port: u16,
    /// The operating system user it runs as, who may enter as role `postgres` by peer.
    pub run_as: RunAs,
    /// Further operating system users that may enter as role `postgres` by peer: whoever runs
    /// this process, when it is root.
    pub peers: Vec<String>,
    /// What `listen_addresses` is until the operator sets it.
    pub listen_addresses: String,
}

impl Cluster {
    /// Describes a cluster that listens on `localhost`; touches nothing.
    ///
    /// Refuses root, relative paths, and a socket folder too long for a unix socket.
    pub fn new(
        binaries: Binaries,
        data_dir: &Path,
        socket_dir: &Path,
        port: u16,
        run_as: RunAs,
    ) -> Result<Self> {
        if run_as.is_root() {
            return Err(Error::Root);
        }
        for path in [data_dir, socket_dir] {
            let text = path.to_str().unwrap_or_default();
            if !path.is_absolute() || text.contains(['"', '\'', '\n', '\\']) {
                let reason = format!(
                    "\"{}\" is not an absolute path without quotes and backslashes",
                    path.display()
                );
                return Err(Error::Location { reason });
            }
        }
        if port == 0 {
            return Err(Error::Location { reason: "port 0 is not a port".to_owned() });
        }
        // Root started us and may become anybody; without a way in it could not look after this.
        let peers = if run_as.is_current() { vec![] } else { vec![RunAs::current()?.name] };
        let cluster = Self {
            binaries,
            data_dir: data_dir.to_owned(),
            socket_dir: socket_dir.to_owned(),
            port,
            run_as,
            peers,
            listen_addresses: "localhost".to_owned(),
        };
        let length = cluster.socket_path().as_os_str().len();
        if length > SOCKET_PATH_BYTES {
            let reason = format!(
                "the unix socket path would have {length} bytes, {SOCKET_PATH_BYTES} are allowed"
            );
            return Err(Error::Location { reason });
        }
        Ok(cluster)
    }

    /// The path of the unix socket.
    pub fn socket_path(&self) -> PathBuf {
        self.socket_dir.join(format!(".s.PGSQL.{}", self.port))
    }

    /// Whether `initdb` has been here.
    pub fn is_initialised(&self) -> bool {
        self.data_dir.join("PG_VERSION").is_file()
    }

    /// Operating system users that may enter as role `postgres` by peer.
    pub(crate) fn peer_users(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.run_as.name.as_str()).chain(self.peers.iter().map(String::as_str))
    }
}
