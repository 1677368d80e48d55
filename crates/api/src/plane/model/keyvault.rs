//! Key vaults, their keys, roles and audit.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A key vault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyVault {
    /// The first label of its host name.
    #[schema(example = "pay")]
    pub name: String,
    /// Its address for SDKs.
    #[schema(example = "https://pay.vault.localhost:8200/")]
    pub uri: String,
    /// The authority that clients trust, a file of this machine.
    pub ca_file: String,
    /// How long a deleted key can be recovered: 7 to 90 days, fixed.
    pub retention_days: u32,
    /// Whether nobody may purge before that; cannot be undone.
    pub purge_protection: bool,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

/// A key vault that shall be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyVaultCreate {
    /// 3 to 24 of `a-z`, `0-9`, `-`.
    #[schema(max_length = 24, example = "pay")]
    pub name: String,
    /// How long a deleted key can be recovered; 90 days where nothing is said.
    #[serde(default)]
    #[schema(minimum = 7, maximum = 90)]
    pub retention_days: Option<u32>,
    /// Whether nobody may purge before that; cannot be undone.
    #[serde(default)]
    pub purge_protection: bool,
}

/// What can be changed in a key vault.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyVaultUpdate {
    /// Can only be set to true, for good.
    #[serde(default)]
    pub purge_protection: Option<bool>,
}

/// A key, or one version of it. Never private parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// The address of this version; what `server create --key` takes.
    pub kid: String,
    /// The version; null in lists, where the newest is meant.
    pub version: Option<String>,
    /// `RSA`, `EC` or `oct-HSM`, …; null in lists.
    pub kty: Option<String>,
    /// Bits of an RSA key.
    pub key_size: Option<u32>,
    /// Curve of an EC key.
    pub curve: Option<String>,
    /// What it may be used for.
    pub operations: Vec<String>,
    /// Whether it may be used.
    pub enabled: bool,
    /// From when.
    pub not_before: Option<Timestamp>,
    /// Until when.
    pub expires_at: Option<Timestamp>,
    /// When this version was made.
    pub created_at: Option<Timestamp>,
    /// When this version was last changed.
    pub updated_at: Option<Timestamp>,
    /// Azure's word for how a deleted key can be brought back.
    pub recovery_level: Option<String>,
    /// Words of the owner's.
    pub tags: BTreeMap<String, String>,
    /// Whether a rotation policy made this version.
    pub managed: bool,
    /// Servers whose data key this key wraps now, as far as the caller sees servers.
    pub used_by: Vec<String>,
}

/// A key that shall be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyCreate {
    /// 1 to 127 of letters, digits and `-`.
    #[schema(max_length = 127, example = "tde")]
    pub name: String,
    /// `RSA` (where nothing is said) or `EC`.
    #[serde(default)]
    pub kty: Option<String>,
    /// 2048, 3072 or 4096 bits of an RSA key.
    #[serde(default)]
    pub key_size: Option<u32>,
    /// `P-256`, `P-384` or `P-521`.
    #[serde(default)]
    pub curve: Option<String>,
    /// What it may be used for; everything that its type can where nothing is said.
    #[serde(default)]
    #[schema(max_items = 16)]
    pub operations: Option<Vec<String>>,
    /// Whether it may be used.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// From when.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// Until when.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// Words of the owner's.
    #[serde(default)]
    pub tags: Option<BTreeMap<String, String>>,
}

/// What shall change in a version of a key; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyUpdate {
    /// Which version; the newest where none is named.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub version: Option<String>,
    /// Whether it may be used.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// From when.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// Until when.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
    /// What it may be used for.
    #[serde(default)]
    #[schema(max_items = 16)]
    pub operations: Option<Vec<String>>,
    /// Words of the owner's, all of them.
    #[serde(default)]
    pub tags: Option<BTreeMap<String, String>>,
}

/// A deleted key that can still be recovered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeletedKey {
    /// Its name.
    pub name: String,
    /// Its address while it was there.
    pub kid: String,
    /// When it was deleted.
    pub deleted_at: Option<Timestamp>,
    /// When it goes for good.
    pub purge_at: Option<Timestamp>,
    /// Azure's word for how it can be brought back.
    pub recovery_level: Option<String>,
}

/// When a key is rotated or its owner is told; durations are ISO 8601, also months and years.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotationPolicy {
    /// A new version this long after the newest was made, for example `P18M`.
    #[serde(default)]
    #[schema(max_length = 64, example = "P18M")]
    pub rotate_after_create: Option<String>,
    /// A new version this long before the newest expires.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub rotate_before_expiry: Option<String>,
    /// Say so this long before the newest expires, for example `P30D`.
    #[serde(default)]
    #[schema(max_length = 64, example = "P30D")]
    pub notify_before_expiry: Option<String>,
    /// How long new versions are good, for example `P2Y`.
    #[serde(default)]
    #[schema(max_length = 64, example = "P2Y")]
    pub expires_after: Option<String>,
    /// When the policy was last changed; not taken from a request.
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
}

/// Who may do what in a key vault: roles of Azure Key Vault, held by identities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoleAssignment {
    /// A UUID.
    pub id: String,
    /// The vault.
    pub vault: String,
    /// The key; null means the whole vault.
    pub key: Option<String>,
    /// Name of the role.
    #[schema(example = "Key Vault Crypto Service Encryption User")]
    pub role: String,
    /// Azure's id of the role.
    pub role_id: String,
    /// Name of the identity when it was assigned.
    pub assignee: String,
    /// Object id of the identity.
    pub object_id: String,
    /// When it was assigned.
    pub created_at: Option<Timestamp>,
}

/// A role that shall be given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleAssignmentCreate {
    /// The key; null means the whole vault.
    #[serde(default)]
    #[schema(max_length = 127)]
    pub key: Option<String>,
    /// Name or id of the role.
    #[schema(max_length = 128, example = "Key Vault Crypto Service Encryption User")]
    pub role: String,
    /// Name or object id of the identity.
    #[schema(max_length = 128)]
    pub assignee: String,
}

/// One record of a vault's audit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuditRecord {
    /// Its place in the hash chain.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What, in Azure's words, for example `KeyUnwrap`.
    pub operation: String,
    /// Who: name of the identity or of the person, or the OS user.
    pub principal: String,
    /// For whom the plane asked, where it did.
    pub acting: Option<String>,
    /// The key or other object that it was about.
    pub object: String,
    /// HTTP status.
    pub status: u16,
    /// Whether it was allowed and done.
    pub success: bool,
    /// Why it was refused; empty otherwise.
    pub description: String,
    /// From where.
    pub caller_address: String,
    /// The request's id.
    pub correlation_id: String,
    /// How long it took.
    pub duration_ms: u64,
    /// Hash of the record in the chain.
    pub hash: String,
}
