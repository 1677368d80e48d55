//! What a stranger is told, by real servers and by one that has a fault which real ones have lost.

use std::sync::Arc;

use pg::{Injection, StartAnswer, probe_direct, probe_injection, probe_offer, probe_start};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use testkit::{KeyKind, StockCluster, TestCa, TestCluster};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const HOST: &str = "127.0.0.1";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_tls_only() {
    let test = TestCluster::start().await;
    let port = test.cluster().port;
    assert!(probe_offer(HOST, port).await.unwrap());
    let answer = probe_start(HOST, port, "nobody", "postgres").await.unwrap();
    let StartAnswer::Refused { code, routine, .. } = &answer else { panic!("{answer:?}") };
    assert_eq!((code.as_str(), routine.as_str()), ("28000", "ClientAuthentication"));
    assert_eq!(probe_injection(HOST, port, "nobody").await.unwrap(), Injection::Rejected);
    let major = test.cluster().binaries.version.major;
    assert_eq!(probe_direct(HOST, port, true).await.unwrap(), major >= 17);
    assert!(!probe_direct(HOST, port, false).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls() {
    let test = StockCluster::start().await;
    let port = test.port();
    assert!(!probe_offer(HOST, port).await.unwrap());
    // As initdb leaves it, SCRAM is asked for on loopback.
    let answer = probe_start(HOST, port, "nobody", "postgres").await.unwrap();
    assert_eq!(answer, StartAnswer::Asked(10));
    assert_eq!(probe_injection(HOST, port, "nobody").await.unwrap(), Injection::NoTls);
    assert!(!probe_direct(HOST, port, true).await.unwrap());
}

/// Answers one client: reads all that it sends at once, shakes hands, and then answers the packet
/// that stood behind the request (CVE-2021-23214), or begins TLS at once for whomever.
async fn faulty(listener: TcpListener, is_direct: bool) {
    let issued = TestCa::new().server(KeyKind::Ecdsa);
    let chain = CertificateDer::pem_slice_iter(issued.chain_pem.as_bytes());
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("a chain");
    let key = PrivateKeyDer::from_pem_slice(issued.key_pem.expose()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a pair");
    let (mut stream, _): (TcpStream, _) = listener.accept().await.expect("a client");
    if !is_direct {
        let mut head = [0; 8];
        stream.read_exact(&mut head).await.expect("a request");
        let length = stream.read_u32().await.expect("a packet behind it");
        let mut packet = vec![0; length as usize - 4];
        stream.read_exact(&mut packet).await.expect("all of it");
        stream.write_all(b"S").await.expect("a client that listens");
    }
    let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.expect("TLS");
    // AuthenticationCleartextPassword.
    stream.write_all(b"R\0\0\0\x08\0\0\0\x03").await.expect("a client that listens");
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_seen() {
    for is_direct in [false, true] {
        let listener = TcpListener::bind((HOST, 0)).await.expect("a port");
        let port = listener.local_addr().expect("it is bound").port();
        let server = tokio::spawn(faulty(listener, is_direct));
        if is_direct {
            assert!(probe_direct(HOST, port, false).await.unwrap());
        } else {
            let answer = probe_injection(HOST, port, "nobody").await.unwrap();
            assert_eq!(answer, Injection::Processed);
        }
        server.await.expect("it has served its client");
    }
}
