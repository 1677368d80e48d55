//! What `server show` says: everything known about a server, without secrets.

use std::collections::VecDeque;
use std::path::PathBuf;

use base::{ServerName, StateRecord};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::custody::Verdict;
use crate::doors::Space;
use crate::layout::Layout;
use crate::record::{DataEncryption, DesiredState, EncryptionMode, ServerRecord, TlsSource};

mod key;

pub(crate) use key::health;
pub use key::{ShownKey, ShownRewrap};

/// So many tamper findings are kept; further ones are only counted.
const MAX_TAMPERS: usize = 100;
/// So many warnings are shown.
const MAX_WARNINGS: usize = 50;

/// One finding that stored bytes are not what was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// What the store did when it was opened after an unclean stop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// How the storage is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownEncryption {
    /// Who holds the wrapping key.
    pub mode: EncryptionMode,
    /// The wrapping key.
    pub key_uri: String,
    /// Its version.
    pub key_version: String,
    /// The identity under which the server asks for it.
    pub identity: String,
    /// When the key was last seen to open.
    pub last_validated_at: Timestamp,
    /// What is known of a key that the owner holds.
    #[serde(flatten)]
    pub customer: Option<ShownKey>,
}

/// The storage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShownStorage {
    /// Which engine encrypts.
    pub engine: String,
    /// Where the ciphertext lies.
    pub backing_dir: PathBuf,
    /// Where PostgreSQL sees it.
    pub mount_dir: PathBuf,
    /// Whether it is mounted now.
    pub mounted: bool,
    /// Device number of the mount.
    pub device: Option<String>,
    /// Figures of the running store.
    pub stats: Option<cryptfs::Stats>,
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
    /// Tamper findings that are known: those of the journal and those since the agent started.
    pub n_tampers: u64,
    /// The first of them.
    pub tampers: Vec<Tamper>,
}

/// The TLS side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownTls {
    /// Whether connections over TCP must use TLS.
    pub require_secure_transport: bool,
    /// The lowest version that is spoken.
    pub min_protocol_version: String,
    /// Whose certificate it is.
    pub source: TlsSource,
    /// SHA-256 of the certificate, hex.
    pub fingerprint: Option<String>,
    /// When it ends.
    pub not_after: Option<Timestamp>,
    /// When pgkeep renews it; `None` for a certificate of the owner's own.
    pub renew_at: Option<Timestamp>,
}

/// Restarts that the agent made by itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownRestarts {
    /// How many since the agent started.
    pub n_restarts: u64,
    /// When the last one was.
    pub last_at: Option<Timestamp>,
    /// Why.
    pub last_cause: Option<String>,
}

/// Everything about one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Show {
    /// The name.
    pub name: ServerName,
    /// Random, never reused.
    pub id: String,
    /// State, reason and since when.
    #[serde(flatten)]
    pub state: StateRecord,
    /// What the owner wants.
    pub desired_state: DesiredState,
    /// TCP port.
    pub port: u16,
    /// Connection string for libpq, usable as it is.
    pub dsn: String,
    /// Major version of PostgreSQL.
    pub major_version: u32,
    /// When it was created.
    pub created_at: Timestamp,
    /// How it is encrypted.
    pub data_encryption: ShownEncryption,
    /// Where and how it is stored.
    pub storage: ShownStorage,
    /// How it is reached.
    pub tls: ShownTls,
    /// Restarts that the agent made by itself.
    pub restarts: ShownRestarts,
    /// What deserves attention, a sentence each.
    pub warnings: Vec<String>,
}

/// What the agent remembers besides the record; gone when it ends.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) tampers: VecDeque<Tamper>,
    pub(crate) n_tampers: u64,
    pub(crate) last_recovery: Option<Recovery>,
    pub(crate) restarts: ShownRestarts,
    pub(crate) device: Option<String>,
    pub(crate) stats: Option<cryptfs::Stats>,
    pub(crate) space: Option<Space>,
    pub(crate) soft_limit_bytes: Option<u64>,
    /// What is known of a key that the owner holds.
    pub(crate) key: Option<Verdict>,
    /// A wrapping anew that is under way or has failed.
    pub(crate) rewrap: Option<ShownRewrap>,
    /// Standing warnings by subject: a new one replaces the old one of the same subject.
    pub(crate) warnings: Vec<(&'static str, Vec<String>)>,
}

impl Facts {
    /// Takes a finding; false when the same unit is known already or the list is full.
    pub(crate) fn add_tamper(&mut self, tamper: Tamper) -> bool {
        self.n_tampers += 1;
        let known = self.tampers.iter().any(|t| t.file == tamper.file && t.unit == tamper.unit);
        if known || self.tampers.len() >= MAX_TAMPERS {
            return false;
        }
        self.tampers.push_back(tamper);
        true
    }

    /// Replaces what is said about `subject`; nothing takes it away. True when that changed.
    pub(crate) fn warn(&mut self, subject: &'static str, sentences: Vec<String>) -> bool {
        let before = self.warnings.iter().position(|(known, _)| *known == subject);
        match before {
            Some(at) if self.warnings[at].1 == sentences => return false,
            None if sentences.is_empty() => return false,
            Some(at) => drop(self.warnings.remove(at)),
            None => {}
        }
        if !sentences.is_empty() {
            self.warnings.push((subject, sentences));
        }
        true
    }

    fn all_warnings(&self) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        if self.n_tampers > 0 {
            all.push(format!(
                "the storage found {} read{} of data that is not what was written",
                self.n_tampers,
                if self.n_tampers == 1 { "" } else { "s" },
            ));
        }
        all.extend(self.warnings.iter().flat_map(|(_, sentences)| sentences.iter().cloned()));
        all.truncate(MAX_WARNINGS);
        all
    }
}

/// The connection string of the bootstrap role: TLS with full verification, password from file.
pub(crate) fn dsn(layout: &Layout, record: &ServerRecord) -> String {
    let ca = match record.tls.source {
        TlsSource::Internal => layout.internal_ca(),
        TlsSource::Own => layout.own_ca(),
    };
    let host = &record.tls.host;
    // Another name than localhost need not resolve on this machine: libpq verifies the name
    // and connects to the address.
    let address = if host == "localhost" { "" } else { "&hostaddr=127.0.0.1" };
    format!(
        "postgresql://postgres@{host}:{}/postgres?sslmode=verify-full&sslrootcert={}&passfile={}{}",
        record.port,
        escape(&ca.to_string_lossy()),
        escape(&layout.pgpass().to_string_lossy()),
        address,
    )
}

/// Percent-encodes what may not stand in a URI's query (RFC 3986), slashes left readable.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What is shown of the encryption.
fn encryption(record: &DataEncryption, facts: &Facts) -> ShownEncryption {
    let customer = record.customer.as_ref();
    ShownEncryption {
        mode: record.mode,
        key_uri: customer.map_or(&record.wrapped_key.key_id, |customer| &customer.key_uri).clone(),
        key_version: record.wrapped_key.key_version.clone(),
        identity: record.identity.clone(),
        last_validated_at: record.last_validated_at,
        customer: customer.map(|customer| {
            key::show(customer, &record.wrapped_key.algorithm, facts.key.as_ref(), &facts.rewrap)
        }),
    }
}

/// Puts record, state and facts together.
pub(crate) fn show(
    layout: &Layout,
    record: &ServerRecord,
    state: &StateRecord,
    facts: &Facts,
    mounted: bool,
) -> Show {
    let tls = &record.tls;
    let renew_at = match (tls.source, tls.not_before, tls.not_after) {
        (TlsSource::Internal, Some(begins), Some(ends)) => {
            Some(crate::certificate::renew_at(begins, ends))
        }
        _ => None,
    };
    Show {
        name: record.name.clone(),
        id: record.id.clone(),
        state: state.clone(),
        desired_state: record.desired_state,
        port: record.port,
        dsn: dsn(layout, record),
        major_version: record.postgres.major,
        created_at: record.created_at,
        data_encryption: encryption(&record.data_encryption, facts),
        storage: ShownStorage {
            engine: "cryptfs".to_owned(),
            backing_dir: layout.backing(),
            mount_dir: layout.mountpoint(),
            mounted,
            device: facts.device.clone().filter(|_| mounted),
            stats: facts.stats.filter(|_| mounted),
            size_bytes: facts.space.map(|space| space.size_bytes),
            free_bytes: facts.space.map(|space| space.free_bytes),
            soft_limit_bytes: facts.soft_limit_bytes,
            read_only_since: record.read_only_since,
            last_recovery: facts.last_recovery.clone(),
            n_tampers: facts.n_tampers,
            tampers: facts.tampers.iter().cloned().collect(),
        },
        tls: ShownTls {
            require_secure_transport: tls.require_secure_transport,
            min_protocol_version: tls.min_protocol_version.clone(),
            source: tls.source,
            fingerprint: tls.fingerprint.clone(),
            not_after: tls.not_after,
            renew_at,
        },
        restarts: facts.restarts.clone(),
        warnings: facts.all_warnings(),
    }
}

#[cfg(test)]
mod tests;
