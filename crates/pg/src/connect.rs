//! Connections over TCP with TLS: rustls under tokio-postgres, with aws-lc as its only provider.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use base::Secret;
use rustls::ClientConfig;
use rustls::pki_types::{InvalidDnsNameError, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsConnect, TlsStream};
use tokio_postgres::{Config, NoTls, config::SslMode};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream as RustlsStream;

use crate::certificate::end_point_hash;
use crate::connection::CONNECT;
use crate::refusal::ConnectCause;
use crate::{CertificatePair, Connection, Error, Result, Transport, Trust, verify};

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
    let (trust, roots) = (Trust::AuthorityAndName, verify::authorities(&target.ca_pem)?);
    let client_config = Arc::new(verify::client_config(trust, roots, login.certificate)?);
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
    let maker = MakeRustls::new(client_config, target.server_name.clone(), trust);
    over_tls(&config, maker, &target.label()).await
}

/// Connects with TLS where the mode of `config` and the server want it, else in clear; at most
/// twice the time that `config` gives to the TCP connection alone.
pub(crate) async fn over_tls(
    config: &Config,
    maker: MakeRustls,
    target: &str,
) -> Result<Connection> {
    let agreed = maker.agreed.clone();
    let (client, driver) = in_time(config, target, config.connect(maker)).await?;
    let transport = agreed.get().cloned().unwrap_or(Transport::Plain);
    Connection::open(client, driver, transport).await
}

/// Connects without TLS, in the same time.
pub(crate) async fn in_clear(
    config: &Config,
    target: &str,
    transport: Transport,
) -> Result<Connection> {
    let (client, driver) = in_time(config, target, config.connect(NoTls)).await?;
    Connection::open(client, driver, transport).await
}

async fn in_time<T>(
    config: &Config,
    target: &str,
    connecting: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T> {
    let limit = 2 * config.get_connect_timeout().copied().unwrap_or(CONNECT);
    let connected = tokio::time::timeout(limit, connecting).await.map_err(|_| Error::Connect {
        target: target.to_owned(),
        cause: ConnectCause::Unreachable,
        source: Box::new(io::Error::from(io::ErrorKind::TimedOut)),
    })?;
    connected.map_err(Error::connect(target))
}

/// Makes TLS connections for tokio-postgres.
#[derive(Clone)]
pub(crate) struct MakeRustls {
    config: Arc<ClientConfig>,
    server_name: String,
    trust: Trust,
    agreed: Agreed,
}

/// What a handshake has agreed on; empty until one has.
pub(crate) type Agreed = Arc<OnceLock<Transport>>;

impl MakeRustls {
    pub(crate) fn new(config: Arc<ClientConfig>, server_name: String, trust: Trust) -> Self {
        Self { config, server_name, trust, agreed: Agreed::default() }
    }

    /// Tells whether a handshake came about, also when the connection did not.
    pub(crate) fn agreed(&self) -> Agreed {
        self.agreed.clone()
    }
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
        let (trust, agreed) = (self.trust, self.agreed.clone());
        Ok(Connect { connector: self.config.clone().into(), name, trust, agreed })
    }
}

/// One handshake to come.
pub(crate) struct Connect {
    connector: TlsConnector,
    name: ServerName<'static>,
    trust: Trust,
    agreed: Agreed,
}

impl<S> TlsConnect<S> for Connect
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Stream<S>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Stream<S>>> + Send>>;

    fn connect(self, stream: S) -> Self::Future {
        Box::pin(async move {
            let stream = self.connector.connect(self.name, stream).await?;
            let (protocol, cipher) = verify::terms(stream.get_ref().1);
            // A second handshake of one maker would only say the same.
            let _ = self.agreed.set(Transport::Tls { protocol, cipher, trust: self.trust });
            Ok(Stream(stream))
        })
    }
}

/// An encrypted stream.
pub(crate) struct Stream<S>(RustlsStream<S>);

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
