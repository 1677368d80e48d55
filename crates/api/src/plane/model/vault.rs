//! The vault process: sealed or not, and how it is opened.

use base::Secret;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// How the vault stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Vault {
    /// `unsealed`, `sealed` or `uninitialized`; `unreachable` when it does not answer.
    pub state: String,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
    /// Which seal: `file`, `passphrase`, `shares`, `credential` or `external`.
    #[serde(default)]
    pub seal: Option<String>,
    /// While shares are being given: how many of how many.
    #[serde(default)]
    pub shares: Option<SealShares>,
    /// What deserves attention, a sentence each.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The key that wraps the data keys of servers without a key of their owner's.
    #[serde(default)]
    pub key: Option<VaultKey>,
    /// Where key vaults are served.
    #[serde(default)]
    pub https: Option<Service>,
    /// Where identities get their tokens.
    #[serde(default)]
    pub identity: Option<Service>,
}

/// Shares that were given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SealShares {
    /// So many were given.
    pub given: u32,
    /// So many are needed.
    pub needed: u32,
}

/// The vault's own key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VaultKey {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its type.
    pub kty: String,
}

/// A listener of the vault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Service {
    /// Its address, of the key vaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its port, of the key vaults.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Its address, of the identities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Its socket, of the identities.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub socket: Option<String>,
    /// Whether it listens.
    pub listening: bool,
    /// Why it does not.
    pub reason: Option<String>,
}

/// What opens the vault: a passphrase, one share of several, or nothing for a seal that opens by
/// itself.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unseal {
    /// The passphrase.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, max_length = 1024, format = Password)]
    pub passphrase: Option<Secret<String>>,
    /// One share.
    #[serde(default, deserialize_with = "secret")]
    #[schema(value_type = Option<String>, max_length = 1024, format = Password)]
    pub share: Option<Secret<String>>,
    /// Forget the shares that were given so far.
    #[serde(default)]
    pub forget_shares: bool,
}

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret<String>>, D::Error> {
    Option::<String>::deserialize(from).map(|text| text.map(Secret::new))
}
