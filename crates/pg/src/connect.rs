//! Connections over TCP with TLS: rustls under tokio-postgres, with aws-lc as its only provider.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base::Secret;
use rustls::ClientConfig;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{Config, config::SslMode};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as RustlsStream;

use crate::certificate::end_point_hash;
use crate::connection::CONNECT;
use crate::{CertificatePair, Connection, Error, Result, verify};

/// Where a TLS server is, and how its certificate is judged.
#[derive(Clone, Debug)]
pub struct TlsTarget {
    /// Name or address to connect to.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The name that the certificate must hold, often the same as `host`.
    pub server_name: String,
    /// The authorities that are trusted, PEM.
    pub ca_pem: Vec<u8>,
}

impl TlsTarget {
    /// A server on this machine, called `localhost`.
    pub fn localhost(port: u16, ca_pem: &[u8]) -> Self {
        let host = "localhost".to_owned();
        Self { server_name: host.clone(), host, port, ca_pem: ca_pem.to_owned() }
    }

    pub(crate) fn label(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// Who signs in, and where.
#[derive(Debug)]
pub struct TlsLogin<'a> {
    /// The role.
    pub user: &'a str,
    /// Its password.
    pub password: &'a Secret<String>,
    /// The database.
    pub database: &'a str,
    /// A certificate of the client's own, where the server asks for one.
    pub certificate: Option<&'a CertificatePair>,
}

/// Connects over TLS with full verification and, where the server offers it, SCRAM channel
/// binding.
///
/// The driver keeps a copy of the password until the connection is up.
pub async fn connect_tls(target: &TlsTarget, login: &TlsLogin<'_>) -> Result<Connection> {
    let client_config = verify::strict_config(&target.ca_pem, login.certificate)?;
    let mut config = Config::new();
    config
        .host(&target.host)
        .port(target.port)
        .user(login.user)
        .password(login.password.expose())
        .dbname(login.database)
        .ssl_mode(SslMode::Require)
        .application_name("pgkeep")
        .connect_timeout(CONNECT);
    let maker =
        MakeRustls { config: Arc::new(client_config), server_name: target.server_name.clone() };
    let connect_error = |source| Error::Connect { target: target.label(), source };
    let connecting = tokio::time::timeout(2 * CONNECT, config.connect(maker));
    let (client, driver) = connecting
        .await
        .map_err(|_| Error::Network {
            target: target.label(),
            source: io::ErrorKind::TimedOut.into(),
        })?
        .map_err(connect_error)?;
    Connection::open(client, driver).await
}

/// Makes TLS connections for tokio-postgres.
#[derive(Clone)]
struct MakeRustls {
    config: Arc<ClientConfig>,
    server_name: String,
}

impl<S> MakeTlsConnect<S> for MakeRustls
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Stream<S>;
    type TlsConnect = Connect;
    type Error = InvalidDnsNameError;

    fn make_tls_connect(&mut self, _host: &str) -> Result<Connect, InvalidDnsNameError> {
        let name = ServerName::try_from(self.server_name.clone())?;
        Ok(Connect { connector: self.config.clone().into(), name })
    }
}

/// One handshake to come.
struct Connect {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl<S> TlsConnect<S> for Connect
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Stream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move { self.connector.connect(self.name, stream).await.map(Stream) })
    }
}

/// An encrypted stream.
struct Stream<S>(RustlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Stream<S> {
    /// `tls-server-end-point` (RFC 5929): the hash of the server's certificate.
    fn channel_binding(&self) -> ChannelBinding {
        let (_, session) = self.0.get_ref();
        let leaf = session.peer_certificates().and_then(<[_]>::first);
        leaf.and_then(|leaf| end_point_hash(leaf))
            .map_or_else(ChannelBinding::none, ChannelBinding::tls_server_end_point)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
