//! How a process proves to be an identity.
//!
//! The user and the systemd unit of a process are believed, as the kernel and the socket's other
//! end say them; what a process says of itself is not.

use crypto::{constant_time_eq, sha256};
use serde::{Deserialize, Serialize};

use super::{ManagedIdentity, find};
use crate::Error;
use crate::keyvault::KeyVaults;

/// Which processes are an identity: every rule that is not empty must be met. Without any rule no
/// process is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// OS users, any of them.
    #[serde(default)]
    pub uids: Vec<u32>,
    /// systemd units, any of them.
    #[serde(default)]
    pub units: Vec<String>,
}

impl Attestation {
    /// Whether a process is the identity.
    pub fn admits(&self, peer: &Peer) -> bool {
        let uid = self.uids.is_empty() || self.uids.contains(&peer.uid);
        let unit = self.units.is_empty()
            || peer.unit.as_ref().is_some_and(|unit| self.units.contains(unit));
        uid && unit && !(self.uids.is_empty() && self.units.is_empty())
    }
}

/// The process at the other end of a unix socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Process id.
    pub pid: Option<u32>,
    /// OS user.
    pub uid: u32,
    /// OS group.
    pub gid: u32,
    /// The systemd unit, read while the process was known to be alive.
    pub unit: Option<String>,
}

/// Which identity a client asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// `client_id`.
    pub client_id: Option<String>,
    /// `object_id` or `principal_id`.
    pub object_id: Option<String>,
    /// `mi_res_id`.
    pub resource_id: Option<String>,
}

impl Selector {
    fn fits(&self, identity: &ManagedIdentity) -> bool {
        let same = |asked: &Option<String>, is: &str| {
            asked.as_ref().is_none_or(|asked| asked.eq_ignore_ascii_case(is))
        };
        same(&self.client_id, &identity.client_id)
            && same(&self.object_id, &identity.object_id)
            && same(&self.resource_id, &identity.resource_id())
    }
}

impl KeyVaults {
    /// The identity that a process is. Where several admit it, the client must say which.
    ///
    /// # Errors
    /// `Forbidden` when none admits the process, in the same words as when there is none.
    pub fn identity_of_peer(
        &self,
        peer: &Peer,
        selector: &Selector,
    ) -> Result<ManagedIdentity, Error> {
        let world = self.core.world()?;
        let mut fitting = world
            .identities
            .values()
            .map(|stored| &stored.identity)
            .filter(|i| i.enabled && i.attestation.admits(peer) && selector.fits(i));
        match (fitting.next(), fitting.next()) {
            (Some(identity), None) => Ok(identity.clone()),
            (Some(_), Some(_)) => Err(Error::BadRequest(
                "several identities admit this process: name one by client_id".to_owned(),
            )),
            (None, _) => Err(refused()),
        }
    }

    /// The identity that a header secret belongs to, if the client asks for none other.
    pub fn identity_of_header(
        &self,
        secret: &str,
        selector: &Selector,
    ) -> Result<ManagedIdentity, Error> {
        let world = self.core.world()?;
        let given = sha256(secret.as_bytes());
        let mut found = None;
        // Looks at all of them: the time says nothing about which it was.
        for stored in world.identities.values() {
            if constant_time_eq(&given, &sha256(stored.header.as_bytes())) {
                found = Some(&stored.identity);
            }
        }
        found
            .filter(|identity| identity.enabled && selector.fits(identity))
            .cloned()
            .ok_or_else(refused)
    }

    /// An identity by name, client id or object id, for the vault's own processes.
    pub fn identity_named(&self, name: &str) -> Result<ManagedIdentity, Error> {
        Ok(find(&*self.core.world()?, name)?.clone())
    }
}

fn refused() -> Error {
    Error::Forbidden("no identity is assigned to this caller".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_given_rule_must_be_met() {
        let peer = |uid, unit: Option<&str>| Peer {
            uid,
            unit: unit.map(str::to_owned),
            ..Peer::default()
        };
        let rule = |uids: &[u32], units: &[&str]| Attestation {
            uids: uids.to_vec(),
            units: units.iter().map(ToString::to_string).collect(),
        };
        assert!(!rule(&[], &[]).admits(&peer(0, Some("a.service"))), "no rule admits nobody");
        assert!(rule(&[5], &[]).admits(&peer(5, None)));
        assert!(!rule(&[5], &[]).admits(&peer(6, None)));
        assert!(rule(&[], &["a.service"]).admits(&peer(6, Some("a.service"))));
        assert!(!rule(&[], &["a.service"]).admits(&peer(6, None)));
        assert!(!rule(&[5], &["a.service"]).admits(&peer(5, Some("b.service"))));
        assert!(!rule(&[5], &["a.service"]).admits(&peer(6, Some("a.service"))));
        assert!(rule(&[5, 6], &["a.service"]).admits(&peer(6, Some("a.service"))));
    }
}
