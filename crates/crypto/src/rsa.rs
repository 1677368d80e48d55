//! RSA key wrap: the key-encryption key of a vault.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey, PublicEncryptingKey,
};
use base::Secret;

use crate::Error;

/// A private RSA key that wraps and unwraps data keys with RSA-OAEP-256 (RFC 8017, RFC 7518).
pub struct RsaKey {
    private: PrivateDecryptingKey,
}

impl RsaKey {
    /// Makes a new 3072-bit key (112-bit and more: NIST SP 800-57 part 1, table 2).
    pub fn generate_3072() -> Result<Self, Error> {
        let private =
            PrivateDecryptingKey::generate(KeySize::Rsa3072).map_err(|_| Error::Library)?;
        Ok(Self { private })
    }

    /// Reads a key from PKCS #8 DER (RFC 5208).
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        let private = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| Error::MalformedKey)?;
        Ok(Self { private })
    }

    /// The private key as PKCS #8 DER: to be sealed, never written in clear.
    pub fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, Error> {
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&self.private).map_err(|_| Error::Library)?;
        Ok(Secret::new(der.as_ref().to_vec()))
    }

    /// The public half.
    pub fn public_key(&self) -> RsaPublicKey {
        RsaPublicKey { public: self.private.public_key() }
    }

    /// Unwraps what [`RsaPublicKey::wrap`] made. Says nothing about why it failed.
    pub fn unwrap(&self, wrapped: &[u8]) -> Result<Secret<Vec<u8>>, Error> {
        let key =
            OaepPrivateDecryptingKey::new(self.private.clone()).map_err(|_| Error::MalformedKey)?;
        let mut buffer = Secret::new(vec![0; key.min_output_size()]);
        let mut work = std::mem::take(buffer.expose_mut());
        let result = key
            .decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut work, None)
            .map(|plain| Secret::new(plain.to_vec()))
            .map_err(|_| Error::NotAuthentic);
        *buffer.expose_mut() = work;
        result
    }
}

impl std::fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RsaKey(…)")
    }
}

/// The public half of a wrapping key.
#[derive(Debug)]
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
        let public =
            OaepPublicEncryptingKey::new(self.public.clone()).map_err(|_| Error::MalformedKey)?;
        if key.len() > public.max_plaintext_size(&OAEP_SHA256_MGF1SHA256) {
            return Err(Error::Length);
        }
        let mut wrapped = vec![0; public.ciphertext_size()];
        let n = public
            .encrypt(&OAEP_SHA256_MGF1SHA256, key, &mut wrapped, None)
            .map_err(|_| Error::Library)?
            .len();
        wrapped.truncate(n);
        Ok(wrapped)
    }
}
