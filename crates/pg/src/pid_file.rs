//! `postmaster.pid`: who runs a data directory, and how far it has come.
//!
//! Layout from the PostgreSQL manual, "Database File Layout": line 1 the process id, line 8 the
//! status that `pg_ctl` waits for as well.

use std::path::{Path, PathBuf};

use crate::{Error, Result, file};

/// How far a postmaster has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PostmasterStatus {
    /// Reading its files, perhaps recovering from a crash.
    Starting,
    /// Accepts connections.
    Ready,
    /// A standby that does not accept connections yet.
    Standby,
    /// Shutting down.
    Stopping,
    /// Not written yet, or a word that we do not know.
    Unknown,
}

/// What `postmaster.pid` says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PidFile {
    /// The postmaster, or a single-user backend.
    pub pid: u32,
    /// How far it has come.
    pub status: PostmasterStatus,
}

impl PidFile {
    /// Reads the file; `None` when it is not there or not filled yet.
    pub fn read(data_dir: &Path) -> Result<Option<Self>> {
        let path = Self::path(data_dir);
        let Some(text) = file::read_text(&path)? else { return Ok(None) };
        if text.trim().is_empty() {
            return Ok(None);
        }
        let detail = "its first line is not a process id".to_owned();
        Self::parse(&text).map(Some).ok_or(Error::Damaged { path, detail })
    }

    pub(crate) fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("postmaster.pid")
    }

    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        // A single-user backend writes its number negative.
        let pid = lines.next()?.trim().trim_start_matches('-').parse().ok()?;
        let status = match lines.nth(6).map(str::trim) {
            Some("starting") => PostmasterStatus::Starting,
            Some("ready") => PostmasterStatus::Ready,
            Some("standby") => PostmasterStatus::Standby,
            Some("stopping") => PostmasterStatus::Stopping,
            _ => PostmasterStatus::Unknown,
        };
        Some(Self { pid, status })
    }
}

#[cfg(test)]
mod tests {
    use super::{PidFile, PostmasterStatus};

    #[test]
    fn reads_what_postgres_writes() {
        let text =
            "4711\n/srv/data\n1700000000\n5432\n/srv/sock\nlocalhost\n  5432001  3\nready   \n";
        let expected = PidFile { pid: 4711, status: PostmasterStatus::Ready };
        assert_eq!(PidFile::parse(text), Some(expected));
        let young = PidFile { pid: 4711, status: PostmasterStatus::Unknown };
        assert_eq!(PidFile::parse("4711\n/srv/data\n"), Some(young.clone()));
        assert_eq!(PidFile::parse("-4711\n"), Some(young));
        assert_eq!(PidFile::parse("rubbish\n"), None);
    }
}
