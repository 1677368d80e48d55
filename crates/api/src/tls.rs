//! The TLS side: certificate and key in use, exchangeable while serving.

use std::sync::Arc;

use axum_server::tls_rustls::RustlsConfig;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::Error;

/// Certificate and key in use. Clones share them.
#[derive(Clone, Debug)]
pub struct Tls {
    config: RustlsConfig,
}

impl Tls {
    /// Takes a certificate chain (PEM) and its key (PKCS #8 DER).
    pub fn new(chain_pem: &str, key: PrivatePkcs8KeyDer<'static>) -> Result<Self, Error> {
        Ok(Self { config: RustlsConfig::from_config(server_config(chain_pem, key)?) })
    }

    /// Takes others into use; connections that are open keep theirs.
    pub fn renew(&self, chain_pem: &str, key: PrivatePkcs8KeyDer<'static>) -> Result<(), Error> {
        self.config.reload_from_config(server_config(chain_pem, key)?);
        Ok(())
    }

    pub(crate) fn config(&self) -> RustlsConfig {
        self.config.clone()
    }
}

fn server_config(
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
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
