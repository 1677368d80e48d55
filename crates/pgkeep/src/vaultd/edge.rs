//! The network side: key vaults over HTTPS, tokens of identities over loopback and a unix socket.
//!
//! What cannot be served now is tried again and again, and `status` says why: the ports stand in
//! addresses that others keep, so another port would help nobody. The key of the certificate is
//! made here, is in memory only, and so is there only once the vault has been unsealed: until
//! then the port of the key vaults is closed, afterwards a sealed vault answers 503.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use api::Tls;
use api::keyvault::{KeyVaultEdge, Settings};
use base::Fault;
use crypto::OsRandom;
use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use vault::{State, Vault};

use super::faults::fault;
use super::open::own;
use super::{Places, on_a_thread};
use crate::rpc;

/// The reason of a door that was not tried yet.
pub(crate) const STARTING: &str = "it starts";
/// How often what could not be served is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// How often the certificate's age is looked at; by the calendar, as machines sleep.
const LOOK: Duration = Duration::from_secs(3600);
/// A certificate is good for 90 days and renewed when it has less left.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Whether a door is open, or why not.
#[derive(Clone, Debug)]
struct Open(Arc<Mutex<Result<(), String>>>);

/// What is served where.
#[derive(Clone, Debug)]
pub(super) struct Edge {
    places: Places,
    https: Open,
    identity: Open,
}

/// The tasks that serve; they end after a stop, and each lets open requests finish.
pub(super) struct Serving(JoinSet<()>);

impl Edge {
    /// Starts to serve. `changes` tells of the unseal that the certificate waits for.
    pub(super) fn start(
        vault: &Vault,
        places: &Places,
        identity_socket: std::os::unix::net::UnixListener,
        changes: watch::Receiver<u64>,
        stop: &watch::Receiver<bool>,
    ) -> Result<(Self, Serving), Fault> {
        let edge = Self {
            places: places.clone(),
            https: Open::new(STARTING),
            identity: Open::new(STARTING),
        };
        let vaults = vault.key_vaults();
        let settings = Settings::new(places.vault_port, vaults.tenant_id(), vaults.resource());
        let http = KeyVaultEdge::new(Arc::new(vault.clone()), Arc::new(OsRandom), settings)
            .map_err(|e| unserved(&e))?;
        let mut tasks = JoinSet::new();
        tasks.spawn(https(edge.clone(), vault.clone(), http.clone(), changes, stop.clone()));
        tasks.spawn(identity(edge.clone(), http.clone(), stop.clone()));
        let stop = stop.clone();
        tasks.spawn(async move {
            if let Err(e) = http.serve_identity_unix(identity_socket, stop).await {
                tracing::error!(error = %e, "the identity socket is not served");
            }
        });
        Ok((edge, Serving(tasks)))
    }

    /// What `status` says of it.
    pub(super) fn status(&self) -> Value {
        let Self { places, https, identity } = self;
        json!({
            "https": {
                "url": places.resource(),
                "port": places.vault_port,
                "listening": https.reason().is_none(),
                "reason": https.reason(),
            },
            "identity": {
                "endpoint": places.identity_endpoint(),
                "socket": places.identity_socket,
                "listening": identity.reason().is_none(),
                "reason": identity.reason(),
            },
        })
    }
}

impl Serving {
    /// Comes when a task ends that should not: each goes on until the stop.
    pub(super) async fn broken(&mut self) {
        if let Some(Err(e)) = self.0.join_next().await {
            tracing::error!(error = %e, "a task that serves has failed");
        }
    }

    /// Waits until open requests are answered; false when that took too long.
    pub(super) async fn drained(mut self, deadline: Duration) -> bool {
        let all = async { while self.0.join_next().await.is_some() {} };
        tokio::time::timeout(deadline, all).await.is_ok()
    }
}

impl Open {
    fn new(reason: &str) -> Self {
        Self(Arc::new(Mutex::new(Err(reason.to_owned()))))
    }

    fn set(&self, state: Result<(), String>) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(reason) = &state
            && *now != state
        {
            tracing::warn!(reason, "something is not served");
        }
        *now = state;
    }

    fn reason(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone().err()
    }
}

async fn https(
    edge: Edge,
    vault: Vault,
    http: KeyVaultEdge,
    mut changes: watch::Receiver<u64>,
    mut stop: watch::Receiver<bool>,
) {
    while !*stop.borrow() {
        let served = serve_vaults(&edge, &vault, &http, &stop).await;
        edge.https.set(Err(match served {
            Ok(()) => "it ends".to_owned(),
            Err(fault) => said(&fault),
        }));
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            // An unseal; without a sender the pause remains.
            Ok(()) = changes.changed() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// Serves the key vaults until a stop, with a certificate that is always good.
async fn serve_vaults(
    edge: &Edge,
    vault: &Vault,
    http: &KeyVaultEdge,
    stop: &watch::Receiver<bool>,
) -> Result<(), Fault> {
    // Asked first: refusals of a sealed vault would fill its audit.
    let (state, reason) = vault.status();
    if state != State::Unsealed {
        return Err(Fault::new("vault_sealed", "the vault is sealed: no certificate for HTTPS")
            .detail(reason));
    }
    let port = edge.places.vault_port;
    let v4 = bind(Ipv4Addr::LOCALHOST.into(), port)?;
    let v6 = match bind_raw(Ipv6Addr::LOCALHOST.into(), port) {
        Ok(listener) => Some(listener),
        Err(e) if e.kind() == io::ErrorKind::AddrInUse => return Err(taken(port, &e)),
        // This machine has no IPv6.
        Err(_) => None,
    };
    let certificate = certificate(vault).await?;
    let tls = Tls::for_vault(&certificate.chain_pem, certificate.key).map_err(|e| unserved(&e))?;
    edge.https.set(Ok(()));
    tracing::info!(port, ipv6 = v6.is_some(), "the key vaults are served");
    let serving = async {
        let second = async {
            match v6 {
                Some(listener) => http.serve_vaults(listener, &tls, stop.clone()).await,
                None => Ok(()),
            }
        };
        tokio::try_join!(http.serve_vaults(v4, &tls, stop.clone()), second)
            .map_err(|e| unserved(&e))
    };
    tokio::select! {
        outcome = serving => outcome.map(drop),
        () = keep_fresh(vault, &tls, certificate.not_after) => Ok(()),
    }
}

/// Renews the certificate before it ends, for ever. A failure is tried again: there is a month.
async fn keep_fresh(vault: &Vault, tls: &Tls, mut not_after: Timestamp) {
    loop {
        tokio::time::sleep(LOOK).await;
        if !is_due(Timestamp::now(), not_after) || vault.status().0 != State::Unsealed {
            continue;
        }
        let renewed = match certificate(vault).await {
            Ok(new) => {
                let end = new.not_after;
                tls.renew(&new.chain_pem, new.key).map(|()| end).map_err(|e| unserved(&e))
            }
            Err(fault) => Err(fault),
        };
        match renewed {
            Ok(end) => {
                not_after = end;
                tracing::info!(%not_after, "renewed the certificate of the key vaults");
            }
            Err(fault) => {
                tracing::error!(reason = said(&fault), "could not renew the certificate");
            }
        }
    }
}

/// Whether a certificate is to be renewed now.
fn is_due(now: Timestamp, not_after: Timestamp) -> bool {
    now.duration_until(not_after) < RENEW_BEFORE
}

struct Certificate {
    chain_pem: String,
    key: PrivatePkcs8KeyDer<'static>,
    not_after: Timestamp,
}

/// A new key and its certificate.
async fn certificate(vault: &Vault) -> Result<Certificate, Fault> {
    let vault = vault.clone();
    on_a_thread(move || {
        let made = vault.https_certificate(own()).map_err(fault)?;
        let key = PrivatePkcs8KeyDer::from_pem_slice(made.key_pem.expose().as_bytes())
            .map_err(|_| Fault::new("vault_certificate", "the key of HTTPS is not readable"))?;
        Ok(Certificate { chain_pem: made.chain_pem, key, not_after: made.not_after })
    })
    .await
}

/// Serves the identity endpoint on loopback until a stop.
async fn identity(edge: Edge, http: KeyVaultEdge, mut stop: watch::Receiver<bool>) {
    let port = edge.places.identity_port;
    while !*stop.borrow() {
        let served = match bind(Ipv4Addr::LOCALHOST.into(), port) {
            Ok(listener) => {
                edge.identity.set(Ok(()));
                http.serve_identity_tcp(listener, stop.clone()).await.map_err(|e| unserved(&e))
            }
            Err(fault) => Err(fault),
        };
        edge.identity.set(Err(match served {
            Ok(()) => "it ends".to_owned(),
            Err(fault) => said(&fault),
        }));
        tokio::select! {
            () = tokio::time::sleep(RETRY) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

fn bind(address: IpAddr, port: u16) -> Result<TcpListener, Fault> {
    bind_raw(address, port).map_err(|e| taken(port, &e))
}

fn bind_raw(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((address, port))
}

fn taken(port: u16, e: &io::Error) -> Fault {
    Fault::from_error("listen", format!("could not listen on port {port}"), e)
}

fn unserved(e: &api::Error) -> Fault {
    Fault::from_error("https", "the key vaults are not served", e)
}

fn said(fault: &Fault) -> String {
    match &fault.detail {
        Some(detail) if !detail.is_empty() => format!("{}: {detail}", fault.message),
        _ => fault.message.clone(),
    }
}

/// The listener of the identity endpoint's socket: the supervisor binds it, as it owns the
/// folder, and hands it over as standard output, which goes to the log from then on.
pub(super) fn identity_listener(
    places: &Places,
) -> Result<std::os::unix::net::UnixListener, Fault> {
    match rpc::inherited_as_output(&places.identity_socket)? {
        Some(listener) => Ok(listener),
        None => rpc::bind(&places.identity_socket, 0o666),
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;

    use super::*;

    #[test]
    fn a_certificate_is_renewed_a_month_before_its_end() {
        let end: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        for (hours_left, due) in [(90 * 24, false), (31 * 24, false), (29 * 24, true), (-1, true)] {
            assert_eq!(is_due(end - hours_left.hours(), end), due, "{hours_left} hours left");
        }
    }

    #[test]
    fn a_port_in_use_is_named() {
        let holder = bind(Ipv4Addr::LOCALHOST.into(), 0).unwrap();
        let port = holder.local_addr().unwrap().port();
        let fault = bind(Ipv4Addr::LOCALHOST.into(), port).unwrap_err();
        assert!(said(&fault).contains(&port.to_string()), "{}", said(&fault));
    }

    #[test]
    fn the_reason_stays_until_the_door_opens() {
        let door = Open::new(STARTING);
        assert_eq!(door.reason().as_deref(), Some(STARTING));
        door.set(Err("taken".to_owned()));
        assert_eq!(door.reason().as_deref(), Some("taken"));
        door.set(Ok(()));
        assert_eq!(door.reason(), None);
    }
}
