//! A served edge and clients for it: HTTP/1.1 and HTTP/2 over TLS, and raw bytes.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use api::Tls;
use api::keyvault::{KeyVaultEdge, Limits, Settings};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{HOST, HeaderMap};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::backend::{Memory, TOKEN};

pub(crate) const HOST_NAME: &str = "shop.vault.localhost";
pub(crate) const TENANT: &str = "11111111-2222-3333-4444-555555555555";
/// Every wait of the tests ends by then.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Bytes that count up.
pub(crate) struct Counting(std::sync::atomic::AtomicU64);

impl base::Random for Counting {
    fn fill(&self, out: &mut [u8]) {
        let count = self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        out.fill(0);
        out[..8].copy_from_slice(&count.to_be_bytes());
    }
}

/// An edge that serves.
pub(crate) struct Served {
    pub(crate) memory: Arc<Memory>,
    pub(crate) edge: KeyVaultEdge,
    pub(crate) address: SocketAddr,
    pub(crate) stop: watch::Sender<bool>,
    pub(crate) serving: JoinHandle<Result<(), api::Error>>,
    pub(crate) tls: Tls,
    roots: Arc<RootCertStore>,
    pub(crate) issuer: rcgen::Issuer<'static, KeyPair>,
}

/// A certificate for the vault's names, its key, signed by `issuer`.
pub(crate) fn certificate(
    issuer: &rcgen::Issuer<'static, KeyPair>,
) -> (String, PrivatePkcs8KeyDer<'static>) {
    let key = KeyPair::generate().unwrap();
    let names = ["*.vault.localhost".to_owned(), "vault.localhost".to_owned()];
    let cert = CertificateParams::new(names).unwrap().signed_by(&key, issuer).unwrap();
    (cert.pem(), PrivatePkcs8KeyDer::from(key.serialize_der()))
}

/// Serves on a free port with the usual limits.
pub(crate) async fn served() -> Served {
    served_with(|_| {}).await
}

/// Serves with other limits.
pub(crate) async fn served_with(change: impl FnOnce(&mut Limits)) -> Served {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let ca_cert = ca.self_signed(&ca_key).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(ca_cert.der().clone()).unwrap();
    let issuer = rcgen::Issuer::new(ca, ca_key);
    let (pem, key) = certificate(&issuer);
    let tls = Tls::for_vault(&pem, key).unwrap();

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let issuer_uri = format!("https://vault.localhost:{}/{TENANT}", address.port());
    let mut settings = Settings::new(address.port(), TENANT, issuer_uri);
    change(&mut settings.limits);
    let memory = Arc::new(Memory::default());
    let random = Arc::new(Counting(Default::default()));
    let edge = KeyVaultEdge::new(memory.clone(), random, settings).unwrap();
    let (stop, stops) = watch::channel(false);
    let serving = tokio::spawn({
        let (edge, tls) = (edge.clone(), tls.clone());
        async move { edge.serve_vaults(listener, &tls, stops).await }
    });
    Served { memory, edge, address, stop, serving, tls, roots: Arc::new(roots), issuer }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `(status, code)` of an error, whose shape is checked.
    pub(crate) fn error(&self) -> (u16, String) {
        let json = self.json();
        assert!(json["error"]["message"].as_str().is_some_and(|m| !m.is_empty()), "{self:?}");
        assert_eq!(self.header("content-type"), "application/json; charset=utf-8");
        assert!(!self.header("x-ms-request-id").is_empty());
        (self.status.as_u16(), json["error"]["code"].as_str().unwrap().to_owned())
    }
}

/// What a client sends; the host and the token are usual ones unless said otherwise.
pub(crate) struct Ask {
    request: hyper::http::request::Builder,
    host: String,
    token: Option<String>,
    body: Vec<u8>,
}

pub(crate) fn ask(method: &str, target: &str) -> Ask {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let request = Request::builder().method(method).uri(target);
    let token = Some(format!("Bearer {TOKEN}"));
    Ask { request, host: HOST_NAME.to_owned(), token, body: Vec::new() }
}

impl Ask {
    pub(crate) fn host(mut self, host: &str) -> Self {
        self.host = host.to_owned();
        self
    }

    /// The whole value of `Authorization`.
    pub(crate) fn token(mut self, token: Option<&str>) -> Self {
        self.token = token.map(str::to_owned);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    fn build(self, address: SocketAddr, http2: bool) -> Request<Full<Bytes>> {
        let Self { mut request, host, token, body } = self;
        let authority = if host.contains(':') || host.is_empty() {
            host
        } else {
            format!("{host}:{}", address.port())
        };
        if http2 {
            let target = request.uri_ref().unwrap().clone();
            request = request.uri(format!("https://{authority}{target}"));
        } else {
            request = request.header(HOST, authority);
        }
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        request.body(Full::from(body)).unwrap()
    }
}

/// A connection that is kept.
pub(crate) enum Client {
    One(hyper::client::conn::http1::SendRequest<Full<Bytes>>, SocketAddr),
    Two(hyper::client::conn::http2::SendRequest<Full<Bytes>>, SocketAddr),
}

impl Client {
    pub(crate) async fn send(&mut self, ask: Ask) -> Answer {
        let response = tokio::time::timeout(DEADLINE, async {
            match self {
                Self::One(sender, address) => {
                    sender.ready().await?;
                    sender.send_request(ask.build(*address, false)).await
                }
                Self::Two(sender, address) => sender.send_request(ask.build(*address, true)).await,
            }
        });
        let (head, body) = response.await.expect("an answer in time").unwrap().into_parts();
        let bytes = tokio::time::timeout(DEADLINE, body.collect()).await.unwrap().unwrap();
        let text = String::from_utf8(bytes.to_bytes().to_vec()).unwrap();
        Answer { status: head.status, headers: head.headers, text }
    }
}

impl Served {
    /// A TLS connection that offers these protocols.
    pub(crate) async fn tls(&self, alpn: &[&[u8]]) -> TlsStream<TcpStream> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from(HOST_NAME).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }

    /// A connection with HTTP/1.1.
    pub(crate) async fn client(&self) -> Client {
        let stream = TokioIo::new(self.tls(&[b"http/1.1"]).await);
        let (sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        Client::One(sender, self.address)
    }

    /// A connection with HTTP/2.
    pub(crate) async fn client2(&self) -> Client {
        let stream = self.tls(&[b"h2", b"http/1.1"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let executor = TokioExecutor::new();
        let io = TokioIo::new(stream);
        let (sender, connection) =
            hyper::client::conn::http2::handshake(executor, io).await.unwrap();
        tokio::spawn(connection);
        Client::Two(sender, self.address)
    }

    /// One request on a connection of its own.
    pub(crate) async fn ask(&self, ask: Ask) -> Answer {
        self.client().await.send(ask).await
    }

    /// Makes an RSA key.
    pub(crate) async fn create(&self, name: &str) -> Value {
        let target = format!("/keys/{name}/create?api-version=2025-07-01");
        let answer = self.ask(ask("POST", &target).body(r#"{"kty":"RSA"}"#)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }
}
