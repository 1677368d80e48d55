//! Syslog over TCP and TLS: counted octets or lines (RFC 6587, RFC 5425).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use api::Tls;
use base::Fault;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Ear, Guests, page};
use crate::plane::Plane;
use crate::plane::logs::Heard;

/// Connections of a listener at once. Each may hold one record that is not whole (at most 1 MiB)
/// and what was read behind it.
const CONNECTIONS_MAX: usize = 128;
/// Connections of one address at once.
const OF_ONE_MAX: usize = 32;
/// Bytes that are read, parsed and stored at once.
const READ_BYTES: usize = 128 << 10;
/// A handshake takes no longer.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long accepting rests when the process has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often refused connections are said.
const SAY: Duration = Duration::from_secs(60);
/// A certificate is good for 90 days and renewed after 60.
const RENEWAL: Duration = Duration::from_secs(60 * 24 * 3600);

/// Serves plain TCP until it fails.
pub(super) async fn serve_tcp(ear: &Arc<Ear>, at: SocketAddr) -> Result<(), Fault> {
    accept(ear, listener(at).await?, None).await
}

/// Serves TLS with a certificate of the internal authority until it fails.
pub(super) async fn serve_tls(ear: &Arc<Ear>, plane: &Plane, at: SocketAddr) -> Result<(), Fault> {
    let vault = plane.peers.vault("status", Value::Null).await?;
    // Asked first: refusals of a sealed vault would fill its audit.
    if vault["state"] != "unsealed" {
        return Err(Fault::new("vault_sealed", "the vault is sealed: no certificate for syslog"));
    }
    let unusable = |e: api::Error| Fault::from_error("listen", "TLS cannot be begun", &e);
    let (chain, key) = page::certificate(plane).await?;
    let tls = Tls::for_streams(&chain, key).map_err(unusable)?;
    let renewing = async {
        loop {
            tokio::time::sleep(RENEWAL).await;
            // On failure the certificate in use is good for 30 days more.
            let renewed = page::certificate(plane).await;
            let renewed = renewed.and_then(|(chain, key)| tls.renew(&chain, key).map_err(unusable));
            if let Err(fault) = renewed {
                let Fault { message, detail, .. } = &fault;
                tracing::error!(message, detail, "could not renew the certificate of syslog");
            }
        }
    };
    let listener = listener(at).await?;
    tokio::select! {
        outcome = accept(ear, listener, Some(tls.clone())) => outcome,
        () = renewing => Ok(()),
    }
}

async fn listener(at: SocketAddr) -> Result<TcpListener, Fault> {
    TcpListener::bind(at)
        .await
        .map_err(|e| Fault::from_error("listen", format!("could not listen on {at}"), &e))
}

/// Takes connections until dropped; they end with it.
async fn accept(ear: &Arc<Ear>, listener: TcpListener, tls: Option<Tls>) -> Result<(), Fault> {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let guests = Guests::default();
    let mut said_at = None;
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        // Further ones wait in the backlog.
        let place = Arc::clone(&places).acquire_owned().await;
        let place = place.expect("because it is never closed");
        let (stream, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(e) => {
                tracing::warn!(error = %e, "could not accept a connection of syslog");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(guest) = guests.admit(from.ip().to_canonical(), OF_ONE_MAX) else {
            if said_at.is_none_or(|at: Instant| at.elapsed() > SAY) {
                said_at = Some(Instant::now());
                tracing::warn!(%from, most = OF_ONE_MAX, "syslog: too many connections of one");
            }
            continue;
        };
        // A sender that is idle for days is none that has gone: the kernel finds out.
        if let Err(e) = rustix::net::sockopt::set_socket_keepalive(&stream, true) {
            tracing::debug!(error = %e, "a connection is not kept alive");
        }
        let (ear, tls) = (Arc::clone(ear), tls.clone());
        connections.spawn(async move {
            converse(&ear, stream, from, tls).await;
            drop((place, guest));
        });
    }
}

async fn converse(ear: &Arc<Ear>, stream: TcpStream, from: SocketAddr, tls: Option<Tls>) {
    let Some(tls) = tls else { return read(ear, stream, from).await };
    match tokio::time::timeout(HANDSHAKE_MAX, tls.accept(stream)).await {
        Ok(Ok(stream)) => read(ear, stream, from).await,
        Ok(Err(e)) => tracing::debug!(error = %e, %from, "a TLS handshake failed"),
        Err(_) => tracing::debug!(%from, "a TLS handshake took too long"),
    }
}

/// Reads to the end of a connection. Nothing more is read while something waits to be stored.
async fn read(ear: &Arc<Ear>, mut stream: impl AsyncRead + Unpin, from: SocketAddr) {
    let mut splitter = ear.readers.splitter();
    let mut buffer = vec![0; READ_BYTES];
    let mut is_over = false;
    while !is_over {
        match stream.read(&mut buffer).await {
            Ok(0) => is_over = true,
            Ok(n) => splitter.feed(&buffer[..n]),
            Err(e) => {
                tracing::debug!(error = %e, %from, "a connection of syslog has ended badly");
                is_over = true;
            }
        }
        if is_over {
            splitter.finish();
        }
        let mut records = Vec::new();
        while let Some(record) = splitter.next_record() {
            let (offset, defect) = (record.offset, record.defect);
            records.push(Heard { bytes: record.bytes.to_vec(), offset, defect });
        }
        ear.hear(from.ip().to_canonical(), records).await;
    }
}
