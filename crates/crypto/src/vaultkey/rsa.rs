//! RSA key pairs: encryption and signatures (RFC 8017).
//!
//! A pair is parsed once for each half of the library's interface; afterwards an operation
//! costs the exponentiation and little else.

use aws_lc_rs::digest::{self, Digest, SHA256, SHA384, SHA512};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    KeyPairComponents, KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm,
    OaepPrivateDecryptingKey, OaepPublicEncryptingKey, Pkcs1PrivateDecryptingKey,
    Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{
    KeyPair, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384,
    RSA_PSS_SHA512, RsaEncoding, RsaKeyPair, RsaParameters, RsaPublicKeyComponents,
    RsaSubjectPublicKey, UnparsedPublicKey,
};
use base::Secret;

use super::names::{EncryptionAlg, SignatureAlg};
use super::parts::{KeySpec, PrivateParts, PublicParts, RSA_PUBLIC_EXPONENT};
use crate::Error;

/// Longest component that an import may bring, in bytes: the largest modulus and a sign byte.
const MAX_COMPONENT_BYTES: usize = 513;

/// The lengths of modulus that are offered, in bits.
const SIZES: [(u32, KeySize); 3] =
    [(2048, KeySize::Rsa2048), (3072, KeySize::Rsa3072), (4096, KeySize::Rsa4096)];

/// A parsed key pair.
pub(crate) struct RsaPair {
    private: PrivateDecryptingKey,
    oaep: OaepPrivateDecryptingKey,
    pkcs1: Pkcs1PrivateDecryptingKey,
    signing: RsaKeyPair,
    public: RsaPublic,
}

impl RsaPair {
    /// Makes a new pair of 2048, 3072 or 4096 bits with the exponent 65537.
    pub(crate) fn generate(bits: u32, public_exponent: u32) -> Result<Self, Error> {
        let size = SIZES.iter().find(|(offered, _)| *offered == bits);
        let (_, size) = size.ok_or(Error::UnsupportedKey)?;
        if public_exponent != RSA_PUBLIC_EXPONENT {
            return Err(Error::UnsupportedKey);
        }
        let private = PrivateDecryptingKey::generate(*size).map_err(|_| Error::Library)?;
        let signing = RsaKeyPair::from_pkcs8(pkcs8(&private)?.as_ref());
        Self::new(private, signing.map_err(|_| Error::Library)?)
    }

    /// Takes a pair from outside; the library checks that its parts fit each other.
    pub(crate) fn import(parts: &PrivateParts<'_>) -> Result<Self, Error> {
        let &PrivateParts::Rsa { n, e, d, p, q, dp, dq, qi } = parts else {
            return Err(Error::MalformedKey);
        };
        let public_key = offered(n, e)?;
        if [d, p, q, dp, dq, qi].iter().any(|part| part.len() > MAX_COMPONENT_BYTES) {
            return Err(Error::MalformedKey);
        }
        let signing = RsaKeyPair::from_components(&KeyPairComponents {
            public_key,
            d,
            p,
            q,
            dP: dp,
            dQ: dq,
            qInv: qi,
        })
        .map_err(|_| Error::MalformedKey)?;
        let der = AsDer::<Pkcs8V1Der<'_>>::as_der(&signing).map_err(|_| Error::Library)?;
        let private =
            PrivateDecryptingKey::from_pkcs8(der.as_ref()).map_err(|_| Error::MalformedKey)?;
        Self::new(private, signing)
    }

    /// Reads PKCS #8 DER (RFC 5208).
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, Error> {
        let private = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| Error::MalformedKey)?;
        let signing = RsaKeyPair::from_pkcs8(der).map_err(|_| Error::MalformedKey)?;
        Self::new(private, signing)
    }

    fn new(private: PrivateDecryptingKey, signing: RsaKeyPair) -> Result<Self, Error> {
        let public = RsaPublic::new(signing.public_key().clone(), private.public_key())?;
        offered(public.modulus(), public.exponent())?;
        let oaep = OaepPrivateDecryptingKey::new(private.clone()).map_err(|_| Error::Library)?;
        let pkcs1 = Pkcs1PrivateDecryptingKey::new(private.clone()).map_err(|_| Error::Library)?;
        Ok(Self { private, oaep, pkcs1, signing, public })
    }

    /// The private key as PKCS #8 DER.
    pub(crate) fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, Error> {
        Ok(Secret::new(pkcs8(&self.private)?.as_ref().to_vec()))
    }

    /// The public half, to be encoded.
    pub(crate) fn public_key(&self) -> PublicEncryptingKey {
        self.private.public_key()
    }

    pub(super) fn spec(&self) -> KeySpec {
        let exponent = self.public.exponent().iter();
        KeySpec::Rsa {
            bits: bit_length(self.public.modulus()),
            public_exponent: exponent.fold(0, |sum, byte| (sum << 8) | u32::from(*byte)),
        }
    }

    pub(super) fn public(&self) -> PublicParts {
        let public = &self.public;
        PublicParts::Rsa { n: public.modulus().to_vec(), e: public.exponent().to_vec() }
    }

    pub(super) fn encrypt(&self, alg: EncryptionAlg, plain: &[u8]) -> Result<Vec<u8>, Error> {
        self.public.encrypt(alg, plain)
    }

    /// Decrypts one block. Every failure looks the same: with PKCS #1 v1.5 that is all the
    /// protection there is, and a caller that answers failures still is an oracle.
    pub(crate) fn decrypt(
        &self,
        alg: EncryptionAlg,
        value: &[u8],
    ) -> Result<Secret<Vec<u8>>, Error> {
        let mut block = Secret::new(vec![0; self.oaep.min_output_size()]);
        let plain = match Padding::of(alg)? {
            Padding::Oaep(hash) => self.oaep.decrypt(hash, value, block.expose_mut(), None),
            Padding::Pkcs1 => self.pkcs1.decrypt(value, block.expose_mut()),
        };
        let n = plain.map_err(|_| Error::NotAuthentic)?.len();
        block.expose_mut().truncate(n);
        Ok(block)
    }

    pub(super) fn sign(&self, alg: SignatureAlg, digest: &[u8]) -> Result<Vec<u8>, Error> {
        let scheme = Scheme::of(alg)?;
        let digest = scheme.digest(digest)?;
        let mut signature = vec![0; self.signing.public_modulus_len()];
        self.signing
            .sign_digest(scheme.sign, &digest, &mut signature)
            .map_err(|_| Error::Library)?;
        Ok(signature)
    }

    pub(super) fn verify(
        &self,
        alg: SignatureAlg,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, Error> {
        self.public.verify(alg, digest, signature)
    }
}

/// The public half, parsed for both paddings.
pub(crate) struct RsaPublic {
    key: RsaSubjectPublicKey,
    oaep: OaepPublicEncryptingKey,
    pkcs1: Pkcs1PublicEncryptingKey,
}

impl RsaPublic {
    /// Reads modulus and exponent.
    pub(super) fn from_parts(n: &[u8], e: &[u8]) -> Result<Self, Error> {
        let parsed = offered(n, e)?
            .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            .map_err(|_| Error::MalformedKey)?;
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(&parsed).map_err(|_| Error::Library)?;
        Self::from_der(der.as_ref())
    }

    /// Reads X.509 SubjectPublicKeyInfo DER (RFC 5280).
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, Error> {
        let key = RsaSubjectPublicKey::from_der(der).map_err(|_| Error::MalformedKey)?;
        let public = PublicEncryptingKey::from_der(der).map_err(|_| Error::MalformedKey)?;
        Self::new(key, public)
    }

    fn new(key: RsaSubjectPublicKey, public: PublicEncryptingKey) -> Result<Self, Error> {
        let oaep = OaepPublicEncryptingKey::new(public.clone()).map_err(|_| Error::Library)?;
        let pkcs1 = Pkcs1PublicEncryptingKey::new(public).map_err(|_| Error::Library)?;
        Ok(Self { key, oaep, pkcs1 })
    }

    fn modulus(&self) -> &[u8] {
        self.key.modulus().big_endian_without_leading_zero()
    }

    fn exponent(&self) -> &[u8] {
        self.key.exponent().big_endian_without_leading_zero()
    }

    /// Encrypts one block; a message longer than the padding leaves room for is refused.
    pub(crate) fn encrypt(&self, alg: EncryptionAlg, plain: &[u8]) -> Result<Vec<u8>, Error> {
        let padding = Padding::of(alg)?;
        let longest = match padding {
            Padding::Oaep(hash) => self.oaep.max_plaintext_size(hash),
            Padding::Pkcs1 => self.pkcs1.max_plaintext_size(),
        };
        if plain.len() > longest {
            return Err(Error::Length);
        }
        let mut value = vec![0; self.oaep.ciphertext_size()];
        let n = match padding {
            Padding::Oaep(hash) => self.oaep.encrypt(hash, plain, &mut value, None),
            Padding::Pkcs1 => self.pkcs1.encrypt(plain, &mut value),
        }
        .map_err(|_| Error::Library)?
        .len();
        value.truncate(n);
        Ok(value)
    }

    pub(super) fn verify(
        &self,
        alg: SignatureAlg,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, Error> {
        let scheme = Scheme::of(alg)?;
        let digest = scheme.digest(digest)?;
        let public = UnparsedPublicKey::new(scheme.verify, self.key.as_ref());
        Ok(public.verify_digest(&digest, signature).is_ok())
    }
}

enum Padding {
    Oaep(&'static OaepAlgorithm),
    Pkcs1,
}

impl Padding {
    fn of(alg: EncryptionAlg) -> Result<Self, Error> {
        match alg {
            EncryptionAlg::RsaOaep => Ok(Self::Oaep(&OAEP_SHA1_MGF1SHA1)),
            EncryptionAlg::RsaOaep256 => Ok(Self::Oaep(&OAEP_SHA256_MGF1SHA256)),
            EncryptionAlg::Rsa1_5 => Ok(Self::Pkcs1),
            _ => Err(Error::AlgorithmMismatch),
        }
    }
}

/// Both directions of a signature algorithm.
struct Scheme {
    sign: &'static dyn RsaEncoding,
    verify: &'static RsaParameters,
    hash: &'static digest::Algorithm,
}

impl Scheme {
    fn of(alg: SignatureAlg) -> Result<Self, Error> {
        let (sign, verify, hash): (&'static dyn RsaEncoding, _, _) = match alg {
            SignatureAlg::Rs256 => (&RSA_PKCS1_SHA256, &RSA_PKCS1_2048_8192_SHA256, &SHA256),
            SignatureAlg::Rs384 => (&RSA_PKCS1_SHA384, &RSA_PKCS1_2048_8192_SHA384, &SHA384),
            SignatureAlg::Rs512 => (&RSA_PKCS1_SHA512, &RSA_PKCS1_2048_8192_SHA512, &SHA512),
            SignatureAlg::Ps256 => (&RSA_PSS_SHA256, &RSA_PSS_2048_8192_SHA256, &SHA256),
            SignatureAlg::Ps384 => (&RSA_PSS_SHA384, &RSA_PSS_2048_8192_SHA384, &SHA384),
            SignatureAlg::Ps512 => (&RSA_PSS_SHA512, &RSA_PSS_2048_8192_SHA512, &SHA512),
            _ => return Err(Error::AlgorithmMismatch),
        };
        Ok(Self { sign, verify, hash })
    }

    fn digest(&self, bytes: &[u8]) -> Result<Digest, Error> {
        Digest::import_less_safe(bytes, self.hash)
            .map_err(|_| Error::DigestLength { expected: self.hash.output_len() })
    }
}

fn pkcs8(private: &PrivateDecryptingKey) -> Result<Pkcs8V1Der<'static>, Error> {
    AsDer::<Pkcs8V1Der<'static>>::as_der(private).map_err(|_| Error::Library)
}

/// Modulus and exponent without leading zeros, if both have lengths that are offered.
fn offered<'a>(n: &'a [u8], e: &'a [u8]) -> Result<RsaPublicKeyComponents<&'a [u8]>, Error> {
    let (n, e) = (strip(n), strip(e));
    let bits = bit_length(n);
    match SIZES.iter().any(|(offered, _)| *offered == bits) && e.len() <= size_of::<u32>() {
        true => Ok(RsaPublicKeyComponents { n, e }),
        false => Err(Error::UnsupportedKey),
    }
}

fn strip(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    &integer[zeros..]
}

/// Bits of an integer without leading zero bytes; saturates far above every size.
fn bit_length(integer: &[u8]) -> u32 {
    let unused = integer.first().map_or(0, |byte| byte.leading_zeros());
    u32::try_from(integer.len()).unwrap_or(u32::MAX).saturating_mul(8).saturating_sub(unused)
}
