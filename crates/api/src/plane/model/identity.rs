//! Managed identities.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A managed identity: who programs and servers are towards key vaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Identity {
    /// Its name.
    #[schema(example = "app")]
    pub name: String,
    /// A UUID: `AZURE_CLIENT_ID`.
    pub client_id: String,
    /// A UUID: whom role assignments name.
    pub object_id: String,
    /// A UUID, the same for all of this installation.
    pub tenant_id: String,
    /// Azure's form of its name.
    pub resource_id: String,
    /// Whether it gets tokens.
    pub enabled: bool,
    /// OS users whose processes may use it.
    pub uids: Vec<u32>,
    /// systemd units whose processes may use it.
    pub units: Vec<String>,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// An identity that shall be made. Without a rule the servers of this installation may use it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityCreate {
    /// 3 to 128 of letters, digits, `-` and `_`.
    #[schema(max_length = 128, example = "app")]
    pub name: String,
    /// OS users whose processes may use it.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub uids: Option<Vec<u32>>,
    /// systemd units whose processes may use it.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub units: Option<Vec<String>>,
    /// The servers of this installation may use it.
    #[serde(default)]
    pub servers: bool,
    /// No process may use it; goes with no other rule.
    #[serde(default)]
    pub no_process: bool,
}

/// What shall change in an identity; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityUpdate {
    /// OS users whose processes may use it; rules are replaced together.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub uids: Option<Vec<u32>>,
    /// systemd units whose processes may use it.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub units: Option<Vec<String>>,
    /// The servers of this installation may use it.
    #[serde(default)]
    pub servers: bool,
    /// No process may use it; goes with no other rule.
    #[serde(default)]
    pub no_process: bool,
    /// Whether it gets tokens.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// Makes the secret of its environment anew; the old one ends.
    #[serde(default)]
    pub rotate_header: bool,
}

/// The variables that make the Azure SDKs' ManagedIdentityCredential work; one is a secret.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(non_snake_case, reason = "the names are those of the variables")]
pub struct IdentityEnv {
    /// Where tokens come from.
    pub IDENTITY_ENDPOINT: String,
    /// A secret: whoever has it gets tokens of this identity.
    pub IDENTITY_HEADER: String,
    /// Which identity.
    pub AZURE_CLIENT_ID: String,
}

impl std::fmt::Debug for IdentityEnv {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityEnv").field("AZURE_CLIENT_ID", &self.AZURE_CLIENT_ID).finish()
    }
}
