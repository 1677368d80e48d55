//! What pgkeep decides about one cluster, kept in the data directory (and so inside the mount).
//!
//! `pg_hba.conf` and `pgkeep.conf` are made from it; nothing here is secret.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Cluster, Error, FirewallRule, Result, file};

/// The decisions that PostgreSQL has no parameter for.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The version of this file's format.
    pub format: u32,
    /// Whether TCP connections without TLS are refused.
    pub require_secure_transport: bool,
    /// Who must show a client certificate; nobody when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificates: Option<ClientCertificates>,
    /// Who may connect, where the owner has said so; everybody with a password when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firewall: Option<Vec<FirewallRule>>,
    /// Present while the server was made read-only by us.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_only: Option<ReadOnlyMemory>,
}

/// Client certificates that are asked for, beside the password.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificates {
    /// The certificates of the authorities that issue them, PEM.
    pub ca_pem: String,
    /// Who must show one.
    pub rules: Vec<ClientCertificateRule>,
}

/// One line of `pg_hba.conf` with `clientcert=verify-full`: the certificate names the role.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificateRule {
    /// A database, or `all`.
    pub database: String,
    /// A role, or `all`.
    pub role: String,
}

/// What `default_transaction_read_only` was before we set it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReadOnlyMemory {
    /// The value in `postgresql.auto.conf`, if there was one.
    pub previous: Option<String>,
}

const FORMAT: u32 = 1;

impl Default for Policy {
    fn default() -> Self {
        Self {
            format: FORMAT,
            require_secure_transport: true,
            client_certificates: None,
            firewall: None,
            read_only: None,
        }
    }
}

impl Cluster {
    fn policy_path(&self) -> PathBuf {
        self.data_dir.join("pgkeep.json")
    }

    /// Reads the policy; the default one when there is none, an error when it cannot be read.
    pub fn policy(&self) -> Result<Policy> {
        let path = self.policy_path();
        let Some(bytes) = file::read(&path)? else { return Ok(Policy::default()) };
        let policy: Policy = serde_json::from_slice(&bytes)
            .map_err(|error| Error::Damaged { path: path.clone(), detail: error.to_string() })?;
        if policy.format != FORMAT {
            let detail = format!("format {} is not known", policy.format);
            return Err(Error::Damaged { path, detail });
        }
        Ok(policy)
    }

    pub(crate) fn save_policy(&self, policy: &Policy) -> Result<()> {
        let bytes = serde_json::to_vec_pretty(policy).expect("because it holds only plain values");
        let _ = file::replace(&self.policy_path(), &bytes, &self.run_as)?;
        Ok(())
    }
}
