//! What the internal authority signs, and what it does not.

use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::{SignedCertificate, Subject};

fn request(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let key = KeyPair::generate().unwrap();
    CertificateParams::new(names).unwrap().serialize_request(&key).unwrap().pem().unwrap()
}

fn sign(vault: &mut Vault, names: &[&str]) -> Result<SignedCertificate, Error> {
    vault.certificate_sign(AGENT, &Subject::Server(name("a")), &request(names))
}

#[test]
fn signs_for_this_machine_only() {
    let folder = Folder::new();
    let mut vault = folder.filled();
    let signed = sign(&mut vault, &["localhost", "127.0.0.1", "::1", "db1"]).unwrap();
    assert_eq!(signed.ca_pem, vault.ca_pem().unwrap());
    assert_eq!(signed.not_after.to_string(), "2027-04-15T08:00:00Z", "90 days");
    assert!(signed.left_out.is_empty());
    for foreign in ["example.org", "db2", "db1.example.org", "192.0.2.1", "*.localhost"] {
        expect_forbidden(sign(&mut vault, &["localhost", foreign]));
    }
    let empty = sign(&mut vault, &[]);
    assert!(matches!(empty, Err(Error::BadRequest(_))), "{empty:?}");
}

#[test]
fn signs_for_the_identity_only() {
    let folder = Folder::new();
    let mut vault = folder.filled();
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
    let mut vault = Vault::open(doors).unwrap();
    let signed = sign(&mut vault, &["localhost", "renamed"]).unwrap();
    assert_eq!(signed.left_out, ["renamed"]);
    expect_forbidden(sign(&mut vault, &["renamed"]));
}

#[test]
fn refuses_what_is_no_request() {
    let folder = Folder::new();
    let mut vault = folder.filled();
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
