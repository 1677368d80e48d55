//! The server's certificate: its key, the request for it, and when it is due for renewal.

use base::Secret;
use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};

use crate::Error;

/// Names and addresses every server certificate holds.
const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// What a server presented when somebody connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presented {
    /// SHA-256 of the certificate, lower-case hex.
    pub fingerprint: String,
    /// When it ends.
    pub not_after: Timestamp,
    /// The protocol that was spoken, for example `TLSv1.3`.
    pub protocol: String,
}

/// How long a certificate is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From when.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
}

/// A certificate that the owner brings.
#[derive(Debug)]
pub struct OwnCertificate {
    /// The certificate and its intermediates, PEM.
    pub chain_pem: String,
    /// Its private key, PEM.
    pub key_pem: Secret<String>,
    /// The authority that clients verify it against, PEM.
    pub ca_pem: String,
    /// The host name that clients verify.
    pub host: String,
}

/// A fresh key of a server and the request for its certificate.
#[derive(Debug)]
pub struct ServerKeyPair {
    /// The private key (PKCS #8, PEM); goes into the encrypted mount and nowhere else.
    pub key_pem: Secret<String>,
    /// The request (PKCS #10, PEM).
    pub csr_pem: String,
}

impl ServerKeyPair {
    /// Makes an ECDSA P-256 key and a request for the loopback names and `hostname`.
    pub fn generate(server: &str, hostname: Option<&str>) -> Result<Self, Error> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Error::Certificate)?;
        let mut names: Vec<String> = LOOPBACK_NAMES.map(str::to_owned).to_vec();
        names.extend(hostname.filter(|name| is_dns_name(name)).map(str::to_owned));
        names.dedup();
        let mut params = CertificateParams::new(names).map_err(Error::Certificate)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, server);
        let request = params.serialize_request(&key).map_err(Error::Certificate)?;
        Ok(Self {
            key_pem: Secret::new(key.serialize_pem()),
            csr_pem: request.pem().map_err(Error::Certificate)?,
        })
    }
}

/// True for a host name that may stand in a certificate (RFC 1123 letters, digits, hyphens).
fn is_dns_name(name: &str) -> bool {
    name.len() <= 253
        && name != "localhost"
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        })
}

/// When a certificate is renewed: after two thirds of its life.
pub(crate) fn renew_at(issued_at: Timestamp, not_after: Timestamp) -> Timestamp {
    let life = not_after.as_second().saturating_sub(issued_at.as_second()).max(0);
    issued_at.saturating_add(SignedDuration::from_secs(life / 3 * 2)).unwrap_or(not_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_name_the_loopback_and_the_machine() {
        for hostname in [None, Some("db-1.example.com"), Some("localhost"), Some("bad_name")] {
            let pair = ServerKeyPair::generate("demo", hostname).unwrap();
            assert!(pair.csr_pem.starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
            assert!(pair.key_pem.expose().starts_with("-----BEGIN PRIVATE KEY-----"));
        }
    }

    #[test]
    fn host_names_are_checked() {
        for good in ["a", "db-1.example.com", "9x"] {
            assert!(is_dns_name(good), "{good}");
        }
        for bad in ["", "localhost", "a_b", "-a", "a-", "a..b", "ä"] {
            assert!(!is_dns_name(bad), "{bad}");
        }
    }

    #[test]
    fn renewal_is_due_after_two_thirds() {
        let issued: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let ends: Timestamp = "2026-04-01T00:00:00Z".parse().unwrap();
        assert_eq!(renew_at(issued, ends), "2026-03-02T00:00:00Z".parse().unwrap());
        assert_eq!(renew_at(ends, issued), ends);
    }
}
