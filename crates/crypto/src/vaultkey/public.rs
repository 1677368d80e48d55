//! The public half of a key by itself: what one can do who may read a key but not use it.

use super::ec::EcPublic;
use super::names::{EncryptionAlg, SignatureAlg};
use super::parts::PublicParts;
use super::rsa::RsaPublic;
use crate::Error;

/// A parsed public key.
pub struct PublicKey {
    half: Half,
}

enum Half {
    Rsa(Box<RsaPublic>),
    Ec(EcPublic),
}

impl PublicKey {
    /// Reads a key of a size or curve that is offered; a symmetric key has no public half.
    pub fn new(parts: &PublicParts) -> Result<Self, Error> {
        let half = match parts {
            PublicParts::Rsa { n, e } => Half::Rsa(Box::new(RsaPublic::from_parts(n, e)?)),
            PublicParts::Ec { curve, x, y } => Half::Ec(EcPublic::from_parts(*curve, x, y)?),
            PublicParts::Oct { .. } => return Err(Error::UnsupportedKey),
        };
        Ok(Self { half })
    }

    /// Wraps a key, as [`crate::VaultKey::wrap`] does.
    pub fn wrap(&self, alg: EncryptionAlg, key: &[u8]) -> Result<Vec<u8>, Error> {
        match &self.half {
            Half::Rsa(public) => public.encrypt(alg, key),
            Half::Ec(_) => Err(Error::AlgorithmMismatch),
        }
    }

    /// Whether `signature` fits the digest; a malformed signature does not.
    pub fn verify(
        &self,
        alg: SignatureAlg,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, Error> {
        match &self.half {
            Half::Rsa(public) => public.verify(alg, digest, signature),
            Half::Ec(public) => public.verify(alg, digest, signature),
        }
    }
}

impl std::fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.half {
            Half::Rsa(_) => "PublicKey(RSA)",
            Half::Ec(_) => "PublicKey(EC)",
        })
    }
}
