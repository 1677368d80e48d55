//! RSA key wrap: the key-encryption key of a server.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa::PublicEncryptingKey;
use base::Secret;

use crate::vaultkey::rsa::{RsaPair, RsaPublic};
use crate::{EncryptionAlg, Error, RSA_PUBLIC_EXPONENT};

/// A private RSA key that wraps and unwraps data keys with RSA-OAEP-256 (RFC 8017, RFC 7518).
pub struct RsaKey {
    pair: RsaPair,
}

impl RsaKey {
    /// Makes a new 3072-bit key (112-bit and more: NIST SP 800-57 part 1, table 2).
    pub fn generate_3072() -> Result<Self, Error> {
        Ok(Self { pair: RsaPair::generate(3072, RSA_PUBLIC_EXPONENT)? })
    }

    /// Reads a key from PKCS #8 DER (RFC 5208).
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        Ok(Self { pair: RsaPair::from_pkcs8(der)? })
    }

    /// The private key as PKCS #8 DER: to be sealed, never written in clear.
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, Error> {
        self.pair.to_pkcs8()
    }

    /// The public half.
    pub fn public_key(&self) -> RsaPublicKey {
        RsaPublicKey { public: self.pair.public_key() }
    }

    /// Unwraps what [`RsaPublicKey::wrap`] made. Says nothing about why it failed.
    pub fn unwrap(&self, wrapped: &[u8]) -> Result<Secret<Vec<u8>>, Error> {
        self.pair.decrypt(EncryptionAlg::RsaOaep256, wrapped)
    }
}

impl std::fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RsaKey(…)")
    }
}

/// The public half of a wrapping key.
pub struct RsaPublicKey {
    public: PublicEncryptingKey,
}

impl RsaPublicKey {
    /// Reads a key from X.509 SubjectPublicKeyInfo DER (RFC 5280).
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        let public = PublicEncryptingKey::from_der(der).map_err(|_| Error::MalformedKey)?;
        Ok(Self { public })
    }

    /// The key as X.509 SubjectPublicKeyInfo DER.
    pub fn to_der(&self) -> Result<Vec<u8>, Error> {
        let der =
            AsDer::<PublicKeyX509Der<'_>>::as_der(&self.public).map_err(|_| Error::Library)?;
        Ok(der.as_ref().to_vec())
    }

    /// Wraps a key of at most 318 bytes (3072-bit modulus) with RSA-OAEP-256.
    pub fn wrap(&self, key: &[u8]) -> Result<Vec<u8>, Error> {
        RsaPublic::from_der(&self.to_der()?)?.encrypt(EncryptionAlg::RsaOaep256, key)
    }
}

impl std::fmt::Debug for RsaPublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RsaPublicKey(…)")
    }
}
