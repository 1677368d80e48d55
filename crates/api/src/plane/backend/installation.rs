//! Identities, the vault as a whole, and what is true of the installation.

use base::Changed;

use super::Reply;
use crate::access::Principal;
use crate::plane::model::{
    About, Ca, HomePage, Identity, IdentityCreate, IdentityEnv, IdentityUpdate, Status, Unseal,
    Vault,
};

/// Managed identities.
pub trait Identities: Send + Sync + 'static {
    /// All identities by name.
    fn identities<'a>(&'a self, by: &'a Principal) -> Reply<'a, Vec<Identity>>;

    /// Makes one; one that is there already with the same rules is `Unchanged`.
    fn identity_create<'a>(
        &'a self,
        by: &'a Principal,
        wish: IdentityCreate,
    ) -> Reply<'a, (Identity, Changed)>;

    /// One identity.
    fn identity<'a>(&'a self, by: &'a Principal, name: &'a str) -> Reply<'a, Identity>;

    /// Changes one.
    fn identity_update<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a str,
        update: IdentityUpdate,
    ) -> Reply<'a, Identity>;

    /// Deletes one.
    fn identity_delete<'a>(&'a self, by: &'a Principal, name: &'a str) -> Reply<'a, Changed>;

    /// The variables for a program that uses it, with the secret.
    fn identity_env<'a>(&'a self, by: &'a Principal, name: &'a str) -> Reply<'a, IdentityEnv>;
}

/// The vault as a whole, and the installation.
pub trait Installation: Send + Sync + 'static {
    /// How the vault stands; one that does not answer is `unreachable`, no fault.
    fn vault(&self) -> Reply<'_, Vault>;

    /// Seals the vault.
    fn vault_seal<'a>(&'a self, by: &'a Principal) -> Reply<'a, Changed>;

    /// Opens it, or takes a share; answers how it stands then.
    fn vault_unseal<'a>(&'a self, by: &'a Principal, with: Unseal) -> Reply<'a, Vault>;

    /// What is installed. `portal` and `api_version` are filled in by the caller.
    fn about(&self) -> Reply<'_, About>;

    /// The authority that clients trust.
    fn ca(&self) -> Reply<'_, Ca>;

    /// The document of `pgkeep status`.
    fn status(&self) -> Reply<'_, Status>;

    /// What the first page shows to `by`: only servers and vaults that it reaches.
    fn home<'a>(&'a self, by: &'a Principal) -> Reply<'a, HomePage>;
}
