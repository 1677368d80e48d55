//! Certificates and keys as PostgreSQL gets them, and their fingerprints.
//!
//! Chain and key lie in one file: PostgreSQL reads either from it, and one rename replaces both,
//! so that no crash can leave a certificate beside the wrong key.

use std::fmt;

use base::{Changed, Secret};
use jiff::Timestamp;
use rustls::crypto::aws_lc_rs::cipher_suite;
use rustls::crypto::hash::Hash;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{SupportedCipherSuite, crypto::aws_lc_rs};
use serde::{Serialize, Serializer};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::conf::{TLS_DIR, TLS_FILE};
use crate::{Cluster, Error, Result, file};

const CHAIN_BYTES: usize = 64 << 10;
const KEY_BYTES: usize = 16 << 10;

/// SHA-256 of a certificate in DER.
#[derive(Clone, Copy, Eq, PartialEq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a certificate in DER.
    pub fn of(certificate: &[u8]) -> Self {
        let hash = sha256().hash(certificate);
        Self(hash.as_ref().try_into().expect("because SHA-256 has 32 bytes"))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// What a certificate says about itself.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct CertificateInfo {
    /// SHA-256 over the DER, lower-case hex.
    pub fingerprint: Fingerprint,
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The DNS names and addresses it is good for.
    pub names: Vec<String>,
    /// From when it is good.
    pub not_before: Timestamp,
    /// Until when it is good.
    pub not_after: Timestamp,
}

impl CertificateInfo {
    /// Reads a certificate in DER.
    pub fn of(certificate: &[u8]) -> Result<Self> {
        let unusable = |reason: String| Error::Certificate { reason };
        let (_, parsed) = X509Certificate::from_der(certificate)
            .map_err(|error| unusable(format!("it is not an X.509 certificate ({error})")))?;
        let time = |seconds| {
            Timestamp::from_second(seconds).map_err(|_| unusable("its dates are odd".to_owned()))
        };
        let alternatives = parsed.subject_alternative_name().ok().flatten();
        let names = alternatives.iter().flat_map(|names| &names.value.general_names);
        Ok(Self {
            fingerprint: Fingerprint::of(certificate),
            subject: parsed.subject().to_string(),
            issuer: parsed.issuer().to_string(),
            names: names.filter_map(name).collect(),
            not_before: time(parsed.validity().not_before.timestamp())?,
            not_after: time(parsed.validity().not_after.timestamp())?,
        })
    }
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(v4) => Some(std::net::Ipv4Addr::from(v4).to_string()),
            Err(_) => {
                let v6 = <[u8; 16]>::try_from(*bytes).ok()?;
                Some(std::net::Ipv6Addr::from(v6).to_string())
            }
        },
        _ => None,
    }
}

/// A certificate chain, leaf first, with the key of the leaf.
#[derive(Debug)]
pub struct CertificatePair {
    file: Secret<Vec<u8>>,
    info: CertificateInfo,
}

impl CertificatePair {
    /// Takes a chain and an unencrypted key, both PEM; checks that the leaf can be read, that the
    /// key fits, and sizes. What PostgreSQL thinks of it shows when it is installed.
    pub fn new(chain_pem: &[u8], key_pem: &Secret<Vec<u8>>) -> Result<Self> {
        let unusable = |reason: &str| Error::Certificate { reason: reason.to_owned() };
        let key_pem = key_pem.expose();
        if chain_pem.len() > CHAIN_BYTES || key_pem.len() > KEY_BYTES {
            return Err(unusable("chain or key is too large"));
        }
        let leaf = CertificateDer::from_pem_slice(chain_pem)
            .map_err(|_| unusable("the chain holds no certificate in PEM"))?;
        let info = CertificateInfo::of(&leaf)?;
        let key = PrivateKeyDer::from_pem_slice(key_pem)
            .map_err(|_| unusable("the key is not an unencrypted private key in PEM"))?;
        CertifiedKey::from_der(vec![leaf], key, &aws_lc_rs::default_provider())
            .map_err(|_| unusable("the key is weak, of an unknown kind, or does not fit"))?;
        let mut file = Vec::with_capacity(chain_pem.len() + key_pem.len() + 1);
        file.extend_from_slice(chain_pem);
        if !file.ends_with(b"\n") {
            file.push(b'\n');
        }
        file.extend_from_slice(key_pem);
        Ok(Self { file: Secret::new(file), info })
    }

    /// What the leaf says about itself.
    pub fn info(&self) -> &CertificateInfo {
        &self.info
    }

    /// Chain and key as one file.
    pub(crate) fn file(&self) -> &[u8] {
        self.file.expose()
    }
}

impl Cluster {
    /// Puts a certificate where PostgreSQL finds it at its next start or reload.
    ///
    /// For a running server [`Cluster::rotate_certificate`] is the way, which proves the effect.
    pub fn install_certificate(&self, pair: &CertificatePair) -> Result<Changed> {
        file::make_dir(&self.data_dir.join(TLS_DIR), &self.run_as)?;
        file::replace(&self.data_dir.join(TLS_FILE), pair.file(), &self.run_as)
    }

    /// The certificate that lies in the data directory, if there is one.
    pub fn installed_certificate(&self) -> Result<Option<CertificateInfo>> {
        let Some(bytes) = file::read(&self.data_dir.join(TLS_FILE))?.map(Secret::new) else {
            return Ok(None);
        };
        let leaf = CertificateDer::from_pem_slice(bytes.expose()).map_err(|_| {
            Error::Certificate { reason: format!("\"{TLS_FILE}\" holds no certificate") }
        })?;
        CertificateInfo::of(&leaf).map(Some)
    }
}

/// `tls-server-end-point` (RFC 5929 section 4.1): the certificate under the hash of its own
/// signature, SHA-256 in place of anything weaker. `None` where that hash is not at hand.
pub(crate) fn end_point_hash(certificate: &[u8]) -> Option<Vec<u8>> {
    use x509_parser::oid_registry as oid;
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let algorithm = &parsed.signature_algorithm.algorithm;
    let is = |known: &oid::Oid<'_>| algorithm == known;
    let hash = if is(&oid::OID_PKCS1_SHA256WITHRSA)
        || is(&oid::OID_SIG_ECDSA_WITH_SHA256)
        || is(&oid::OID_PKCS1_SHA1WITHRSA)
    {
        sha256()
    } else if is(&oid::OID_PKCS1_SHA384WITHRSA) || is(&oid::OID_SIG_ECDSA_WITH_SHA384) {
        sha384()
    } else {
        return None;
    };
    Some(hash.hash(certificate).as_ref().to_vec())
}

fn sha256() -> &'static dyn Hash {
    hash_of(cipher_suite::TLS13_AES_128_GCM_SHA256)
}

fn sha384() -> &'static dyn Hash {
    hash_of(cipher_suite::TLS13_AES_256_GCM_SHA384)
}

/// The hash of a TLS 1.3 suite: rustls gives it out without a second cryptographic dependency.
fn hash_of(suite: SupportedCipherSuite) -> &'static dyn Hash {
    suite.tls13().expect("because only TLS 1.3 suites come here").common.hash_provider
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;

    #[test]
    fn fingerprint_is_sha_256() {
        // FIPS 180-4, the message "abc".
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Fingerprint::of(b"abc").to_string(), expected);
    }
}
