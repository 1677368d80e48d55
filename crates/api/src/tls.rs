//! The TLS side: certificate and key in use, exchangeable while serving.

use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::Ticketer;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::Error;

/// Certificate and key in use. Clones share them.
#[derive(Clone, Debug)]
pub struct Tls {
    config: RustlsConfig,
    protocols: &'static [&'static [u8]],
}

/// The plane's guard looks at `Host`, which HTTP/2 does not have.
const PAGE: &[&[u8]] = &[b"http/1.1"];
const VAULT: &[&[u8]] = &[b"h2", b"http/1.1"];

impl Tls {
    /// Takes a certificate chain (PEM) and its key (PKCS #8 DER), for HTTP/1.1.
    pub fn new(chain_pem: &str, key: PrivatePkcs8KeyDer<'static>) -> Result<Self, Error> {
        Self::speaking(PAGE, chain_pem, key)
    }

    /// The same for the key vault, which also speaks HTTP/2.
    pub fn for_vault(chain_pem: &str, key: PrivatePkcs8KeyDer<'static>) -> Result<Self, Error> {
        Self::speaking(VAULT, chain_pem, key)
    }

    /// The same for streams that are not HTTP: no protocol is negotiated.
    pub fn for_streams(chain_pem: &str, key: PrivatePkcs8KeyDer<'static>) -> Result<Self, Error> {
        Self::speaking(&[], chain_pem, key)
    }

    /// Takes a connection up with what is in use now, for whoever serves streams.
    pub async fn accept(
        &self,
        stream: TcpStream,
    ) -> std::io::Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static + use<>> {
        TlsAcceptor::from(self.current()).accept(stream).await
    }

    /// Takes others into use; connections that are open keep theirs.
    pub fn renew(&self, chain_pem: &str, key: PrivatePkcs8KeyDer<'static>) -> Result<(), Error> {
        self.config.reload_from_config(server_config(self.protocols, chain_pem, key)?);
        Ok(())
    }

    /// What a new connection uses.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.config.get_inner()
    }

    fn speaking(
        protocols: &'static [&'static [u8]],
        chain_pem: &str,
        key: PrivatePkcs8KeyDer<'static>,
    ) -> Result<Self, Error> {
        let config = RustlsConfig::from_config(server_config(protocols, chain_pem, key)?);
        Ok(Self { config, protocols })
    }
}

fn server_config(
    protocols: &[&[u8]],
    chain_pem: &str,
    key: PrivatePkcs8KeyDer<'static>,
) -> Result<Arc<ServerConfig>, Error> {
    let chain = CertificateDer::pem_slice_iter(chain_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(Error::Pem)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::Tls)?
        .with_no_client_auth()
        .with_single_cert(chain, PrivateKeyDer::Pkcs8(key))
        .map_err(Error::Tls)?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    config.ticketer = Ticketer::new().map_err(Error::Tls)?;
    Ok(Arc::new(config))
}
