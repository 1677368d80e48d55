//! What can go wrong in cryptography, without ever telling an attacker more than that.

/// A failure of a cryptographic operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The ciphertext is not authentic for this key and context.
    #[error("ciphertext does not belong to this key or was changed")]
    NotAuthentic,
    /// A key could not be read.
    #[error("key is malformed")]
    MalformedKey,
    /// The message is too long or too short for the operation.
    #[error("message has a length that this operation does not take")]
    Length,
    /// The library could not do it.
    #[error("cryptographic library failed")]
    Library,
}
