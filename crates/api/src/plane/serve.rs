//! Connections: HTTP/1.1 over TLS for browsers and programs, over a unix socket for the command
//! line. Limited in number and idle time; ended when the future is dropped.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::router::{open, router};
use super::{PlaneParts, PlaneState};
use crate::access::LocalPeer;
use crate::{Error, Tls};

/// So many connections of a listener at once; a stream of events holds one.
const CONNECTIONS_MAX: usize = 512;
/// A handshake takes no longer.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// The head of a request comes within this time, or the connection ends.
const HEAD_MAX: Duration = Duration::from_secs(60);
/// How long accepting rests when the process has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The API with everything around it, ready to be served. Clones share it.
#[derive(Clone)]
pub struct Api {
    router: Router,
    state: PlaneState,
}

impl Api {
    /// Puts it together.
    pub fn new(parts: PlaneParts) -> Self {
        let state = PlaneState::new(parts);
        Self { router: router(state.clone()), state }
    }

    /// All of it as a service, for tests that need no socket.
    pub fn router(&self) -> Router {
        self.router.clone()
    }

    /// What its handlers share.
    pub fn state(&self) -> &PlaneState {
        &self.state
    }

    /// Serves TLS connections on `listener` until dropped.
    pub async fn serve_tls(&self, listener: TcpListener, tls: &Tls) -> Result<(), Error> {
        listener.set_nonblocking(true).map_err(Error::Listen)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(Error::Listen)?;
        let mut connections = Connections::default();
        loop {
            let place = connections.place().await;
            let (stream, _) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(e) => {
                    rest(&e).await;
                    continue;
                }
            };
            let (router, acceptor) = (self.router.clone(), TlsAcceptor::from(tls.current()));
            connections.begin(place, async move {
                let _ = stream.set_nodelay(true);
                match tokio::time::timeout(HANDSHAKE_MAX, acceptor.accept(stream)).await {
                    Ok(Ok(stream)) => converse(stream, router, None).await,
                    Ok(Err(e)) => tracing::debug!(error = %e, "a TLS handshake failed"),
                    Err(_) => tracing::debug!("a TLS handshake took too long"),
                }
            });
        }
    }

    /// Serves OTLP alone over plain HTTP until dropped, to whoever reaches `listener`: it belongs
    /// on loopback.
    pub async fn serve_otlp(&self, listener: tokio::net::TcpListener) -> Result<(), Error> {
        let open = open(self.state.clone());
        let mut connections = Connections::default();
        loop {
            let place = connections.place().await;
            match listener.accept().await {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    connections.begin(place, converse(stream, open.clone(), None));
                }
                Err(e) => rest(&e).await,
            }
        }
    }

    /// Serves plain HTTP on a unix socket until dropped, to OS users that `allowed` accepts: they
    /// are principals of kind `local`. Others are not spoken to.
    pub async fn serve_local(
        &self,
        listener: UnixListener,
        allowed: impl Fn(u32) -> bool + Send,
    ) -> Result<(), Error> {
        let mut connections = Connections::default();
        loop {
            let place = connections.place().await;
            let (stream, _) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(e) => {
                    rest(&e).await;
                    continue;
                }
            };
            // A socket that does not say who calls is treated as nobody.
            let uid = stream.peer_cred().map_or(u32::MAX, |cred| cred.uid());
            let router = self.router.clone();
            if uid != u32::MAX && allowed(uid) {
                connections.begin(place, converse(stream, router, Some(LocalPeer(uid))));
            } else {
                tracing::warn!(uid, "refused a caller of the API's socket");
                connections.begin(place, converse(stream, refusing(uid), None));
            }
        }
    }
}

/// What an OS user gets that may not use the socket.
fn refusing(uid: u32) -> Router {
    use axum::response::IntoResponse as _;
    use base::{ExitCode, Fault};
    let router = Router::new().fallback(move || async move {
        let fault = Fault::new("forbidden", format!("OS user {uid} may not use this socket"))
            .hint("use the account that ran pgkeep up")
            .exit(ExitCode::Forbidden);
        super::error::finish(super::ApiError(fault).into_response(), "", false)
    });
    router.layer(axum::middleware::from_fn(super::unread::drain))
}

/// The connections of one listener; they end with it.
struct Connections {
    places: Arc<Semaphore>,
    all: JoinSet<()>,
}

impl Default for Connections {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(CONNECTIONS_MAX)), all: JoinSet::new() }
    }
}

impl Connections {
    /// Waits until there is room for another one.
    async fn place(&mut self) -> OwnedSemaphorePermit {
        while self.all.try_join_next().is_some() {}
        Arc::clone(&self.places).acquire_owned().await.expect("because it is never closed")
    }

    fn begin(
        &mut self,
        place: OwnedSemaphorePermit,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        self.all.spawn(async move {
            work.await;
            drop(place);
        });
    }
}

async fn rest(e: &std::io::Error) {
    tracing::warn!(error = %e, "could not accept a connection");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

async fn converse<S>(stream: S, router: Router, peer: Option<LocalPeer>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let router = router.clone();
        async move {
            let mut request = request.map(Body::new);
            if let Some(peer) = peer {
                request.extensions_mut().insert(peer);
            }
            let answered: Result<_, Infallible> = router.oneshot(request).await;
            answered
        }
    });
    let outcome = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(e) = outcome {
        tracing::debug!(error = %e, "a connection has ended badly");
    }
}
