//! What every request passes, from outside: its id, the log and the metrics, the host guard and
//! the headers of a careful page, a place among those that are served at once, a limit of time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use base::{ExitCode, Fault};
use tokio::sync::Semaphore;
use tracing::{Instrument as _, field};

use super::error::{ApiError, RetryAfter, finish};
use super::jobs;
use super::metrics::Metrics;
use super::operation::Operation;
use super::ops::RequestId;
use super::ops::push::is_push;
use crate::access::{LocalPeer, Principal};
use crate::host::is_local;

/// So many requests are answered at once; further ones wait a little.
const REQUESTS_MAX: usize = 128;
/// So long they wait.
const QUEUE_MAX: Duration = Duration::from_secs(5);
/// An answer begins within this time; long work is a job.
const ANSWER_MAX: Duration = Duration::from_secs(180);
/// But for events that are taken in: a large file takes as long as it takes, and a sender that
/// falls silent is noticed elsewhere.
const INGEST: &str = "/api/v1/logs/ingest";
const INGEST_MAX: Duration = Duration::from_secs(6 * 3600);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Nothing comes from elsewhere. Fluent writes styles into the page, so they are allowed there.
const CSP: &str = "default-src 'none'; script-src 'self'; worker-src 'self'; \
                   style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
                   connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
                   form-action 'self'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CSP),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Gives the request an id, writes failures in their shape, logs, counts.
pub(crate) async fn outermost(
    State(metrics): State<Metrics>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let id = given_id(request.headers()).unwrap_or_else(jobs::id);
    let value = HeaderValue::from_str(&id).expect("because it is letters, digits and -_.");
    request.headers_mut().insert(REQUEST_ID, value.clone());
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    // Never the query: what a careless program put there is nobody's business.
    let path: String = request.uri().path().chars().take(256).collect();
    let trusted = request.extensions().get::<LocalPeer>().is_some();
    let span = tracing::info_span!(
        "request",
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = %method,
        http.response.status_code = field::Empty,
        operation = field::Empty,
        request_id = id,
    );
    let flight = metrics.begin();
    let response = next.run(request).instrument(span.clone()).await;
    drop(flight);
    let took = began.elapsed();
    let operation = response.extensions().get::<Operation>().map(|op| Arc::clone(&op.0));
    let status = response.status();
    metrics.note(operation.as_deref().unwrap_or("none"), status.as_u16(), took);
    // A line for each push would never end where pgkeep's own log is what is pushed.
    let is_push = operation.as_deref().is_some_and(is_push);
    let changes = !is_push && !matches!(method, Method::GET | Method::HEAD | Method::OPTIONS);
    let principal = response.extensions().get::<Principal>().map(|who| who.name.as_str());
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let (operation, code) = (operation.as_deref(), status.as_u16());
    span.record("operation", operation);
    span.record("http.response.status_code", code);
    span.record("otel.status_code", status.is_server_error().then_some("ERROR"));
    // What is logged of the request belongs to its span.
    let _inside = span.entered();
    if let Some(ApiError(fault)) = response.extensions().get::<ApiError>()
        && status.is_server_error()
    {
        tracing::error!(
            request_id = id,
            operation,
            status = code,
            fault.code,
            fault.message,
            fault.detail,
            "a request has failed"
        );
    }
    if changes || status.is_client_error() || status.is_server_error() {
        tracing::info!(request_id = id, %method, path, operation, status = code, duration_ms,
            principal, "request");
    } else {
        tracing::debug!(request_id = id, %method, path, operation, status = code, duration_ms,
            principal, "request");
    }
    let mut response = finish(response, &id, trusted);
    response.headers_mut().insert(REQUEST_ID, value);
    response
}

/// The id that the caller has chosen, if it is a plain one.
fn given_id(headers: &HeaderMap) -> Option<String> {
    let given = headers.get(REQUEST_ID)?.to_str().ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    ((1..=64).contains(&given.len()) && given.bytes().all(plain)).then(|| given.to_owned())
}

/// Refuses foreign host names, so that a page elsewhere cannot reach this by pointing its own
/// name at the loopback address (DNS rebinding); adds the headers of a careful page.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let mut response = match host.is_some_and(is_local) {
        true => next.run(request).await,
        false => ApiError(
            Fault::new("misdirected", "this host name is not served here")
                .hint("use https://localhost")
                .exit(ExitCode::Usage),
        )
        .into_response(),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let no_store = HeaderValue::from_static("no-store");
    headers.entry(header::CACHE_CONTROL).or_insert(no_store);
    response
}

/// Places for requests.
#[derive(Clone, Debug)]
pub(crate) struct Places(Arc<Semaphore>);

impl Default for Places {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(REQUESTS_MAX)))
    }
}

/// Waits for a place, and ends what takes too long.
pub(crate) async fn limit(State(places): State<Places>, request: Request, next: Next) -> Response {
    let place = tokio::time::timeout(QUEUE_MAX, Arc::clone(&places.0).acquire_owned()).await;
    let Ok(Ok(_place)) = place else {
        let fault = Fault::new("busy", "too many requests at once").hint("ask again later");
        let mut response = ApiError(fault).into_response();
        response.extensions_mut().insert(RetryAfter(1));
        return response;
    };
    let most = if request.uri().path() == INGEST { INGEST_MAX } else { ANSWER_MAX };
    tokio::time::timeout(most, next.run(request)).await.unwrap_or_else(|_| {
        let waited = format!("waited {} s", most.as_secs());
        let fault = Fault::new("timeout", "the answer did not come in time").detail(waited);
        ApiError(fault.exit(ExitCode::Timeout)).into_response()
    })
}

/// Notes in the answer who asked, for the log; stands inside of authentication.
pub(crate) async fn note_principal(request: Request, next: Next) -> Response {
    let principal = request.extensions().get::<Principal>().cloned();
    let mut response = next.run(request).await;
    if let Some(principal) = principal {
        response.extensions_mut().insert(principal);
    }
    response
}
