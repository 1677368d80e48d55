//! Who may connect to a server.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Outcome, server_name};
use crate::plane::model::{Networking, NetworkingPreview, NetworkingUpdate};
use crate::plane::{Body, Caller, PlaneState, etag};

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(networking_show, networking_set))
        .routes(routes!(networking_preview))
}

/// Show who may connect to a server, and how.
#[utoipa::path(get, path = "/servers/{server}/networking", tag = "networking",
    responses((status = 200, description = "Who may connect", body = Networking)))]
async fn networking_show(
    State(state): State<PlaneState>,
    headers: HeaderMap,
    Path(server): Path<String>,
) -> Outcome<Response> {
    let shown = state.backend().networking(&server_name(&server)?).await?;
    Ok(etag::answer(&headers, &shown))
}

/// Change who may connect; look at the preview first.
#[utoipa::path(put, path = "/servers/{server}/networking", tag = "networking",
    request_body = NetworkingUpdate,
    responses((status = 200, description = "What holds now", body = Networking)))]
async fn networking_set(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path(server): Path<String>,
    Body(update): Body<NetworkingUpdate>,
) -> Outcome<Json<Networking>> {
    let name = server_name(&server)?;
    if etag::is_conditional(&headers) {
        etag::check(&headers, &etag::of(&state.backend().networking(&name).await?))?;
    }
    Ok(Json(state.backend().networking_set(&by, &name, update).await?))
}

/// Say what a change would do and whom it would shut out. Changes nothing.
#[utoipa::path(post, path = "/servers/{server}/networking/preview", tag = "networking",
    request_body = NetworkingUpdate,
    responses((status = 200, description = "What would come", body = NetworkingPreview)))]
async fn networking_preview(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
    Body(update): Body<NetworkingUpdate>,
) -> Outcome<Json<NetworkingPreview>> {
    Ok(Json(state.backend().networking_preview(&server_name(&server)?, update).await?))
}
