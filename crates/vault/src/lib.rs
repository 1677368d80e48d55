//! Server side of the key vault: seal, service-managed key, identities, internal certificate
//! authority. No HTTP, no sockets: the vault process of the binary speaks to the outside.
//!
//! [`Vault`] is the whole of it, over doors: [`Store`] keeps sealed records, [`SealSource`] the
//! seal key, [`Audit`] what was done, and `base`'s clock and randomness. The layering of keys:
//!
//! ```text
//! seal key (seal.key, 32 bytes)
//!   └─ HKDF ─> seals the root key
//!        └─ root key seals every record: RSA key, CA key, identities
//!             └─ RSA-3072 key wraps the data keys of servers (RSA-OAEP-256)
//! ```
//!
//! A record is bound to its kind, name and version, so records cannot be exchanged for each other.
//! Not covered: putting back the whole of an older `vault.db`.

mod audit;
mod authority;
mod error;
mod identity;
mod record;
mod seal;
mod store;
mod vault;

pub use audit::{Audit, AuditEntry, AuditFile};
pub use authority::{SignedCertificate, Subject};
pub use error::Error;
pub use identity::{Caller, Identity};
pub use seal::{SealFile, SealKey, SealSource, State};
pub use store::{Record, SqliteStore, Store};
pub use vault::{Doors, KeyInfo, Vault, Wrapped};

#[cfg(test)]
mod tests;
