//! Authenticated encryption of records at rest (not of file contents: see `xts` and `mac`).

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};

use crate::Error;

/// AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce in front of the ciphertext.
///
/// Record: `nonce (12) ‖ ciphertext ‖ tag (16)`. At most 2^32 records a key.
pub struct Aead {
    key: RandomizedNonceKey,
}

impl Aead {
    /// Takes a 32-byte key.
    pub fn new(key: &[u8; 32]) -> Self {
        let key = RandomizedNonceKey::new(&AES_256_GCM, key)
            .expect("because the length is fixed by the type");
        Self { key }
    }

    /// Encrypts `plaintext`, bound to `context` (associated data).
    pub fn seal(&self, context: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, Error> {
        let mut body = plaintext.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(context), &mut body)
            .map_err(|_| Error::Library)?;
        let mut record = nonce.as_ref().to_vec();
        record.append(&mut body);
        Ok(record)
    }

    /// Decrypts a record made by [`Aead::seal`] with the same key and context.
    pub fn open(&self, context: &[u8], record: &[u8]) -> Result<base::Secret<Vec<u8>>, Error> {
        let (nonce, body) = record.split_at_checked(NONCE_LEN).ok_or(Error::NotAuthentic)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::NotAuthentic)?;
        let mut body = body.to_vec();
        let n = self
            .key
            .open_in_place(nonce, Aad::from(context), &mut body)
            .map_err(|_| Error::NotAuthentic)?
            .len();
        body.truncate(n);
        Ok(base::Secret::new(body))
    }
}

impl std::fmt::Debug for Aead {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Aead(…)")
    }
}
