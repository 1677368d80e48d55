//! What can go wrong in a vault, and whose fault it was.

use crate::keyvault::model::Refusal;

/// A failure of the vault. None says anything about a key.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No key is in memory.
    #[error("the vault is sealed: {0}")]
    Sealed(String),
    /// The key outside of the vault that seals it cannot be used now.
    #[error("the key of the vault's seal cannot be used: {reason}")]
    SealKey {
        /// Why.
        reason: String,
        /// What helps.
        remedy: String,
    },
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
    /// The store is older than what the vault remembers, or parts of it are missing.
    #[error("the vault's store was put back or cut: {0}")]
    RolledBack(String),
    /// The store was written by another release.
    #[error("the vault's store has format {found}, this release reads format {expected}")]
    Format {
        /// Its format.
        found: i32,
        /// Ours.
        expected: i32,
    },
    /// The store failed.
    #[error("could not {doing} the vault's store")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// The answer of SQLite.
        source: rusqlite::Error,
    },
    /// A write failed earlier: what is on disk is not known, so nothing more is written.
    #[error("an earlier change of the vault's store failed; restart the vault")]
    StoreBroken,
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
            Self::Sealed(_) | Self::SealKey { .. } => "vault_sealed",
            Self::Uninitialized => "vault_uninitialized",
            Self::Forbidden(_) => "forbidden",
            Self::NotFound(_) => "not_found",
            Self::Conflict(_) => "conflict",
            Self::BadRequest(_) => "bad_request",
            Self::Tampered(_) => "vault_tampered",
            Self::RolledBack(_) => "vault_rolled_back",
            Self::Format { .. } => "vault_format",
            Self::Store { .. } | Self::StoreBroken => "vault_store",
            Self::File { .. } => "vault_file",
            Self::Audit(_) => "vault_audit",
            Self::Crypto { .. } => "vault_crypto",
            Self::Certificate { .. } => "vault_certificate",
        }
    }

    /// The HTTP status that says the same; the audit records it for local calls too.
    pub fn status(&self) -> u16 {
        match self {
            Self::Forbidden(_) => 403,
            Self::NotFound(_) => 404,
            Self::Conflict(_) => 409,
            Self::BadRequest(_) => 400,
            Self::Sealed(_) | Self::SealKey { .. } | Self::Uninitialized => 503,
            _ => 500,
        }
    }
}

/// What a client of the REST API is told. What went wrong inside stays inside.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let (code, inner_code) = match &error {
            Error::Sealed(_) | Error::SealKey { .. } => ("VaultSealed", None),
            Error::Uninitialized => ("VaultUninitialized", None),
            Error::Forbidden(_) => ("Forbidden", Some("AccessDenied")),
            Error::NotFound(_) => ("NotFound", None),
            Error::Conflict(_) => ("Conflict", None),
            Error::BadRequest(_) => ("BadParameter", None),
            Error::Audit(_) => ("AuditUnavailable", None),
            _ => ("InternalServerError", None),
        };
        let status = if matches!(error, Error::Audit(_)) { 503 } else { error.status() };
        Self { status, code, message: error.to_string(), inner_code }
    }
}
