//! Connecting back: what a client on the network sees, with TLS and without.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::ServerName;
use serde::Serialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::early::{message, start};
use crate::{CertificateInfo, Error, Fingerprint, Result, TlsTarget, verify};

const DEADLINE: Duration = Duration::from_secs(10);
/// "Message Flow" in the PostgreSQL manual: protocol 3.0, and the number that asks for TLS.
pub(crate) const PROTOCOL_3: u32 = 196_608;
pub(crate) const SSL_REQUEST: u32 = 80_877_103;

/// The certificate that a server presented, and the terms of the handshake.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct PresentedCertificate {
    /// SHA-256 of the certificate.
    pub fingerprint: Fingerprint,
    /// Until when it is good.
    pub not_after: Timestamp,
    /// For example `TLSv1.3`.
    pub protocol: String,
    /// The suite in IANA's name.
    pub cipher: String,
    /// Why the certificate is not to be trusted; `None` when chain, name and dates are right.
    pub untrusted: Option<String>,
}

/// Asks a server for TLS, shakes hands and tells what it presented. Sends no start-up packet.
///
/// A certificate that cannot be verified is not an error here: see
/// [`PresentedCertificate::untrusted`].
pub async fn probe_tls(target: &TlsTarget) -> Result<PresentedCertificate> {
    let (config, recorder) = verify::recording_config(&target.ca_pem)?;
    let label = target.label();
    let network = |source| Error::Network { target: label.clone(), source };
    let name = ServerName::try_from(target.server_name.clone())
        .map_err(|_| network(io::Error::other("the server name is not a DNS name or address")))?;
    let handshake = async {
        let stream = request_tls(&target.host, target.port).await?;
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, stream).await?;
        let terms = verify::terms(stream.get_ref().1);
        // The server only sees a client that changed its mind.
        let _ = stream.shutdown().await;
        Ok(terms)
    };
    let (protocol, cipher) = limited(handshake).await.map_err(network)?;
    let seen = recorder.take().ok_or_else(|| network(io::ErrorKind::InvalidData.into()))?;
    let info = CertificateInfo::of(&seen.leaf)?;
    let untrusted = seen.verdict.err();
    Ok(PresentedCertificate {
        fingerprint: info.fingerprint,
        not_after: info.not_after,
        protocol,
        cipher,
        untrusted,
    })
}

/// How a server answers a client without TLS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PlainAnswer {
    /// It goes on to authentication.
    Accepted,
    /// It refuses for want of encryption.
    Refused,
}

impl fmt::Display for PlainAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted => "accepted",
            Self::Refused => "refused",
        })
    }
}

/// Knocks without TLS, as role and database `postgres`, and leaves before authentication.
pub async fn probe_plain(host: &str, port: u16) -> Result<PlainAnswer> {
    let network = |source| Error::Network { target: format!("{host}:{port}"), source };
    let exchange = async {
        let mut stream = TcpStream::connect((host, port)).await?;
        stream.write_all(&start("postgres", "postgres")).await?;
        message(&mut stream).await
    };
    match limited(exchange).await.map_err(network)? {
        (b'R', _) => Ok(PlainAnswer::Accepted),
        // 28000, invalid_authorization_specification: pg_hba.conf has said no.
        (b'E', fields) if fields.split(|byte| *byte == 0).any(|field| field == b"C28000") => {
            Ok(PlainAnswer::Refused)
        }
        (b'E', fields) => {
            let message = fields.split(|byte| *byte == 0).find(|field| field.starts_with(b"M"));
            let message = String::from_utf8_lossy(message.unwrap_or_default()).into_owned();
            Err(network(io::Error::other(message)))
        }
        _ => Err(network(io::ErrorKind::InvalidData.into())),
    }
}

/// A connection on which the server has agreed to TLS.
pub(crate) async fn request_tls(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.write_all(&8_u32.to_be_bytes()).await?;
    stream.write_all(&SSL_REQUEST.to_be_bytes()).await?;
    match stream.read_u8().await? {
        b'S' => Ok(stream),
        b'N' => Err(io::Error::other("the server does not speak TLS")),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Runs an exchange with the deadline of all probes.
pub(crate) async fn limited<T>(exchange: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let answer = tokio::time::timeout(DEADLINE, exchange).await;
    answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}
