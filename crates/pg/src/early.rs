//! What a server does with a client before it knows who that is: without TLS, with bytes behind
//! its request for TLS, with TLS at once.
//!
//! Nobody signs in here, and each probe ends its connection.

use std::io;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::probe::{PROTOCOL_3, SSL_REQUEST, limited};
use crate::verify::{Trust, client_config};
use crate::{Error, Result};

/// Bytes of an answer that are read.
const ANSWER_MAX: u32 = 8192;
/// What the protocol is called in ALPN (PostgreSQL manual, "Protocol Flow", "SSL Session
/// Encryption").
const ALPN: &[u8] = b"postgresql";

/// How a server answers a start-up packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StartAnswer {
    /// It asks for proof: the number of the method in the protocol (0: none is needed, 3: the
    /// password itself, 5: MD5, 7: GSSAPI, 9: SSPI, 10: SASL)
    Asked(u32),
    /// It ends the connection with an error
    Refused {
        /// SQLSTATE
        code: String,
        /// The function of the server that refused; the same in every language
        routine: String,
        /// The message
        message: String,
    },
}

/// What became of bytes that came in clear behind the request for TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Injection {
    /// The server refused the connection because of them
    Rejected,
    /// It took them as if they had come encrypted (CVE-2021-23214)
    Processed,
    /// It hung up without a word
    Closed,
    /// It has no TLS
    NoTls,
}

/// Whether a server at `host` and `port` offers TLS at all.
pub async fn probe_offer(host: &str, port: u16) -> Result<bool> {
    let exchange = async {
        let mut stream = TcpStream::connect((host, port)).await?;
        stream.write_all(&request()).await?;
        match stream.read_u8().await? {
            b'S' => Ok(true),
            b'N' => Ok(false),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    };
    limited(exchange).await.map_err(network(host, port))
}

/// Knocks without TLS as some role, and leaves before it proves anything.
pub async fn probe_start(host: &str, port: u16, user: &str, database: &str) -> Result<StartAnswer> {
    let packet = start(user, database);
    let exchange = async {
        let mut stream = TcpStream::connect((host, port)).await?;
        stream.write_all(&packet).await?;
        let (kind, body) = message(&mut stream).await?;
        answer(kind, &body).ok_or_else(|| io::ErrorKind::InvalidData.into())
    };
    limited(exchange).await.map_err(network(host, port))
}

/// Sends a start-up packet in clear right behind the request for TLS, shakes hands, and looks
/// whether the packet is answered.
pub async fn probe_injection(host: &str, port: u16, user: &str) -> Result<Injection> {
    let config = client_config(Trust::Anybody, RootCertStore::empty(), None)?;
    let bytes = [&request()[..], &start(user, user)].concat();
    let exchange = async {
        let mut stream = TcpStream::connect((host, port)).await?;
        stream.write_all(&bytes).await?;
        match stream.read_u8().await {
            Ok(b'S') => {}
            Ok(b'N') => return Ok(Injection::NoTls),
            Ok(b'E') => return Ok(Injection::Rejected),
            Ok(_) => return Err(io::ErrorKind::InvalidData.into()),
            Err(error) if is_hang_up(&error) => return Ok(Injection::Closed),
            Err(error) => return Err(error),
        }
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = match connector.connect(name(host), stream).await {
            Ok(stream) => stream,
            Err(error) if is_hang_up(&error) => return Ok(Injection::Closed),
            Err(error) => return Err(error),
        };
        match message(&mut stream).await {
            // 08P01, protocol_violation: "received unencrypted data after SSL request".
            Ok((b'E', body)) if field(&body, b'C') == "08P01" => Ok(Injection::Rejected),
            Ok((b'E' | b'R', _)) => Ok(Injection::Processed),
            Ok(_) => Err(io::ErrorKind::InvalidData.into()),
            Err(error) if is_hang_up(&error) => Ok(Injection::Closed),
            Err(error) => Err(error),
        }
    };
    limited(exchange).await.map_err(network(host, port))
}

/// Begins TLS without asking for it, as clients may from PostgreSQL 17 on, with or without the
/// protocol's name (ALPN). Tells whether the handshake came about.
pub async fn probe_direct(host: &str, port: u16, with_name: bool) -> Result<bool> {
    let mut config = client_config(Trust::Anybody, RootCertStore::empty(), None)?;
    if with_name {
        config.alpn_protocols = vec![ALPN.to_vec()];
    }
    let exchange = async {
        let stream = TcpStream::connect((host, port)).await?;
        let connector = TlsConnector::from(Arc::new(config));
        match connector.connect(name(host), stream).await {
            // With TLS 1.3 the client is done before the server has said no.
            Ok(mut stream) => {
                stream.write_all(&start(PROBE, PROBE)).await?;
                Ok(message(&mut stream).await.is_ok())
            }
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(error),
            Err(_) => Ok(false),
        }
    };
    limited(exchange).await.map_err(network(host, port))
}

/// The role that a probe without one of its own names; nobody proves to be it.
const PROBE: &str = "pgkeep_probe";

fn network(host: &str, port: u16) -> impl FnOnce(io::Error) -> Error {
    let target = format!("{host}:{port}");
    move |source| Error::Network { target, source }
}

fn name(host: &str) -> ServerName<'static> {
    let local = || ServerName::try_from("localhost").expect("because it is a DNS name");
    ServerName::try_from(host.to_owned()).unwrap_or_else(|_| local())
}

fn is_hang_up(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}

fn request() -> Vec<u8> {
    [8_u32.to_be_bytes(), SSL_REQUEST.to_be_bytes()].concat()
}

/// A start-up packet.
pub(crate) fn start(user: &str, database: &str) -> Vec<u8> {
    let mut body = PROTOCOL_3.to_be_bytes().to_vec();
    for text in ["user", user, "database", database, "application_name", "pgkeep"] {
        body.extend(text.bytes().filter(|byte| *byte != 0));
        body.push(0);
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).expect("because names are short");
    [&length.to_be_bytes()[..], &body].concat()
}

/// Kind and body of the next message.
pub(crate) async fn message(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(u8, Vec<u8>)> {
    let kind = stream.read_u8().await?;
    let length = stream.read_u32().await?.saturating_sub(4).min(ANSWER_MAX);
    let mut body = Vec::new();
    stream.take(u64::from(length)).read_to_end(&mut body).await?;
    Ok((kind, body))
}

fn answer(kind: u8, body: &[u8]) -> Option<StartAnswer> {
    match kind {
        b'R' => {
            let number: [u8; 4] = body.get(..4)?.try_into().ok()?;
            Some(StartAnswer::Asked(u32::from_be_bytes(number)))
        }
        b'E' => Some(StartAnswer::Refused {
            code: field(body, b'C'),
            routine: field(body, b'R'),
            message: field(body, b'M'),
        }),
        _ => None,
    }
}

/// A field of an error (PostgreSQL manual, "Error and Notice Message Fields").
fn field(body: &[u8], name: u8) -> String {
    let mut fields = body.split(|byte| *byte == 0);
    let found = fields.find_map(|field| field.strip_prefix(&[name]));
    String::from_utf8_lossy(found.unwrap_or_default()).into_owned()
}
