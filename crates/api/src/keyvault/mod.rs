//! The key vault over HTTP: the keys API of Azure Key Vault, tokens for managed identities.
//!
//! Says nothing itself about who may do what: it reads requests, hands them to a
//! [`KeyVaultBackend`] on worker threads of its own, and writes what comes back. Keys, roles,
//! tokens and the audit are behind that trait.

mod answer;
mod backend;
mod body;
mod check;
mod domain;
mod host;
mod identity;
mod listen;
mod op;
mod peer;
mod pool;
mod query;
mod real;
mod refuse;
mod reply;
mod respond;
mod route;
mod settings;

#[cfg(test)]
mod fuzz;

use std::fmt::Write as _;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::sync::Arc;

use base::Random;
use hyper::Request;
use hyper::body::{Body as _, Incoming};
use hyper::header::HeaderValue;
use tokio::sync::{Semaphore, watch};
use zeroize::Zeroizing;

pub use backend::{IdentitySelector, KeyVaultBackend, Peer, Proof, TokenReply, TokenRequest};
pub use peer::Process;
pub use settings::{Limits, Settings};

use crate::{Error, Tls};
use answer::{About, Answered};
use listen::{Caller, Serve};
use op::Body;
use pool::{NoResult, Pool};

/// The edge of the key vault. Clones share its workers and limits.
#[derive(Clone)]
pub struct KeyVaultEdge {
    inner: Arc<Inner>,
    pool: Arc<Pool>,
    restores: Arc<Semaphore>,
}

impl std::fmt::Debug for KeyVaultEdge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyVaultEdge").field("settings", &self.inner.settings).finish()
    }
}

/// What workers need.
struct Inner {
    backend: Arc<dyn KeyVaultBackend>,
    random: Arc<dyn Random>,
    settings: Settings,
    /// The audience of tokens.
    resource: String,
    /// The value of `WWW-Authenticate`.
    challenge: HeaderValue,
}

impl KeyVaultEdge {
    /// Starts the workers; serves nothing yet. `random` makes the ids of requests.
    pub fn new(
        backend: Arc<dyn KeyVaultBackend>,
        random: Arc<dyn Random>,
        settings: Settings,
    ) -> Result<Self, Error> {
        let resource = settings.resource();
        let tenant = &settings.tenant_id;
        let challenge =
            format!("Bearer authorization=\"{resource}/{tenant}\", resource=\"{resource}\"");
        let challenge = HeaderValue::from_str(&challenge).map_err(|_| Error::Settings)?;
        let limits = settings.limits;
        let pool =
            Pool::new("vault-edge", limits.n_workers, limits.n_waiting).map_err(Error::Workers)?;
        Ok(Self {
            inner: Arc::new(Inner { backend, random, settings, resource, challenge }),
            pool: Arc::new(pool),
            restores: Arc::new(Semaphore::new(limits.n_restores)),
        })
    }

    /// Serves the keys API over TLS until `stop` changes or its sender is dropped; then lets
    /// open requests finish.
    pub async fn serve_vaults(
        &self,
        listener: TcpListener,
        tls: &Tls,
        stop: watch::Receiver<bool>,
    ) -> Result<(), Error> {
        let keys = KeysApi(self.clone());
        listen::tls(listener, tls.clone(), self.inner.settings.limits, keys, stop).await
    }

    /// Serves tokens over plain HTTP to callers on this machine that know an identity's header.
    pub async fn serve_identity_tcp(
        &self,
        listener: TcpListener,
        stop: watch::Receiver<bool>,
    ) -> Result<(), Error> {
        let identity = identity::Endpoint(self.clone());
        listen::loopback(listener, self.inner.settings.limits, identity, stop).await
    }

    /// Serves tokens on a unix socket to processes that the kernel vouches for.
    pub async fn serve_identity_unix(
        &self,
        listener: UnixListener,
        stop: watch::Receiver<bool>,
    ) -> Result<(), Error> {
        let identity = identity::Endpoint(self.clone());
        listen::unix(listener, self.inner.settings.limits, identity, stop).await
    }

    async fn keys(&self, request: Request<Incoming>, caller: &Caller) -> Answered {
        let (parts, body) = request.into_parts();
        let about = About {
            request_id: self.inner.request_id(),
            client_request_id: respond::client_request_id(&parts.headers),
            address: caller.address(),
            version: parts.version,
        };
        let Some(address) = about.address else {
            return respond::refused(&about, refuse::foreign_host().into());
        };
        let body = self.body(&parts, body).await;
        let request = respond::Request { parts, body, address, about: about.clone() };
        let inner = self.inner.clone();
        let timeout = inner.settings.limits.answer_timeout;
        let answered = self.pool.run(timeout, move || respond::respond(&inner, &request)).await;
        answered.unwrap_or_else(|e| respond::refused(&about, no_result(e).into()))
    }

    /// Reads the body within its limits.
    async fn body(&self, parts: &hyper::http::request::Parts, body: Incoming) -> Body {
        let limits = self.inner.settings.limits;
        if body.is_end_stream() {
            return Body::Read(Zeroizing::default());
        }
        let mut limit = limits.body_bytes;
        let mut permit = None;
        if route::is_restore(&parts.method, parts.uri.path()) {
            match self.restores.clone().try_acquire_owned() {
                Ok(granted) => permit = Some(granted),
                Err(_) => return Body::TooMany,
            }
            limit = limits.restore_bytes;
        }
        let read = listen::read_body(body, limit);
        let read = tokio::time::timeout(limits.body_timeout, read).await;
        drop(permit);
        read.unwrap_or(Body::TooSlow)
    }
}

fn no_result(why: NoResult) -> vault::keyvault::model::Refusal {
    match why {
        NoResult::Saturated => refuse::saturated(),
        NoResult::TimedOut => refuse::late(),
        NoResult::Broken => refuse::broken(),
    }
}

impl Inner {
    /// A random UUID (RFC 9562 §5.4).
    fn request_id(&self) -> String {
        let mut bytes = [0_u8; 16];
        self.random.fill(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = String::with_capacity(36);
        for (at, byte) in bytes.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// The keys API as a listener serves it.
#[derive(Clone)]
struct KeysApi(KeyVaultEdge);

impl Serve for KeysApi {
    async fn serve(&self, request: Request<Incoming>, caller: &Caller) -> Answered {
        self.0.keys(request, caller).await
    }
}
