//! The keys that seal records, and what each sealed record is bound to.
//!
//! ```text
//! seal key ─> root key ─> domain key of the system ─> service keys, identities, roles, outbox
//!                      └> domain key of each vault ─> its keys and their versions
//! ```
//! Each arrow is one AES-256-GCM record. A new seal makes a new root key and seals the few domain
//! keys again; everything below stays as it is.

use std::sync::Arc;

use base::{Random, Secret};
use crypto::{Aead, hkdf_sha256};
use zeroize::Zeroizing;

use crate::store::{Address, Record};
use crate::{Error, SealKey};

/// 32 bytes that seal records, and what is derived from them.
pub(crate) struct Domain {
    bytes: Zeroizing<[u8; 32]>,
    aead: Arc<Aead>,
}

impl Domain {
    /// A new random key.
    pub(crate) fn generate(random: &dyn Random) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        random.fill(&mut *bytes);
        Self::take(bytes)
    }

    /// Reads a key from an opened record.
    pub(crate) fn read(plain: &Secret<Vec<u8>>, at: &Address) -> Result<Self, Error> {
        let bytes: &[u8; 32] =
            plain.expose().as_slice().try_into().map_err(|_| Error::Tampered(at.to_string()))?;
        Ok(Self::take(Zeroizing::new(*bytes)))
    }

    fn take(bytes: Zeroizing<[u8; 32]>) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        hkdf_sha256(&*bytes, &[], &[b"pgkeep/vault/record-key/v2"], &mut *key);
        Self { aead: Arc::new(Aead::new(&key)), bytes }
    }

    /// `AES-256-GCM` under `HKDF-SHA-256[salt = "", info = "pgkeep/vault/seal/v2"](seal key)`.
    pub(crate) fn of_seal(seal: &SealKey) -> Arc<Aead> {
        let mut key = Zeroizing::new([0; 32]);
        hkdf_sha256(seal.expose(), &[], &[b"pgkeep/vault/seal/v2"], &mut *key);
        Arc::new(Aead::new(&key))
    }

    /// What seals this domain's records.
    pub(crate) fn aead(&self) -> &Arc<Aead> {
        &self.aead
    }

    /// The key itself, to be sealed under the root key.
    pub(crate) fn plain(&self) -> Secret<Vec<u8>> {
        Secret::new(self.bytes.to_vec())
    }

    /// `HKDF-SHA-256[salt = "", info = label ‖ 0 ‖ data](key)`: a pseudo-random function.
    pub(crate) fn derive(&self, label: &str, data: &[u8]) -> Zeroizing<[u8; 32]> {
        let mut out = Zeroizing::new([0; 32]);
        hkdf_sha256(&*self.bytes, &[], &[label.as_bytes(), &[0], data], &mut *out);
        out
    }
}

/// Seals `plain`; `clear` stands before it, readable and bound to it.
///
/// Body: `len(clear) as u32 ‖ clear ‖ nonce ‖ ciphertext ‖ tag`.
pub(crate) fn seal(
    aead: &Aead,
    at: &Address,
    generation: u64,
    clear: &[u8],
    plain: &[u8],
) -> Result<Record, Error> {
    let sealed = aead
        .seal(&context(at, generation, clear), plain)
        .map_err(|source| Error::Crypto { doing: "seal a record", source })?;
    let mut body = length(clear).to_vec();
    body.extend_from_slice(clear);
    body.extend_from_slice(&sealed);
    Ok(Record { address: at.clone(), generation, body })
}

/// Opens a record; fails when it was changed or stands where another belongs.
pub(crate) fn open(aead: &Aead, record: &Record) -> Result<Secret<Vec<u8>>, Error> {
    let damaged = || Error::Tampered(record.address.to_string());
    let (clear, sealed) = split(&record.body).ok_or_else(damaged)?;
    aead.open(&context(&record.address, record.generation, clear), sealed).map_err(|_| damaged())
}

/// The readable part of a record: not to be believed before the record was opened.
pub(crate) fn clear(record: &Record) -> Result<&[u8], Error> {
    split(&record.body)
        .map(|(clear, _)| clear)
        .ok_or_else(|| Error::Tampered(record.address.to_string()))
}

fn split(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = body.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

/// What names a record in the set of all records, and what a record's body is bound to: label,
/// parts with their lengths, generation. No two records share it.
pub(crate) fn identify(at: &Address, generation: u64) -> Vec<u8> {
    let mut bytes = b"pgkeep/vault/record/v2".to_vec();
    for part in [&at.kind, &at.name, &at.version] {
        bytes.extend_from_slice(&length(part.as_bytes()));
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes.extend_from_slice(&generation.to_be_bytes());
    bytes
}

fn context(at: &Address, generation: u64, clear: &[u8]) -> Vec<u8> {
    let mut context = identify(at, generation);
    context.extend_from_slice(clear);
    context
}

fn length(part: &[u8]) -> [u8; 4] {
    u32::try_from(part.len()).expect("because names and headers are short").to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_opens_where_it_belongs_only() {
        let domain = Domain::generate(&crypto::OsRandom);
        let at = Address::new("key", "a", "1");
        let good = seal(domain.aead(), &at, 5, b"clear", b"secret").unwrap();
        assert_eq!(open(domain.aead(), &good).unwrap().expose(), b"secret");
        assert_eq!(clear(&good).unwrap(), b"clear");
        let other = |change: &dyn Fn(&mut Record)| {
            let mut record = good.clone();
            change(&mut record);
            assert!(matches!(open(domain.aead(), &record), Err(Error::Tampered(_))));
        };
        other(&|r| r.generation = 6);
        other(&|r| r.address.name = "b".to_owned());
        other(&|r| r.address.kind = "keya".to_owned());
        other(&|r| r.address.version = "2".to_owned());
        other(&|r| r.body[4] ^= 1);
        other(&|r| r.body.truncate(2));
        for at in 0..good.body.len() {
            other(&|r| r.body[at] ^= 1);
        }
        assert!(open(Domain::generate(&crypto::OsRandom).aead(), &good).is_err());
    }
}
