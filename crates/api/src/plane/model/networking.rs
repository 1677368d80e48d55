//! Who may connect to a server, and what a change would do.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who may connect, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Networking {
    /// Whether connections over TCP must use TLS.
    pub require_secure_transport: bool,
    /// The lowest TLS version: `TLSv1.2` or `TLSv1.3`.
    pub min_protocol_version: String,
    /// Where PostgreSQL listens.
    pub listen_addresses: Vec<String>,
    /// The port.
    pub port: u16,
    /// Certificates of clients that are asked for; null when none is.
    pub client_certificates: Option<ClientCertificates>,
    /// The operator's own rules, in their order: these can be changed.
    pub rules: Vec<Rule>,
    /// Every rule in force, in the order in which PostgreSQL tries them; the first match decides.
    pub effective_rules: Vec<Rule>,
}

/// Client certificates that PostgreSQL asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificates {
    /// The authority that issued them, PEM.
    #[schema(max_length = 65536)]
    pub ca_pem: String,
    /// Whom they are asked of.
    pub rules: Vec<ClientCertificateRule>,
}

/// Whom a client certificate is asked of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificateRule {
    /// The database, or `all`.
    pub database: String,
    /// The role, or `all`.
    pub role: String,
}

/// How a rule lets a connection in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RuleKind {
    /// The unix socket.
    Local,
    /// TCP, with TLS or without.
    Host,
    /// TCP with TLS.
    #[default]
    HostSsl,
    /// TCP without TLS.
    HostNoSsl,
    /// TCP with GSSAPI encryption.
    HostGssEnc,
    /// TCP without GSSAPI encryption.
    HostNoGssEnc,
}

/// One line of `pg_hba.conf`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which connections.
    #[serde(rename = "type")]
    pub kind: RuleKind,
    /// To which databases, for example `all`.
    #[schema(max_length = 256)]
    pub database: String,
    /// As which roles, for example `all`.
    #[schema(max_length = 256)]
    pub role: String,
    /// From where: an address with its mask length, `all`, `samehost`; null for the unix socket.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub address: Option<String>,
    /// `scram-sha-256`, `cert`, `peer`, `reject`, …
    #[schema(max_length = 64)]
    pub method: String,
    /// Options of the method, for example `clientcert=verify-full`.
    #[serde(default)]
    #[schema(max_length = 256)]
    pub options: Option<String>,
    /// True for a rule that pgkeep writes and nobody changes.
    #[serde(default)]
    pub managed: bool,
}

/// What shall hold; what is left out stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NetworkingUpdate {
    /// Whether connections over TCP must use TLS.
    #[serde(default)]
    pub require_secure_transport: Option<bool>,
    /// The lowest TLS version: `TLSv1.2` or `TLSv1.3`.
    #[serde(default)]
    pub min_protocol_version: Option<String>,
    /// Where PostgreSQL listens; needs a restart.
    #[serde(default)]
    #[schema(max_items = 32)]
    pub listen_addresses: Option<Vec<String>>,
    /// The operator's own rules, all of them, in their order.
    #[serde(default)]
    #[schema(max_items = 256)]
    pub rules: Option<Vec<Rule>>,
}

/// What a change would do. Nothing was done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NetworkingPreview {
    /// What would be written, line by line.
    pub changes: Vec<Change>,
    /// Whom it would shut out, as far as that can be seen now.
    pub would_refuse: Vec<Refusal>,
    /// Whether it takes effect only with a restart.
    pub restart_needed: bool,
}

/// One line of the difference.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// `+` for a line that comes, `-` for one that goes, a blank for one that stays.
    pub sign: String,
    /// The line.
    pub text: String,
}

/// What is shut out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum RefusalKind {
    /// A session that is open now.
    #[default]
    Session,
    /// A rule that would never match any more.
    Rule,
    /// A role that could not sign in any more.
    Role,
}

/// One that would be shut out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refusal {
    /// What it is.
    pub kind: RefusalKind,
    /// Who: role, database, address and program of a session; a rule's line; a role.
    pub who: String,
    /// Why.
    pub why: String,
}
