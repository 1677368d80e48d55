//! Connections: accepted up to a limit, over TLS, loopback or a unix socket; HTTP/1.1 and HTTP/2;
//! ended when idle, finished politely when the listener stops.

use std::convert::Infallible;
use std::net::{IpAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use zeroize::Zeroizing;

use super::answer::Answered;
use super::op::Body;
use super::peer::Process;
use super::settings::Limits;
use crate::{Error, Tls};

/// How long accepting rests when the process has no descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// A body past its limit is read on to this many times the limit, so that the caller gets to
/// read the refusal.
const DISCARD_FACTOR: usize = 4;

/// Who is at the other end.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    Network(IpAddr),
    Local(Arc<Process>),
}

impl Caller {
    /// The address, of callers that have one.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Network(address) => Some(*address),
            Self::Local(_) => None,
        }
    }
}

/// What answers requests.
pub(crate) trait Serve: Clone + Send + Sync + 'static {
    /// Answers one request.
    fn serve(
        &self,
        request: Request<Incoming>,
        caller: &Caller,
    ) -> impl Future<Output = Answered> + Send;
}

/// What all connections of a listener share.
struct Listening<S> {
    service: S,
    limits: Limits,
    places: Arc<Semaphore>,
    stop: watch::Receiver<bool>,
    connections: JoinSet<()>,
}

/// Serves TLS connections.
pub(crate) async fn tls<S: Serve>(
    listener: TcpListener,
    tls: Tls,
    limits: Limits,
    service: S,
    stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let listener = tcp(listener)?;
    let mut listening = Listening::new(service, limits, stop);
    while let Some(accepted) = listening.next(listener.accept()).await {
        let Some(((stream, peer), place)) = accepted else { continue };
        let acceptor = TlsAcceptor::from(tls.current());
        listening.begin(place, move |connection| async move {
            let _ = stream.set_nodelay(true);
            let handshake = acceptor.accept(stream);
            match tokio::time::timeout(connection.limits.handshake_timeout, handshake).await {
                Ok(Ok(stream)) => {
                    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    let caller = Caller::Network(peer.ip().to_canonical());
                    connection.serve(stream, caller, http2).await;
                }
                Ok(Err(e)) => tracing::debug!(error = %e, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
        });
    }
    // Closed at once: nobody shall wait in its queue for an answer that never comes.
    drop(listener);
    listening.drain().await;
    Ok(())
}

/// Serves plain HTTP to peers with a loopback address; others are not spoken to.
pub(crate) async fn loopback<S: Serve>(
    listener: TcpListener,
    limits: Limits,
    service: S,
    stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    let listener = tcp(listener)?;
    let mut listening = Listening::new(service, limits, stop);
    while let Some(accepted) = listening.next(listener.accept()).await {
        let Some(((stream, peer), place)) = accepted else { continue };
        let address = peer.ip().to_canonical();
        if !address.is_loopback() {
            tracing::warn!(%address, "refused a caller of the identity endpoint from elsewhere");
            continue;
        }
        listening.begin(place, move |connection| async move {
            let _ = stream.set_nodelay(true);
            connection.serve(stream, Caller::Network(address), false).await;
        });
    }
    // Closed at once: nobody shall wait in its queue for an answer that never comes.
    drop(listener);
    listening.drain().await;
    Ok(())
}

/// Serves plain HTTP on a unix socket.
pub(crate) async fn unix<S: Serve>(
    listener: UnixListener,
    limits: Limits,
    service: S,
    stop: watch::Receiver<bool>,
) -> Result<(), Error> {
    listener.set_nonblocking(true).map_err(Error::Listen)?;
    let listener = tokio::net::UnixListener::from_std(listener).map_err(Error::Listen)?;
    let mut listening = Listening::new(service, limits, stop);
    while let Some(accepted) = listening.next(listener.accept()).await {
        let Some(((stream, _), place)) = accepted else { continue };
        match Process::of(&stream) {
            Ok(process) => listening.begin(place, move |connection| async move {
                connection.serve(stream, Caller::Local(Arc::new(process)), false).await;
            }),
            Err(e) => tracing::warn!(error = %e, "could not tell who calls on the unix socket"),
        }
    }
    // Closed at once: nobody shall wait in its queue for an answer that never comes.
    drop(listener);
    listening.drain().await;
    Ok(())
}

fn tcp(listener: TcpListener) -> Result<tokio::net::TcpListener, Error> {
    listener.set_nonblocking(true).map_err(Error::Listen)?;
    tokio::net::TcpListener::from_std(listener).map_err(Error::Listen)
}

impl<S: Serve> Listening<S> {
    fn new(service: S, limits: Limits, stop: watch::Receiver<bool>) -> Self {
        let places = Arc::new(Semaphore::new(limits.n_connections));
        Self { service, limits, places, stop, connections: JoinSet::new() }
    }

    /// The next connection with its place; `Some(None)` when it was not to be had, `None` to stop.
    async fn next<T>(
        &mut self,
        accept: impl Future<Output = std::io::Result<T>>,
    ) -> Option<Option<(T, OwnedSemaphorePermit)>> {
        let accepted = tokio::select! {
            biased;
            () = stopped(self.stop.clone()) => return None,
            Some(_) = self.connections.join_next() => return Some(None),
            accepted = accept => accepted,
        };
        match accepted {
            Ok(accepted) => {
                let Ok(place) = self.places.clone().try_acquire_owned() else {
                    tracing::warn!("closed a connection: as many are open as may be");
                    return Some(None);
                };
                Some(Some((accepted, place)))
            }
            Err(e) => {
                tracing::warn!(error = %e, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                Some(None)
            }
        }
    }

    fn begin<F>(
        &mut self,
        place: OwnedSemaphorePermit,
        run: impl FnOnce(Connection<S>) -> F + Send + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let connection = Connection {
            service: self.service.clone(),
            limits: self.limits,
            stop: self.stop.clone(),
        };
        self.connections.spawn(async move {
            run(connection).await;
            drop(place);
        });
    }

    /// Waits for the connections to end; they know of the stop and have a deadline of their own.
    async fn drain(mut self) {
        while self.connections.join_next().await.is_some() {}
    }
}

/// One connection.
struct Connection<S> {
    service: S,
    limits: Limits,
    stop: watch::Receiver<bool>,
}

impl<S: Serve> Connection<S> {
    async fn serve<I>(self, stream: I, caller: Caller, http2: bool)
    where
        I: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let io = TokioIo::new(stream);
        let Self { service, limits, stop } = self;
        let activity = Arc::new(Activity::default());
        let seen = activity.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let (service, caller, open) = (service.clone(), caller.clone(), Open::new(&seen));
            async move {
                let answered = service.serve(request, &caller).await;
                drop(open);
                Ok::<_, Infallible>(answered)
            }
        });
        if http2 {
            let connection = http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(limits.n_streams)
                .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
                .keep_alive_interval(limits.idle_timeout / 3)
                .keep_alive_timeout(limits.handshake_timeout)
                .serve_connection(io, answer);
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => Some(ended),
                () = stopped(stop) => None,
                () = activity.idle_for(limits.idle_timeout) => None,
            };
            if ended.is_none() {
                connection.as_mut().graceful_shutdown();
                report(tokio::time::timeout(limits.drain_timeout, connection).await.ok());
            }
        } else {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.idle_timeout)
                .max_header_size(limits.header_bytes)
                .max_headers(limits.n_headers)
                .serve_connection(io, answer);
            let mut connection = pin!(connection);
            let ended = tokio::select! {
                ended = connection.as_mut() => Some(ended),
                () = stopped(stop) => None,
            };
            if ended.is_none() {
                connection.as_mut().graceful_shutdown();
                report(tokio::time::timeout(limits.drain_timeout, connection).await.ok());
            }
        }
    }
}

/// Comes when the listener stops.
async fn stopped(mut stop: watch::Receiver<bool>) {
    // An error says that the sender is gone, which is a stop as well.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn report(ended: Option<hyper::Result<()>>) {
    match ended {
        Some(Ok(())) => {}
        Some(Err(e)) => tracing::debug!(error = %e, "a connection ended early"),
        None => tracing::debug!("a connection was cut: it did not finish in time"),
    }
}

/// Requests that are open on a connection, and how many there were.
#[derive(Debug, Default)]
struct Activity {
    n_open: AtomicU64,
    n_begun: AtomicU64,
}

impl Activity {
    /// Comes when nothing was open or begun for that long.
    async fn idle_for(&self, timeout: Duration) {
        let mut begun = self.n_begun.load(Ordering::Relaxed);
        let mut quiet_since = Instant::now();
        loop {
            tokio::time::sleep(timeout / 4).await;
            let now = self.n_begun.load(Ordering::Relaxed);
            if now != begun || self.n_open.load(Ordering::Relaxed) > 0 {
                (begun, quiet_since) = (now, Instant::now());
            } else if quiet_since.elapsed() >= timeout {
                return;
            }
        }
    }
}

/// One open request.
struct Open(Arc<Activity>);

impl Open {
    fn new(activity: &Arc<Activity>) -> Self {
        activity.n_begun.fetch_add(1, Ordering::Relaxed);
        activity.n_open.fetch_add(1, Ordering::Relaxed);
        Self(activity.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.n_open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Reads a body up to `limit` bytes into memory that is wiped afterwards.
pub(crate) async fn read_body(mut body: Incoming, limit: usize) -> Body {
    // Room for all of it at once: growing would leave pieces of secrets behind.
    let announced = body.size_hint().exact().and_then(|exact| usize::try_from(exact).ok());
    let mut bytes = Zeroizing::new(Vec::with_capacity(announced.unwrap_or(limit).min(limit)));
    let mut n_read = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Body::Broken };
        let Some(data) = frame.data_ref() else { continue };
        n_read += data.len();
        if n_read <= limit {
            bytes.extend_from_slice(data);
        } else if n_read > limit.saturating_mul(DISCARD_FACTOR) {
            break;
        }
    }
    match n_read > limit {
        true => Body::TooLarge { limit },
        false => Body::Read(bytes),
    }
}
