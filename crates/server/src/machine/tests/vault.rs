//! A simulated vault of an owner: keys with versions, identities with and without a role.
//!
//! It behaves as the real ones do where that is a trap: it unwraps outside the validity dates,
//! shows disabled keys to readers, and wraps with them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use crypto::DataKey;
use jiff::Timestamp;
use tokio::sync::watch;

use super::sim::Sim;
use crate::customer::{CustomerKey, CustomerKeys, KeyCause, KeyFailure, KeyReference, KeyState};
use crate::record::WrappedKey;

/// The address of the key that is there from the beginning.
pub(super) const KEY: &str = "https://hr.vault/keys/db";

/// One version of a key.
#[derive(Clone)]
pub(super) struct Version {
    pub(super) name: String,
    pub(super) enabled: bool,
    pub(super) not_before: Option<Timestamp>,
    pub(super) expires: Option<Timestamp>,
    pub(super) deleted: bool,
}

/// What a test does in the midst of something.
pub(super) type Hook = Box<dyn FnOnce(&Vault) + Send>;

/// An identity.
struct Identity {
    principal: String,
    has_role: bool,
}

/// The vault's content and what the test wants of it.
pub(super) struct Vault {
    keys: Mutex<HashMap<String, Vec<Version>>>,
    identities: Mutex<HashMap<String, Identity>>,
    /// Every call fails like this.
    pub(super) failing: Mutex<Option<KeyFailure>>,
    /// Calls that begin like this, for example `unwrap 2`, take so long.
    pub(super) takes: Mutex<Option<(&'static str, Duration)>>,
    /// Whether answers tell the vault's time.
    pub(super) tells_time: Mutex<bool>,
    /// Every unwrap of a test value gives another value.
    pub(super) garbles: Mutex<bool>,
    /// The calls, by name and version.
    calls: Mutex<Vec<String>>,
    /// Done once, when a call that begins like this arrives.
    pub(super) on_call: Mutex<Option<(&'static str, Hook)>>,
    changes: watch::Sender<u64>,
    heard: Mutex<u64>,
    /// Whether changes are told.
    pub(super) tells_changes: Mutex<bool>,
}

impl Default for Vault {
    fn default() -> Self {
        let identity = Identity { principal: "principal of hr".to_owned(), has_role: true };
        Self {
            keys: Mutex::new(HashMap::from([("db".to_owned(), vec![version("1")])])),
            identities: Mutex::new(HashMap::from([("hr".to_owned(), identity)])),
            failing: Mutex::default(),
            takes: Mutex::default(),
            tells_time: Mutex::default(),
            garbles: Mutex::default(),
            calls: Mutex::default(),
            on_call: Mutex::default(),
            changes: watch::Sender::new(0),
            heard: Mutex::default(),
            tells_changes: Mutex::new(true),
        }
    }
}

fn version(name: &str) -> Version {
    let name = name.to_owned();
    Version { name, enabled: true, not_before: None, expires: None, deleted: false }
}

impl Vault {
    /// Tells that something has changed.
    pub(super) fn push(&self) {
        if *self.tells_changes.lock().unwrap() {
            self.changes.send_modify(|n| *n += 1);
        }
    }

    /// Changes one version of the key `db`.
    pub(super) fn change(&self, name: &str, change: impl FnOnce(&mut Version)) {
        let mut keys = self.keys.lock().unwrap();
        let versions = keys.get_mut("db").unwrap();
        change(versions.iter_mut().find(|version| version.name == name).unwrap());
        drop(keys);
        self.push();
    }

    pub(super) fn enable(&self, name: &str, enabled: bool) {
        self.change(name, |version| version.enabled = enabled);
    }

    /// Adds a version to a key, or makes the key.
    pub(super) fn rotate(&self, key: &str, name: &str) {
        self.keys.lock().unwrap().entry(key.to_owned()).or_default().push(version(name));
        self.push();
    }

    pub(super) fn role(&self, identity: &str, has_role: bool) {
        self.identities.lock().unwrap().get_mut(identity).unwrap().has_role = has_role;
        self.push();
    }

    /// Makes an identity, also in the place of another one of its name; `None` removes it.
    pub(super) fn identity(&self, name: &str, principal: Option<&str>) {
        let mut identities = self.identities.lock().unwrap();
        identities.remove(name);
        if let Some(principal) = principal {
            let principal = principal.to_owned();
            identities.insert(name.to_owned(), Identity { principal, has_role: true });
        }
        drop(identities);
        self.push();
    }

    pub(super) fn fail(&self, failure: Option<KeyFailure>) {
        *self.failing.lock().unwrap() = failure;
    }

    /// The calls since the last time.
    pub(super) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    async fn call(&self, name: &'static str, version: &str) -> Result<(), KeyFailure> {
        let call = format!("{name} {version}").trim_end().to_owned();
        self.calls.lock().unwrap().push(call.clone());
        let takes = self.takes.lock().unwrap().filter(|(slow, _)| call.starts_with(slow));
        if let Some((_, takes)) = takes {
            tokio::time::sleep(takes).await;
        }
        let hook = self.on_call.lock().unwrap().take_if(|(awaited, _)| call.starts_with(*awaited));
        if let Some((_, hook)) = hook {
            hook(self);
        }
        self.failing.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

/// A key as one identity sees it.
pub(super) struct SimKey {
    sim: Sim,
    name: String,
    pinned: Option<String>,
    identity: String,
    principal: String,
}

impl SimKey {
    /// The version, for an identity that may see it.
    fn find(&self, wanted: Option<&str>) -> Result<Version, KeyFailure> {
        let vault = &self.sim.0.vault;
        let identities = vault.identities.lock().unwrap();
        // The token of an identity that is gone is refused, whatever name it has.
        let identity = identities.get(&self.identity).filter(|i| i.principal == self.principal);
        let Some(identity) = identity else {
            return Err(KeyFailure::new(KeyCause::Unauthorized, "").answered(401, None));
        };
        if !identity.has_role {
            let failure = KeyFailure::new(KeyCause::Forbidden, "");
            return Err(failure.answered(403, Some("ForbiddenByRbac")));
        }
        let keys = vault.keys.lock().unwrap();
        let versions = keys.get(&self.name).map_or(&[][..], |versions| versions);
        let found = match wanted {
            Some(wanted) => versions.iter().find(|version| version.name == wanted),
            None => versions.last(),
        };
        found.filter(|version| !version.deleted).cloned().ok_or_else(|| {
            KeyFailure::new(KeyCause::NotFound, "").answered(404, Some("KeyNotFound"))
        })
    }

    fn told(&self, version: Version) -> KeyState {
        let tells_time = *self.sim.0.vault.tells_time.lock().unwrap();
        KeyState {
            version: version.name,
            enabled: version.enabled,
            not_before: version.not_before,
            expires: version.expires,
            as_of: tells_time.then(|| self.sim.0.true_time()),
        }
    }
}

/// Not a cipher: enough to tell by which version of which key something was wrapped.
fn mask(key: &str, version: &str) -> u8 {
    key.bytes().chain(version.bytes()).fold(17, |sum, byte| sum.wrapping_mul(31) ^ byte)
}

impl CustomerKeys for Sim {
    type Key = SimKey;

    async fn open(&self, reference: &KeyReference) -> Result<SimKey, KeyFailure> {
        let parts: Vec<_> = reference.key_uri.split('/').collect();
        let (name, pinned) = match parts[..] {
            [_, _, _, "keys", name] => (name.to_owned(), None),
            [_, _, _, "keys", name, version] => (name.to_owned(), Some(version.to_owned())),
            _ => return Err(KeyFailure::new(KeyCause::NotFound, "no address of a key")),
        };
        let identities = self.0.vault.identities.lock().unwrap();
        let Some(identity) = identities.get(&reference.identity) else {
            return Err(KeyFailure::new(KeyCause::IdentityUnknown, ""));
        };
        let principal = identity.principal.clone();
        Ok(SimKey {
            sim: self.clone(),
            name,
            pinned,
            identity: reference.identity.clone(),
            principal,
        })
    }

    async fn pushed(&self, _reference: &KeyReference) {
        let vault = &self.0.vault;
        let mut changes = vault.changes.subscribe();
        let heard = *vault.heard.lock().unwrap();
        let seen = *changes.wait_for(|n| *n > heard).await.unwrap();
        *vault.heard.lock().unwrap() = seen;
    }
}

impl CustomerKey for SimKey {
    fn provider(&self) -> String {
        "simulated".to_owned()
    }

    fn pinned_version(&self) -> Option<String> {
        self.pinned.clone()
    }

    fn principal(&self) -> Option<String> {
        Some(self.principal.clone())
    }

    async fn newest(&self) -> Result<KeyState, KeyFailure> {
        self.sim.0.vault.call("newest", "").await?;
        Ok(self.told(self.find(self.pinned.as_deref())?))
    }

    async fn state(&self, version: &str) -> Result<KeyState, KeyFailure> {
        self.sim.0.vault.call("state", version).await?;
        Ok(self.told(self.find(Some(version))?))
    }

    async fn wrap(&self, key: &DataKey) -> Result<WrappedKey, KeyFailure> {
        self.sim.0.vault.call("wrap", "").await?;
        let version = self.find(self.pinned.as_deref())?.name;
        let mask = mask(&self.name, &version);
        Ok(WrappedKey {
            key_id: format!("https://hr.vault/keys/{}/{version}", self.name),
            key_version: version,
            algorithm: "RSA-OAEP-256".to_owned(),
            value: hex::encode(key.expose().map(|byte| byte ^ mask)),
        })
    }

    async fn unwrap(&self, wrapped: &WrappedKey) -> Result<DataKey, KeyFailure> {
        let vault = &self.sim.0.vault;
        vault.call("unwrap", &wrapped.key_version).await?;
        let version = self.find(Some(&wrapped.key_version))?;
        if !version.enabled {
            let failure = KeyFailure::new(KeyCause::Disabled, "");
            return Err(failure.answered(403, Some("KeyDisabled")));
        }
        let mask = mask(&self.name, &version.name);
        let mut key = [0; 32];
        hex::decode_to_slice(&wrapped.value, &mut key).unwrap();
        let garbled = u8::from(*vault.garbles.lock().unwrap());
        key.iter_mut().for_each(|byte| *byte ^= mask ^ garbled);
        Ok(DataKey::take(&mut key))
    }
}
