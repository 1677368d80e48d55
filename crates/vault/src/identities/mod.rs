//! Managed identities: who they are, how a process proves to be one, and the tokens they get.
//!
//! A token outlives its identity, so each request looks the identity up again; the token says no
//! more than who asks.

mod admin;
mod attest;
mod jwt;
mod token;

use serde::{Deserialize, Serialize};

pub use attest::{Attestation, Peer, Selector};
pub use token::IssuedToken;
pub(crate) use token::{TokenCache, TokenKey};

use crate::Error;
use crate::keyvault::model::Principal;
use crate::world::World;

/// A managed identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManagedIdentity {
    /// Its name, lower case.
    pub name: String,
    /// UUID by which a client asks for it.
    pub client_id: String,
    /// UUID by which roles name it.
    pub object_id: String,
    /// UUID of the installation's tenant.
    pub tenant_id: String,
    /// A disabled identity gets no tokens, and those it has are refused.
    pub enabled: bool,
    /// Unix seconds.
    pub created: i64,
    /// How a process on the unix socket proves to be it.
    pub attestation: Attestation,
}

impl ManagedIdentity {
    /// Azure's resource id, as tokens name it.
    pub fn resource_id(&self) -> String {
        format!(
            "/subscriptions/{}/resourcegroups/pgkeep/providers/Microsoft.ManagedIdentity/\
             userAssignedIdentities/{}",
            self.tenant_id, self.name
        )
    }

    /// What it is to the key vaults.
    pub fn principal(&self) -> Principal {
        Principal::Identity { object_id: self.object_id.clone() }
    }
}

/// An identity as it is kept.
#[derive(Serialize, Deserialize)]
pub(crate) struct StoredIdentity {
    pub(crate) identity: ManagedIdentity,
    /// 64 hex digits; wiped with the value.
    pub(crate) header: zeroize::Zeroizing<String>,
}

/// Finds an identity by name, object id or client id.
pub(crate) fn find<'w>(world: &'w World, text: &str) -> Result<&'w ManagedIdentity, Error> {
    world
        .identities
        .values()
        .map(|stored| &stored.identity)
        .find(|identity| {
            identity.name.eq_ignore_ascii_case(text)
                || identity.object_id.eq_ignore_ascii_case(text)
                || identity.client_id.eq_ignore_ascii_case(text)
        })
        .ok_or_else(|| {
            let shown: String = text.chars().take(64).collect();
            Error::NotFound(format!("there is no identity \"{shown}\""))
        })
}
