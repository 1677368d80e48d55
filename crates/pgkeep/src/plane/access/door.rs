//! How the plane reaches a provider of OpenID Connect: TLS with the machine's authorities and
//! those of the settings, no redirects, no proxy, small answers, short deadlines.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use api::access::oidc::{Door, DoorError, HttpRequest, HttpResponse, Sending};
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

const CONNECT_MAX: Duration = Duration::from_secs(5);
const ANSWER_MAX: Duration = Duration::from_secs(10);
const ANSWER_MAX_BYTES: usize = 1 << 20;

/// The network.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Network;

impl Door for Network {
    fn send(&self, request: HttpRequest, ca_pem: Option<String>) -> Sending {
        Box::pin(async move { send(request, ca_pem.as_deref()).await.map_err(DoorError) })
    }
}

async fn send(request: HttpRequest, ca_pem: Option<&str>) -> Result<HttpResponse, String> {
    let (parts, body) = request.into_parts();
    let sending = client(ca_pem)?
        .request(parts.method, parts.uri.to_string())
        .headers(parts.headers)
        .body(body);
    let mut answer = sending.send().await.map_err(chain)?;
    let mut response = HttpResponse::new(Vec::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    while let Some(chunk) = answer.chunk().await.map_err(chain)? {
        if response.body().len() + chunk.len() > ANSWER_MAX_BYTES {
            return Err("the answer is too long".to_owned());
        }
        response.body_mut().extend_from_slice(&chunk);
    }
    Ok(response)
}

/// TLS with the machine's authorities and those of `ca_pem`.
pub(crate) fn tls_to_others(ca_pem: Option<&str>) -> Result<ClientConfig, String> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for certificate in CertificateDer::pem_slice_iter(ca_pem.unwrap_or_default().as_bytes()) {
        let certificate = certificate.map_err(|e| format!("the authorities are not PEM: {e}"))?;
        roots.add(certificate).map_err(|e| format!("an authority is no certificate: {e}"))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Made for each request: sign-ins are rare, and settings may have changed.
fn client(ca_pem: Option<&str>) -> Result<reqwest::Client, String> {
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls_to_others(ca_pem)?)
        .redirect(Policy::none())
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_MAX)
        .timeout(ANSWER_MAX);
    client.build().map_err(chain)
}

/// An error with its causes, without addresses: they may hold codes.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        text = format!("{text}: {source}");
        cause = source.source();
    }
    text
}
