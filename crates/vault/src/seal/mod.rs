//! The seal: where the outermost key comes from, and what state that leaves the vault in.
//!
//! What a seal needs to be opened again, but no secret, stands in clear in the store ([`Kind`]).

mod file;
mod source;

use base::Secret;
use serde::{Deserialize, Serialize};

pub use file::SealFile;
pub use source::{ExternalSeal, Seals};
pub(crate) use source::{Made, Shares};

use crate::Error;

/// Whether the vault can work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Keys are in memory.
    Unsealed,
    /// No key is in memory.
    Sealed,
    /// There is nothing in it yet.
    Uninitialized,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unsealed => "unsealed",
            Self::Sealed => "sealed",
            Self::Uninitialized => "uninitialized",
        })
    }
}

/// 32 bytes that open the root key.
pub type SealKey = Secret<[u8; 32]>;

/// Where the seal key is kept. Making one has two steps, so that a crash in between can neither
/// lose the key of a filled store nor leave a key that fits nothing.
pub trait SealSource: Send + Sync {
    /// The key in use.
    fn read(&self) -> Result<Option<SealKey>, Error>;

    /// A key that was made but not yet put in use.
    fn read_pending(&self) -> Result<Option<SealKey>, Error>;

    /// Keeps a new key aside, durably.
    fn write_pending(&self, key: &SealKey) -> Result<(), Error>;

    /// Puts the pending key in use, durably, in place of the one before. Called only once the
    /// store is sealed by the pending key.
    fn commit(&self) -> Result<(), Error>;

    /// Removes every key, durably. Called only once the store is sealed by something else.
    fn remove(&self) -> Result<(), Error>;
}

/// Which seal to make.
#[derive(Debug)]
pub enum NewSeal {
    /// A random key in a file of the vault's own: the weakest.
    File,
    /// A passphrase that a person gives at every unseal.
    Passphrase(Secret<String>),
    /// Shares for several people, of whom `threshold` must come together.
    Shares {
        /// How many are needed, at least 2.
        threshold: u8,
        /// How many are made.
        n_shares: u8,
    },
    /// A credential that systemd hands to the vault's unit.
    Credential {
        /// Its file name.
        name: String,
    },
    /// A key that something outside holds: a PKCS#11 token, a TPM.
    External {
        /// The name that it was registered under.
        name: String,
    },
}

/// What opens a sealed vault.
#[derive(Debug, Default)]
pub enum Unlock {
    /// Nothing from a person: file, credential, external key.
    #[default]
    Own,
    /// The passphrase.
    Passphrase(Secret<String>),
    /// One more share.
    Share(Secret<String>),
    /// Forgets the shares given so far.
    ForgetShares,
}

/// How a seal is opened again; stands in clear in the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Kind {
    /// See [`NewSeal::File`].
    File,
    /// See [`NewSeal::Passphrase`]; Argon2id (RFC 9106).
    Passphrase {
        /// 16 random bytes, hex.
        salt: String,
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes.
        n_passes: u32,
        /// Lanes.
        n_lanes: u32,
    },
    /// See [`NewSeal::Shares`].
    Shares {
        /// How many are needed.
        threshold: u8,
        /// How many were made.
        n_shares: u8,
        /// Number of the set, hex: a share of another set is refused at once.
        set: String,
    },
    /// See [`NewSeal::Credential`].
    Credential {
        /// Its file name.
        name: String,
    },
    /// See [`NewSeal::External`].
    External {
        /// The name that it was registered under.
        name: String,
        /// The seal key, wrapped by the external key, hex.
        wrapped: String,
    },
}

impl Kind {
    /// A word for status and documents; for a key outside of the vault, its own.
    pub fn name(&self) -> &str {
        match self {
            Self::File => "file",
            Self::Passphrase { .. } => "passphrase",
            Self::Shares { .. } => "shares",
            Self::Credential { .. } => "credential",
            Self::External { name, .. } => name,
        }
    }

    /// Whether the vault opens it without a person.
    pub fn opens_itself(&self) -> bool {
        !matches!(self, Self::Passphrase { .. } | Self::Shares { .. })
    }
}

/// What is known of the seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SealStatus {
    /// Whether the vault can work.
    pub state: State,
    /// Why it cannot; empty when it can.
    pub reason: String,
    /// The kind of seal, once there is one.
    pub seal: Option<String>,
    /// Whether it opens without a person.
    pub opens_itself: bool,
    /// Shares given and needed, for a seal of shares.
    pub shares: Option<(u8, u8)>,
    /// What a person should look at although the vault works.
    pub warnings: Vec<String>,
}
