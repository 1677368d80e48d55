//! Keys of servers: how they stand, what happened to them, and the proof from the disk.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::{DataEncryption, KeyPolicy};

/// What is known of a key that the owner holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyWatch {
    /// `unchecked`, `usable`, `doubtful` or `lost`.
    pub health: String,
    /// Which kind of vault it lies in.
    pub provider: String,
    /// How the data key is wrapped.
    pub algorithm: String,
    /// Whether its version is fixed; a newer one is followed otherwise.
    pub pinned: bool,
    /// When the data key was wrapped by this version.
    pub wrapped_at: Timestamp,
    /// When the version expires, as last seen.
    pub key_expires_at: Option<Timestamp>,
    /// Whose clock its dates were compared with: `vault` or `own`.
    pub clock: Option<String>,
    /// When it was last looked at, whatever came of it.
    pub checked_at: Option<Timestamp>,
    /// When it is looked at next.
    pub next_check_at: Option<Timestamp>,
    /// While nothing is known of it: how long the server goes on.
    pub grace_until: Option<Timestamp>,
    /// The last look that failed, until one succeeds.
    pub failure: Option<KeyFailure>,
    /// The wrapping by another version that is under way or has failed.
    pub rewrap: Option<Rewrap>,
    /// How it is watched.
    pub policy: KeyPolicy,
}

/// A call to a vault that did not succeed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyFailure {
    /// Why, a word: `disabled`, `not_found`, `expired`, `forbidden`, `unreachable`, `sealed`, …
    pub cause: String,
    /// The HTTP status, if there was an answer.
    pub http_status: Option<u16>,
    /// The vault's inner code, for example `KeyDisabled`.
    pub inner_code: Option<String>,
    /// What was said, for a person.
    pub message: String,
}

/// A wrapping of the data key by another version or key, until it is proved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rewrap {
    /// The version that is wanted, once it is known.
    pub to_version: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// So long the old version must stay usable at most.
    pub old_version_needed_until: Timestamp,
    /// Why the last attempt failed; it is repeated at the next check.
    pub failure: Option<KeyFailure>,
}

/// Another key, version or identity for a server, or another watch; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EncryptionUpdate {
    /// Address of another key or version.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub key_uri: Option<String>,
    /// Another identity; the same name looks it up anew.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub identity: Option<String>,
    /// How the key is watched.
    #[serde(default)]
    pub policy: Option<KeyPolicyUpdate>,
}

/// How a key is watched; what is left out stays or gets its default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyPolicyUpdate {
    /// Time between two checks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_interval_s: Option<u32>,
    /// So long the server goes on when nothing is known of its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grace_s: Option<u32>,
    /// One call to the vault may take so long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call_timeout_s: Option<u32>,
    /// So far may clocks differ when validity dates are compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leeway_s: Option<u32>,
}

/// What a look at the key has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyCheck {
    /// `unchecked`, `usable`, `doubtful` or `lost`.
    pub health: String,
    /// Why it is not usable.
    pub failure: Option<KeyFailure>,
    /// When it was looked at.
    pub checked_at: Option<Timestamp>,
}

/// One thing that happened to the key of a server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EncryptionEvent {
    /// Number in the server's journal.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// `key` (what holds for it changed) or `rewrap` (the data key was wrapped anew).
    pub kind: String,
    /// Whatever else the journal says: `from`, `to`, `failure`, `key_uri`, `key_version`, ….
    #[serde(flatten)]
    #[schema(value_type = Object, additional_properties)]
    pub facts: serde_json::Map<String, serde_json::Value>,
}

/// What lies on the disk beside what PostgreSQL reads: proof that the one is not the other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EncryptionProof {
    /// The ciphertext's file below the backing folder.
    pub file: String,
    /// The same file as PostgreSQL names it, below the mount.
    pub mounted_file: String,
    /// Which unit (4 KiB) of the file.
    pub unit: u64,
    /// The relation that the file belongs to, where it is one.
    pub relation: Option<String>,
    /// When both were read.
    pub looked_at: Timestamp,
    /// The first bytes on the disk, hex.
    pub on_disk_hex: String,
    /// The same bytes as PostgreSQL sees them, hex; null for a person who may not see data.
    pub inside_hex: Option<String>,
    /// Shannon entropy of the unit on the disk; 8 is the most.
    pub entropy_bits_per_byte: f64,
    /// The same of what PostgreSQL sees.
    pub inside_entropy_bits_per_byte: f64,
    /// What this shows, in a few sentences.
    pub explanation: String,
}

/// How the storage of a server is encrypted. What begins with `health` is known only of a key that
/// the owner holds; without one those fields are missing.
#[derive(ToSchema)]
#[schema(as = DataEncryption)]
#[expect(dead_code, reason = "only its shape is used")]
struct Shape {
    /// `SystemManaged` or `CustomerManaged`.
    #[schema(example = "CustomerManaged")]
    mode: String,
    /// The key that wraps the data key.
    key_uri: String,
    /// Its version.
    key_version: String,
    /// The identity under which the server asks for it.
    identity: String,
    /// When the key was last seen to open.
    last_validated_at: Timestamp,
    /// `unchecked`, `usable`, `doubtful` or `lost`.
    health: Option<String>,
    /// Which kind of vault it lies in.
    provider: Option<String>,
    /// How the data key is wrapped.
    algorithm: Option<String>,
    /// Whether its version is fixed; a newer one is followed otherwise.
    pinned: Option<bool>,
    /// When the data key was wrapped by this version.
    wrapped_at: Option<Timestamp>,
    /// When the version expires, as last seen.
    key_expires_at: Option<Timestamp>,
    /// Whose clock its dates were compared with: `vault` or `own`.
    clock: Option<String>,
    /// When it was last looked at, whatever came of it.
    checked_at: Option<Timestamp>,
    /// When it is looked at next.
    next_check_at: Option<Timestamp>,
    /// While nothing is known of it: how long the server goes on.
    grace_until: Option<Timestamp>,
    /// The last look that failed, until one succeeds.
    failure: Option<KeyFailure>,
    /// The wrapping by another version that is under way or has failed.
    rewrap: Option<Rewrap>,
    /// How it is watched.
    policy: Option<KeyPolicy>,
}

/// By hand: a flattened field that may be missing as a whole has no schema of its own.
impl PartialSchema for DataEncryption {
    fn schema() -> RefOr<Schema> {
        Shape::schema()
    }
}

impl ToSchema for DataEncryption {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("DataEncryption")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Shape::schemas(schemas);
    }
}
