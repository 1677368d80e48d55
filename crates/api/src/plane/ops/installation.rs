//! What is true of the installation, and the first page.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Outcome, may_see_dsn};
use crate::plane::model::{About, Ca, HomePage, Status};
use crate::plane::{API_VERSION, Caller, PlaneState};

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(home_show))
        .routes(routes!(status_show))
        .routes(routes!(about_show))
        .routes(routes!(ca_show))
        .routes(routes!(openapi_show))
}

/// Show what the first page shows: what holds, what needs attention, what to do next.
#[utoipa::path(get, path = "/home", tag = "installation",
    responses((status = 200, description = "The first page", body = HomePage)))]
async fn home_show(State(state): State<PlaneState>, Caller(by): Caller) -> Outcome<Json<HomePage>> {
    Ok(Json(state.backend().home(&by).await?))
}

/// Show what runs: the document of `pgkeep status`.
#[utoipa::path(get, path = "/status", tag = "installation",
    responses((status = 200, description = "What runs", body = Status)))]
async fn status_show(State(state): State<PlaneState>, Caller(by): Caller) -> Outcome<Json<Status>> {
    let mut status = state.backend().status().await?;
    status.servers.retain(|server| by.reaches(&format!("/servers/{}", server.name)));
    let judge = state.access().judge(&by);
    for server in &mut status.servers {
        if !may_see_dsn(&judge, &server.name) {
            server.dsn = None;
        }
    }
    Ok(Json(status))
}

/// Show what is installed.
#[utoipa::path(get, path = "/about", tag = "installation",
    responses((status = 200, description = "What is installed", body = About)))]
async fn about_show(State(state): State<PlaneState>) -> Outcome<Json<About>> {
    let mut about = state.backend().about().await?;
    about.api_version = API_VERSION.to_owned();
    about.portal = state.has_portal();
    Ok(Json(about))
}

/// Show the authority that clients trust.
#[utoipa::path(get, path = "/ca", tag = "installation",
    responses((status = 200, description = "The authority", body = Ca)))]
async fn ca_show(State(state): State<PlaneState>) -> Outcome<Json<Ca>> {
    Ok(Json(state.backend().ca().await?))
}

/// Show this document.
#[utoipa::path(get, path = "/openapi.json", tag = "installation", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object)))]
async fn openapi_show(State(state): State<PlaneState>) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    (json, state.document().to_owned()).into_response()
}
