//! Everything that is served, with its layers: the API, `/healthz`, `/metrics`, the portal.

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
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
use super::ops::push;
use super::{Caller, PlaneState, document, unread};
use crate::access::layer::protect;
use crate::files;

/// Where Prometheus reads; needs a sign-in as the operation `metrics_show`.
pub(crate) const METRICS: &str = "/metrics";

/// Puts all of it together.
pub(crate) fn router(state: PlaneState) -> Router {
    let metrics = Metrics::default();
    let (api, document) = document::router().split_for_parts();
    let operations = Operations::of(&document).with("GET", METRICS, "metrics_show");
    let operations = push::PUSHES
        .iter()
        .fold(operations, |all, (path, method, operation)| all.with(method, path, operation));
    let figures = get(metrics_show).with_state((state.clone(), metrics.clone()));
    let pushes = push::router().with_state(state.clone());
    let api = api.with_state(state.clone()).route(METRICS, figures).merge(pushes);
    let api = protect(api.layer(from_fn(layers::note_principal)), state.access().clone());
    let api = api.layer(from_fn_with_state(operations, operation::note));
    api.route("/healthz", get(health))
        .fallback(portal)
        .layer(from_fn_with_state(Places::default(), layers::limit))
        .layer(from_fn(layers::guard))
        .layer(from_fn_with_state(metrics, layers::outermost))
        .layer(from_fn(unread::drain))
}

/// OTLP alone, for whoever reaches it; with the same limits.
pub(crate) fn open(state: PlaneState) -> Router {
    push::open_router()
        .with_state(state)
        .layer(from_fn_with_state(push::open_operations(), operation::note))
        .layer(from_fn_with_state(Places::default(), layers::limit))
        .layer(from_fn(layers::guard))
        .layer(from_fn_with_state(Metrics::default(), layers::outermost))
        .layer(from_fn(unread::drain))
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
    let response = files::serve(request).await;
    match response.status() {
        StatusCode::NOT_FOUND => nothing_here(),
        _ => response,
    }
}

fn nothing_here() -> Response {
    let fault = Fault::new("not_found", "there is nothing here").exit(ExitCode::NotFound);
    ApiError(fault).into_response()
}
