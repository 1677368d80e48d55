//! What can go wrong, whose fault it was, and which errno a program sees.

use rustix::io::Errno;

/// A failure of the file system.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The backing file system refused or failed.
    #[error("could not {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The answer of the backing file system.
        source: std::io::Error,
    },
    /// Stored bytes are not what was written: changed behind our back, or damaged.
    #[error("integrity check failed: {what}")]
    Tampered {
        /// Which file and unit.
        what: String,
    },
    /// An earlier write or sync of this file failed; nothing more is taken until a remount.
    #[error("file is poisoned by an earlier failed write or sync")]
    Poisoned,
    /// The key does not open this store.
    #[error("the key does not belong to this store")]
    WrongKey,
    /// The store is of another format, or not a store at all.
    #[error("not a usable store: {0}")]
    Format(String),
    /// Another process has the store open.
    #[error("the store is in use by another process")]
    InUse,
    /// The caller asked for what this file system does not do.
    #[error("{0}")]
    Refused(&'static str, Errno),
}

impl Error {
    /// The errno that the calling program gets.
    pub fn errno(&self) -> Errno {
        match self {
            Self::Io { source, .. } => Errno::from_io_error(source).unwrap_or(Errno::IO),
            Self::Refused(_, errno) => *errno,
            _ => Errno::IO,
        }
    }
}
