//! A hand-made ClientHello: tells which protocol versions and suites a server would take.
//!
//! TLS libraries worth using no longer speak the old versions, so this writes the first message
//! itself (RFC 5246 section 7.4.1.2, RFC 8446 section 4.1.2) and reads the answer's head. It is
//! not a TLS client: it ends there.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::probe::{limited, request_tls};
use crate::{Error, Result};

/// A version of TLS, as it stands on the wire.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum TlsVersion {
    /// SSL 3.0.
    Ssl30,
    /// TLS 1.0.
    Tls10,
    /// TLS 1.1.
    Tls11,
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl TlsVersion {
    fn wire(self) -> u16 {
        match self {
            Self::Ssl30 => 0x0300,
            Self::Tls10 => 0x0301,
            Self::Tls11 => 0x0302,
            Self::Tls12 => 0x0303,
            Self::Tls13 => 0x0304,
        }
    }

    fn from_wire(number: u16) -> Option<Self> {
        let all = [Self::Ssl30, Self::Tls10, Self::Tls11, Self::Tls12, Self::Tls13];
        all.into_iter().find(|version| version.wire() == number)
    }
}

/// What a server makes of an offer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HelloAnswer {
    /// It chose a version and a suite (the number in IANA's registry).
    Chosen {
        /// The version.
        version: TlsVersion,
        /// The suite.
        suite: u16,
    },
    /// It refused with this alert (RFC 8446 section 6).
    Refused(u8),
    /// It hung up without a word.
    Closed,
}

const N_SUITES: usize = 1000;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;
const SUPPORTED_VERSIONS: u16 = 43;

/// Offers one version and some suites to the PostgreSQL server at `host` and `port`.
///
/// At most 1000 suites are offered.
pub async fn probe_hello(
    host: &str,
    port: u16,
    version: TlsVersion,
    suites: &[u16],
) -> Result<HelloAnswer> {
    let hello = client_hello(version, &suites[..suites.len().min(N_SUITES)]);
    let exchange = async {
        let mut stream = request_tls(host, port).await?;
        stream.write_all(&hello).await?;
        let mut head = [0; 5];
        match stream.read_exact(&mut head).await {
            Ok(_) => {}
            Err(error) if is_hang_up(&error) => return Ok(HelloAnswer::Closed),
            Err(error) => return Err(error),
        }
        let mut body = vec![0; usize::from(u16::from_be_bytes([head[3], head[4]]))];
        stream.read_exact(&mut body).await?;
        read_answer(head[0], &body).ok_or_else(|| io::ErrorKind::InvalidData.into())
    };
    let network = |source| Error::Network { target: format!("{host}:{port}"), source };
    limited(exchange).await.map_err(network)
}

fn is_hang_up(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset)
}

fn client_hello(version: TlsVersion, suites: &[u16]) -> Vec<u8> {
    let legacy = version.min(TlsVersion::Tls12).wire();
    let mut body = legacy.to_be_bytes().to_vec();
    // The handshake is never finished, so nothing depends on the randomness of this.
    body.extend_from_slice(&[0x70; 32]);
    body.push(0);
    let suites: Vec<u8> = suites.iter().flat_map(|suite| suite.to_be_bytes()).collect();
    body.extend_from_slice(&with_length(&suites));
    body.extend_from_slice(&[1, 0]);
    if version > TlsVersion::Ssl30 {
        body.extend_from_slice(&with_length(&extensions(version)));
    }
    let length = u32::try_from(body.len()).expect("because at most 1000 suites are offered");
    let mut message = vec![1];
    message.extend_from_slice(&length.to_be_bytes()[1..]);
    message.extend_from_slice(&body);
    let mut record = vec![HANDSHAKE];
    record.extend_from_slice(&legacy.min(0x0301).to_be_bytes());
    record.extend_from_slice(&with_length(&message));
    record
}

fn extensions(version: TlsVersion) -> Vec<u8> {
    let mut all = Vec::new();
    let mut push = |number: u16, content: &[u8]| {
        all.extend_from_slice(&number.to_be_bytes());
        all.extend_from_slice(&with_length(content));
    };
    // supported_groups: P-256, P-384, P-521, X25519, ffdhe2048; ec_point_formats: uncompressed.
    push(10, &with_length(&[0, 23, 0, 24, 0, 25, 0, 29, 1, 0]));
    push(11, &[1, 0]);
    // signature_algorithms: ECDSA, RSA-PSS and RSA with SHA-256 to SHA-512, and with SHA-1.
    let algorithms: [u16; 11] =
        [0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201];
    let algorithms: Vec<u8> = algorithms.iter().flat_map(|number| number.to_be_bytes()).collect();
    push(13, &with_length(&algorithms));
    if version == TlsVersion::Tls13 {
        push(SUPPORTED_VERSIONS, &[2, 3, 4]);
        // An empty key_share asks the server to name a group (HelloRetryRequest), which tells
        // version and suite as a ServerHello does.
        push(51, &[0, 0]);
    }
    all
}

/// Two bytes of length, then the content.
fn with_length(content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("because at most 1000 suites are offered");
    [&length.to_be_bytes()[..], content].concat()
}

fn read_answer(kind: u8, body: &[u8]) -> Option<HelloAnswer> {
    match kind {
        ALERT => Some(HelloAnswer::Refused(*body.get(1)?)),
        HANDSHAKE if *body.first()? == SERVER_HELLO => {
            let number = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
            // Head of 4 bytes, version, 32 random bytes, session id, suite, compression.
            let suite_at = 4 + 2 + 32 + 1 + usize::from(*body.get(38)?);
            let suite = number(suite_at)?;
            let version = selected_version(body.get(suite_at + 3..)?).or_else(|| number(4))?;
            Some(HelloAnswer::Chosen { version: TlsVersion::from_wire(version)?, suite })
        }
        _ => None,
    }
}

/// The version in the extension `supported_versions`, where TLS 1.3 keeps it.
fn selected_version(extensions: &[u8]) -> Option<u16> {
    let mut rest = extensions.get(2..)?;
    while let [n1, n2, l1, l2, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*l1, *l2]));
        let content = tail.get(..length)?;
        if u16::from_be_bytes([*n1, *n2]) == SUPPORTED_VERSIONS {
            return Some(u16::from_be_bytes([*content.first()?, *content.get(1)?]));
        }
        rest = &tail[length..];
    }
    None
}
