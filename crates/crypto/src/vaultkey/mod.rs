//! A key of a vault: RSA, elliptic curve or symmetric, with every operation of the Azure Key
//! Vault keys API. Who may do what with it, and when, is the vault's business.

mod ec;
mod names;
mod oct;
mod parts;
mod public;
pub(crate) mod rsa;

use base::Secret;

pub use names::{Curve, EncryptionAlg, SignatureAlg};
pub use parts::{Ciphertext, KeySpec, PrivateParts, PublicParts, RSA_PUBLIC_EXPONENT};
pub use public::PublicKey;

use crate::Error;

/// First byte of the sealable encoding.
const ENCODING: u8 = 1;

/// A parsed key, ready for use from many threads at once.
///
/// Private parts live in memory of the library, which wipes what it frees.
pub struct VaultKey {
    material: Material,
}

enum Material {
    Rsa(Box<rsa::RsaPair>),
    Ec(Box<ec::EcPair>),
    Oct(oct::OctKey),
}

impl VaultKey {
    /// Makes a new random key.
    pub fn generate(spec: &KeySpec) -> Result<Self, Error> {
        let material = match *spec {
            KeySpec::Rsa { bits, public_exponent } => {
                Material::Rsa(Box::new(rsa::RsaPair::generate(bits, public_exponent)?))
            }
            KeySpec::Ec(curve) => Material::Ec(Box::new(ec::EcPair::generate(curve)?)),
            KeySpec::Oct { bits } => Material::Oct(oct::OctKey::generate(bits)?),
        };
        Ok(Self { material })
    }

    /// Takes a key from outside. Its parts must fit each other: `n = p · q` and the exponents
    /// its inverses, the public point on the curve and belonging to `d`.
    pub fn import(parts: &PrivateParts<'_>) -> Result<Self, Error> {
        let material = match *parts {
            PrivateParts::Rsa { .. } => Material::Rsa(Box::new(rsa::RsaPair::import(parts)?)),
            PrivateParts::Ec { curve, x, y, d } => {
                Material::Ec(Box::new(ec::EcPair::import(curve, x, y, d)?))
            }
            PrivateParts::Oct { k } => Material::Oct(oct::OctKey::import(k)?),
        };
        Ok(Self { material })
    }

    /// The private key in an encoding for [`VaultKey::from_sealable`]: to be sealed, never
    /// written in clear. `1 ‖ kind ‖ body`; the body is PKCS #8 DER (RFC 5208) or the bytes of
    /// a symmetric key.
    pub fn to_sealable(&self) -> Result<Secret<Vec<u8>>, Error> {
        let (kind, body) = match &self.material {
            Material::Rsa(pair) => (Kind::Rsa, pair.to_pkcs8()?),
            Material::Ec(pair) => (Kind::Ec(pair.curve()), pair.to_pkcs8()?),
            Material::Oct(key) => (Kind::Oct, key.to_bytes()),
        };
        let mut sealable = Vec::with_capacity(2 + body.expose().len());
        sealable.extend([ENCODING, kind.to_byte()]);
        sealable.extend_from_slice(body.expose());
        Ok(Secret::new(sealable))
    }

    /// Reads what [`VaultKey::to_sealable`] wrote.
    pub fn from_sealable(sealable: &[u8]) -> Result<Self, Error> {
        let [ENCODING, kind, body @ ..] = sealable else {
            return Err(Error::MalformedKey);
        };
        let material = match Kind::from_byte(*kind).ok_or(Error::MalformedKey)? {
            Kind::Rsa => Material::Rsa(Box::new(rsa::RsaPair::from_pkcs8(body)?)),
            Kind::Ec(curve) => Material::Ec(Box::new(ec::EcPair::from_pkcs8(curve, body)?)),
            Kind::Oct => Material::Oct(oct::OctKey::import(body)?),
        };
        Ok(Self { material })
    }

    /// Type and size.
    pub fn spec(&self) -> KeySpec {
        match &self.material {
            Material::Rsa(pair) => pair.spec(),
            Material::Ec(pair) => KeySpec::Ec(pair.curve()),
            Material::Oct(key) => KeySpec::Oct { bits: key.bits() },
        }
    }

    /// The public part.
    pub fn public(&self) -> PublicParts {
        match &self.material {
            Material::Rsa(pair) => pair.public(),
            Material::Ec(pair) => pair.public(),
            Material::Oct(key) => PublicParts::Oct { bits: key.bits() },
        }
    }

    /// Encrypts with an RSA, GCM or CBC algorithm.
    ///
    /// GCM draws its own iv and refuses a given one; CBC draws one when none is given. What an
    /// algorithm would ignore (additional data outside GCM, an iv for RSA) is refused.
    pub fn encrypt(
        &self,
        alg: EncryptionAlg,
        plain: &[u8],
        iv: Option<&[u8]>,
        aad: Option<&[u8]>,
    ) -> Result<Ciphertext, Error> {
        match &self.material {
            Material::Rsa(pair) => {
                refuse_given(&[iv, aad])?;
                Ok(Ciphertext { value: pair.encrypt(alg, plain)?, iv: None, tag: None })
            }
            Material::Ec(_) => Err(Error::AlgorithmMismatch),
            Material::Oct(key) => key.encrypt(alg, plain, iv, aad),
        }
    }

    /// Decrypts what [`VaultKey::encrypt`] made. A failure does not say what was wrong with the
    /// ciphertext. CBC is not authenticated: a changed ciphertext may decrypt to something else.
    pub fn decrypt(
        &self,
        alg: EncryptionAlg,
        value: &[u8],
        iv: Option<&[u8]>,
        aad: Option<&[u8]>,
        tag: Option<&[u8]>,
    ) -> Result<Secret<Vec<u8>>, Error> {
        match &self.material {
            Material::Rsa(pair) => {
                refuse_given(&[iv, aad, tag])?;
                pair.decrypt(alg, value)
            }
            Material::Ec(_) => Err(Error::AlgorithmMismatch),
            Material::Oct(key) => key.decrypt(alg, value, iv, aad, tag),
        }
    }

    /// Wraps a key with RSA or AES key wrap.
    pub fn wrap(&self, alg: EncryptionAlg, key: &[u8]) -> Result<Vec<u8>, Error> {
        match &self.material {
            Material::Rsa(pair) => pair.encrypt(alg, key),
            Material::Ec(_) => Err(Error::AlgorithmMismatch),
            Material::Oct(kek) => kek.wrap(alg, key),
        }
    }

    /// Unwraps what [`VaultKey::wrap`] made. A failure does not say what was wrong.
    pub fn unwrap(&self, alg: EncryptionAlg, wrapped: &[u8]) -> Result<Secret<Vec<u8>>, Error> {
        match &self.material {
            Material::Rsa(pair) => pair.decrypt(alg, wrapped),
            Material::Ec(_) => Err(Error::AlgorithmMismatch),
            Material::Oct(kek) => kek.unwrap(alg, wrapped),
        }
    }

    /// Signs a digest of exactly [`SignatureAlg::digest_len`] bytes. ECDSA signatures are
    /// r ‖ s, each as long as the field (RFC 7518, 3.4).
    pub fn sign(&self, alg: SignatureAlg, digest: &[u8]) -> Result<Vec<u8>, Error> {
        match &self.material {
            Material::Rsa(pair) => pair.sign(alg, digest),
            Material::Ec(pair) => pair.sign(alg, digest),
            Material::Oct(key) => key.sign(alg, digest),
        }
    }

    /// Whether `signature` fits the digest; a malformed signature does not.
    pub fn verify(
        &self,
        alg: SignatureAlg,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, Error> {
        match &self.material {
            Material::Rsa(pair) => pair.verify(alg, digest, signature),
            Material::Ec(pair) => pair.verify(alg, digest, signature),
            Material::Oct(key) => key.verify(alg, digest, signature),
        }
    }
}

impl std::fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("VaultKey(…)")
    }
}

/// Says no to a parameter that would silently be ignored.
fn refuse_given(parameters: &[Option<&[u8]>]) -> Result<(), Error> {
    match parameters.iter().any(Option::is_some) {
        true => Err(Error::UnexpectedParameter),
        false => Ok(()),
    }
}

/// Second byte of the sealable encoding. The numbers are on disk: never reuse one.
enum Kind {
    Rsa,
    Ec(Curve),
    Oct,
}

impl Kind {
    fn to_byte(&self) -> u8 {
        match self {
            Self::Rsa => 1,
            Self::Oct => 2,
            Self::Ec(Curve::P256) => 3,
            Self::Ec(Curve::P256K) => 4,
            Self::Ec(Curve::P384) => 5,
            Self::Ec(Curve::P521) => 6,
        }
    }

    fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Rsa,
            2 => Self::Oct,
            3 => Self::Ec(Curve::P256),
            4 => Self::Ec(Curve::P256K),
            5 => Self::Ec(Curve::P384),
            6 => Self::Ec(Curve::P521),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod import_tests;
#[cfg(test)]
mod tests;
