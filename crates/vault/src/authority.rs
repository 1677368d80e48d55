//! The internal certificate authority: one self-signed root that signs certificates of this
//! machine's servers, and nothing else.
//!
//! The root is constrained (RFC 5280, 4.2.1.9 and 4.2.1.10): it may not sign another authority,
//! and only for `localhost`, loopback addresses and this machine's name. So whoever trusts it does
//! not trust it for the rest of the world.

use std::net::IpAddr;
use std::time::Duration;

use base::{Random, Secret, ServerName};
use jiff::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateSigningRequestParams, CidrSubnet,
    DistinguishedName, DnType, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, NameConstraints, SanType, SerialNumber, date_time_ymd,
};
use rustls_pki_types::PrivatePkcs8KeyDer;

use crate::Error;

const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long the root is good for.
const ROOT_DAYS: u32 = 3650;
/// How long a server's certificate is good for.
const LEAF_DAYS: u32 = 90;
/// A clock that is behind by less still accepts a new certificate.
const CLOCK_SKEW: Duration = Duration::from_secs(300);
/// No certificate has more names.
const NAMES_MAX: usize = 16;
/// No request is longer.
const CSR_MAX_BYTES: usize = 16 * 1024;

/// Whom a certificate is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A PostgreSQL server.
    Server(ServerName),
    /// The plane's own page.
    Plane,
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Server(name) => write!(f, "server/{name}"),
            Self::Plane => f.write_str("service/plane"),
        }
    }
}

/// An issued certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCertificate {
    /// The certificate as PEM.
    pub chain_pem: String,
    /// The root that signed it, as PEM.
    pub ca_pem: String,
    /// It is good until then.
    pub not_after: Timestamp,
    /// Names of this machine that were asked for but lie outside what the root may sign.
    pub left_out: Vec<String>,
}

/// A certificate together with its key, for a process of the vault itself.
#[derive(Debug)]
pub struct ServerCertificate {
    /// The certificate as PEM.
    pub chain_pem: String,
    /// The private key as PEM (PKCS #8).
    pub key_pem: Secret<String>,
    /// The root that signed it, as PEM.
    pub ca_pem: String,
    /// It is good until then.
    pub not_after: Timestamp,
}

/// The root and its key.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
    /// The machine's name when the root was made; the root signs no other.
    hostname: Option<String>,
}

/// What is stored of an authority.
pub(crate) struct AuthorityRecord {
    /// Private key, PKCS #8.
    pub(crate) key: Secret<Vec<u8>>,
    /// `hostname \n certificate PEM`.
    pub(crate) certificate: Vec<u8>,
}

fn failed(doing: &'static str) -> impl Fn(rcgen::Error) -> Error {
    move |source| Error::Certificate { doing, source }
}

impl Authority {
    /// Makes a root for a machine.
    pub(crate) fn generate(
        random: &dyn Random,
        now: Timestamp,
        hostname: Option<&str>,
    ) -> Result<AuthorityRecord, Error> {
        let make = failed("make the internal certificate authority");
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).map_err(&make)?;
        let mut params = template(random, now, ROOT_DAYS);
        params.distinguished_name.push(DnType::CommonName, "pgkeep internal CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let mut permitted = vec![GeneralSubtree::DnsName("localhost".to_owned())];
        permitted.extend(hostname.map(|name| GeneralSubtree::DnsName(name.to_owned())));
        permitted.push(GeneralSubtree::IpAddress(CidrSubnet::V4([127, 0, 0, 0], [255, 0, 0, 0])));
        let loopback = std::net::Ipv6Addr::LOCALHOST.octets();
        permitted.push(GeneralSubtree::IpAddress(CidrSubnet::V6(loopback, [255; 16])));
        params.name_constraints =
            Some(NameConstraints { permitted_subtrees: permitted, excluded_subtrees: Vec::new() });
        let certificate = params.self_signed(&key).map_err(&make)?;
        let certificate = format!("{}\n{}", hostname.unwrap_or_default(), certificate.pem());
        Ok(AuthorityRecord {
            key: Secret::new(key.serialize_der()),
            certificate: certificate.into_bytes(),
        })
    }

    /// Takes a stored root into use.
    pub(crate) fn load(record: &AuthorityRecord) -> Result<Self, Error> {
        let damaged = || Error::Tampered("ca".to_owned());
        let text = std::str::from_utf8(&record.certificate).map_err(|_| damaged())?;
        let (hostname, pem) = text.split_once('\n').ok_or_else(damaged)?;
        let read = failed("read the internal certificate authority");
        let der = PrivatePkcs8KeyDer::from(record.key.expose().as_slice());
        let key = KeyPair::from_pkcs8_der_and_sign_algo(&der, &rcgen::PKCS_ECDSA_P384_SHA384)
            .map_err(&read)?;
        let issuer = Issuer::from_ca_cert_pem(pem, key).map_err(&read)?;
        let hostname = (!hostname.is_empty()).then(|| hostname.to_owned());
        Ok(Self { issuer, pem: pem.to_owned(), hostname })
    }

    /// The root certificate as PEM: public.
    pub(crate) fn pem(&self) -> &str {
        &self.pem
    }

    /// Signs a request. Everything but the key and the names is ours to say.
    ///
    /// `machine` are the names that this machine has now; a request for any other is refused.
    pub(crate) fn sign(
        &self,
        random: &dyn Random,
        now: Timestamp,
        subject: &Subject,
        csr_pem: &str,
        machine: &[String],
    ) -> Result<SignedCertificate, Error> {
        if csr_pem.len() > CSR_MAX_BYTES {
            return Err(Error::BadRequest("the certificate request is too long".to_owned()));
        }
        // Checks the request's signature: the caller has the private key.
        let request = CertificateSigningRequestParams::from_pem(csr_pem).map_err(|_| {
            Error::BadRequest("the certificate request is not valid PKCS #10".to_owned())
        })?;
        let (names, left_out) = self.names(&request.params.subject_alt_names, machine)?;
        let mut params = leaf(random, now, &subject.to_string());
        params.subject_alt_names = names;
        let certificate = params
            .signed_by(&request.public_key, &self.issuer)
            .map_err(failed("sign a certificate"))?;
        Ok(SignedCertificate {
            chain_pem: certificate.pem(),
            ca_pem: self.pem.clone(),
            not_after: end(now, LEAF_DAYS),
            left_out,
        })
    }

    /// Makes a key and a certificate for the vault's own HTTPS: `host` and every name one label
    /// below it, `localhost`, loopback addresses.
    pub(crate) fn https(
        &self,
        random: &dyn Random,
        now: Timestamp,
        host: &str,
    ) -> Result<ServerCertificate, Error> {
        let make = failed("make the vault's own certificate");
        if host != "localhost" && !host.ends_with(".localhost") {
            let message = format!("this authority may not sign for \"{host}\"");
            return Err(Error::BadRequest(message));
        }
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(&make)?;
        let wildcard = format!("*.{host}");
        let names = [&*wildcard, host, "localhost", "127.0.0.1", "::1"].map(str::to_owned);
        let asked = CertificateParams::new(names).map_err(&make)?;
        let mut params = leaf(random, now, "service/vault");
        params.subject_alt_names = asked.subject_alt_names;
        let certificate = params.signed_by(&key, &self.issuer).map_err(&make)?;
        Ok(ServerCertificate {
            chain_pem: certificate.pem(),
            key_pem: Secret::new(key.serialize_pem()),
            ca_pem: self.pem.clone(),
            not_after: end(now, LEAF_DAYS),
        })
    }

    fn names(
        &self,
        asked: &[SanType],
        machine: &[String],
    ) -> Result<(Vec<SanType>, Vec<String>), Error> {
        if asked.is_empty() || asked.len() > NAMES_MAX {
            let message = format!("a certificate must have 1 to {NAMES_MAX} names");
            return Err(Error::BadRequest(message));
        }
        let (mut names, mut left_out) = (Vec::new(), Vec::new());
        for san in asked {
            let refused = |name: &dyn std::fmt::Display| {
                Error::Forbidden(format!("the name \"{name}\" does not belong to this machine"))
            };
            match san {
                SanType::IpAddress(IpAddr::V4(ip)) if ip.is_loopback() => names.push(san.clone()),
                SanType::IpAddress(IpAddr::V6(ip)) if ip.is_loopback() => names.push(san.clone()),
                SanType::IpAddress(ip) => return Err(refused(ip)),
                SanType::DnsName(name) => {
                    let name = name.as_str();
                    if name == "localhost" || self.hostname.as_deref() == Some(name) {
                        names.push(san.clone());
                    } else if machine.iter().any(|known| known == name) {
                        left_out.push(name.to_owned());
                    } else {
                        return Err(refused(&name));
                    }
                }
                _ => return Err(Error::BadRequest("a name is of an unknown kind".to_owned())),
            }
        }
        if names.is_empty() {
            return Err(Error::Forbidden(format!(
                "this authority may not sign for {}",
                left_out.join(", ")
            )));
        }
        Ok((names, left_out))
    }
}

/// A server's certificate but for its names.
fn leaf(random: &dyn Random, now: Timestamp, subject: &str) -> CertificateParams {
    let mut params = template(random, now, LEAF_DAYS);
    // Spaces: a common name must never be taken for a host name.
    params.distinguished_name.push(DnType::CommonName, format!("pgkeep {subject}"));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

fn template(random: &dyn Random, now: Timestamp, days: u32) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    // 127 bits: positive and never zero in DER (RFC 5280, 4.1.2.2).
    let mut serial = [0; 16];
    random.fill(&mut serial);
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + (since_epoch(now).saturating_sub(CLOCK_SKEW));
    params.not_after = epoch + since_epoch(end(now, days));
    params
}

/// Whole seconds: certificates know no smaller unit.
fn since_epoch(at: Timestamp) -> Duration {
    Duration::from_secs(u64::try_from(at.as_second()).unwrap_or(0))
}

fn end(now: Timestamp, days: u32) -> Timestamp {
    let end = since_epoch(now) + DAY * days;
    let seconds = i64::try_from(end.as_secs()).expect("because years are few");
    Timestamp::from_second(seconds).expect("because years are few")
}
