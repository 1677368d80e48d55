//! Serves API and portal to browsers: the certificate comes from the internal authority.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use api::Tls;
use api::plane::Api;
use base::Fault;
use rcgen::{CertificateParams, KeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};

use super::Plane;

/// How often a page that cannot be served is tried again.
const PERIOD: Duration = Duration::from_secs(2);
/// A certificate is good for 90 days and renewed after 60.
const RENEWAL: Duration = Duration::from_secs(60 * 24 * 3600);

/// Runs for ever: serves the page as soon as that can be done.
pub(super) async fn run(plane: Arc<Plane>, port: u16, api: Api) {
    loop {
        if let Err(fault) = serve(&plane, port, &api).await {
            let reason = match &fault.detail {
                Some(detail) => format!("{}: {detail}", fault.message),
                None => fault.message.clone(),
            };
            if plane.page() != Err(reason.clone()) {
                tracing::warn!(reason, "the portal is not served");
                plane.set_page(Err(reason));
            }
        }
        tokio::time::sleep(PERIOD).await;
    }
}

async fn serve(plane: &Plane, port: u16, api: &Api) -> Result<(), Fault> {
    // Asked first: refusals of a sealed vault would fill its audit.
    let vault = plane.peers.vault("status", Value::Null).await?;
    if vault["state"] != "unsealed" {
        return Err(Fault::new("vault_sealed", "the vault is sealed: no certificate for the page"));
    }
    let (chain, key) = certificate(plane).await?;
    let unusable = |e: api::Error| Fault::from_error("page", "the portal failed", &e);
    let tls = Tls::new(&chain, key).map_err(unusable)?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .map_err(|e| Fault::from_error("page", format!("could not listen on port {port}"), &e))?;
    plane.set_page(Ok(format!("https://localhost:{port}/")));
    let renewing = async {
        loop {
            tokio::time::sleep(RENEWAL).await;
            // On failure the certificate in use is good for 30 days more; the log says why.
            match certificate(plane).await {
                Ok((chain, key)) => {
                    if let Err(e) = tls.renew(&chain, key) {
                        tracing::error!(error = %e, "could not renew the page's certificate");
                    }
                }
                Err(fault) => {
                    tracing::error!(fault.message, "could not renew the page's certificate");
                }
            }
        }
    };
    tokio::select! {
        outcome = api.serve_tls(listener, &tls) => outcome.map_err(unusable),
        () = renewing => Ok(()),
    }
}

/// A new key and its certificate; the key lives in memory only.
pub(super) async fn certificate(
    plane: &Plane,
) -> Result<(String, PrivatePkcs8KeyDer<'static>), Fault> {
    let failed = |e: rcgen::Error| {
        Fault::from_error("page", "could not make the page's certificate request", &e)
    };
    let key = KeyPair::generate().map_err(failed)?;
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let request = CertificateParams::new(names)
        .and_then(|params| params.serialize_request(&key))
        .and_then(|request| request.pem())
        .map_err(failed)?;
    let args = json!({ "service": "plane", "csr": request });
    let signed = plane.peers.vault("certificate-sign", args).await?;
    let chain = signed["chain"].as_str().unwrap_or_default().to_owned();
    Ok((chain, PrivatePkcs8KeyDer::from(key.serialize_der())))
}
