//! What the internal authority signs, and what it does not.

use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::{SignedCertificate, Subject};

fn request(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let key = KeyPair::generate().unwrap();
    CertificateParams::new(names).unwrap().serialize_request(&key).unwrap().pem().unwrap()
}

fn sign(vault: &Vault, names: &[&str]) -> Result<SignedCertificate, Error> {
    vault.certificate_sign(AGENT, &Subject::Server(name("a")), &request(names))
}

#[test]
fn signs_for_this_machine_only() {
    let folder = Folder::new();
    let vault = folder.filled();
    let signed = sign(&vault, &["localhost", "127.0.0.1", "::1", "db1"]).unwrap();
    assert_eq!(signed.ca_pem, vault.ca_pem().unwrap());
    assert_eq!(signed.not_after.to_string(), "2027-04-15T08:00:00Z", "90 days");
    assert!(signed.left_out.is_empty());
    for foreign in ["example.org", "db2", "db1.example.org", "192.0.2.1", "*.localhost"] {
        expect_forbidden(sign(&vault, &["localhost", foreign]));
    }
    let empty = sign(&vault, &[]);
    assert!(matches!(empty, Err(Error::BadRequest(_))), "{empty:?}");
}

#[test]
fn signs_for_the_identity_only() {
    let folder = Folder::new();
    let vault = folder.filled();
    let csr = request(&["localhost"]);
    expect_forbidden(vault.certificate_sign(OTHER_AGENT, &Subject::Server(name("a")), &csr));
    expect_forbidden(vault.certificate_sign(AGENT, &Subject::Plane, &csr));
    assert!(vault.certificate_sign(PLANE, &Subject::Plane, &csr).is_ok());
}

#[test]
fn leaves_out_a_name_that_the_machine_got_later() {
    let folder = Folder::new();
    drop(folder.filled());
    let mut doors = folder.doors();
    doors.hostnames = vec!["renamed".to_owned()];
    let vault = Vault::open(doors).unwrap();
    let signed = sign(&vault, &["localhost", "renamed"]).unwrap();
    assert_eq!(signed.left_out, ["renamed"]);
    expect_forbidden(sign(&vault, &["renamed"]));
}

#[test]
fn refuses_what_is_no_request() {
    let folder = Folder::new();
    let vault = folder.filled();
    let good = request(&["localhost"]);
    // One character of the signature.
    let at = good.len() - 60;
    let other = if good.as_bytes()[at] == b'A' { "B" } else { "A" };
    let forged = format!("{}{other}{}", &good[..at], &good[at + 1..]);
    let long = format!("{good}{}", " ".repeat(20_000));
    for bad in ["", "x", &forged, &long] {
        let outcome = vault.certificate_sign(AGENT, &Subject::Server(name("a")), bad);
        assert!(matches!(outcome, Err(Error::BadRequest(_))), "{outcome:?}");
    }
}

#[test]
fn the_vault_has_a_certificate_of_its_own() {
    use rustls_pki_types::pem::PemObject as _;
    let folder = Folder::new();
    let vault = folder.filled();
    let made = vault.https_certificate(OWN).unwrap();
    assert_eq!(made.ca_pem, vault.ca_pem().unwrap());
    let key = KeyPair::from_pem(made.key_pem.expose()).unwrap();
    let der = rustls_pki_types::CertificateDer::from_pem_slice(made.chain_pem.as_bytes()).unwrap();
    let holds = |needle: &[u8]| der.windows(needle.len()).any(|window| window == needle);
    assert!(holds(key.public_key_raw()), "the key fits the certificate");
    for name in ["*.vault.localhost", "vault.localhost", "localhost"] {
        // A dNSName in DER: its tag, its length, its text.
        let length = u8::try_from(name.len()).unwrap();
        assert!(holds(&[&[0x82, length], name.as_bytes()].concat()), "{name}");
    }
    assert!(holds(&[0x87, 4, 127, 0, 0, 1]));
    let again = vault.https_certificate(OWN).unwrap();
    assert_ne!(again.key_pem.expose(), made.key_pem.expose());
}
