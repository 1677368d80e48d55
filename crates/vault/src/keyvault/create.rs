//! New keys and new versions: create and import.

use std::sync::Arc;

use crypto::{Curve, KeySpec, PrivateParts, RSA_PUBLIC_EXPONENT, VaultKey};
use zeroize::Zeroizing;

use super::call::Request;
use super::model::{
    Attributes, ImportParameters, JsonWebKey, KeyParameters, PrivateField, Refusal, Reply, Tags,
};
use super::state::{KeyRecord, Material, Shown, Version, VersionRecord, jwk};
use super::{KeyVaults, base64url, refusals};
use crate::core::Planned;

const TAGS_MAX: usize = 15;
const TAG_MAX_CHARS: usize = 256;
/// The last second of the year 9999.
const TIME_MAX: i64 = 253_402_300_799;
/// Limits of one installation, far above Azure's advice.
const KEYS_MAX: usize = 100_000;
const VERSIONS_MAX: usize = 1_000;
/// Words of `key_ops` that may be asked for.
const KEY_OPS: [&str; 8] =
    ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey", "import", "export"];

/// A key that was made or read, not yet anybody's.
pub(super) struct NewKey {
    pub(super) material: Arc<Material>,
    pub(super) jwk: JsonWebKey,
    pub(super) key_size: Option<u32>,
    pub(super) key_ops: Vec<String>,
    pub(super) attributes: Attributes,
    pub(super) tags: Option<Tags>,
    pub(super) managed: bool,
}

impl NewKey {
    /// Makes the key that `parameters` ask for; RSA takes its time.
    pub(super) fn create(parameters: &KeyParameters) -> Result<Self, Refusal> {
        if parameters.release_policy.is_some() {
            return Err(no_release());
        }
        let spec = spec(parameters)?;
        let ops = key_ops(parameters.key_ops.as_deref(), &spec)?;
        check_attributes(parameters.attributes.as_ref())?;
        check_tags(parameters.tags.as_ref())?;
        let key = generate(&spec)?;
        Self::new(key, ops, parameters.attributes.clone(), parameters.tags.clone())
    }

    /// Reads a key from outside.
    pub(super) fn import(parameters: &ImportParameters) -> Result<Self, Refusal> {
        if parameters.release_policy.is_some() {
            return Err(no_release());
        }
        if parameters.hsm == Some(true) || parameters.key.key_hsm.is_some() {
            return Err(no_hsm(&parameters.key.kty));
        }
        check_attributes(parameters.attributes.as_ref())?;
        check_tags(parameters.tags.as_ref())?;
        let key = read(&parameters.key)?;
        let ops = key_ops(parameters.key.key_ops.as_deref(), &key.spec())?;
        Self::new(key, ops, parameters.attributes.clone(), parameters.tags.clone())
    }

    pub(super) fn new(
        key: VaultKey,
        key_ops: Vec<String>,
        attributes: Option<Attributes>,
        tags: Option<Tags>,
    ) -> Result<Self, Refusal> {
        let (jwk, key_size) = jwk(&key);
        let material = Material::new(key).map_err(library)?;
        let attributes = attributes.unwrap_or_default();
        Ok(Self { material, jwk, key_size, key_ops, attributes, tags, managed: false })
    }

    fn into_version(self, id: String, ordinal: u64, now: i64) -> Version {
        let record = VersionRecord {
            id,
            ordinal,
            jwk: self.jwk,
            key_size: self.key_size,
            key_ops: self.key_ops,
            enabled: self.attributes.enabled.unwrap_or(true),
            nbf: self.attributes.nbf,
            exp: self.attributes.exp,
            created: now,
            updated: now,
            tags: self.tags,
            managed: self.managed,
        };
        Version::new(record, self.material)
    }
}

impl KeyVaults {
    /// Fails early, before a key is made in vain.
    pub(super) fn may_be_made(&self, request: &Request<'_>, name: &str) -> Result<(), Refusal> {
        let world = self.core.world()?;
        let vault = world
            .vaults
            .get(request.vault)
            .ok_or_else(|| refusals::vault_not_found(request.vault))?;
        let limit = |what: &str, n: usize| {
            refusals::bad(format!("There are {n} {what} already: more are not taken."))
        };
        match vault.keys.get(&name.to_ascii_lowercase()) {
            Some(key) if key.record.deleted.is_some() => {
                Err(refusals::deleted_but_recoverable(name))
            }
            Some(key) if key.versions.len() >= VERSIONS_MAX => Err(limit("versions", VERSIONS_MAX)),
            None if vault.keys.len() >= KEYS_MAX => Err(limit("keys", KEYS_MAX)),
            _ => Ok(()),
        }
    }

    /// Adds a version, and the key where there is none of this name.
    pub(super) fn new_version(
        &self,
        request: &Request<'_>,
        name: &str,
        key: NewKey,
    ) -> Result<Planned<Reply>, Refusal> {
        self.may_be_made(request, name)?;
        let world = self.core.world()?;
        let vault = world
            .vaults
            .get(request.vault)
            .ok_or_else(|| refusals::vault_not_found(request.vault))?;
        let lower = name.to_ascii_lowercase();
        let known = vault.keys.get(&lower);
        let ordinal = known.and_then(|k| k.latest()).map_or(1, |latest| latest.record.ordinal + 1);
        let version = key.into_version(self.core.random_hex::<16>(), ordinal, request.now);
        let record = known.map_or_else(
            || KeyRecord { name: name.to_owned(), ..KeyRecord::default() },
            |known| known.record.clone(),
        );
        let mut drafts = vec![version.draft(&vault.domain, request.vault, &lower)];
        if known.is_none() {
            drafts.push(record.draft(&vault.domain, request.vault, &lower));
        }
        let shown = Shown { uri: self.uri_of(request.vault), vault: &vault.info, key: &record };
        let reply = Reply::Key(Box::new(shown.bundle(&version.record)));
        let vault = request.vault.to_owned();
        Ok(Planned::change(reply, drafts, move |world| {
            if let Some(vault) = world.vaults.get_mut(&vault) {
                let key = vault.keys.entry(lower).or_default();
                key.record = record;
                key.put(version);
            }
        }))
    }
}

/// Makes a key.
pub(super) fn generate(spec: &KeySpec) -> Result<VaultKey, Refusal> {
    VaultKey::generate(spec).map_err(|e| match e {
        crypto::Error::UnsupportedKey => {
            refusals::bad("The key size or public exponent is not supported.")
        }
        e => library(e),
    })
}

fn library(_: crypto::Error) -> Refusal {
    refusals::internal("The key could not be made.")
}

fn no_release() -> Refusal {
    refusals::bad("A release policy is not supported: there is no attested environment here.")
}

fn no_hsm(kty: &str) -> Refusal {
    refusals::bad(format!("The key type {kty} needs an HSM, which this vault does not have."))
}

fn spec(parameters: &KeyParameters) -> Result<KeySpec, Refusal> {
    let size = parameters.key_size;
    match parameters.kty.as_str() {
        "RSA" => {
            let bits = size.unwrap_or(2048);
            if ![2048, 3072, 4096].contains(&bits) {
                return Err(refusals::bad(format!("The RSA key size {bits} is not supported.")));
            }
            let e = parameters.public_exponent.unwrap_or(u64::from(RSA_PUBLIC_EXPONENT));
            let public_exponent = u32::try_from(e)
                .map_err(|_| refusals::bad("The public exponent is not supported."))?;
            Ok(KeySpec::Rsa { bits, public_exponent })
        }
        "EC" => {
            let name = parameters.crv.as_deref().unwrap_or("P-256");
            curve(name).map(KeySpec::Ec)
        }
        "oct" => {
            let bits = size.unwrap_or(256);
            if ![128, 192, 256].contains(&bits) {
                return Err(refusals::bad(format!("The oct key size {bits} is not supported.")));
            }
            Ok(KeySpec::Oct { bits })
        }
        hsm @ ("RSA-HSM" | "EC-HSM" | "oct-HSM") => Err(no_hsm(hsm)),
        other => Err(unknown_kty(other)),
    }
}

fn unknown_kty(kty: &str) -> Refusal {
    let shown: String = kty.chars().take(32).collect();
    refusals::bad(format!("Property kty has invalid value: {shown}"))
}

fn curve(name: &str) -> Result<Curve, Refusal> {
    name.parse().map_err(|_| {
        let shown: String = name.chars().take(32).collect();
        refusals::bad(format!("Property crv has invalid value: {shown}"))
    })
}

/// The operations asked for, or all that fit the type of key.
pub(super) fn key_ops(asked: Option<&[String]>, spec: &KeySpec) -> Result<Vec<String>, Refusal> {
    let words: &[&str] = match spec {
        KeySpec::Rsa { .. } => &KEY_OPS[..6],
        KeySpec::Ec(_) => &["sign", "verify"],
        KeySpec::Oct { .. } => &["encrypt", "decrypt", "wrapKey", "unwrapKey"],
    };
    let Some(asked) = asked else {
        return Ok(words.iter().map(ToString::to_string).collect());
    };
    check_key_ops(asked)?;
    let mut ops: Vec<String> = Vec::new();
    for op in asked {
        if !ops.contains(op) {
            ops.push(op.clone());
        }
    }
    Ok(ops)
}

pub(super) fn check_key_ops(asked: &[String]) -> Result<(), Refusal> {
    if asked.iter().any(|op| op == "export") {
        return Err(refusals::bad("A key of this vault cannot be exported."));
    }
    match asked.iter().find(|op| !KEY_OPS.contains(&op.as_str())) {
        None => Ok(()),
        Some(op) => {
            let shown: String = op.chars().take(32).collect();
            Err(refusals::bad(format!("Property key_ops has invalid value: {shown}")))
        }
    }
}

pub(super) fn check_attributes(attributes: Option<&Attributes>) -> Result<(), Refusal> {
    let Some(attributes) = attributes else { return Ok(()) };
    if attributes.exportable == Some(true) {
        return Err(refusals::bad("A key of this vault cannot be exported."));
    }
    for (name, value) in [("nbf", attributes.nbf), ("exp", attributes.exp)] {
        if value.is_some_and(|value| !(0..=TIME_MAX).contains(&value)) {
            return Err(refusals::bad(format!("Property {name} is no time in Unix seconds.")));
        }
    }
    match (attributes.nbf, attributes.exp) {
        (Some(nbf), Some(exp)) if exp <= nbf => {
            Err(refusals::bad("Property exp must be later than nbf."))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_tags(tags: Option<&Tags>) -> Result<(), Refusal> {
    let Some(tags) = tags else { return Ok(()) };
    let long = |text: &str| text.chars().count() > TAG_MAX_CHARS;
    if tags.len() > TAGS_MAX || tags.iter().any(|(name, value)| long(name) || long(value)) {
        return Err(refusals::bad(format!(
            "A key has at most {TAGS_MAX} tags of {TAG_MAX_CHARS} characters each."
        )));
    }
    Ok(())
}

/// Reads a private key from JSON (RFC 7518, section 6).
fn read(key: &JsonWebKey) -> Result<VaultKey, Refusal> {
    let public = |name: &str, field: &Option<String>| decoded(name, field.as_deref());
    let private = |name: &str, field: &Option<PrivateField>| {
        decoded(name, field.as_ref().map(|field| field.0.as_str()))
    };
    let imported = match key.kty.as_str() {
        "RSA" => {
            let (n, e) = (public("n", &key.n)?, public("e", &key.e)?);
            let d = private("d", &key.d)?;
            let (p, q) = (private("p", &key.p)?, private("q", &key.q)?);
            let (dp, dq) = (private("dp", &key.dp)?, private("dq", &key.dq)?);
            let qi = private("qi", &key.qi)?;
            VaultKey::import(&PrivateParts::Rsa {
                n: &n,
                e: &e,
                d: &d,
                p: &p,
                q: &q,
                dp: &dp,
                dq: &dq,
                qi: &qi,
            })
        }
        "EC" => {
            let curve = curve(key.crv.as_deref().unwrap_or_default())?;
            let (x, y) = (public("x", &key.x)?, public("y", &key.y)?);
            let d = private("d", &key.d)?;
            VaultKey::import(&PrivateParts::Ec { curve, x: &x, y: &y, d: &d })
        }
        "oct" => VaultKey::import(&PrivateParts::Oct { k: &private("k", &key.k)? }),
        hsm @ ("RSA-HSM" | "EC-HSM" | "oct-HSM") => return Err(no_hsm(hsm)),
        other => return Err(unknown_kty(other)),
    };
    imported.map_err(|e| match e {
        crypto::Error::UnsupportedKey => {
            refusals::bad("The key size, curve or public exponent is not supported.")
        }
        _ => refusals::bad("The key is malformed, or its parts do not fit each other."),
    })
}

fn decoded(name: &str, text: Option<&str>) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    let text =
        text.ok_or_else(|| refusals::bad(format!("Property {name} of the key is missing")))?;
    base64url::decode(text)
        .ok_or_else(|| refusals::bad(format!("Property {name} of the key is not base64url")))
}
