//! Who a worker or a plane is to the other: a certificate each, of one authority.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{ExitCode, Fault};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Nobody's chain or key is larger.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// Where an identity's parts are; all three, or none.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct IdentityFiles {
    /// The worker's own certificate with its chain, in PEM
    #[arg(long = "certificate-file", value_name = "FILE")]
    pub(crate) certificate: Option<PathBuf>,
    /// The key of that certificate, in PEM; nobody else may read the file
    #[arg(long = "key-file", value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The certificate of the authority that everybody here must be of, in PEM
    #[arg(long = "authority-file", value_name = "FILE")]
    pub(crate) authority: Option<PathBuf>,
}

/// Both sides of connections; TLS 1.3, and each side shows a certificate of the authority.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(super) client: Arc<ClientConfig>,
    pub(super) server: Arc<ServerConfig>,
}

impl IdentityFiles {
    /// The identity, where files are named.
    ///
    /// # Errors
    /// Only some of the three are named, or one cannot be used.
    pub(crate) fn identity(&self) -> Result<Option<Identity>, Fault> {
        match (&self.certificate, &self.key, &self.authority) {
            (None, None, None) => Ok(None),
            (Some(certificate), Some(key), Some(authority)) => {
                Identity::read(certificate, key, authority).map(Some)
            }
            _ => {
                Err(Fault::new("identity", "a certificate, its key and the authority go together")
                    .hint("name all three files")
                    .exit(ExitCode::Usage))
            }
        }
    }
}

impl Identity {
    fn read(certificate: &Path, key_file: &Path, authority: &Path) -> Result<Self, Fault> {
        let chain = certificates(certificate)?;
        let mut roots = RootCertStore::empty();
        for root in certificates(authority)? {
            roots.add(root).map_err(|e| unusable(authority, &e))?;
        }
        let roots = Arc::new(roots);
        let key = private_key(key_file)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
                .build()
                .map_err(|e| unusable(authority, &e))?;
        let pair = |e: rustls::Error| unusable(certificate, &e);
        let mut server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(pair)?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain.clone(), key.clone_key())
            .map_err(pair)?;
        server.alpn_protocols = vec![b"h2".to_vec()];
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(pair)?
            .with_root_certificates(roots)
            .with_client_auth_cert(chain, key)
            .map_err(pair)?;
        client.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { client: Arc::new(client), server: Arc::new(server) })
    }
}

fn unusable(path: &Path, error: &(dyn std::error::Error + 'static)) -> Fault {
    Fault::from_error("identity", format!("{} cannot be used", path.display()), error)
        .exit(ExitCode::Usage)
}

fn bytes_of(path: &Path) -> Result<Vec<u8>, Fault> {
    let meta = std::fs::metadata(path).map_err(|e| unusable(path, &e))?;
    if meta.len() > MAX_FILE_BYTES {
        return Err(Fault::new("identity", format!("{} is too large", path.display())));
    }
    std::fs::read(path).map_err(|e| unusable(path, &e))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let found = CertificateDer::pem_slice_iter(&bytes_of(path)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| unusable(path, &e))?;
    if found.is_empty() {
        return Err(Fault::new("identity", format!("{} holds no certificate", path.display()))
            .exit(ExitCode::Usage));
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, Fault> {
    let meta = std::fs::metadata(path).map_err(|e| unusable(path, &e))?;
    if meta.mode() & 0o077 != 0 {
        let message = format!("the key {} can be read by others", path.display());
        return Err(Fault::new("identity", message)
            .hint(format!("chmod 600 {}", path.display()))
            .exit(ExitCode::Usage));
    }
    let bytes = zeroize::Zeroizing::new(bytes_of(path)?);
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|e| unusable(path, &e))
}
