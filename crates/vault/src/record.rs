//! Sealing of records under the root key.

use base::{Random, Secret};
use crypto::{Aead, hkdf_sha256};
use zeroize::Zeroizing;

use crate::seal::SealKey;
use crate::{Error, Record};

/// Kind and name of the record that holds the root key, sealed by the seal key.
pub(crate) const ROOT: (&str, &str) = ("root", "root");

/// The root key in use.
pub(crate) struct RootKey {
    aead: Aead,
}

impl RootKey {
    /// Makes a root key and the record that keeps it, sealed by `seal`.
    pub(crate) fn generate(random: &dyn Random, seal: &SealKey) -> Result<(Self, Record), Error> {
        let mut key = Zeroizing::new([0; 32]);
        random.fill(&mut *key);
        let body = seal_aead(seal)
            .seal(&context(ROOT.0, ROOT.1, 1), &*key)
            .map_err(|source| Error::Crypto { doing: "seal the root key", source })?;
        let record = Record { kind: ROOT.0.to_owned(), name: ROOT.1.to_owned(), version: 1, body };
        Ok((Self { aead: Aead::new(&key) }, record))
    }

    /// Opens the root key; fails when `seal` is not the key that sealed it.
    pub(crate) fn open(record: &Record, seal: &SealKey) -> Result<Self, Error> {
        let context = context(&record.kind, &record.name, record.version);
        let wrong = || {
            Error::Sealed(
                "the seal key does not open this vault, or vault.db is damaged".to_owned(),
            )
        };
        let plain = seal_aead(seal).open(&context, &record.body).map_err(|_| wrong())?;
        let mut key = Zeroizing::new([0; 32]);
        if plain.expose().len() != key.len() {
            return Err(wrong());
        }
        key.copy_from_slice(plain.expose());
        Ok(Self { aead: Aead::new(&key) })
    }

    /// Makes a sealed record.
    pub(crate) fn seal(
        &self,
        kind: &str,
        name: &str,
        version: u32,
        plain: &[u8],
    ) -> Result<Record, Error> {
        let body = self
            .aead
            .seal(&context(kind, name, version), plain)
            .map_err(|source| Error::Crypto { doing: "seal a record", source })?;
        Ok(Record { kind: kind.to_owned(), name: name.to_owned(), version, body })
    }

    /// Opens a record; fails when it was changed or stands where another belongs.
    pub(crate) fn unseal(&self, record: &Record) -> Result<Secret<Vec<u8>>, Error> {
        self.aead
            .open(&context(&record.kind, &record.name, record.version), &record.body)
            .map_err(|_| Error::Tampered(format!("{}/{}", record.kind, record.name)))
    }
}

/// `AES-256-GCM` under `HKDF-SHA-256[salt = "", info = "pgkeep/vault/seal/v1"](seal key)`.
fn seal_aead(seal: &SealKey) -> Aead {
    let mut key = Zeroizing::new([0; 32]);
    hkdf_sha256(seal.expose(), &[], &[b"pgkeep/vault/seal/v1"], &mut *key);
    Aead::new(&key)
}

/// What a record is bound to: `label ‖ len(kind) ‖ kind ‖ len(name) ‖ name ‖ version`, lengths and
/// version as 32-bit big-endian numbers, so that no two records share a context.
fn context(kind: &str, name: &str, version: u32) -> Vec<u8> {
    let mut context = b"pgkeep/vault/record/v1".to_vec();
    for part in [kind, name] {
        let n = u32::try_from(part.len()).expect("because kinds and names are short");
        context.extend_from_slice(&n.to_be_bytes());
        context.extend_from_slice(part.as_bytes());
    }
    context.extend_from_slice(&version.to_be_bytes());
    context
}
