//! What is asked of a key vault and what it answers, in the words of the Azure Key Vault keys
//! REST API (`specification/keyvault/data-plane/Keys`). Shapes only; binary fields are base64url
//! without padding (RFC 4648 §5), times are Unix seconds.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Tags of a key: at most 15, name and value at most 256 characters each.
pub type Tags = BTreeMap<String, String>;

/// One request, whoever carried it.
#[derive(Debug)]
pub struct Call {
    /// The vault it is for: the first label of the host name.
    pub vault: String,
    /// Who asks.
    pub principal: Principal,
    /// What is asked.
    pub op: Op,
    /// What the audit says about the request.
    pub context: Context,
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Nobody: no token, or one that does not verify. `why` goes to the audit, not to the caller.
    Anonymous {
        /// What was wrong with the token.
        why: String,
    },
    /// An OS user on the vault's unix socket; operators may do everything.
    Local {
        /// The OS user.
        uid: u32,
    },
    /// The plane, for a user of its own: administers keys, never uses them.
    Plane {
        /// The OS user on the vault's unix socket.
        uid: u32,
        /// The plane's user.
        acting: String,
    },
    /// A managed identity, by its object id. Looked up on every call: a token outlives its owner.
    Identity {
        /// `oid` of the token.
        object_id: String,
    },
}

/// What the audit says about a request besides what was asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Made by the edge, returned as `x-ms-request-id`.
    pub request_id: String,
    /// `x-ms-client-request-id`, at most 128 characters.
    pub client_request_id: Option<String>,
    /// `api-version`.
    pub api_version: String,
    /// Address of the peer, or `unix:UID`.
    pub caller_address: String,
    /// `User-Agent`, cut at 256 characters.
    pub client_info: String,
    /// The URI without secrets, cut at 1,024 characters.
    pub request_uri: String,
}

/// The operations.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, made where it is used")]
#[expect(missing_docs, reason = "fields are the path segments and bodies of the REST API")]
pub enum Op {
    Create {
        name: String,
        parameters: KeyParameters,
    },
    Import {
        name: String,
        parameters: ImportParameters,
    },
    Get {
        name: String,
        version: Option<String>,
    },
    List {
        page: PageRequest,
    },
    ListVersions {
        name: String,
        page: PageRequest,
    },
    Update {
        name: String,
        version: Option<String>,
        parameters: UpdateParameters,
    },
    Delete {
        name: String,
    },
    GetDeleted {
        name: String,
    },
    ListDeleted {
        page: PageRequest,
    },
    Recover {
        name: String,
    },
    Purge {
        name: String,
    },
    Backup {
        name: String,
    },
    Restore {
        blob: Vec<u8>,
    },
    Rotate {
        name: String,
    },
    GetRotationPolicy {
        name: String,
    },
    SetRotationPolicy {
        name: String,
        policy: RotationPolicy,
    },
    Encrypt {
        name: String,
        version: Option<String>,
        parameters: Operation,
    },
    Decrypt {
        name: String,
        version: Option<String>,
        parameters: Operation,
    },
    WrapKey {
        name: String,
        version: Option<String>,
        parameters: Operation,
    },
    UnwrapKey {
        name: String,
        version: Option<String>,
        parameters: Operation,
    },
    Sign {
        name: String,
        version: Option<String>,
        parameters: Operation,
    },
    Verify {
        name: String,
        version: Option<String>,
        parameters: Verification,
    },
    Random {
        count: u32,
    },
    /// A request that no operation fits: recorded, then refused as said.
    Unrecognised {
        refusal: Refusal,
    },
}

/// What was answered.
#[derive(Debug)]
pub enum Reply {
    /// A key: create, import, get, update, recover, restore, rotate.
    Key(Box<KeyBundle>),
    /// A deleted key: delete, get deleted.
    Deleted(Box<DeletedKeyBundle>),
    /// A page of keys or versions.
    Keys(Page<KeyItem>),
    /// A page of deleted keys.
    DeletedKeys(Page<DeletedKeyItem>),
    /// A backup blob, opaque.
    Backup(Vec<u8>),
    /// The rotation policy in force.
    Policy(RotationPolicy),
    /// encrypt, decrypt, wrapkey, unwrapkey, sign.
    Result(OperationResult),
    /// Whether a signature fits.
    Verified(bool),
    /// Random bytes.
    Random(base::Secret<Vec<u8>>),
    /// Purged: 204 without a body.
    Nothing,
}

/// A reply and which role assignment allowed it.
#[derive(Debug)]
pub struct Answer {
    /// The reply.
    pub reply: Reply,
    /// `x-ms-keyvault-rbac-assignment-id`.
    pub assignment_id: Option<String>,
}

/// Why a request was refused, as Azure says it:
/// `{"error":{"code","message","innererror":{"code"}}}`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// The HTTP status: 400, 401, 403, 404, 409, 413, 429, 500, 503.
    pub status: u16,
    /// The error code, for example `Forbidden`.
    pub code: &'static str,
    /// The message, in Azure's words where a client may look for them.
    pub message: String,
    /// The inner code, for example `ForbiddenByRbac`.
    pub inner_code: Option<&'static str>,
}

/// Which page of a listing: at most `max_results` (1 to 25, default 25) entries after `after`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// `maxresults`; `None` means 25.
    pub max_results: Option<u32>,
    /// The skip token of the page before: opaque to the caller, checked by the vault.
    pub after: Option<String>,
}

/// A page and the skip token of the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Skip token of the next page; the edge makes `nextLink` of it.
    pub next: Option<String>,
}

/// Body of create. Unknown fields are accepted, as real clients send them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct KeyParameters {
    #[serde(default)]
    pub kty: String,
    pub key_size: Option<u32>,
    pub crv: Option<String>,
    pub key_ops: Option<Vec<String>>,
    pub public_exponent: Option<u64>,
    pub attributes: Option<Attributes>,
    pub tags: Option<Tags>,
    /// A key with a release policy is refused: there is no attested environment here.
    pub release_policy: Option<serde_json::Value>,
}

/// Body of import.
#[derive(Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct ImportParameters {
    pub key: JsonWebKey,
    #[serde(rename = "Hsm")]
    pub hsm: Option<bool>,
    pub attributes: Option<Attributes>,
    pub tags: Option<Tags>,
    pub release_policy: Option<serde_json::Value>,
}

/// Body of update: what is absent stays.
#[derive(Clone, Debug, Default, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct UpdateParameters {
    pub key_ops: Option<Vec<String>>,
    pub attributes: Option<Attributes>,
    pub tags: Option<Tags>,
    pub release_policy: Option<serde_json::Value>,
}

/// A key as JSON (RFC 7517), public and, in an import, private parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of RFC 7517 and RFC 7518 §6")]
#[serde(default)]
pub struct JsonWebKey {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kid: Option<String>,
    pub kty: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_ops: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub e: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<String>,
    /// Private parts: read from an import, never serialised.
    #[serde(skip_serializing)]
    pub d: Option<PrivateField>,
    #[serde(skip_serializing)]
    pub dp: Option<PrivateField>,
    #[serde(skip_serializing)]
    pub dq: Option<PrivateField>,
    #[serde(skip_serializing)]
    pub qi: Option<PrivateField>,
    #[serde(skip_serializing)]
    pub p: Option<PrivateField>,
    #[serde(skip_serializing)]
    pub q: Option<PrivateField>,
    #[serde(skip_serializing)]
    pub k: Option<PrivateField>,
    #[serde(skip_serializing)]
    pub key_hsm: Option<PrivateField>,
}

/// base64url text of a private part: wiped when dropped, never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct PrivateField(pub zeroize::Zeroizing<String>);

impl std::fmt::Debug for PrivateField {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrivateField(…)")
    }
}

/// Attributes of a key version; read-only ones are ignored in requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
#[serde(default)]
pub struct Attributes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nbf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated: Option<i64>,
    #[serde(rename = "recoveryLevel", skip_serializing_if = "Option::is_none")]
    pub recovery_level: Option<String>,
    #[serde(rename = "recoverableDays", skip_serializing_if = "Option::is_none")]
    pub recoverable_days: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exportable: Option<bool>,
    #[serde(rename = "hsmPlatform", skip_serializing_if = "Option::is_none")]
    pub hsm_platform: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_size: Option<u32>,
}

/// A key version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct KeyBundle {
    pub key: JsonWebKey,
    pub attributes: Attributes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// True when a rotation policy made this version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<bool>,
}

/// A deleted key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct DeletedKeyBundle {
    #[serde(flatten)]
    pub bundle: KeyBundle,
    #[serde(rename = "recoveryId")]
    pub recovery_id: String,
    #[serde(rename = "deletedDate")]
    pub deleted_date: i64,
    #[serde(rename = "scheduledPurgeDate")]
    pub scheduled_purge_date: i64,
}

/// An entry of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct KeyItem {
    pub kid: String,
    pub attributes: Attributes,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub managed: Option<bool>,
}

/// An entry of the listing of deleted keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct DeletedKeyItem {
    #[serde(flatten)]
    pub item: KeyItem,
    #[serde(rename = "recoveryId")]
    pub recovery_id: String,
    #[serde(rename = "deletedDate")]
    pub deleted_date: i64,
    #[serde(rename = "scheduledPurgeDate")]
    pub scheduled_purge_date: i64,
}

/// Rotation policy; durations are ISO 8601, also months and years (`P18M`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct RotationPolicy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, rename = "lifetimeActions")]
    pub lifetime_actions: Vec<LifetimeAction>,
    #[serde(default)]
    pub attributes: Option<RotationAttributes>,
}

/// `expiryTime` is given to newly rotated versions only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct RotationAttributes {
    #[serde(default, rename = "expiryTime", skip_serializing_if = "Option::is_none")]
    pub expiry_time: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated: Option<i64>,
}

/// When to do what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct LifetimeAction {
    #[serde(default)]
    pub trigger: Trigger,
    #[serde(default)]
    pub action: Action,
}

/// Exactly one of the two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct Trigger {
    #[serde(default, rename = "timeAfterCreate", skip_serializing_if = "Option::is_none")]
    pub time_after_create: Option<String>,
    #[serde(default, rename = "timeBeforeExpiry", skip_serializing_if = "Option::is_none")]
    pub time_before_expiry: Option<String>,
}

/// `Rotate` or `Notify`, compared without case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct Action {
    #[serde(default, rename = "type")]
    pub kind: String,
}

/// Body of encrypt, decrypt, wrapkey, unwrapkey, sign. Fields are decoded by the edge.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct Operation {
    pub alg: String,
    /// Plain text, cipher text, wrapped key or digest.
    pub value: base::Secret<Vec<u8>>,
    pub iv: Option<Vec<u8>>,
    pub aad: Option<Vec<u8>>,
    pub tag: Option<Vec<u8>>,
}

/// Body of verify.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct Verification {
    pub alg: String,
    pub digest: Vec<u8>,
    pub signature: Vec<u8>,
}

/// Answer of a cryptographic operation; `kid` names the version that was used.
#[derive(Debug)]
#[expect(missing_docs, reason = "the fields are those of the REST API")]
pub struct OperationResult {
    pub kid: String,
    pub value: base::Secret<Vec<u8>>,
    pub iv: Option<Vec<u8>>,
    pub tag: Option<Vec<u8>>,
    pub aad: Option<Vec<u8>>,
}
