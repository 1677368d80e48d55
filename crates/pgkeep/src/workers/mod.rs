//! Workers that answer parts of queries over the log lake, seen from both sides: whom a lake asks,
//! and what a worker listens on.
//!
//! On one machine a worker has a socket that only its own OS user gets an answer from. Between
//! machines both sides show certificates of one authority, always: who reaches a worker can read
//! all events.

mod listen;
mod tls;

use std::io;
use std::net::ToSocketAddrs as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::{ExitCode, Fault};
use lake::beyond::{Dial, Dialled, Sockets, Wire, Workers};
use reqwest::Url;
use rustls_pki_types::ServerName;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

pub(crate) use listen::{Listener, incoming};
pub(crate) use tls::{Identity, IdentityFiles};

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
const DEFAULT_TASK_MEGABYTES: u32 = 64;

/// The table `[logs.workers]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WorkersSettings {
    /// Where workers are: `unix:///path/of/socket`, `https://host:port`.
    pub(crate) addresses: Vec<String>,
    /// A worker reads some so many MB of a table's files at a time; smaller tables stay here.
    pub(crate) task_megabytes: Option<u32>,
    /// Full path of the plane's certificate for workers, with its chain (PEM).
    pub(crate) certificate_file: Option<PathBuf>,
    /// Full path of that certificate's key (PEM), mode 0600.
    pub(crate) key_file: Option<PathBuf>,
    /// Full path of the certificate of the authority that workers must be of (PEM).
    pub(crate) authority_file: Option<PathBuf>,
}

impl WorkersSettings {
    /// The workers, where there are any.
    ///
    /// # Errors
    /// An address that is none, or files that cannot be used.
    pub(crate) fn workers(&self) -> Result<Option<Arc<Workers>>, Fault> {
        if self.addresses.is_empty() {
            return Ok(None);
        }
        let files = IdentityFiles {
            certificate: self.certificate_file.clone(),
            key: self.key_file.clone(),
            authority: self.authority_file.clone(),
        };
        let identity = files.identity()?;
        let remote = self.addresses.iter().find(|address| address.starts_with("https:"));
        if let (Some(address), None) = (remote, &identity) {
            return Err(Fault::new(
                "workers",
                format!("nothing says who the plane is to {address}"),
            )
            .hint("set certificate_file, key_file and authority_file in [logs.workers]")
            .exit(ExitCode::Usage));
        }
        let megabytes = self.task_megabytes.unwrap_or(DEFAULT_TASK_MEGABYTES).max(1);
        let bytes = usize::try_from(megabytes).unwrap_or(usize::MAX).saturating_mul(1 << 20);
        let workers = Workers::new(&self.addresses, bytes, dialler(identity.as_ref()))
            .map_err(|e| Fault::from_error("workers", "workers cannot be used", &e))?;
        Ok(Some(Arc::new(workers)))
    }
}

/// What connects to workers of this machine, and with an identity to those of others.
pub(crate) fn dialler(identity: Option<&Identity>) -> Arc<dyn Dial> {
    match identity {
        Some(identity) => Arc::new(Dialler(TlsConnector::from(Arc::clone(&identity.client)))),
        None => Arc::new(Sockets),
    }
}

struct Dialler(TlsConnector);

impl Dial for Dialler {
    fn dial(&self, address: &Url) -> Dialled {
        if address.scheme() == "unix" {
            return Sockets.dial(address);
        }
        let (connector, address) = (self.0.clone(), address.clone());
        Box::pin(async move {
            let wrong = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why.to_owned());
            let host = address.host_str().ok_or_else(|| wrong("an address without a host"))?;
            let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
            let name = ServerName::try_from(bare.clone()).map_err(|e| wrong(&e.to_string()))?;
            let port = address.port_or_known_default().unwrap_or(443);
            let connect = async {
                let stream = TcpStream::connect((bare.as_str(), port)).await?;
                stream.set_nodelay(true)?;
                connector.connect(name, stream).await
            };
            let stream = tokio::time::timeout(HANDSHAKE, connect)
                .await
                .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
            Ok(Box::new(stream) as Box<dyn Wire>)
        })
    }
}

/// The socket addresses that a host and port stand for.
fn resolved(host: &str, port: u16) -> io::Result<Vec<std::net::SocketAddr>> {
    Ok((host, port).to_socket_addrs()?.collect())
}
