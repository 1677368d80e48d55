//! What can go wrong in a vault, and whose fault it was.

/// A failure of the vault. None says anything about a key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No key is in memory.
    #[error("the vault is sealed: {0}")]
    Sealed(String),
    /// There is nothing in the vault yet.
    #[error("the vault is not initialized")]
    Uninitialized,
    /// The caller may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// What was named is not there.
    #[error("{0}")]
    NotFound(String),
    /// It clashes with what is there.
    #[error("{0}")]
    Conflict(String),
    /// The caller sent what makes no sense.
    #[error("{0}")]
    BadRequest(String),
    /// A stored record is not what was written.
    #[error("record \"{0}\" of the vault is damaged or was changed")]
    Tampered(String),
    /// The store failed.
    #[error("could not {doing} the vault's store")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// The answer of SQLite.
        source: rusqlite::Error,
    },
    /// A file of the vault failed.
    #[error("could not {doing}")]
    File {
        /// What was being done.
        doing: String,
        /// The answer of the operating system.
        source: std::io::Error,
    },
    /// The audit record could not be made durable, so the operation was refused.
    #[error("could not write the vault's audit record; refused")]
    Audit(#[source] std::io::Error),
    /// A cryptographic operation failed.
    #[error("could not {doing}")]
    Crypto {
        /// What was being done.
        doing: &'static str,
        /// Why, as far as may be told.
        source: crypto::Error,
    },
    /// A certificate could not be made or read.
    #[error("could not {doing}")]
    Certificate {
        /// What was being done.
        doing: &'static str,
        /// The answer of the certificate library.
        source: rcgen::Error,
    },
}

impl Error {
    /// A stable word for programs and for the audit record.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Sealed(_) => "vault_sealed",
            Self::Uninitialized => "vault_uninitialized",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound(_) => "not_found",
            Self::Conflict(_) => "conflict",
            Self::BadRequest(_) => "bad_request",
            Self::Tampered(_) => "vault_tampered",
            Self::Store { .. } => "vault_store",
            Self::File { .. } => "vault_file",
            Self::Audit(_) => "vault_audit",
            Self::Crypto { .. } => "vault_crypto",
            Self::Certificate { .. } => "vault_certificate",
        }
    }
}
