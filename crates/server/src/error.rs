//! What can go wrong in the care for one server's files and certificates.
//!
//! Failures of the doors arrive as [`base::Fault`] and pass through unchanged: whoever stands
//! behind a door knows best what to tell the person.

use std::path::PathBuf;

use base::Fault;

/// A failure of this crate's own work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operating system refused a file operation.
    #[error("could not {doing} \"{path}\"")]
    Io {
        /// What was being done, as a verb phrase.
        doing: &'static str,
        /// To which file or folder.
        path: PathBuf,
        /// The answer of the operating system.
        source: std::io::Error,
    },
    /// The record of the server cannot be understood.
    #[error("the record of the server in \"{path}\" is not readable: {detail}")]
    Record {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The record was written by a newer pgkeep.
    #[error("the record of the server in \"{path}\" has format {found}, newer than {known}")]
    RecordTooNew {
        /// Which file.
        path: PathBuf,
        /// The format it says it has.
        found: u32,
        /// The newest format known here.
        known: u32,
    },
    /// A key pair or signing request could not be made.
    #[error("could not make the key of the server certificate")]
    Certificate(#[source] rcgen::Error),
}

impl Error {
    /// Makes the closure that turns an IO error into [`Error::Io`].
    pub(crate) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let (code, hint) = match &error {
            Error::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                ("disk_full", Some("free some space on that file system"))
            }
            Error::Io { .. } => ("io", None),
            Error::Record { .. } => {
                ("record_damaged", Some("restore server.json from a copy; nothing was changed"))
            }
            Error::RecordTooNew { .. } => {
                ("record_too_new", Some("use the pgkeep version that wrote it, or a newer one"))
            }
            Error::Certificate(_) => ("certificate", None),
        };
        let message = error.to_string();
        let mut fault = Self::new(code, message);
        if let Some(source) = std::error::Error::source(&error) {
            fault = fault.detail(source.to_string());
        }
        match hint {
            Some(hint) => fault.hint(hint),
            None => fault,
        }
    }
}
