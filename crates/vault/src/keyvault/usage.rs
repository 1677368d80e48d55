//! Encrypt, decrypt, wrap, unwrap, sign, verify, random bytes. No lock is held while a key works.

use std::str::FromStr;
use std::sync::Arc;

use base::Secret;
use crypto::{EncryptionAlg, SignatureAlg, VaultKey};

use super::call::Request;
use super::change::{living, vault_of};
use super::model::{Operation, OperationResult, Refusal, Reply, Verification};
use super::state::{Shown, Version, VersionRecord};
use super::{KeyVaults, refusals};

/// Clocks differ: so much before nbf and after exp a key still works.
const LEEWAY_SECONDS: i64 = 300;
/// No input is longer.
const VALUE_MAX_BYTES: usize = 64 * 1024;
const RANDOM_MAX_BYTES: u32 = 128;

/// What a key is to do; the word is that of `key_ops`.
#[derive(Clone, Copy)]
struct Usage {
    word: &'static str,
    /// Whether it still works outside nbf and exp.
    always: bool,
}

const ENCRYPT: Usage = Usage { word: "encrypt", always: false };
const DECRYPT: Usage = Usage { word: "decrypt", always: true };
const WRAP: Usage = Usage { word: "wrapKey", always: false };
const UNWRAP: Usage = Usage { word: "unwrapKey", always: true };
const SIGN: Usage = Usage { word: "sign", always: false };
const VERIFY: Usage = Usage { word: "verify", always: true };

impl Usage {
    fn check(self, version: &VersionRecord, now: i64) -> Result<(), Refusal> {
        if !version.enabled {
            return Err(refusals::disabled(self.word));
        }
        if !version.key_ops.iter().any(|op| op == self.word) {
            return Err(refusals::operation_not_permitted(self.word));
        }
        if self.always {
            return Ok(());
        }
        if version.nbf.is_some_and(|nbf| now < nbf - LEEWAY_SECONDS) {
            return Err(refusals::not_yet_valid(self.word));
        }
        if version.exp.is_some_and(|exp| now >= exp + LEEWAY_SECONDS) {
            return Err(refusals::expired(self.word));
        }
        Ok(())
    }
}

impl KeyVaults {
    pub(super) fn encrypt(
        &self,
        request: &Request<'_>,
        name: &str,
        version: Option<&str>,
        asked: &Operation,
    ) -> Result<Reply, Refusal> {
        let (kid, version) = self.usable(request, name, version, ENCRYPT)?;
        let alg: EncryptionAlg = asked_for(asked)?;
        let (iv, aad) = (asked.iv.as_deref(), asked.aad.as_deref());
        let made =
            parsed(&version)?.encrypt(alg, asked.value.expose(), iv, aad).map_err(refused)?;
        let value = Secret::new(made.value);
        let (iv, tag, aad) = (made.iv, made.tag, asked.aad.clone());
        Ok(Reply::Result(OperationResult { kid, value, iv, tag, aad }))
    }

    pub(super) fn decrypt(
        &self,
        request: &Request<'_>,
        name: &str,
        version: Option<&str>,
        asked: &Operation,
    ) -> Result<Reply, Refusal> {
        let (iv, aad, tag) = (asked.iv.as_deref(), asked.aad.as_deref(), asked.tag.as_deref());
        self.result(request, (name, version), DECRYPT, asked, |key, alg, value| {
            key.decrypt(alg, value, iv, aad, tag)
        })
    }

    pub(super) fn wrap_key(
        &self,
        request: &Request<'_>,
        name: &str,
        version: Option<&str>,
        asked: &Operation,
    ) -> Result<Reply, Refusal> {
        self.result(request, (name, version), WRAP, asked, |key, alg: EncryptionAlg, value| {
            key.wrap(alg, value).map(Secret::new)
        })
    }

    pub(super) fn unwrap_key(
        &self,
        request: &Request<'_>,
        name: &str,
        version: Option<&str>,
        asked: &Operation,
    ) -> Result<Reply, Refusal> {
        self.result(request, (name, version), UNWRAP, asked, VaultKey::unwrap)
    }

    pub(super) fn sign(
        &self,
        request: &Request<'_>,
        name: &str,
        version: Option<&str>,
        asked: &Operation,
    ) -> Result<Reply, Refusal> {
        self.result(request, (name, version), SIGN, asked, |key, alg: SignatureAlg, digest| {
            key.sign(alg, digest).map(Secret::new)
        })
    }

    pub(super) fn verify(
        &self,
        request: &Request<'_>,
        name: &str,
        version: Option<&str>,
        asked: &Verification,
    ) -> Result<Reply, Refusal> {
        let (_, version) = self.usable(request, name, version, VERIFY)?;
        let alg: SignatureAlg = algorithm(&asked.alg)?;
        let fits =
            parsed(&version)?.verify(alg, &asked.digest, &asked.signature).map_err(refused)?;
        Ok(Reply::Verified(fits))
    }

    pub(super) fn random(&self, count: u32) -> Result<Reply, Refusal> {
        if !(1..=RANDOM_MAX_BYTES).contains(&count) {
            return Err(refusals::bad(format!(
                "Property count has invalid value: it must be between 1 and {RANDOM_MAX_BYTES}."
            )));
        }
        let mut bytes = Secret::new(vec![0; count as usize]);
        self.core.random.fill(bytes.expose_mut());
        Ok(Reply::Random(bytes))
    }

    /// What a version of a key makes of the value that was sent.
    fn result<A: FromStr>(
        &self,
        request: &Request<'_>,
        (name, version): (&str, Option<&str>),
        usage: Usage,
        asked: &Operation,
        work: impl FnOnce(&VaultKey, A, &[u8]) -> Result<Secret<Vec<u8>>, crypto::Error>,
    ) -> Result<Reply, Refusal> {
        let (kid, version) = self.usable(request, name, version, usage)?;
        let alg = asked_for(asked)?;
        let value = work(parsed(&version)?, alg, asked.value.expose()).map_err(refused)?;
        Ok(Reply::Result(OperationResult { kid, value, iv: None, tag: None, aad: None }))
    }

    /// The version to use and its full id, when it may be used for this now.
    fn usable(
        &self,
        request: &Request<'_>,
        name: &str,
        version: Option<&str>,
        usage: Usage,
    ) -> Result<(String, Arc<Version>), Refusal> {
        let world = self.core.world()?;
        let vault = vault_of(&world, request)?;
        let key = living(vault, name)?;
        let version = key.version(version).ok_or_else(|| {
            refusals::key_not_found(&format!("{name}/{}", version.unwrap_or_default()))
        })?;
        usage.check(&version.record, request.now)?;
        let shown = Shown { uri: self.uri_of(request.vault), vault: &vault.info, key: &key.record };
        Ok((shown.kid(&version.record), Arc::clone(version)))
    }
}

fn algorithm<A: FromStr>(name: &str) -> Result<A, Refusal> {
    name.parse().map_err(|_| {
        let shown: String = name.chars().take(32).collect();
        refusals::bad(format!("Property alg has invalid value: {shown}"))
    })
}

/// The algorithm of an operation whose value is not too long.
fn asked_for<A: FromStr>(asked: &Operation) -> Result<A, Refusal> {
    let alg = algorithm(&asked.alg)?;
    if asked.value.expose().len() > VALUE_MAX_BYTES {
        return Err(refusals::bad(format!("The value is longer than {VALUE_MAX_BYTES} bytes.")));
    }
    Ok(alg)
}

fn parsed(version: &Version) -> Result<&VaultKey, Refusal> {
    version.key().map_err(|_| refusals::internal("The key could not be read."))
}

/// Says what was wrong with the request, but nothing about why a ciphertext did not open.
fn refused(error: crypto::Error) -> Refusal {
    use crypto::Error;
    match error {
        Error::Library | Error::MalformedKey => {
            refusals::internal("The cryptographic operation failed.")
        }
        Error::NotAuthentic => refusals::bad("The parameter is incorrect."),
        error => refusals::bad(format!("The request does not fit the key: {error}.")),
    }
}
