//! Certificates as they are, also those that nobody should use: for judging, not for using.

use base::Secret;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{AlgorithmIdentifier, CertificateDer, PrivateKeyDer};
use x509_parser::oid_registry as oid;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::signature_algorithm::SignatureAlgorithm;

use crate::{CertificateInfo, Error, Result};

/// Certificates of one file that are read.
const N_CERTIFICATES: usize = 2000;

/// One certificate of a file.
#[derive(Clone, Debug)]
pub struct Inspected {
    der: Vec<u8>,
    /// What it says about itself.
    pub info: CertificateInfo,
    /// `RSA`, `EC`, `Ed25519`, or a number (OID) for others.
    pub key: String,
    /// Bits of its key; 0 where that is not known.
    pub key_bits: usize,
    /// The hash under its signature, such as `SHA-256`; a number (OID) for others.
    pub hash: String,
    /// It may sign others.
    pub is_authority: bool,
}

/// Whether a key belongs to a certificate.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyFit {
    /// It does.
    Fits,
    /// It is another's.
    Differs,
    /// It is encrypted.
    Encrypted,
    /// It is no key, or of a kind that cannot be compared.
    Unknown,
}

impl Inspected {
    /// The certificates of a file in PEM, in their order.
    pub fn all_of(pem: &[u8]) -> Result<Vec<Self>> {
        let unusable = |reason: &str| Error::Certificate { reason: reason.to_owned() };
        let mut found = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem).take(N_CERTIFICATES) {
            let certificate = certificate.map_err(|_| unusable("the file is not PEM"))?;
            found.push(Self::of(&certificate)?);
        }
        Ok(found)
    }

    fn of(certificate: &[u8]) -> Result<Self> {
        let info = CertificateInfo::of(certificate)?;
        let (_, parsed) = X509Certificate::from_der(certificate)
            .map_err(|_| Error::Certificate { reason: "it is not X.509".to_owned() })?;
        let algorithm = &parsed.public_key().algorithm.algorithm;
        let (key, key_bits) = match parsed.public_key().parsed() {
            Ok(PublicKey::RSA(key)) => ("RSA".to_owned(), key.key_size()),
            Ok(PublicKey::EC(key)) => ("EC".to_owned(), key.key_size()),
            _ if *algorithm == oid::OID_SIG_ED25519 => ("Ed25519".to_owned(), 256),
            _ => (algorithm.to_id_string(), 0),
        };
        Ok(Self {
            der: certificate.to_vec(),
            info,
            key,
            key_bits,
            hash: hash(&parsed),
            is_authority: parsed.is_ca(),
        })
    }

    /// It is said to be signed by itself.
    pub fn is_self_issued(&self) -> bool {
        self.info.subject == self.info.issuer
    }

    /// Whether another certificate's key signed this one; `None` where that cannot be computed
    /// here.
    pub fn is_signed_by(&self, issuer: &Self) -> Option<bool> {
        let (_, own) = X509Certificate::from_der(&self.der).ok()?;
        let (_, issuer) = X509Certificate::from_der(&issuer.der).ok()?;
        if own.issuer().as_raw() != issuer.subject().as_raw() {
            return Some(false);
        }
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
        let key = issuer.public_key().subject_public_key.data.as_ref();
        let signed = own.tbs_certificate.as_ref();
        let signature = own.signature_value.data.as_ref();
        let mut own_kind = algorithms.all.iter().filter(|algorithm| {
            is_of(algorithm.signature_alg_id(), &own.signature_algorithm.algorithm)
        });
        let mut is_known = false;
        let is_signed = own_kind.any(|algorithm| {
            is_known = true;
            algorithm.verify_signature(key, signed, signature).is_ok()
        });
        is_known.then_some(is_signed)
    }

    /// Whether a key in PEM is the one of this certificate.
    pub fn fit(&self, key_pem: &Secret<Vec<u8>>) -> KeyFit {
        let pem = key_pem.expose();
        if pem.windows(9).any(|part| part == b"ENCRYPTED") {
            return KeyFit::Encrypted;
        }
        let key = PrivateKeyDer::from_pem_slice(pem).ok();
        let key = key.and_then(|key| aws_lc_rs::sign::any_supported_type(&key).ok());
        let own = X509Certificate::from_der(&self.der);
        match (key.as_ref().and_then(|key| key.public_key()), own) {
            (Some(key), Ok((_, own))) if key.as_ref() == own.public_key().raw => KeyFit::Fits,
            (Some(_), Ok(_)) => KeyFit::Differs,
            _ => KeyFit::Unknown,
        }
    }
}

/// Whether the DER of an algorithm's parameters begins with a number (OID).
fn is_of(algorithm: AlgorithmIdentifier, of: &oid::Oid<'_>) -> bool {
    let number = of.as_bytes();
    // 6 is the tag of a number; all that are known here have short lengths.
    let der = algorithm.as_ref();
    der.first() == Some(&6) && der.get(2..2 + number.len()) == Some(number)
}

fn hash(certificate: &X509Certificate<'_>) -> String {
    let algorithm = &certificate.signature_algorithm;
    let known = [
        (oid::OID_PKCS1_MD5WITHRSAENC, "MD5"),
        (oid::OID_PKCS1_SHA1WITHRSA, "SHA-1"),
        (oid::OID_PKCS1_SHA224WITHRSA, "SHA-224"),
        (oid::OID_PKCS1_SHA256WITHRSA, "SHA-256"),
        (oid::OID_PKCS1_SHA384WITHRSA, "SHA-384"),
        (oid::OID_PKCS1_SHA512WITHRSA, "SHA-512"),
        (oid::OID_SIG_ECDSA_WITH_SHA224, "SHA-224"),
        (oid::OID_SIG_ECDSA_WITH_SHA256, "SHA-256"),
        (oid::OID_SIG_ECDSA_WITH_SHA384, "SHA-384"),
        (oid::OID_SIG_ECDSA_WITH_SHA512, "SHA-512"),
        (oid::OID_SIG_ED25519, "SHA-512"),
        (oid::OID_NIST_HASH_SHA256, "SHA-256"),
        (oid::OID_NIST_HASH_SHA384, "SHA-384"),
        (oid::OID_NIST_HASH_SHA512, "SHA-512"),
    ];
    let of = |number: &oid::Oid<'_>| {
        let found = known.iter().find(|(known, _)| known == number);
        found.map_or_else(|| number.to_id_string(), |(_, name)| (*name).to_owned())
    };
    match SignatureAlgorithm::try_from(algorithm) {
        Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) => of(parameters.hash_algorithm_oid()),
        _ => of(&algorithm.algorithm),
    }
}
