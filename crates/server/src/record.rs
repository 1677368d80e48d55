//! `server.json`: what a server is. Holds no secret: the data key only wrapped, no password.

use std::path::{Path, PathBuf};

use base::ServerName;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Error, durable};

mod customer;

pub use customer::{Canary, CustomerManaged, KeyLoss, KeyPolicy, Wrapping};

/// The newest format that this version reads and the one that it writes. Format 1 knew no keys
/// of owners; what it says is read as it is.
pub(crate) const FORMAT_VERSION: u32 = 2;
/// The oldest format that is read.
const OLDEST_VERSION: u32 = 1;
/// The largest record that is read; a real one has about 2 KiB.
const MAX_RECORD_BYTES: u64 = 256 * 1024;

/// A data key as the vault gave it back: opaque here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WrappedKey {
    /// The name or URI of the key that wraps it.
    pub key_id: String,
    /// The version of that key.
    pub key_version: String,
    /// The wrapping algorithm, as the vault names it.
    pub algorithm: String,
    /// The wrapped key, base64.
    pub value: String,
}

/// Who holds the key that wraps the data key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EncryptionMode {
    /// pgkeep's own vault made it and rotates it.
    SystemManaged,
    /// The owner of the server keeps it in a key vault.
    CustomerManaged,
}

/// How the server's storage is encrypted. The mode is chosen at creation for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataEncryption {
    /// Who holds the wrapping key.
    pub mode: EncryptionMode,
    /// The identity under which the server asks for its key.
    pub identity: String,
    /// The data key, wrapped.
    pub wrapped_key: WrappedKey,
    /// When the key was last seen to open.
    pub last_validated_at: Timestamp,
    /// What belongs to a key that the owner holds; set exactly with that mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerManaged>,
}

/// What the owner wants; obeyed when the agent starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DesiredState {
    /// It should accept connections.
    Running,
    /// It should be stopped.
    Stopped,
}

/// Whose certificate the server presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsSource {
    /// Issued by the internal CA, renewed by pgkeep.
    Internal,
    /// Brought by the owner, who also renews it.
    Own,
}

/// What is known about the server certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsRecord {
    /// Whose certificate it is.
    pub source: TlsSource,
    /// The host name that clients verify; part of the connection string.
    pub host: String,
    /// Whether connections over TCP must use TLS, as last seen in force.
    pub require_secure_transport: bool,
    /// The lowest TLS version, as last seen in force.
    pub min_protocol_version: String,
    /// SHA-256 of the certificate, hex, as last seen from outside.
    pub fingerprint: Option<String>,
    /// From when it is good.
    pub not_before: Option<Timestamp>,
    /// When it ends.
    pub not_after: Option<Timestamp>,
    /// Set when a fresh one of the internal CA is wanted at the next start.
    #[serde(default)]
    pub reissue: bool,
}

/// Which PostgreSQL made the data directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Postgres {
    /// The folder of its programs.
    pub bin_dir: PathBuf,
    /// Its major version.
    pub major: u32,
}

/// The record of one server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerRecord {
    /// Format of this file.
    pub format_version: u32,
    /// The name.
    pub name: ServerName,
    /// Random, never reused: tells two servers of one name apart.
    pub id: String,
    /// False until the creation has ended: what lies there then is worth nothing yet.
    pub provisioned: bool,
    /// TCP port.
    pub port: u16,
    /// When it was created.
    pub created_at: Timestamp,
    /// Which PostgreSQL.
    pub postgres: Postgres,
    /// How it is encrypted.
    pub data_encryption: DataEncryption,
    /// What the owner wants.
    pub desired_state: DesiredState,
    /// Its certificate.
    pub tls: TlsRecord,
    /// Set while the server is read-only because storage is nearly full.
    #[serde(default)]
    pub read_only_since: Option<Timestamp>,
    /// Free bytes below which the server becomes read-only; `None`: chosen from the disk's size.
    #[serde(default)]
    pub space_soft_limit_bytes: Option<u64>,
}

impl ServerRecord {
    /// Reads the record; `None` when there is none.
    pub fn load(path: &Path) -> Result<Option<Self>, Error> {
        let damaged = |detail: String| Error::Record { path: path.to_owned(), detail };
        match std::fs::metadata(path) {
            Ok(meta) if meta.len() > MAX_RECORD_BYTES => {
                return Err(damaged(format!("it is larger than {MAX_RECORD_BYTES} bytes")));
            }
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io("look at", path)(e)),
        }
        let text = std::fs::read_to_string(path).map_err(Error::io("read", path))?;
        let value: serde_json::Value =
            serde_json::from_str(&text).map_err(|e| damaged(e.to_string()))?;
        let found = value.get("format_version").and_then(serde_json::Value::as_u64);
        match found.map(u32::try_from) {
            Some(Ok(OLDEST_VERSION..=FORMAT_VERSION)) => {}
            Some(Ok(newer)) if newer > FORMAT_VERSION => {
                return Err(Error::RecordTooNew {
                    path: path.to_owned(),
                    found: newer,
                    known: FORMAT_VERSION,
                });
            }
            _ => return Err(damaged("it names no known format_version".to_owned())),
        }
        let mut record: Self = serde_json::from_value(value).map_err(|e| damaged(e.to_string()))?;
        let encryption = &record.data_encryption;
        let of_customer = encryption.mode == EncryptionMode::CustomerManaged;
        if of_customer != encryption.customer.is_some() {
            return Err(damaged("its mode of encryption does not fit the key it names".to_owned()));
        }
        record.format_version = FORMAT_VERSION;
        Ok(Some(record))
    }

    /// Writes the record durably.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let mut text =
            serde_json::to_vec_pretty(self).expect("because the record has only string keys");
        text.push(b'\n');
        durable::replace(path, &text, 0o600)
    }
}

#[cfg(test)]
pub(crate) mod tests;
