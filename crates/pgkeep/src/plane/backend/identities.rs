//! Managed identities.

use api::access::Principal;
use api::plane::Reply;
use api::plane::backend::Identities;
use api::plane::model::{Identity, IdentityCreate, IdentityEnv, IdentityUpdate};
use base::Changed;
use serde_json::{Value, json};

use super::{PlaneBackend, read};

impl Identities for PlaneBackend {
    fn identities<'a>(&'a self, by: &'a Principal) -> Reply<'a, Vec<Identity>> {
        Box::pin(async { read(self.vault_call(by, "identity-list", Value::Null).await?) })
    }

    fn identity_create<'a>(
        &'a self,
        by: &'a Principal,
        wish: IdentityCreate,
    ) -> Reply<'a, (Identity, Changed)> {
        Box::pin(async move {
            let args = json!({
                "name": wish.name,
                "uids": wish.uids,
                "units": wish.units,
                "servers": wish.servers,
                "no_process": wish.no_process,
            });
            let made = self.vault_call(by, "identity-create", args).await?;
            let changed = read(made["changed"].clone())?;
            Ok((read(made)?, changed))
        })
    }

    fn identity<'a>(&'a self, by: &'a Principal, name: &'a str) -> Reply<'a, Identity> {
        Box::pin(async move {
            read(self.vault_call(by, "identity-show", json!({ "name": name })).await?)
        })
    }

    fn identity_update<'a>(
        &'a self,
        by: &'a Principal,
        name: &'a str,
        update: IdentityUpdate,
    ) -> Reply<'a, Identity> {
        Box::pin(async move {
            if update == IdentityUpdate::default() {
                return self.identity(by, name).await;
            }
            let args = json!({
                "name": name,
                "uids": update.uids,
                "units": update.units,
                "servers": update.servers,
                "no_process": update.no_process,
                "enabled": update.enabled,
                "rotate_header": update.rotate_header,
            });
            read(self.vault_call(by, "identity-update", args).await?)
        })
    }

    fn identity_delete<'a>(&'a self, by: &'a Principal, name: &'a str) -> Reply<'a, Changed> {
        Box::pin(async move {
            let gone = self.vault_call(by, "identity-delete", json!({ "name": name })).await?;
            read(gone["changed"].clone())
        })
    }

    fn identity_env<'a>(&'a self, by: &'a Principal, name: &'a str) -> Reply<'a, IdentityEnv> {
        Box::pin(async move {
            read(self.vault_call(by, "identity-env", json!({ "name": name })).await?)
        })
    }
}
