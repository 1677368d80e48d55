//! Symmetric keys: AES in GCM, CBC and key-wrap modes, and HMAC.

use aws_lc_rs::aead::{
    AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, LessSafeKey, MAX_TAG_LEN, NONCE_LEN, Nonce,
    UnboundKey,
};
use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, AES_CBC_IV_LEN, Algorithm, DecryptingKey, DecryptionContext,
    EncryptingKey, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{hmac, rand};
use base::Secret;

use super::names::{EncryptionAlg, SignatureAlg};
use super::parts::Ciphertext;
use super::refuse_given;
use crate::Error;
use crate::sys::keywrap::{self, Padding};

const BLOCK_BYTES: usize = 16;

/// Longest message of one operation, in bytes: far above what a request may carry.
const MAX_MESSAGE_BYTES: usize = 1 << 20;

/// A symmetric key of 128, 192 or 256 bits.
pub(super) struct OctKey {
    key: Secret<Vec<u8>>,
}

impl OctKey {
    pub(super) fn generate(bits: u32) -> Result<Self, Error> {
        if !matches!(bits, 128 | 192 | 256) {
            return Err(Error::UnsupportedKey);
        }
        let mut key = Secret::new(vec![0; bits as usize / 8]);
        rand::fill(key.expose_mut()).map_err(|_| Error::Library)?;
        Ok(Self { key })
    }

    pub(super) fn import(key: &[u8]) -> Result<Self, Error> {
        match key.len() {
            16 | 24 | 32 => Ok(Self { key: Secret::new(key.to_vec()) }),
            0 => Err(Error::MalformedKey),
            _ => Err(Error::UnsupportedKey),
        }
    }

    pub(super) fn to_bytes(&self) -> Secret<Vec<u8>> {
        Secret::new(self.bytes().to_vec())
    }

    pub(super) fn bits(&self) -> u32 {
        self.bytes().len() as u32 * 8
    }

    pub(super) fn encrypt(
        &self,
        alg: EncryptionAlg,
        plain: &[u8],
        iv: Option<&[u8]>,
        aad: Option<&[u8]>,
    ) -> Result<Ciphertext, Error> {
        let mode = self.mode(alg)?;
        limit(plain)?;
        match mode {
            Mode::Gcm => {
                refuse_given(&[iv])?;
                self.gcm_encrypt(plain, aad.unwrap_or_default())
            }
            Mode::Cbc => {
                refuse_given(&[aad])?;
                whole_blocks(plain)?;
                self.cbc_encrypt(plain, iv)
            }
            Mode::CbcPad => {
                refuse_given(&[aad])?;
                self.cbc_pad_encrypt(plain, iv)
            }
            Mode::Wrap(_) => Err(Error::AlgorithmMismatch),
        }
    }

    pub(super) fn decrypt(
        &self,
        alg: EncryptionAlg,
        value: &[u8],
        iv: Option<&[u8]>,
        aad: Option<&[u8]>,
        tag: Option<&[u8]>,
    ) -> Result<Secret<Vec<u8>>, Error> {
        let mode = self.mode(alg)?;
        limit(value)?;
        match mode {
            Mode::Gcm => self.gcm_decrypt(value, iv, aad.unwrap_or_default(), tag),
            Mode::Cbc => {
                refuse_given(&[aad, tag])?;
                whole_blocks(value)?;
                let context = DecryptionContext::Iv128(given_cbc_iv(iv)?);
                let key = DecryptingKey::cbc(self.cipher()?).map_err(|_| Error::Library)?;
                let mut message = Secret::new(value.to_vec());
                key.decrypt(message.expose_mut(), context).map_err(|_| Error::NotAuthentic)?;
                Ok(message)
            }
            Mode::CbcPad => {
                refuse_given(&[aad, tag])?;
                whole_blocks(value)?;
                let context = DecryptionContext::Iv128(given_cbc_iv(iv)?);
                let key = PaddedBlockDecryptingKey::cbc_pkcs7(self.cipher()?);
                let mut message = Secret::new(value.to_vec());
                let n = key
                    .map_err(|_| Error::Library)?
                    .decrypt(message.expose_mut(), context)
                    .map_err(|_| Error::NotAuthentic)?
                    .len();
                message.expose_mut().truncate(n);
                Ok(message)
            }
            Mode::Wrap(_) => Err(Error::AlgorithmMismatch),
        }
    }

    pub(super) fn wrap(&self, alg: EncryptionAlg, key: &[u8]) -> Result<Vec<u8>, Error> {
        match self.mode(alg)? {
            Mode::Wrap(padding) => {
                limit(key)?;
                keywrap::wrap(self.bytes(), padding, key)
            }
            _ => Err(Error::AlgorithmMismatch),
        }
    }

    pub(super) fn unwrap(
        &self,
        alg: EncryptionAlg,
        wrapped: &[u8],
    ) -> Result<Secret<Vec<u8>>, Error> {
        match self.mode(alg)? {
            Mode::Wrap(padding) => {
                limit(wrapped)?;
                keywrap::unwrap(self.bytes(), padding, wrapped)
            }
            _ => Err(Error::AlgorithmMismatch),
        }
    }

    pub(super) fn sign(&self, alg: SignatureAlg, digest: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(hmac::sign(&self.hmac(alg, digest)?, digest).as_ref().to_vec())
    }

    pub(super) fn verify(
        &self,
        alg: SignatureAlg,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, Error> {
        Ok(hmac::verify(&self.hmac(alg, digest)?, digest, signature).is_ok())
    }

    fn gcm_encrypt(&self, plain: &[u8], aad: &[u8]) -> Result<Ciphertext, Error> {
        let iv: [u8; NONCE_LEN] = random()?;
        let mut value = plain.to_vec();
        let tag = self
            .gcm()?
            .seal_in_place_separate_tag(Nonce::from(&iv), Aad::from(aad), &mut value)
            .map_err(|_| Error::Library)?;
        Ok(Ciphertext { value, iv: Some(iv.to_vec()), tag: Some(tag.as_ref().to_vec()) })
    }

    fn gcm_decrypt(
        &self,
        value: &[u8],
        iv: Option<&[u8]>,
        aad: &[u8],
        tag: Option<&[u8]>,
    ) -> Result<Secret<Vec<u8>>, Error> {
        let nonce = Nonce::try_assume_unique_for_key(iv.unwrap_or_default())
            .map_err(|_| Error::IvLength { expected: NONCE_LEN })?;
        let tag = tag.filter(|tag| tag.len() == MAX_TAG_LEN);
        let tag = tag.ok_or(Error::TagLength { expected: MAX_TAG_LEN })?;
        let mut plain = Secret::new(vec![0; value.len()]);
        self.gcm()?
            .open_separate_gather(nonce, Aad::from(aad), value, tag, plain.expose_mut())
            .map_err(|_| Error::NotAuthentic)?;
        Ok(plain)
    }

    fn cbc_encrypt(&self, plain: &[u8], iv: Option<&[u8]>) -> Result<Ciphertext, Error> {
        let (iv, context) = cbc_iv(iv)?;
        let key = EncryptingKey::cbc(self.cipher()?).map_err(|_| Error::Library)?;
        let mut value = plain.to_vec();
        key.less_safe_encrypt(&mut value, context).map_err(|_| Error::Library)?;
        Ok(Ciphertext { value, iv: Some(iv.to_vec()), tag: None })
    }

    fn cbc_pad_encrypt(&self, plain: &[u8], iv: Option<&[u8]>) -> Result<Ciphertext, Error> {
        let (iv, context) = cbc_iv(iv)?;
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(self.cipher()?);
        // Room for the padding, so that growing leaves no copy of the message behind.
        let mut value = Vec::with_capacity(plain.len() + BLOCK_BYTES);
        value.extend_from_slice(plain);
        key.map_err(|_| Error::Library)?
            .less_safe_encrypt(&mut value, context)
            .map_err(|_| Error::Library)?;
        Ok(Ciphertext { value, iv: Some(iv.to_vec()), tag: None })
    }

    fn bytes(&self) -> &[u8] {
        self.key.expose()
    }

    fn gcm(&self) -> Result<LessSafeKey, Error> {
        let algorithm = match self.bits() {
            128 => &AES_128_GCM,
            192 => &AES_192_GCM,
            _ => &AES_256_GCM,
        };
        UnboundKey::new(algorithm, self.bytes()).map(LessSafeKey::new).map_err(|_| Error::Library)
    }

    fn cipher(&self) -> Result<UnboundCipherKey, Error> {
        let algorithm: &'static Algorithm = match self.bits() {
            128 => &AES_128,
            192 => &AES_192,
            _ => &AES_256,
        };
        UnboundCipherKey::new(algorithm, self.bytes()).map_err(|_| Error::Library)
    }

    fn hmac(&self, alg: SignatureAlg, digest: &[u8]) -> Result<hmac::Key, Error> {
        let algorithm = match alg {
            SignatureAlg::Hs256 => hmac::HMAC_SHA256,
            SignatureAlg::Hs384 => hmac::HMAC_SHA384,
            SignatureAlg::Hs512 => hmac::HMAC_SHA512,
            _ => return Err(Error::AlgorithmMismatch),
        };
        if digest.len() != alg.digest_len() {
            return Err(Error::DigestLength { expected: alg.digest_len() });
        }
        Ok(hmac::Key::new(algorithm, self.bytes()))
    }

    /// The mode of an algorithm, if it is one for a key of this length.
    fn mode(&self, alg: EncryptionAlg) -> Result<Mode, Error> {
        use EncryptionAlg as A;
        let (bits, mode) = match alg {
            A::A128Kw => (128, Mode::Wrap(Padding::None)),
            A::A192Kw => (192, Mode::Wrap(Padding::None)),
            A::A256Kw => (256, Mode::Wrap(Padding::None)),
            A::CkmAesKeyWrap => (self.bits(), Mode::Wrap(Padding::None)),
            A::A128KwPad => (128, Mode::Wrap(Padding::Zeros)),
            A::A192KwPad => (192, Mode::Wrap(Padding::Zeros)),
            A::A256KwPad => (256, Mode::Wrap(Padding::Zeros)),
            A::CkmAesKeyWrapPad => (self.bits(), Mode::Wrap(Padding::Zeros)),
            A::A128Gcm => (128, Mode::Gcm),
            A::A192Gcm => (192, Mode::Gcm),
            A::A256Gcm => (256, Mode::Gcm),
            A::A128Cbc => (128, Mode::Cbc),
            A::A192Cbc => (192, Mode::Cbc),
            A::A256Cbc => (256, Mode::Cbc),
            A::A128CbcPad => (128, Mode::CbcPad),
            A::A192CbcPad => (192, Mode::CbcPad),
            A::A256CbcPad => (256, Mode::CbcPad),
            A::RsaOaep | A::RsaOaep256 | A::Rsa1_5 => return Err(Error::AlgorithmMismatch),
        };
        if bits == self.bits() { Ok(mode) } else { Err(Error::AlgorithmMismatch) }
    }
}

enum Mode {
    Gcm,
    Cbc,
    CbcPad,
    Wrap(Padding),
}

fn limit(message: &[u8]) -> Result<(), Error> {
    if message.len() > MAX_MESSAGE_BYTES { Err(Error::Length) } else { Ok(()) }
}

fn whole_blocks(message: &[u8]) -> Result<(), Error> {
    match !message.is_empty() && message.len().is_multiple_of(BLOCK_BYTES) {
        true => Ok(()),
        false => Err(Error::BlockLength { expected: BLOCK_BYTES }),
    }
}

/// The iv that encryption uses: the given one, else a random one.
fn cbc_iv(iv: Option<&[u8]>) -> Result<([u8; AES_CBC_IV_LEN], EncryptionContext), Error> {
    let iv = match iv {
        None => random()?,
        Some(iv) => iv.try_into().map_err(|_| Error::IvLength { expected: AES_CBC_IV_LEN })?,
    };
    Ok((iv, EncryptionContext::Iv128(FixedLength::from(iv))))
}

fn given_cbc_iv(iv: Option<&[u8]>) -> Result<FixedLength<AES_CBC_IV_LEN>, Error> {
    iv.and_then(|iv| FixedLength::try_from(iv).ok())
        .ok_or(Error::IvLength { expected: AES_CBC_IV_LEN })
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(|_| Error::Library)?;
    Ok(bytes)
}
