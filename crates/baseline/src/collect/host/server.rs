//! Which server runs on the host: whether it is the one that SQL speaks to, its process and its
//! account.

use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Host, gap_of};
use crate::bundle::Gap;

/// What may lie between the moment that postmaster.pid has, and the one that the server says: it
/// is taken after memory and sockets are there.
const START_MAX_S: i64 = 600;

/// What a server says of itself in SQL.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    /// The system identifier, which every copy of the cluster shares
    pub(crate) system: String,
    /// The port
    pub(crate) port: i32,
    /// When it was started, in seconds since 1970
    pub(crate) started_s: i64,
}

/// What postmaster.pid says (`src/include/utils/pidfile.h`).
#[derive(Debug, PartialEq, Eq)]
struct PidFile {
    pid: u32,
    started_s: i64,
    port: i32,
}

impl PidFile {
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        // A single-user server writes a negative number.
        let pid = lines.next()?.trim().parse().ok()?;
        let started_s = lines.nth(1)?.trim().parse().ok()?;
        Some(Self { pid, started_s, port: lines.next()?.trim().parse().ok()? })
    }
}

impl Host {
    /// Whether the data directory is the one of the server behind the connection.
    ///
    /// # Errors
    /// It is not, or nobody can tell.
    pub(super) fn compare(&self, identity: &Identity) -> Result<(), Gap> {
        let other = |what: &str| Gap {
            database: None,
            reason: "other-server".to_owned(),
            message: format!("{} is of another server: {what}", self.pgdata.display()),
            cure: Some("name the data directory of this server, on its host".to_owned()),
        };
        let control = self.pgdata.join("global/pg_control");
        let system = system_identifier(&control).map_err(|error| gap_of(&control, &error))?;
        if system.to_string() != identity.system {
            return Err(other("the system identifiers differ"));
        }
        let (path, file) = self.pid_file()?;
        let Some(file) = file else {
            return Err(other(&format!("{} does not exist or is odd", path.display())));
        };
        let since = identity.started_s - file.started_s;
        if file.port != identity.port || !(-1..=START_MAX_S).contains(&since) {
            return Err(other("port or start differ"));
        }
        Ok(())
    }

    fn pid_file(&self) -> Result<(PathBuf, Option<PidFile>), Gap> {
        let path = self.pgdata.join("postmaster.pid");
        match self.text(&path) {
            Ok(text) => Ok((path, PidFile::parse(&text))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((path, None)),
            Err(error) => Err(gap_of(&path, &error)),
        }
    }

    /// The process of the postmaster, as this machine numbers it.
    ///
    /// # Errors
    /// It cannot be read, or the number is that of another process (a container counts its own).
    pub(crate) fn postmaster(&self) -> io::Result<u32> {
        let path = self.pgdata.join("postmaster.pid");
        let file = PidFile::parse(&self.text(&path)?);
        let file = file.ok_or_else(|| io::Error::other("postmaster.pid is odd"))?;
        if in_folder(file.pid, &self.pgdata)? {
            return Ok(file.pid);
        }
        Err(io::Error::other(format!("process {} works elsewhere", file.pid)))
    }

    /// The account that the server runs as, user and group: PostgreSQL starts as the owner of its
    /// data directory alone.
    ///
    /// # Errors
    /// Nothing can be read.
    pub(crate) fn account(&self) -> io::Result<(u32, u32)> {
        let running = self.postmaster().and_then(|pid| {
            let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
            let id = |name: &str| {
                let line = status.lines().find_map(|line| line.strip_prefix(name))?;
                line.split_whitespace().nth(1)?.parse().ok()
            };
            let both = id("Uid:").zip(id("Gid:"));
            both.ok_or_else(|| io::Error::other("no account in /proc"))
        });
        running.or_else(|_| {
            let folder = fs::metadata(&self.pgdata)?;
            Ok((folder.uid(), folder.gid()))
        })
    }
}

/// Whether a process has a folder as its working directory.
fn in_folder(pid: u32, folder: &Path) -> io::Result<bool> {
    let (at, wanted) = (fs::metadata(format!("/proc/{pid}/cwd"))?, fs::metadata(folder)?);
    Ok((at.dev(), at.ino()) == (wanted.dev(), wanted.ino()))
}

/// The first field of pg_control, in the byte order of the machine.
fn system_identifier(path: &Path) -> io::Result<u64> {
    let mut bytes = [0; 8];
    fs::File::open(path)?.read_exact(&mut bytes)?;
    Ok(u64::from_ne_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pid_file_is_read() {
        let text = "4711\n/srv/data\n1700000000\n5432\n/run\n*\n  5432001 3\nready   \n";
        let file = PidFile { pid: 4711, started_s: 1_700_000_000, port: 5432 };
        assert_eq!(PidFile::parse(text), Some(file));
        assert_eq!(PidFile::parse("-4711\n/srv/data\n1700000000\n"), None);
        assert_eq!(PidFile::parse(""), None);
    }
}
