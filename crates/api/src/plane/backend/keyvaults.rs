//! Key vaults, keys, roles, audit.

use base::Changed;

use super::Reply;
use crate::access::Principal;
use crate::plane::model::{
    AuditRecord, DeletedKey, Key, KeyCreate, KeyUpdate, KeyVault, KeyVaultCreate, KeyVaultUpdate,
    Page, RoleAssignment, RoleAssignmentCreate, RotationPolicy,
};

/// Key vaults. What is not there is a fault with exit `NotFound`; a sealed vault one with
/// `Sealed`.
pub trait KeyVaults: Send + Sync + 'static {
    /// All key vaults by name.
    fn keyvaults<'a>(&'a self, by: &'a Principal) -> Reply<'a, Vec<KeyVault>>;

    /// Makes one; one that is there already with the same properties is `Unchanged`.
    fn keyvault_create<'a>(
        &'a self,
        by: &'a Principal,
        wish: KeyVaultCreate,
    ) -> Reply<'a, (KeyVault, Changed)>;

    /// One key vault.
    fn keyvault<'a>(&'a self, by: &'a Principal, vault: &'a str) -> Reply<'a, KeyVault>;

    /// Changes one.
    fn keyvault_update<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        update: KeyVaultUpdate,
    ) -> Reply<'a, KeyVault>;

    /// The keys of a vault by name, newest version each.
    fn keys<'a>(&'a self, by: &'a Principal, vault: &'a str) -> Reply<'a, Vec<Key>>;

    /// Makes a key, or a new version where there is one of this name.
    fn key_create<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        wish: KeyCreate,
    ) -> Reply<'a, Key>;

    /// The newest version of a key.
    fn key<'a>(&'a self, by: &'a Principal, vault: &'a str, key: &'a str) -> Reply<'a, Key>;

    /// Changes a version of a key.
    fn key_update<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        key: &'a str,
        update: KeyUpdate,
    ) -> Reply<'a, Key>;

    /// Deletes a key; it can be recovered.
    fn key_delete<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        key: &'a str,
    ) -> Reply<'a, DeletedKey>;

    /// All versions of a key, newest first.
    fn key_versions<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        key: &'a str,
    ) -> Reply<'a, Vec<Key>>;

    /// Makes a new version of a key.
    fn key_rotate<'a>(&'a self, by: &'a Principal, vault: &'a str, key: &'a str) -> Reply<'a, Key>;

    /// When a key is rotated; an empty policy where none was set.
    fn rotation_policy<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        key: &'a str,
    ) -> Reply<'a, RotationPolicy>;

    /// Sets that.
    fn rotation_policy_set<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        key: &'a str,
        policy: RotationPolicy,
    ) -> Reply<'a, RotationPolicy>;

    /// The deleted keys of a vault by name.
    fn deleted_keys<'a>(&'a self, by: &'a Principal, vault: &'a str) -> Reply<'a, Vec<DeletedKey>>;

    /// Brings a deleted key back.
    fn key_recover<'a>(&'a self, by: &'a Principal, vault: &'a str, key: &'a str)
    -> Reply<'a, Key>;

    /// Ends a deleted key for good.
    fn key_purge<'a>(&'a self, by: &'a Principal, vault: &'a str, key: &'a str) -> Reply<'a, ()>;

    /// The role assignments of a vault.
    fn role_assignments<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
    ) -> Reply<'a, Vec<RoleAssignment>>;

    /// Gives a role.
    fn role_assign<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        wish: RoleAssignmentCreate,
    ) -> Reply<'a, (RoleAssignment, Changed)>;

    /// Takes it away.
    fn role_unassign<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        id: &'a str,
    ) -> Reply<'a, Changed>;

    /// At most `limit` records of a vault's audit, newest first; `after` is the `next` of the
    /// page before.
    fn audit<'a>(
        &'a self,
        by: &'a Principal,
        vault: &'a str,
        limit: usize,
        after: Option<&'a str>,
    ) -> Reply<'a, Page<AuditRecord>>;
}
