//! What the record keeps of a key that the owner holds. No secret: keys only wrapped.

use std::time::Duration;

use base::{ExitCode, Fault};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{DataEncryption, WrappedKey};
use crate::customer::{KeyFailure, KeyReference};

/// A wrapped test value: shows that a key opens without opening the data key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// The value, wrapped by the same version as the data key.
    pub wrapped: WrappedKey,
    /// SHA-256 of the value, hex.
    pub digest: String,
}

/// The data key as one version of one key wraps it, with all that is needed to open it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrapping {
    /// Which key, and who asks.
    #[serde(flatten)]
    pub reference: KeyReference,
    /// What told the identity apart from another of the same name.
    pub principal: Option<String>,
    /// Which kind of vault.
    pub provider: String,
    /// Whether the address names the version: it is never left then.
    pub pinned: bool,
    /// The data key, wrapped; names the version.
    pub wrapped_key: WrappedKey,
    /// The test value.
    pub canary: Canary,
    /// When the data key was wrapped.
    pub wrapped_at: Timestamp,
}

/// How a key is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
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

impl Default for KeyPolicy {
    fn default() -> Self {
        Self { check_interval_s: 10, grace_s: 300, call_timeout_s: 5, leeway_s: 2 }
    }
}

impl KeyPolicy {
    /// Refuses what would make the watch blind or a nuisance.
    pub(crate) fn check(&self) -> Result<(), Fault> {
        for (name, value, range) in [
            ("check_interval_s", self.check_interval_s, 1..=600),
            ("grace_s", self.grace_s, 0..=3600),
            ("call_timeout_s", self.call_timeout_s, 1..=30),
            ("leeway_s", self.leeway_s, 0..=300),
        ] {
            if !range.contains(&value) {
                let (low, high) = (range.start(), range.end());
                return Err(Fault::new("bad_key_policy", format!("{name} must not be {value}"))
                    .detail(format!("{low} to {high} seconds are possible"))
                    .exit(ExitCode::Usage));
            }
        }
        Ok(())
    }

    pub(crate) fn check_interval(&self) -> Duration {
        Duration::from_secs(self.check_interval_s.into())
    }

    pub(crate) fn grace(&self) -> Duration {
        Duration::from_secs(self.grace_s.into())
    }

    pub(crate) fn call_timeout(&self) -> Duration {
        Duration::from_secs(self.call_timeout_s.into())
    }

    pub(crate) fn leeway(&self) -> Duration {
        Duration::from_secs(self.leeway_s.into())
    }
}

/// That the key was lost; kept so that the next agent does not forget it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyLoss {
    /// Since when.
    pub since: Timestamp,
    /// Why, as the state's reason says it.
    pub reason: String,
    /// The failure that made it so.
    pub failure: KeyFailure,
}

/// A key of the owner's; beside what [`DataEncryption`] holds for every server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerManaged {
    /// The address of the key as it was given.
    pub key_uri: String,
    /// What told the identity apart from another of the same name.
    pub principal: Option<String>,
    /// Which kind of vault.
    pub provider: String,
    /// Whether the address names the version.
    pub pinned: bool,
    /// The test value.
    pub canary: Canary,
    /// When the data key was wrapped.
    pub wrapped_at: Timestamp,
    /// Another wrapping of the data key, of which it is not proved yet that both hold the same.
    #[serde(default)]
    pub candidate: Option<Wrapping>,
    /// How the key is watched.
    #[serde(default)]
    pub policy: KeyPolicy,
    /// Set while the key is lost.
    #[serde(default)]
    pub lost: Option<KeyLoss>,
}

impl DataEncryption {
    /// The wrapping that counts, of a key that the owner holds.
    pub(crate) fn wrapping(&self) -> Option<Wrapping> {
        let customer = self.customer.as_ref()?;
        Some(Wrapping {
            reference: KeyReference {
                key_uri: customer.key_uri.clone(),
                identity: self.identity.clone(),
            },
            principal: customer.principal.clone(),
            provider: customer.provider.clone(),
            pinned: customer.pinned,
            wrapped_key: self.wrapped_key.clone(),
            canary: customer.canary.clone(),
            wrapped_at: customer.wrapped_at,
        })
    }

    /// Makes `wrapping` the one that counts, and leaves the rest as it is.
    pub(crate) fn adopt(&mut self, wrapping: Wrapping) {
        let Some(customer) = &mut self.customer else { return };
        customer.key_uri = wrapping.reference.key_uri;
        customer.principal = wrapping.principal;
        customer.provider = wrapping.provider;
        customer.pinned = wrapping.pinned;
        customer.canary = wrapping.canary;
        customer.wrapped_at = wrapping.wrapped_at;
        self.identity = wrapping.reference.identity;
        self.wrapped_key = wrapping.wrapped_key;
    }

    /// Puts the candidate in the place of the wrapping that counts, and that one in its place.
    pub(crate) fn exchange(&mut self) {
        let before = self.wrapping();
        let candidate = self.customer.as_mut().and_then(|customer| customer.candidate.take());
        if let Some(candidate) = candidate {
            self.adopt(candidate);
            if let Some(customer) = &mut self.customer {
                customer.candidate = before;
            }
        }
    }

    /// The wrapping of which nothing is proved yet.
    pub(crate) fn candidate(&self) -> Option<&Wrapping> {
        self.customer.as_ref().and_then(|customer| customer.candidate.as_ref())
    }
}
