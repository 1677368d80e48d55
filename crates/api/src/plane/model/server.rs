//! Servers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::KeyWatch;

/// Everything known about one server, without secrets.
///
/// When its agent does not answer, only name, port, time of creation and state are known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Server {
    /// The name: 1 to 40 of `a-z`, `0-9`, `-`.
    #[schema(example = "demo")]
    pub name: String,
    /// Random, never reused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Provisioning, Starting, Ready, Stopping, Stopped, Restarting, Updating, Inaccessible,
    /// Dropping or Disabled.
    #[schema(example = "Ready")]
    pub state: String,
    /// Why, in one sentence; empty when the state says it all.
    pub state_reason: String,
    /// Since when.
    pub state_since: Timestamp,
    /// `running` or `stopped`: what its owner wants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired_state: Option<String>,
    /// TCP port.
    pub port: u16,
    /// Connection string for libpq, usable as it is; holds no password, only where it lies.
    #[schema(required)]
    pub dsn: Option<String>,
    /// Major version of PostgreSQL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub major_version: Option<u32>,
    /// When it was created.
    pub created_at: Timestamp,
    /// How it is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_encryption: Option<DataEncryption>,
    /// Where and how it is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<Storage>,
    /// How it is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    /// Restarts that were made without being asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restarts: Option<Restarts>,
    /// What deserves attention, a sentence each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warnings: Option<Vec<String>>,
}

/// How the storage is encrypted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DataEncryption {
    /// `SystemManaged` or `CustomerManaged`.
    pub mode: String,
    /// The key that wraps the data key.
    pub key_uri: String,
    /// Its version.
    pub key_version: String,
    /// The identity under which the server asks for it.
    pub identity: String,
    /// When the key was last seen to open.
    pub last_validated_at: Timestamp,
    /// What is known of a key that the owner holds.
    #[serde(flatten)]
    pub watch: Option<KeyWatch>,
}

/// How a key of an owner is watched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyPolicy {
    /// Time between two checks.
    pub check_interval_s: u32,
    /// So long a server goes on when nothing is known of its key.
    pub grace_s: u32,
    /// One call to the vault may take so long.
    pub call_timeout_s: u32,
    /// So far may clocks differ when validity dates are compared.
    pub leeway_s: u32,
}

/// The storage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Storage {
    /// Which engine encrypts.
    pub engine: String,
    /// Where the ciphertext lies.
    pub backing_dir: String,
    /// Where PostgreSQL sees it.
    pub mount_dir: String,
    /// Whether it is mounted now.
    pub mounted: bool,
    /// Device number of the mount.
    pub device: Option<String>,
    /// Figures of the running store.
    pub stats: Option<StorageStats>,
    /// Size of the disk below.
    pub size_bytes: Option<u64>,
    /// Room on the disk below.
    pub free_bytes: Option<u64>,
    /// Below this the server becomes read-only.
    pub soft_limit_bytes: Option<u64>,
    /// Set while the server is read-only because of that.
    pub read_only_since: Option<Timestamp>,
    /// The last recovery after an unclean stop.
    pub last_recovery: Option<Recovery>,
    /// How many findings of changed bytes are known.
    pub n_tampers: u64,
    /// The first of them.
    pub tampers: Vec<Tamper>,
}

/// Figures of a running store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StorageStats {
    /// Groups (1 MiB each) whose authentication codes are only in memory now.
    pub n_dirty_groups: u64,
    /// Files with at least one such group.
    pub n_dirty_files: u64,
    /// Times a first write to a clean group had to wait for the dirty log.
    pub n_log_syncs: u64,
    /// Units read that failed their check since the mount.
    pub n_tampered: u64,
    /// Bytes decrypted since the mount.
    pub read_bytes: u64,
    /// Bytes encrypted since the mount.
    pub written_bytes: u64,
}

/// What the store did when it was opened after an unclean stop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recovery {
    /// When.
    pub recovered_at: Timestamp,
    /// Groups that were open at the crash and were read again.
    pub n_groups: u64,
    /// Units in them that did not match and were accepted once.
    pub n_accepted: u64,
    /// Files with such units, at most the first hundred.
    pub files: Vec<String>,
    /// How long it took.
    pub duration_ms: u64,
}

/// One finding that stored bytes are not what was written.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tamper {
    /// When it was found.
    pub found_at: Timestamp,
    /// Which file of the mount.
    pub file: String,
    /// Which unit of it, if it is about one.
    pub unit: Option<u64>,
    /// What does not match.
    pub reason: String,
}

/// The TLS side of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TlsSettings {
    /// Whether connections over TCP must use TLS.
    pub require_secure_transport: bool,
    /// The lowest version that is spoken.
    pub min_protocol_version: String,
    /// `internal` (pgkeep's authority) or `own`.
    pub source: String,
    /// SHA-256 of the certificate, hex.
    pub fingerprint: Option<String>,
    /// When it ends.
    pub not_after: Option<Timestamp>,
    /// When pgkeep renews it; null for a certificate of the owner's own.
    pub renew_at: Option<Timestamp>,
}

/// Restarts that the agent made by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Restarts {
    /// How many since the agent started.
    pub n_restarts: u64,
    /// When the last one was.
    pub last_at: Option<Timestamp>,
    /// Why.
    pub last_cause: Option<String>,
}

/// One entry of a server's history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerEvent {
    /// The state that was entered.
    pub state: String,
    /// Why.
    pub state_reason: String,
    /// When.
    pub state_since: Timestamp,
}

/// A server that shall be made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerCreate {
    /// Its name: 1 to 40 of `a-z`, `0-9`, `-`, beginning with a letter.
    #[schema(example = "web", max_length = 40)]
    pub name: String,
    /// Its port; the next free one from 5432 where none is named.
    #[serde(default)]
    #[schema(minimum = 1)]
    pub port: Option<u16>,
    /// Take the port even when someone else uses it now: the server will say so itself.
    #[serde(default)]
    pub port_as_it_is: bool,
    /// Address of a key of the owner's that wraps the data key; pgkeep's own key without.
    #[serde(default)]
    #[schema(example = "https://pay.vault.localhost:8200/keys/tde", max_length = 1024)]
    pub key: Option<String>,
    /// The identity under which the server asks for that key.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub identity: Option<String>,
    /// How that key is watched.
    #[serde(default)]
    pub policy: Option<super::KeyPolicyUpdate>,
}

/// How to connect to a server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Connection {
    /// Connection string for libpq, with certificate verification; no password in it.
    pub dsn: String,
    /// The role that it signs in with.
    pub role: String,
    /// The name that clients verify.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The authority that clients trust, PEM.
    pub ca_pem: String,
    /// Where that certificate lies on this machine.
    pub ca_file: String,
    /// Where the administrator's password lies on this machine; null for another role.
    pub password_file: Option<String>,
    /// The same for programs and languages, ready to copy.
    pub snippets: Vec<Snippet>,
}

/// Text to copy for one program or language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Snippet {
    /// `psql`, `pgadmin`, `dbeaver`, `jdbc`, `python`, `node` or `libpq-service`.
    pub id: String,
    /// What a person calls it.
    pub title: String,
    /// For colouring, for example `shell`, `python`, `javascript`, `ini`, `text`.
    pub language: String,
    /// The text.
    pub text: String,
}

/// How the storage is verified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyOptions {
    /// Stop the server for the time of the check, and start it again.
    #[serde(default)]
    pub stop: bool,
}
