//! What is true of the whole installation, and shapes that all answers share.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// What to give as `after` for the next page; null at the end.
    #[schema(required)]
    pub next: Option<String>,
}

/// Says whether something was done; doing it twice is safe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// `changed` or `unchanged`.
    #[schema(value_type = String, example = "changed")]
    pub changed: base::Changed,
}

/// What is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct About {
    /// Always `pgkeep`.
    pub product: String,
    /// Its version.
    pub version: String,
    /// The version of the API.
    pub api_version: String,
    /// Where this installation lives.
    pub home: String,
    /// Where the portal is.
    pub url: Option<String>,
    /// Whether the portal is built in.
    pub portal: bool,
    /// Since when this process runs.
    pub started_at: Timestamp,
    /// The versions of PostgreSQL that were found on this machine.
    pub postgres: Vec<String>,
    /// The licence.
    pub licence: String,
}

/// The authority that clients trust.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ca {
    /// The certificate, PEM.
    pub pem: String,
    /// Its SHA-256, hex.
    pub fingerprint: String,
    /// Where it lies on this machine.
    pub file: String,
}

/// That the plane answers; what the servers do is another question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    pub status: String,
}

/// The document of `pgkeep status`, as far as the caller sees servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The vault.
    pub vault: StatusVault,
    /// The process that serves this.
    pub plane: PlaneStatus,
    /// The servers.
    pub servers: Vec<StatusServer>,
}

/// The vault, in brief.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusVault {
    /// `unsealed`, `sealed`, `uninitialized` or `unreachable`.
    pub state: String,
    /// Why.
    pub reason: Option<String>,
}

/// The plane, in brief.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlaneStatus {
    /// Where the portal is; null while it is not served.
    pub url: Option<String>,
    /// Why it is not.
    pub reason: String,
    /// The version that runs.
    pub version: String,
}

/// A server, in brief.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StatusServer {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: String,
    /// Why.
    pub state_reason: String,
    /// Since when.
    pub state_since: Timestamp,
    /// Its port.
    pub port: u16,
    /// Its connection string.
    pub dsn: Option<String>,
    /// What deserves attention.
    pub warnings: Vec<String>,
}
