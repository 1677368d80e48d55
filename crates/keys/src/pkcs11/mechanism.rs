//! Wrapping with what a token offers.
//!
//! An RSA key wraps with RSA-OAEP and SHA-256, and with SHA-1 where the token has no other (as
//! SoftHSM 2.6; OAEP does not need a collision-free hash). An AES-256 key wraps with AES key wrap
//! (RFC 3394), or with AES-GCM where the token lacks it. The choice is stored with the result.

use base::{Random, Secret};
use cryptoki::error::Error;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsOaepParams, PkcsOaepSource};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use zeroize::Zeroize;

use super::errors::{classify, is_unknown_mechanism, is_vague};
use super::module::Open;
use super::objects::{Kind, Version};
use crate::provider::{MAX_KEY_BYTES, checked_plain};
use crate::{Algorithm, KeyError};

const GCM_IV_BYTES: usize = 12;
const GCM_TAG_BITS: u64 = 128;

/// Wraps `key` with the version; says how.
pub(super) fn wrap(
    open: &Open<'_>,
    version: &Version,
    key: &[u8],
) -> Result<(Algorithm, Vec<u8>), KeyError> {
    match version.kind {
        Kind::Rsa { public } => {
            let public = public.ok_or_else(|| {
                KeyError::configuration("the token holds no public half of this key")
            })?;
            wrap_rsa(open, public, key)
        }
        Kind::Aes => wrap_aes(open, version, key),
    }
}

/// Unwraps what [`wrap`] made.
pub(super) fn unwrap(
    open: &Open<'_>,
    version: &Version,
    algorithm: Algorithm,
    value: &[u8],
) -> Result<Secret<Vec<u8>>, KeyError> {
    let other = || KeyError::broken("it was wrapped in a way that this key does not know");
    let opened = match (version.kind, algorithm) {
        (Kind::Rsa { .. }, Algorithm::RsaOaep256 | Algorithm::RsaOaep) => {
            open.session.decrypt(&oaep(algorithm), version.handle, value).map(Secret::new)
        }
        (Kind::Aes, Algorithm::A256Kw) => unwrap_kw(open, version.handle, value),
        (Kind::Aes, Algorithm::A256Gcm) => {
            let Some((iv, sealed)) = value.split_at_checked(GCM_IV_BYTES) else {
                return Err(other());
            };
            decrypt_gcm(open, version, iv, sealed)
        }
        _ => return Err(other()),
    };
    match opened {
        Ok(plain) => checked_plain(plain),
        // Tokens say "general error" both for wrong bytes and when in trouble: a value that was
        // just wrapped tells which.
        Err(error) if is_vague(&error) && works(open, version, algorithm) => {
            Err(KeyError::broken("the token opens other values, not this one"))
        }
        Err(error) => Err(classify("unwrap with the token", &error)),
    }
}

/// Whether the token opens a value that it wraps now in the same way.
fn works(open: &Open<'_>, version: &Version, algorithm: Algorithm) -> bool {
    let Ok((same, value)) = wrap(open, version, &[0x5a; 32]) else { return false };
    same == algorithm
        && match algorithm {
            Algorithm::A256Kw => unwrap_kw(open, version.handle, &value).is_ok(),
            Algorithm::A256Gcm => {
                let (iv, sealed) = value.split_at(GCM_IV_BYTES);
                decrypt_gcm(open, version, iv, sealed).is_ok()
            }
            _ => open.session.decrypt(&oaep(algorithm), version.handle, &value).is_ok(),
        }
}

fn oaep(algorithm: Algorithm) -> Mechanism<'static> {
    let (hash, mask) = match algorithm {
        Algorithm::RsaOaep => (MechanismType::SHA1, PkcsMgfType::MGF1_SHA1),
        _ => (MechanismType::SHA256, PkcsMgfType::MGF1_SHA256),
    };
    Mechanism::RsaPkcsOaep(PkcsOaepParams::new(hash, mask, PkcsOaepSource::empty()))
}

fn wrap_rsa(
    open: &Open<'_>,
    public: ObjectHandle,
    key: &[u8],
) -> Result<(Algorithm, Vec<u8>), KeyError> {
    // The list of mechanisms names OAEP but not its hashes: only trying tells.
    match open.session.encrypt(&oaep(Algorithm::RsaOaep256), public, key) {
        Ok(value) => return Ok((Algorithm::RsaOaep256, value)),
        Err(error) if is_unknown_mechanism(&error) => {}
        Err(error) => return Err(classify("wrap with the token", &error)),
    }
    open.session
        .encrypt(&oaep(Algorithm::RsaOaep), public, key)
        .map(|value| (Algorithm::RsaOaep, value))
        .map_err(|error| classify("wrap with the token", &error))
}

fn wrap_aes(
    open: &Open<'_>,
    version: &Version,
    key: &[u8],
) -> Result<(Algorithm, Vec<u8>), KeyError> {
    let failed = |error: Error| classify("wrap with the token", &error);
    // RFC 3394 wraps two or more blocks of 8 bytes.
    let fits = key.len() >= 16 && key.len().is_multiple_of(8);
    if version.may_wrap && fits && open.offers(MechanismType::AES_KEY_WRAP)? {
        let value = wrap_kw(open, version.handle, key).map_err(failed)?;
        return Ok((Algorithm::A256Kw, value));
    }
    if version.may_encrypt && open.offers(MechanismType::AES_GCM)? {
        let mut iv = [0; GCM_IV_BYTES];
        crypto::OsRandom.fill(&mut iv);
        let mut value = iv.to_vec();
        let parameters =
            GcmParams::new(&mut iv, version.id.as_bytes(), GCM_TAG_BITS.into()).map_err(failed)?;
        let sealed = open
            .session
            .encrypt(&Mechanism::AesGcm(parameters), version.handle, key)
            .map_err(failed)?;
        value.extend_from_slice(&sealed);
        return Ok((Algorithm::A256Gcm, value));
    }
    Err(KeyError::configuration("the token offers this key neither key wrap nor AES-GCM"))
}

fn decrypt_gcm(
    open: &Open<'_>,
    version: &Version,
    iv: &[u8],
    sealed: &[u8],
) -> Result<Secret<Vec<u8>>, Error> {
    let mut iv = iv.to_vec();
    let parameters = GcmParams::new(&mut iv, version.id.as_bytes(), GCM_TAG_BITS.into())?;
    open.session.decrypt(&Mechanism::AesGcm(parameters), version.handle, sealed).map(Secret::new)
}

/// AES key wrap takes objects, so the key is one for the time of this session.
fn wrap_kw(open: &Open<'_>, with: ObjectHandle, key: &[u8]) -> Result<Vec<u8>, Error> {
    let mut template = passing_object();
    template.push(Attribute::Value(key.to_vec()));
    let object = open.session.create_object(&template);
    if let Some(Attribute::Value(copy)) = template.last_mut() {
        copy.zeroize();
    }
    let object = object?;
    let value = open.session.wrap_key(&Mechanism::AesKeyWrap, with, object);
    open.session.destroy_object(object)?;
    value
}

fn unwrap_kw(open: &Open<'_>, with: ObjectHandle, value: &[u8]) -> Result<Secret<Vec<u8>>, Error> {
    let object = open.session.unwrap_key(&Mechanism::AesKeyWrap, with, value, &passing_object())?;
    let read = open.session.get_attributes(object, &[AttributeType::Value]);
    open.session.destroy_object(object)?;
    match read?.pop() {
        Some(Attribute::Value(plain)) if plain.len() <= MAX_KEY_BYTES => Ok(Secret::new(plain)),
        Some(Attribute::Value(mut plain)) => {
            plain.zeroize();
            Err(Error::InvalidValue)
        }
        _ => Err(Error::InvalidValue),
    }
}

/// An object that lives as long as the session and whose value may be read.
fn passing_object() -> Vec<Attribute> {
    vec![
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(KeyType::GENERIC_SECRET),
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(false),
        Attribute::Extractable(true),
    ]
}
