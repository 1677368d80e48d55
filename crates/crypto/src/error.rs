//! What can go wrong in cryptography, without ever telling an attacker more than that.

/// A failure of a cryptographic operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The ciphertext is not authentic for this key and context.
    #[error("ciphertext does not belong to this key or was changed")]
    NotAuthentic,
    /// A key could not be read, or its parts do not fit each other.
    #[error("key is malformed")]
    MalformedKey,
    /// The message is too long or too short for the operation.
    #[error("message has a length that this operation does not take")]
    Length,
    /// The library could not do it.
    #[error("cryptographic library failed")]
    Library,
    /// A key type, size, curve or exponent that is not offered.
    #[error("key type, size or public exponent is not offered")]
    UnsupportedKey,
    /// No algorithm or curve has this name.
    #[error("algorithm or curve is unknown")]
    UnknownName,
    /// The algorithm exists, but not for this key or this operation.
    #[error("algorithm does not fit the key or the operation")]
    AlgorithmMismatch,
    /// The digest has another length than the algorithm's hash.
    #[error("digest must have {expected} bytes for this algorithm")]
    DigestLength {
        /// Length of the algorithm's hash in bytes.
        expected: usize,
    },
    /// The initialisation vector is missing or has the wrong length.
    #[error("iv must have {expected} bytes for this algorithm")]
    IvLength {
        /// Length in bytes.
        expected: usize,
    },
    /// The authentication tag is missing or has the wrong length.
    #[error("tag must have {expected} bytes for this algorithm")]
    TagLength {
        /// Length in bytes.
        expected: usize,
    },
    /// The message is not a whole number of blocks.
    #[error("message must be a multiple of {expected} bytes for this algorithm")]
    BlockLength {
        /// Length of a block in bytes.
        expected: usize,
    },
    /// An iv, tag or additional data was given to an algorithm that would ignore it.
    #[error("algorithm does not take the given iv, tag or additional data")]
    UnexpectedParameter,
    /// Cost parameters or share counts outside the limits.
    #[error("parameter is outside its limits")]
    Parameters,
    /// A share was mistyped or damaged.
    #[error("share is malformed or mistyped")]
    MalformedShare,
    /// Fewer different shares than the threshold.
    #[error("not enough different shares")]
    TooFewShares,
    /// Shares of different secrets, or a forged one among them.
    #[error("shares do not belong together")]
    ForeignShare,
}
