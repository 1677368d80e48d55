//! How a server's certificate is judged: strictly for connections, recorded for probes.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use serde::Serialize;

use crate::{CertificatePair, Error, Result};

/// The most authorities that a target may trust.
const N_ROOTS: usize = 500;

/// How far the certificate of a server is judged.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trust {
    /// Any certificate is taken: who listens is kept out, who stands between is not.
    Anybody,
    /// It must come from an authority that is trusted, for whatever name.
    Authority,
    /// It must come from such an authority and hold the server's name.
    AuthorityAndName,
}

/// A client that judges by these authorities, as far as `trust` says, and shows its certificate
/// where the server asks for one. `roots` are not looked at for [`Trust::Anybody`].
pub(crate) fn client_config(
    trust: Trust,
    roots: RootCertStore,
    certificate: Option<&CertificatePair>,
) -> Result<ClientConfig> {
    let builder = builder()?;
    let builder = match trust {
        Trust::AuthorityAndName => builder.with_webpki_verifier(verifier(roots)?),
        Trust::Authority | Trust::Anybody => {
            let roots = (trust == Trust::Authority).then_some(roots);
            let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms;
            let nameless = Arc::new(Nameless { roots, algorithms });
            builder.dangerous().with_custom_certificate_verifier(nameless)
        }
    };
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
    let recorder = Arc::new(Recorder { inner: verifier(authorities(ca_pem)?)?, seen });
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

fn unusable(reason: &str) -> Error {
    Error::Certificate { reason: reason.to_owned() }
}

/// The authorities of a PEM file; at least one.
pub(crate) fn authorities(ca_pem: &[u8]) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem).take(N_ROOTS) {
        let certificate = certificate.map_err(|_| unusable("the CA file is not PEM"))?;
        roots.add(certificate).map_err(Error::Tls)?;
    }
    if roots.is_empty() {
        return Err(unusable("the CA file holds no certificate"));
    }
    Ok(roots)
}

/// The authorities that this machine trusts; at least one.
pub(crate) fn system_authorities() -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(unusable("this machine has no authorities of its own"));
    }
    Ok(roots)
}

fn verifier(roots: RootCertStore) -> Result<Arc<WebPkiServerVerifier>> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|_| unusable("no authority is trusted"))
}

/// Protocol (`TLSv1.3`) and suite (IANA's name) that a handshake has agreed on.
pub(crate) fn terms(session: &rustls::ClientConnection) -> (String, String) {
    let protocol = match session.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3".to_owned(),
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2".to_owned(),
        other => format!("{other:?}"),
    };
    let suite = session.negotiated_cipher_suite().and_then(|suite| suite.suite().as_str());
    (protocol, suite.unwrap_or_default().to_owned())
}

/// A verifier that does not look at names, and without `roots` not at authorities either.
/// Signatures of the handshake are checked: the server has the key of what it shows.
#[derive(Debug)]
struct Nameless {
    roots: Option<RootCertStore>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Nameless {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(roots) = &self.roots {
            let leaf = ParsedCertificate::try_from(leaf)?;
            let algorithms = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(
                &leaf,
                roots,
                intermediates,
                now,
                algorithms,
            )?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
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
