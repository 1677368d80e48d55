//! How a server's certificate is judged: strictly for connections, recorded for probes.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::{CertificatePair, Error, Result};

/// The most authorities that a target may trust.
const N_ROOTS: usize = 500;

/// A client that trusts the given authorities and nothing else.
pub(crate) fn strict_config(
    ca_pem: &[u8],
    certificate: Option<&CertificatePair>,
) -> Result<ClientConfig> {
    let builder = builder()?.with_webpki_verifier(verifier(ca_pem)?);
    let Some(pair) = certificate else { return Ok(builder.with_no_client_auth()) };
    let unusable = || Error::Certificate { reason: "the client's pair is not PEM".to_owned() };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pair.file()).collect();
    let key = PrivateKeyDer::from_pem_slice(pair.file()).map_err(|_| unusable())?;
    builder.with_client_auth_cert(chain.map_err(|_| unusable())?, key).map_err(Error::Tls)
}

/// A client that finishes every handshake, keeps what it saw, and sends nothing afterwards.
///
/// Only for probes: they compare fingerprints and must also see a certificate that is wrong.
pub(crate) fn recording_config(ca_pem: &[u8]) -> Result<(ClientConfig, Arc<Recorder>)> {
    let seen = Mutex::new(None);
    let recorder = Arc::new(Recorder { inner: verifier(ca_pem)?, seen });
    let config = builder()?
        .dangerous()
        .with_custom_certificate_verifier(recorder.clone())
        .with_no_client_auth();
    Ok((config, recorder))
}

fn builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>> {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(Error::Tls)
}

fn verifier(ca_pem: &[u8]) -> Result<Arc<WebPkiServerVerifier>> {
    let unusable = |reason: &str| Error::Certificate { reason: reason.to_owned() };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem).take(N_ROOTS) {
        let certificate = certificate.map_err(|_| unusable("the CA file is not PEM"))?;
        roots.add(certificate).map_err(Error::Tls)?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|_| unusable("the CA file holds no certificate"))
}

/// What a recording client saw.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The leaf, DER.
    pub(crate) leaf: Vec<u8>,
    /// Whether the chain, the name and the dates are right, or why not.
    pub(crate) verdict: Result<(), String>,
}

/// A verifier that records its verdict; signatures of the handshake are still checked.
#[derive(Debug)]
pub(crate) struct Recorder {
    inner: Arc<WebPkiServerVerifier>,
    seen: Mutex<Option<Seen>>,
}

impl Recorder {
    /// What was seen in the last handshake.
    pub(crate) fn take(&self) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.inner.verify_server_cert(leaf, intermediates, name, ocsp, now);
        let verdict = verdict.map(|_| ()).map_err(|error| error.to_string());
        let seen = Seen { leaf: leaf.to_vec(), verdict };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
