//! A certificate authority for tests.

use base::Secret;
use pg::CertificatePair;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, RsaKeySize, SignatureAlgorithm, date_time_ymd,
};

/// Whom certificates are for.
const NAMES: &[&str] = &["localhost", "127.0.0.1", "::1"];

/// The kind of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyKind {
    /// ECDSA on P-256.
    Ecdsa,
    /// RSA with 2048 bits.
    Rsa,
}

/// A certificate with its key, both PEM.
#[derive(Debug)]
pub struct Issued {
    /// The chain, leaf first.
    pub chain_pem: String,
    /// The key, PKCS#8.
    pub key_pem: Secret<Vec<u8>>,
}

impl Issued {
    /// As `pg` wants it.
    pub fn pair(&self) -> CertificatePair {
        CertificatePair::new(self.chain_pem.as_bytes(), &self.key_pem).expect("a sound pair")
    }
}

/// An authority that lives as long as the test.
#[derive(Debug)]
pub struct TestCa {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl TestCa {
    /// A fresh authority.
    pub fn new() -> Self {
        let mut params = params("test authority", &[]);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate().expect("a key");
        Self { issuer: CertifiedIssuer::self_signed(params, key).expect("an authority") }
    }

    /// Its certificate, PEM.
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A server certificate for `localhost` and the loopback addresses.
    pub fn server(&self, kind: KeyKind) -> Issued {
        self.issue("localhost", kind, ExtendedKeyUsagePurpose::ServerAuth, (2099, 1, 1))
    }

    /// A server certificate that has expired.
    pub fn expired_server(&self) -> Issued {
        let purpose = ExtendedKeyUsagePurpose::ServerAuth;
        self.issue("localhost", KeyKind::Ecdsa, purpose, (2021, 1, 1))
    }

    /// A client certificate for a role.
    pub fn client(&self, role: &str) -> Issued {
        self.issue(role, KeyKind::Ecdsa, ExtendedKeyUsagePurpose::ClientAuth, (2099, 1, 1))
    }

    /// A certificate for who is server and client on loopback.
    pub fn peer(&self) -> Issued {
        let mut params = params("peer", NAMES);
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        self.signed(&params, KeyKind::Ecdsa)
    }

    fn issue(
        &self,
        name: &str,
        kind: KeyKind,
        purpose: ExtendedKeyUsagePurpose,
        (year, month, day): (i32, u8, u8),
    ) -> Issued {
        let mut params = params(name, NAMES);
        params.extended_key_usages = vec![purpose];
        params.not_after = date_time_ymd(year, month, day);
        self.signed(&params, kind)
    }

    fn signed(&self, params: &CertificateParams, kind: KeyKind) -> Issued {
        let key = key(kind);
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key_pem = Secret::new(key.serialize_pem().into_bytes());
        Issued { chain_pem: certificate.pem(), key_pem }
    }
}

impl Default for TestCa {
    fn default() -> Self {
        Self::new()
    }
}

fn params(name: &str, names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).expect("plain names");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2099, 1, 1);
    params
}

fn key(kind: KeyKind) -> KeyPair {
    let algorithm: &'static SignatureAlgorithm = &rcgen::PKCS_RSA_SHA256;
    match kind {
        KeyKind::Ecdsa => KeyPair::generate(),
        KeyKind::Rsa => KeyPair::generate_rsa_for(algorithm, RsaKeySize::_2048),
    }
    .expect("a key")
}
