//! Server side of the key vault: seals, key vaults, identities, the service-managed key of
//! servers, the internal certificate authority, the audit of it all. No HTTP, no sockets: the
//! vault process of the binary speaks to the outside.
//!
//! [`Vault`] is the whole of it, over [`Doors`]; [`KeyVaults`] is its part that speaks the Azure
//! Key Vault keys API. How they are built, from the inside out:
//!
//! ```text
//! store, counter, audit   doors to the disk
//! ring                    which key seals which record
//! ledger                  the one way into the store: sealed, counted, recorded, in groups
//! core, world             the state in memory, and the way from a plan to an answer
//! sealing                 open, initialize, seal, unseal, rekey
//! service, keyvault, identities
//! ```
//!
//! What is promised: an answer leaves only after its audit record is on the disk, a change is
//! answered only after it is on the disk, and whatever was changed, removed or put back in the
//! store is noticed when it is next read. Not noticed: putting back store, counter and audit of
//! one moment all together.

mod audit;
mod authority;
mod core;
mod error;
mod group;
mod identities;
mod identity;
pub mod keyvault;
mod ledger;
mod ring;
mod seal;
mod sealing;
mod service;
mod store;
mod world;

use std::sync::Arc;

pub use audit::{
    AuditFolder, AuditLine, AuditLines, AuditPage, FolderFiles, Head, PAGE_MAX as AUDIT_PAGE_MAX,
    Problem, Report, verify, verify_folder,
};
pub use authority::{ServerCertificate, SignedCertificate, Subject};
pub use core::Doors;
pub use error::Error;
pub use identities::{Attestation, IssuedToken, ManagedIdentity, Peer, Selector};
pub use identity::{Caller, Identity};
pub use keyvault::{DueReport, KeyVaults, NewVault, Role, RoleAssignment, VaultInfo};
pub use seal::{
    ExternalSeal, Kind as SealKind, NewSeal, SealFile, SealKey, SealSource, SealStatus, Seals,
    State, Unlock,
};
pub use service::{KeyInfo, Wrapped};
pub use store::{
    Address, Change, Counter, CounterFile, Record, SLOT_MAX_BYTES, SqliteStore, Store,
};

/// A key vault; see the crate's documentation. Cheap to clone; calls run side by side.
#[derive(Clone)]
pub struct Vault {
    core: Arc<core::Core>,
}

impl Vault {
    /// The part that speaks the Azure Key Vault keys API.
    pub fn key_vaults(&self) -> KeyVaults {
        KeyVaults { core: Arc::clone(&self.core) }
    }
}

#[cfg(test)]
mod tests;
