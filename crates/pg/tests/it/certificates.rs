//! Rotation of the server's certificate: good ones, and ones that must be taken back.

use base::{Changed, Secret};
use pg::{CertificatePair, Error, probe_tls};
use testkit::{KeyKind, TestCa, TestCluster};

#[tokio::test(flavor = "multi_thread")]
async fn a_good_certificate_is_taken_at_once() {
    let test = TestCluster::start().await;
    let connection = test.connect().await;
    let before = probe_tls(&test.target()).await.unwrap().fingerprint;
    let pair = test.ca().server(KeyKind::Ecdsa).pair();
    let target = test.target();
    let rotate = || test.cluster().rotate_certificate(&connection, &pair, &target);
    let rotation = rotate().await.unwrap();
    assert_eq!(rotation.changed, Changed::Changed);
    assert_eq!(rotation.before, Some(before));
    assert_eq!(rotation.presented.fingerprint, pair.info().fingerprint);
    assert_eq!(rotation.presented.untrusted, None);
    assert_eq!(pair.info().names, ["localhost", "127.0.0.1", "::1"]);
    assert_eq!(rotate().await.unwrap().changed, Changed::Unchanged);
    test.connect_tls().await.expect("clients still come in");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_postgres_or_clients_refuse_is_taken_back() {
    let mut test = TestCluster::start().await;
    let connection = test.connect().await;
    let before = probe_tls(&test.target()).await.unwrap().fingerprint;

    // The leaf and its key are sound, what follows is not: only OpenSSL reads that far.
    let issued = test.ca().server(KeyKind::Ecdsa);
    let chain = format!(
        "{}-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n",
        issued.chain_pem
    );
    let broken = CertificatePair::new(chain.as_bytes(), &issued.key_pem).unwrap();
    let stranger = TestCa::new().server(KeyKind::Ecdsa).pair();
    let expired = test.ca().expired_server().pair();
    for (pair, words) in [(broken, "still presents"), (stranger, "trust"), (expired, "trust")] {
        let error = test
            .cluster()
            .rotate_certificate(&connection, &pair, &test.target())
            .await
            .unwrap_err();
        assert!(matches!(error, Error::CertificateNotTaken { .. }), "{error}");
        let fault = error.fault();
        let detail = fault.detail.unwrap();
        assert!(detail.contains(words) && detail.contains(&before.to_string()), "{detail}");
        assert!(fault.hint.is_some());
        assert_eq!(probe_tls(&test.target()).await.unwrap().fingerprint, before);
    }
    // The files are the old ones too, so that the next start works.
    drop(connection);
    test.restart().await;
    assert_eq!(probe_tls(&test.target()).await.unwrap().fingerprint, before);
}

#[test]
fn a_key_that_does_not_fit_is_refused_before_anything_is_written() {
    let ca = TestCa::new();
    let (one, other) = (ca.server(KeyKind::Ecdsa), ca.server(KeyKind::Ecdsa));
    let garbage = Secret::new(b"not a key".to_vec());
    for key in [&other.key_pem, &garbage] {
        let pair = CertificatePair::new(one.chain_pem.as_bytes(), key);
        assert!(matches!(pair, Err(Error::Certificate { .. })));
    }
    assert!(CertificatePair::new(b"", &one.key_pem).is_err());
    assert!(CertificatePair::new(&vec![b'x'; 1 << 20], &one.key_pem).is_err());
}
