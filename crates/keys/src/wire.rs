//! HTTPS as every provider speaks it: our roots, short deadlines, no redirects, no proxy from
//! the environment, small answers; and what a failed connection means.

use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use crate::resolve::{LocalhostFirst, NoAddress};
use crate::{KeyError, Outage};

/// Most bytes of an answer.
pub(crate) const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// Most bytes of a file with certificates.
const MAX_PEM_BYTES: usize = 1024 * 1024;

/// Which authorities may vouch for a vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Those of the system.
    System,
    /// Those of the system and these (PEM).
    SystemAnd(Vec<u8>),
    /// These alone (PEM).
    Only(Vec<u8>),
}

/// How a vault is asked.
#[derive(Clone, Debug)]
pub struct WireOptions {
    /// Which authorities may vouch for the vault.
    pub trust: Trust,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest time for one call of a provider, with all requests that it takes.
    pub deadline: Duration,
}

impl Default for WireOptions {
    fn default() -> Self {
        Self {
            trust: Trust::System,
            connect_timeout: Duration::from_secs(2),
            deadline: Duration::from_secs(4),
        }
    }
}

/// Makes the client of a vault.
pub(crate) fn client(options: &WireOptions) -> Result<reqwest::Client, KeyError> {
    built(base(options, roots(&options.trust)?)?.https_only(true).dns_resolver(LocalhostFirst))
}

/// Makes the client of a metadata service, which may speak plain HTTP on a link-local address.
pub(crate) fn metadata_client(options: &WireOptions) -> Result<reqwest::Client, KeyError> {
    built(base(options, roots(&options.trust)?)?.dns_resolver(LocalhostFirst))
}

/// Makes a client that speaks plain HTTP over a unix socket, and nothing else.
pub(crate) fn socket_client(
    socket: &Path,
    options: &WireOptions,
) -> Result<reqwest::Client, KeyError> {
    // A peer's credentials are those of the moment it connected: each request connects anew.
    built(base(options, RootCertStore::empty())?.unix_socket(socket).pool_max_idle_per_host(0))
}

fn built(builder: reqwest::ClientBuilder) -> Result<reqwest::Client, KeyError> {
    builder.build().map_err(|error| KeyError::configuration(format!("no HTTP client: {error}")))
}

fn base(options: &WireOptions, roots: RootCertStore) -> Result<reqwest::ClientBuilder, KeyError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| KeyError::configuration(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .retry(reqwest::retry::never())
        .connect_timeout(options.connect_timeout)
        .timeout(options.deadline)
        // Kept for the requests of one call only: each check meets the vault's certificate anew.
        .pool_idle_timeout(Duration::from_secs(2))
        .pool_max_idle_per_host(2))
}

fn roots(trust: &Trust) -> Result<RootCertStore, KeyError> {
    let mut store = RootCertStore::empty();
    if !matches!(trust, Trust::Only(_)) {
        let found = rustls_native_certs::load_native_certs();
        store.add_parsable_certificates(found.certs);
    }
    if let Trust::SystemAnd(pem) | Trust::Only(pem) = trust {
        if pem.len() > MAX_PEM_BYTES {
            return Err(KeyError::configuration("the file with the authorities is too long"));
        }
        let mut n = 0_usize;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate =
                certificate.map_err(|_| KeyError::configuration("the authorities are not PEM"))?;
            store
                .add(certificate)
                .map_err(|_| KeyError::configuration("an authority is not a certificate"))?;
            n += 1;
        }
        if n == 0 {
            return Err(KeyError::configuration("the file with the authorities holds none"));
        }
    }
    if store.is_empty() {
        return Err(KeyError::configuration(
            "the system trusts no certificate authority; install ca-certificates",
        ));
    }
    Ok(store)
}

/// Reads an answer's body up to the limit.
pub(crate) async fn body(mut answer: reqwest::Response) -> Result<Vec<u8>, BodyError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if bytes.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(BodyError::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// A body that could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyError {
    /// Longer than any answer of a vault.
    #[error("the answer is too long")]
    TooLong,
    /// The connection failed.
    #[error("the answer broke off")]
    Broken(#[from] reqwest::Error),
}

/// Awaits one call of a provider, for at most its deadline.
pub(crate) async fn within<T>(
    deadline: Duration,
    call: impl Future<Output = Result<T, KeyError>>,
) -> Result<T, KeyError> {
    match tokio::time::timeout(deadline, call).await {
        Ok(result) => result,
        Err(_) => Err(KeyError::unreachable(
            Outage::Timeout,
            format!("no answer within {} ms", deadline.as_millis()),
        )),
    }
}

/// What a failed connection means, read from the chain of its causes.
pub(crate) fn outage(error: &(dyn StdError + 'static)) -> KeyError {
    let mut outage = Outage::Connection;
    let mut words = error.to_string();
    for cause in Chain(Some(error)) {
        words = cause.to_string();
        if let Some(error) = cause.downcast_ref::<NoAddress>() {
            return KeyError::unreachable(Outage::Name, error.to_string());
        }
        if let Some(error) = cause.downcast_ref::<rustls::Error>() {
            return KeyError::unreachable(Outage::Tls, error.to_string());
        }
        if let Some(BodyError::TooLong) = cause.downcast_ref::<BodyError>() {
            return KeyError::odd(words);
        }
        if let Some(error) = cause.downcast_ref::<io::Error>() {
            match error.kind() {
                io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => {
                    outage = Outage::Refused;
                }
                io::ErrorKind::TimedOut => outage = Outage::Timeout,
                _ => {}
            }
        }
        if cause.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout) {
            outage = Outage::Timeout;
        }
    }
    KeyError::unreachable(outage, words)
}

/// The causes of an error, also those that `io::Error` holds without naming them as its source.
pub(crate) struct Chain<'a>(pub(crate) Option<&'a (dyn StdError + 'static)>);

impl<'a> Iterator for Chain<'a> {
    type Item = &'a (dyn StdError + 'static);

    fn next(&mut self) -> Option<Self::Item> {
        let error = self.0?;
        self.0 = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
        Some(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_broken_list_of_authorities_is_refused() {
        for pem in [&b""[..], b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let options = WireOptions { trust: Trust::Only(pem.to_vec()), ..Default::default() };
            assert!(matches!(client(&options), Err(KeyError::Configuration { .. })), "{pem:?}");
        }
    }

    #[test]
    fn the_chain_looks_into_io_errors() {
        let tls = rustls::Error::DecryptError;
        let error = io::Error::other(io::Error::other(tls));
        assert!(matches!(outage(&error), KeyError::Unreachable { outage: Outage::Tls, .. }));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert!(matches!(
            outage(&io::Error::other(refused)),
            KeyError::Unreachable { outage: Outage::Refused, .. }
        ));
    }
}
