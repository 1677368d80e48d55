//! Key vaults in the shape of Azure Key Vault's keys API: names, versions, roles, soft delete,
//! rotation. No HTTP: the edge turns requests into [`model::Call`] and back.
//!
//! [`KeyVaults::call`] authorises, acts, records, and only then answers; [`admin`](self) is for
//! operators on the vault's own socket.

pub mod model;

mod admin;
mod backup;
mod base64url;
mod call;
mod change;
mod create;
mod due;
mod list;
pub(crate) mod refusals;
pub(crate) mod roles;
mod rotation;
pub(crate) mod state;
mod usage;

use std::sync::Arc;
use std::time::Duration;

pub use admin::NewVault;
pub(crate) use admin::{put, remove_roles};
pub(crate) use base64url::{decode as base64url_decode, encode as base64url_encode};
pub use due::DueReport;
pub use roles::{Role, RoleAssignment};
pub use state::VaultInfo;

use crate::audit::Head;
use crate::core::Core;

/// The name that changes of vaults, roles and identities lock.
pub(crate) fn admin_lock() -> &'static str {
    admin::ADMINISTRATION
}

/// The key vaults of one installation. Cheap to clone; calls run side by side.
#[derive(Clone)]
pub struct KeyVaults {
    pub(crate) core: Arc<Core>,
}

impl KeyVaults {
    /// `https://NAME.AUTHORITY` of a vault.
    pub fn uri_of(&self, vault: &str) -> String {
        format!("https://{vault}.{}", self.core.authority)
    }

    /// `https://AUTHORITY`: the resource that tokens are made for, and their issuer.
    pub fn resource(&self) -> String {
        format!("https://{}", self.core.authority)
    }

    /// UUID of this installation, which tokens name as their tenant; zeros until there is one.
    pub fn tenant_id(&self) -> &str {
        self.core.installation()
    }

    /// Whether there is a vault of this name. False while sealed.
    pub fn vault_exists(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        self.core.world().is_ok_and(|world| world.vaults.contains_key(&name))
    }

    /// Waits until something has changed that a server may have to know: keys, roles,
    /// identities, seal. Returns the present number once it is another than `since`, or after
    /// `timeout`; a caller that knows none begins with 0.
    pub fn wait_for_change(&self, since: u64, timeout: Duration) -> u64 {
        self.core.changes.wait(since, timeout)
    }

    /// The end of the audit's chain, to be kept elsewhere.
    pub fn audit_head(&self) -> Head {
        self.core.audit.head()
    }

    /// Begins a new file of the audit once one is longer.
    pub fn rotate_audit_at(&self, n_bytes: u64) {
        self.core.audit.rotate_at(n_bytes);
    }
}
