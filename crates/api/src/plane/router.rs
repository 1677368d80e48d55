//! Everything that is served, with its layers: the API, `/healthz`, `/metrics`, the portal.

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use base::{ExitCode, Fault};

use super::error::ApiError;
use super::layers::{self, Places};
use super::metrics::Metrics;
use super::model::Health;
use super::operation::{self, Operations};
use super::{Caller, PlaneState, document};
use crate::access::layer::protect;

/// Where Prometheus reads; needs a sign-in as the operation `metrics_show`.
pub(crate) const METRICS: &str = "/metrics";

/// Puts all of it together.
pub(crate) fn router(state: PlaneState) -> Router {
    let metrics = Metrics::default();
    let (api, document) = document::router().split_for_parts();
    let operations = Operations::of(&document).with("GET", METRICS, "metrics_show");
    let figures = get(metrics_show).with_state((state.clone(), metrics.clone()));
    let api = api.with_state(state.clone()).route(METRICS, figures);
    let api = protect(api.layer(from_fn(layers::note_principal)), state.access().clone());
    let api = api.layer(from_fn_with_state(operations, operation::note));
    api.route("/healthz", get(health))
        .fallback(portal)
        .layer(from_fn_with_state(Places::default(), layers::limit))
        .layer(from_fn(layers::guard))
        .layer(from_fn_with_state(metrics, layers::outermost))
}

/// Says that the plane answers; what the servers do is another question.
async fn health() -> Json<Health> {
    Json(Health { status: "ok".to_owned() })
}

async fn metrics_show(
    State((state, metrics)): State<(PlaneState, Metrics)>,
    Caller(by): Caller,
) -> Result<Response, ApiError> {
    let mut status = state.backend().status().await?;
    status.servers.retain(|server| by.reaches(&format!("/servers/{}", server.name)));
    let text = metrics.render(state.jobs(), Some(&status));
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}

/// A file of the portal; any other path is a page of it.
async fn portal(request: Request) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        return nothing_here();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let accepted = text(header::ACCEPT_ENCODING).unwrap_or_default();
    let mut response = match portal::answer(path, accepted, text(header::IF_NONE_MATCH)) {
        portal::Answer::File(file) => file_of(file),
        portal::Answer::NotModified { etag, cache_control } => {
            let headers = [(header::ETAG, etag), (header::CACHE_CONTROL, cache_control.to_owned())];
            (StatusCode::NOT_MODIFIED, headers).into_response()
        }
        portal::Answer::NotFound => return nothing_here(),
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

fn file_of(file: portal::File) -> Response {
    let body = match file.body {
        std::borrow::Cow::Borrowed(bytes) => axum::body::Body::from(bytes),
        std::borrow::Cow::Owned(bytes) => axum::body::Body::from(bytes),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(file.content_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(file.cache_control));
    if let Ok(etag) = HeaderValue::from_str(&file.etag) {
        headers.insert(header::ETAG, etag);
    }
    if let Some(encoding) = file.content_encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    response
}

fn nothing_here() -> Response {
    let fault = Fault::new("not_found", "there is nothing here").exit(ExitCode::NotFound);
    ApiError(fault).into_response()
}
