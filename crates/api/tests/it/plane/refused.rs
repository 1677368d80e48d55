//! Large bodies that are refused before they were read, over real TLS: the answer arrives.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;

use api::Tls;
use api::access::LocalPeer;
use api::plane::{Api, PlaneParts};
use http_body_util::BodyExt as _;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

use super::DEADLINE;
use super::sim::Sim;
use crate::access::memory::scene;

const MIB: usize = 1 << 20;
const WORK_MEM: &str = "/api/v1/servers/demo/parameters/work_mem";

/// The API on a port with TLS, and a token of its owner.
struct Page {
    address: SocketAddr,
    roots: Arc<RootCertStore>,
    token: String,
    serving: JoinHandle<()>,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Page {
    async fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned()];
        let cert = CertificateParams::new(names).unwrap().self_signed(&key).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let tls = Tls::new(&cert.pem(), PrivatePkcs8KeyDer::from(key.serialize_der())).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let access = scene().access;
        let api = Api::new(PlaneParts { backend: Arc::new(Sim::default()), access });
        let token = token(&api).await;
        let serving = tokio::spawn(async move { api.serve_tls(listener, &tls).await.unwrap() });
        Self { address, roots: Arc::new(roots), token, serving }
    }

    fn connect(&self) -> StreamOwned<ClientConnection, TcpStream> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), stream)
    }
}

/// A token of somebody who may do everything.
async fn token(api: &Api) -> String {
    let wish = json!({ "name": "ci", "assignments": [{ "role": "owner", "scope": "/" }] });
    let mut request = axum::http::Request::builder()
        .method("POST")
        .uri("/api/v1/tokens")
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(axum::body::Body::from(wish.to_string()))
        .unwrap();
    request.extensions_mut().insert(LocalPeer(1000));
    let response = api.router().oneshot(request).await.unwrap();
    let made = response.into_body().collect().await.unwrap().to_bytes();
    let made: Value = serde_json::from_slice(&made).unwrap();
    made["token"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
}

/// Sends all of the request before it reads, as many clients do; answers the head and the error.
fn send_then_read(
    stream: &mut StreamOwned<ClientConnection, TcpStream>,
    headers: &str,
    n_bytes: usize,
) -> Result<(String, Value), std::io::Error> {
    let head = format!(
        "PATCH {WORK_MEM} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         {headers}Content-Length: {n_bytes}\r\n\r\n"
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&vec![b'x'; n_bytes])?;
    stream.flush()?;
    read(stream)
}

fn read(
    stream: &mut StreamOwned<ClientConnection, TcpStream>,
) -> Result<(String, Value), std::io::Error> {
    let mut answer = Vec::new();
    let mut byte = [0];
    while !answer.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        answer.push(byte[0]);
    }
    let head = String::from_utf8(answer).unwrap().to_ascii_lowercase();
    let length = head.split("content-length: ").nth(1).unwrap().split("\r\n").next().unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body)?;
    Ok((head, serde_json::from_slice(&body).unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_body_that_is_refused_unread_gets_its_answer() {
    let page = Page::start().await;
    let asking = tokio::task::spawn_blocking(move || {
        let token = format!("Authorization: Bearer {}\r\n", page.token);
        let mut stream = page.connect();
        // One connection for all of them: it stays good.
        for _ in 0..3 {
            for (headers, status, code) in
                [("", "401", "unauthenticated"), (&token, "413", "too_large")]
            {
                let (head, error) = send_then_read(&mut stream, headers, 8 * MIB).unwrap();
                assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
                assert!(!head.contains("connection: close"), "{head}");
                assert_eq!(error["error"]["code"], code, "{error}");
            }
        }
        page
    });
    drop(asking.await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_beyond_all_bounds_ends_the_connection() {
    let page = Page::start().await;
    let asking = tokio::task::spawn_blocking(move || {
        let head =
            |more: &str| format!("PATCH {WORK_MEM} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
        // Told beforehand, it is not waited for; who asks before sending is told not to.
        for more in [
            "Content-Length: 1073741824\r\n",
            "Expect: 100-continue\r\n\
            Content-Length: 8388608\r\n",
        ] {
            let mut stream = page.connect();
            stream.write_all(head(more).as_bytes()).unwrap();
            let (head, error) = read(&mut stream).unwrap();
            assert!(head.starts_with("http/1.1 401 "), "{head}");
            assert!(head.contains("connection: close\r\n"), "{head}");
            assert_eq!(error["error"]["code"], "unauthenticated");
            let mut rest = Vec::new();
            match stream.read_to_end(&mut rest) {
                Ok(_) => assert!(rest.is_empty(), "{rest:?}"),
                Err(e) => assert_eq!(e.kind(), ErrorKind::UnexpectedEof, "{e}"),
            }
        }
        page
    });
    drop(asking.await.unwrap());
}
