//! Vaults, keys and versions as they are kept, and as they are shown.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use base::Secret;
use crypto::{KeySpec, PublicParts, VaultKey};
use serde::{Deserialize, Serialize};

use super::base64url;
use super::model::{
    Attributes, DeletedKeyBundle, DeletedKeyItem, JsonWebKey, KeyBundle, KeyItem, RotationPolicy,
    Tags,
};
use crate::ledger::Draft;
use crate::ring::Domain;
use crate::store::Address;
use crate::world::kind;

/// What is kept of a vault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VaultInfo {
    /// First label of its host name, lower case.
    pub name: String,
    /// Unix seconds.
    pub created: i64,
    /// How long a deleted key can be recovered: 7 to 90 days, fixed.
    pub retention_days: u32,
    /// Whether nobody may purge before that; cannot be undone.
    pub purge_protection: bool,
}

impl VaultInfo {
    /// Azure's word for how a deleted key can be brought back.
    pub(crate) fn recovery_level(&self) -> &'static str {
        match (self.retention_days < 90, self.purge_protection) {
            (false, false) => "Recoverable+Purgeable",
            (false, true) => "Recoverable",
            (true, false) => "CustomizedRecoverable+Purgeable",
            (true, true) => "CustomizedRecoverable",
        }
    }
}

/// A vault in memory.
pub(crate) struct VaultState {
    pub(crate) info: VaultInfo,
    pub(crate) domain: Arc<Domain>,
    /// By name in lower case: names are the same whatever their case.
    pub(crate) keys: BTreeMap<String, KeyState>,
}

impl VaultState {
    pub(crate) fn new(info: VaultInfo, domain: Arc<Domain>) -> Self {
        Self { info, domain, keys: BTreeMap::new() }
    }
}

/// A key and its versions, oldest first.
#[derive(Clone, Default)]
pub(crate) struct KeyState {
    pub(crate) record: KeyRecord,
    pub(crate) versions: Vec<Arc<Version>>,
}

/// What is kept of a key besides its versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    /// As it was written by whoever made it.
    pub(crate) name: String,
    pub(crate) deleted: Option<Deletion>,
    pub(crate) policy: Option<RotationPolicy>,
    /// The version whose coming expiry was recorded.
    #[serde(default)]
    pub(crate) noted_near: Option<String>,
    /// The version whose expiry was recorded.
    #[serde(default)]
    pub(crate) noted_expired: Option<String>,
}

/// When a key was deleted and when it goes for good, Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deletion {
    pub(crate) at: i64,
    pub(crate) purge_at: i64,
}

/// What is kept of a version besides the key itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    /// 32 hex digits.
    pub(crate) id: String,
    /// Counts the versions of a key; the greatest is the latest.
    pub(crate) ordinal: u64,
    /// Public parts alone.
    pub(crate) jwk: JsonWebKey,
    pub(crate) key_size: Option<u32>,
    pub(crate) key_ops: Vec<String>,
    pub(crate) enabled: bool,
    pub(crate) nbf: Option<i64>,
    pub(crate) exp: Option<i64>,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    pub(crate) tags: Option<Tags>,
    pub(crate) managed: bool,
}

/// A version in memory. Its key is parsed when it is first used.
#[derive(Clone)]
pub(crate) struct Version {
    pub(crate) record: VersionRecord,
    material: Arc<Material>,
}

/// A private key: as it is sealed, and parsed.
pub(crate) struct Material {
    sealable: Secret<Vec<u8>>,
    parsed: OnceLock<VaultKey>,
}

impl Material {
    /// Takes a parsed key.
    pub(crate) fn new(key: VaultKey) -> Result<Arc<Self>, crypto::Error> {
        let sealable = key.to_sealable()?;
        Ok(Arc::new(Self { sealable, parsed: OnceLock::from(key) }))
    }

    /// The key, ready for use.
    pub(crate) fn key(&self) -> Result<&VaultKey, crypto::Error> {
        if let Some(key) = self.parsed.get() {
            return Ok(key);
        }
        let key = VaultKey::from_sealable(self.sealable.expose())?;
        Ok(self.parsed.get_or_init(|| key))
    }
}

impl Version {
    pub(crate) fn new(record: VersionRecord, material: Arc<Material>) -> Self {
        Self { record, material }
    }

    /// The same key with other attributes.
    pub(crate) fn with(&self, record: VersionRecord) -> Self {
        Self { record, material: Arc::clone(&self.material) }
    }

    pub(crate) fn key(&self) -> Result<&VaultKey, crypto::Error> {
        self.material.key()
    }

    /// `len(JSON) as u32 ‖ JSON ‖ private key`.
    pub(crate) fn to_plain(&self) -> Secret<Vec<u8>> {
        let json = serde_json::to_vec(&self.record).expect("because a version is plain data");
        let length = u32::try_from(json.len()).expect("because a version is small");
        let sealable = self.material.sealable.expose();
        let mut plain = Secret::new(Vec::with_capacity(4 + json.len() + sealable.len()));
        plain.expose_mut().extend_from_slice(&length.to_be_bytes());
        plain.expose_mut().extend_from_slice(&json);
        plain.expose_mut().extend_from_slice(sealable);
        plain
    }

    /// Reads what [`Self::to_plain`] wrote.
    pub(crate) fn read(plain: &Secret<Vec<u8>>) -> Option<Self> {
        let (length, rest) = plain.expose().split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (json, sealable) = rest.split_at_checked(length)?;
        let record = serde_json::from_slice(json).ok()?;
        let sealable = Secret::new(sealable.to_vec());
        let material = Arc::new(Material { sealable, parsed: OnceLock::new() });
        Some(Self { record, material })
    }

    /// The record to be sealed.
    pub(crate) fn draft(&self, domain: &Domain, vault: &str, key: &str) -> Draft {
        Draft::put(version_address(vault, key, &self.record.id), domain, self.to_plain())
    }
}

impl KeyRecord {
    /// The record to be sealed.
    pub(crate) fn draft(&self, domain: &Domain, vault: &str, key: &str) -> Draft {
        let plain = serde_json::to_vec(self).expect("because a key's record is plain data");
        Draft::put(key_address(vault, key), domain, Secret::new(plain))
    }
}

impl KeyState {
    /// The newest version.
    pub(crate) fn latest(&self) -> Option<&Arc<Version>> {
        self.versions.last()
    }

    /// A version by its id; none means the newest.
    pub(crate) fn version(&self, id: Option<&str>) -> Option<&Arc<Version>> {
        match id {
            None | Some("") => self.latest(),
            Some(id) => {
                self.versions.iter().find(|version| version.record.id.eq_ignore_ascii_case(id))
            }
        }
    }

    /// Replaces the version of the same id, or adds one at the end.
    pub(crate) fn put(&mut self, version: Version) {
        let version = Arc::new(version);
        match self.versions.iter_mut().find(|known| known.record.id == version.record.id) {
            Some(known) => *known = version,
            None => self.versions.push(version),
        }
    }
}

/// `VAULT/key` in lower case.
pub(crate) fn key_address(vault: &str, key: &str) -> Address {
    Address::new(kind::KEY, &format!("{vault}/{key}"), "")
}

/// The version of a key.
pub(crate) fn version_address(vault: &str, key: &str, version: &str) -> Address {
    Address::new(kind::VERSION, &format!("{vault}/{key}"), version)
}

/// Public parts as JSON, and the size that the attributes show: none for curves.
pub(crate) fn jwk(key: &VaultKey) -> (JsonWebKey, Option<u32>) {
    let text = |bytes: &[u8]| Some(base64url::encode(bytes));
    match key.public() {
        PublicParts::Rsa { n, e } => {
            let jwk =
                JsonWebKey { kty: "RSA".into(), n: text(&n), e: text(&e), ..Default::default() };
            let bits = match key.spec() {
                KeySpec::Rsa { bits, .. } => Some(bits),
                _ => None,
            };
            (jwk, bits)
        }
        PublicParts::Ec { curve, x, y } => {
            let crv = Some(curve.to_string());
            let (x, y) = (text(&x), text(&y));
            (JsonWebKey { kty: "EC".into(), crv, x, y, ..Default::default() }, None)
        }
        PublicParts::Oct { bits } => {
            (JsonWebKey { kty: "oct".into(), ..Default::default() }, Some(bits))
        }
    }
}

/// How a key is shown: needs to know where its vault is.
pub(crate) struct Shown<'a> {
    /// `https://NAME.AUTHORITY`.
    pub(crate) uri: String,
    pub(crate) vault: &'a VaultInfo,
    pub(crate) key: &'a KeyRecord,
}

impl Shown<'_> {
    pub(crate) fn kid(&self, version: &VersionRecord) -> String {
        format!("{}/keys/{}/{}", self.uri, self.key.name, version.id)
    }

    fn base_id(&self) -> String {
        format!("{}/keys/{}", self.uri, self.key.name)
    }

    fn recovery_id(&self) -> String {
        format!("{}/deletedkeys/{}", self.uri, self.key.name)
    }

    fn attributes(&self, version: &VersionRecord) -> Attributes {
        Attributes {
            enabled: Some(version.enabled),
            nbf: version.nbf,
            exp: version.exp,
            created: Some(version.created),
            updated: Some(version.updated),
            recovery_level: Some(self.vault.recovery_level().to_owned()),
            recoverable_days: Some(self.vault.retention_days),
            exportable: Some(false),
            hsm_platform: Some("0".to_owned()),
            key_size: version.key_size,
        }
    }

    pub(crate) fn bundle(&self, version: &VersionRecord) -> KeyBundle {
        let key = JsonWebKey {
            kid: Some(self.kid(version)),
            key_ops: Some(version.key_ops.clone()),
            ..version.jwk.clone()
        };
        KeyBundle {
            key,
            attributes: self.attributes(version),
            tags: version.tags.clone(),
            managed: version.managed.then_some(true),
        }
    }

    pub(crate) fn deleted(&self, version: &VersionRecord, when: Deletion) -> DeletedKeyBundle {
        DeletedKeyBundle {
            bundle: self.bundle(version),
            recovery_id: self.recovery_id(),
            deleted_date: when.at,
            scheduled_purge_date: when.purge_at,
        }
    }

    /// An entry of the list of keys: no version in its id, the latest one's attributes.
    pub(crate) fn item(&self, latest: &VersionRecord) -> KeyItem {
        KeyItem { kid: self.base_id(), ..self.version_item(latest) }
    }

    /// An entry of the list of versions.
    pub(crate) fn version_item(&self, version: &VersionRecord) -> KeyItem {
        KeyItem {
            kid: self.kid(version),
            attributes: self.attributes(version),
            tags: version.tags.clone(),
            managed: version.managed.then_some(true),
        }
    }

    pub(crate) fn deleted_item(&self, latest: &VersionRecord, when: Deletion) -> DeletedKeyItem {
        DeletedKeyItem {
            item: self.item(latest),
            recovery_id: self.recovery_id(),
            deleted_date: when.at,
            scheduled_purge_date: when.purge_at,
        }
    }
}
