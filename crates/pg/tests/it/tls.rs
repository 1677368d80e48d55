//! What the server offers to TLS clients, old and new.

use pg::{HelloAnswer, TlsVersion, probe_hello, probe_tls};
use testkit::{KeyKind, TestCluster};

/// Every number a suite may have had before TLS 1.3: RFC ranges 00xx, C0xx and CCxx.
fn old_suites() -> Vec<u16> {
    let ranges = [0x0001..=0x00fe, 0xc001..=0xc0ff, 0xcc13..=0xccae];
    ranges.into_iter().flatten().collect()
}

/// The suites the server chooses when the ones it chose before are no longer offered.
async fn accepted(port: u16, version: TlsVersion) -> Vec<u16> {
    let mut offered = old_suites();
    let mut accepted = Vec::new();
    while let HelloAnswer::Chosen { version: chosen, suite } =
        probe_hello("localhost", port, version, &offered).await.expect("an answer")
    {
        assert_eq!(chosen, version);
        offered.retain(|number| *number != suite);
        accepted.push(suite);
    }
    accepted.sort_unstable();
    accepted
}

#[tokio::test(flavor = "multi_thread")]
async fn only_six_suites_and_no_old_version() {
    let test = TestCluster::start().await;
    let port = test.cluster().port;
    for version in [TlsVersion::Ssl30, TlsVersion::Tls10, TlsVersion::Tls11] {
        let answer = probe_hello("localhost", port, version, &old_suites()).await.unwrap();
        assert!(!matches!(answer, HelloAnswer::Chosen { .. }), "{version:?}: {answer:?}");
    }
    // ECDHE-ECDSA with AES128-GCM, AES256-GCM and CHACHA20-POLY1305.
    assert_eq!(accepted(port, TlsVersion::Tls12).await, [0xc02b, 0xc02c, 0xcca9]);
    let connection = test.connect().await;
    let rsa = test.ca().server(KeyKind::Rsa).pair();
    test.cluster().rotate_certificate(&connection, &rsa, &test.target()).await.unwrap();
    // The same three with ECDHE-RSA.
    assert_eq!(accepted(port, TlsVersion::Tls12).await, [0xc02f, 0xc030, 0xcca8]);
    let modern = probe_hello("localhost", port, TlsVersion::Tls13, &[0x1301, 0x1302]).await;
    assert!(matches!(
        modern.unwrap(),
        HelloAnswer::Chosen { version: TlsVersion::Tls13, suite: 0x1301 | 0x1302 }
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_protocol_versions_are_parameters_that_need_no_restart() {
    let test = TestCluster::start().await;
    let connection = test.connect().await;
    assert_eq!(probe_tls(&test.target()).await.unwrap().protocol, "TLSv1.3");
    for (name, value, version) in [
        ("ssl_max_protocol_version", "TLSv1.2", TlsVersion::Tls12),
        ("ssl_max_protocol_version", "", TlsVersion::Tls12),
        ("ssl_min_protocol_version", "TLSv1.3", TlsVersion::Tls13),
    ] {
        let set = test.cluster().set_parameter(&connection, name, value).await.unwrap();
        assert!(!set.needs_restart);
        let expected = if value == "TLSv1.2" { "TLSv1.2" } else { "TLSv1.3" };
        testkit::eventually(testkit::DEADLINE, || async {
            let seen = probe_tls(&test.target()).await.unwrap();
            (seen.protocol == expected).then_some(())
        })
        .await;
        let old = accepted(test.cluster().port, TlsVersion::Tls12).await;
        assert_eq!(old.is_empty(), version == TlsVersion::Tls13);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_says_whether_the_certificate_is_trusted() {
    let test = TestCluster::start().await;
    let seen = probe_tls(&test.target()).await.unwrap();
    assert_eq!(seen.untrusted, None);
    assert_eq!(
        seen.fingerprint,
        test.cluster().installed_certificate().unwrap().unwrap().fingerprint
    );
    let mut target = test.target();
    target.server_name = "elsewhere.example".to_owned();
    assert!(probe_tls(&target).await.unwrap().untrusted.is_some());
}
