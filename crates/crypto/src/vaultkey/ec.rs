//! Elliptic-curve key pairs: ECDSA over digests (FIPS 186-5), signatures as r ‖ s.

use aws_lc_rs::digest::{self, Digest, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED,
    ECDSA_P256K1_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    EcdsaVerificationAlgorithm, KeyPair, ParsedPublicKey,
};
use base::Secret;

use super::names::{Curve, SignatureAlg};
use super::parts::PublicParts;
use crate::Error;

/// First byte of an uncompressed point (SEC 1, 2.3.3).
const UNCOMPRESSED: u8 = 4;

/// A parsed key pair.
pub(super) struct EcPair {
    pair: EcdsaKeyPair,
    public: EcPublic,
}

impl EcPair {
    pub(super) fn generate(curve: Curve) -> Result<Self, Error> {
        let pair = EcdsaKeyPair::generate(Suite::of(curve).signing).map_err(|_| Error::Library)?;
        Self::new(curve, pair)
    }

    /// Takes a pair from outside; the library checks the point against the curve and against
    /// the private scalar.
    pub(super) fn import(curve: Curve, x: &[u8], y: &[u8], d: &[u8]) -> Result<Self, Error> {
        let (d, point) = (field(curve, d)?, point(curve, x, y)?);
        let signing = Suite::of(curve).signing;
        let pair = EcdsaKeyPair::from_private_key_and_public_key(signing, d.expose(), &point)
            .map_err(|_| Error::MalformedKey)?;
        Self::new(curve, pair)
    }

    /// Reads PKCS #8 DER (RFC 5208, RFC 5915) and checks that the pair is consistent.
    pub(super) fn from_pkcs8(curve: Curve, der: &[u8]) -> Result<Self, Error> {
        let pair = EcdsaKeyPair::from_pkcs8(Suite::of(curve).signing, der)
            .map_err(|_| Error::MalformedKey)?;
        Self::new(curve, pair)
    }

    fn new(curve: Curve, pair: EcdsaKeyPair) -> Result<Self, Error> {
        let public = EcPublic::new(curve, pair.public_key().as_ref())?;
        Ok(Self { pair, public })
    }

    pub(super) fn to_pkcs8(&self) -> Result<Secret<Vec<u8>>, Error> {
        let der = self.pair.to_pkcs8v1().map_err(|_| Error::Library)?;
        Ok(Secret::new(der.as_ref().to_vec()))
    }

    pub(super) fn curve(&self) -> Curve {
        self.public.curve
    }

    pub(super) fn public(&self) -> PublicParts {
        let curve = self.curve();
        let point = &self.pair.public_key().as_ref()[1..];
        let (x, y) = point.split_at(curve.field_bytes());
        PublicParts::Ec { curve, x: x.to_vec(), y: y.to_vec() }
    }

    pub(super) fn sign(&self, alg: SignatureAlg, digest: &[u8]) -> Result<Vec<u8>, Error> {
        let digest = Suite::of(self.curve()).digest(alg, digest)?;
        let signature = self.pair.sign_digest(&digest).map_err(|_| Error::Library)?;
        Ok(signature.as_ref().to_vec())
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

/// The public half, parsed.
pub(super) struct EcPublic {
    curve: Curve,
    key: ParsedPublicKey,
}

impl EcPublic {
    /// Reads the coordinates of a point on the curve.
    pub(super) fn from_parts(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, Error> {
        Self::new(curve, &point(curve, x, y)?)
    }

    fn new(curve: Curve, point: &[u8]) -> Result<Self, Error> {
        let key = ParsedPublicKey::new(Suite::of(curve).verification, point)
            .map_err(|_| Error::MalformedKey)?;
        Ok(Self { curve, key })
    }

    pub(super) fn verify(
        &self,
        alg: SignatureAlg,
        digest: &[u8],
        signature: &[u8],
    ) -> Result<bool, Error> {
        let digest = Suite::of(self.curve).digest(alg, digest)?;
        Ok(self.key.verify_digest_sig(&digest, signature).is_ok())
    }
}

/// What belongs to a curve.
struct Suite {
    alg: SignatureAlg,
    signing: &'static EcdsaSigningAlgorithm,
    verification: &'static EcdsaVerificationAlgorithm,
    hash: &'static digest::Algorithm,
}

impl Suite {
    fn of(curve: Curve) -> Self {
        let (alg, signing, verification, hash) = match curve {
            Curve::P256 => (
                SignatureAlg::Es256,
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                &ECDSA_P256_SHA256_FIXED,
                &SHA256,
            ),
            Curve::P256K => (
                SignatureAlg::Es256K,
                &ECDSA_P256K1_SHA256_FIXED_SIGNING,
                &ECDSA_P256K1_SHA256_FIXED,
                &SHA256,
            ),
            Curve::P384 => (
                SignatureAlg::Es384,
                &ECDSA_P384_SHA384_FIXED_SIGNING,
                &ECDSA_P384_SHA384_FIXED,
                &SHA384,
            ),
            Curve::P521 => (
                SignatureAlg::Es512,
                &ECDSA_P521_SHA512_FIXED_SIGNING,
                &ECDSA_P521_SHA512_FIXED,
                &SHA512,
            ),
        };
        Self { alg, signing, verification, hash }
    }

    /// Each curve goes with one algorithm and each algorithm with one hash.
    fn digest(&self, alg: SignatureAlg, bytes: &[u8]) -> Result<Digest, Error> {
        if alg != self.alg {
            return Err(Error::AlgorithmMismatch);
        }
        Digest::import_less_safe(bytes, self.hash)
            .map_err(|_| Error::DigestLength { expected: self.hash.output_len() })
    }
}

/// The point in uncompressed form (SEC 1, 2.3.3).
fn point(curve: Curve, x: &[u8], y: &[u8]) -> Result<Vec<u8>, Error> {
    let mut point = vec![UNCOMPRESSED];
    point.extend_from_slice(field(curve, x)?.expose());
    point.extend_from_slice(field(curve, y)?.expose());
    Ok(point)
}

/// An integer brought to the length of the field: leading zeros are cut or added.
fn field(curve: Curve, integer: &[u8]) -> Result<Secret<Vec<u8>>, Error> {
    let length = curve.field_bytes();
    let mut padded = Secret::new(vec![0; length]);
    let n = integer.len().min(length);
    let (surplus, digits) = integer.split_at(integer.len() - n);
    if integer.is_empty() || integer.len() > 2 * length || surplus.iter().any(|byte| *byte != 0) {
        return Err(Error::MalformedKey);
    }
    padded.expose_mut()[length - n..].copy_from_slice(digits);
    Ok(padded)
}
