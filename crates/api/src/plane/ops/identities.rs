//! Managed identities.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::keyvaults::made;
use super::{Outcome, plain};
use crate::plane::model::{Answer, Identity, IdentityCreate, IdentityEnv, IdentityUpdate, Page};
use crate::plane::{Body, Caller, PageQuery, PlaneState, Query, body, etag, page};

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(identity_list, identity_create))
        .routes(routes!(identity_show, identity_update, identity_delete))
        .routes(routes!(identity_env))
}

/// List the managed identities.
#[utoipa::path(get, path = "/identities", tag = "identities", params(PageQuery),
    responses((status = 200, description = "Identities by name", body = Page<Identity>)))]
async fn identity_list(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<Identity>>> {
    let all = state.backend().identities(&by).await?;
    Ok(Json(page(all, &query, |identity| identity.name.clone())))
}

/// Make a managed identity.
#[utoipa::path(post, path = "/identities", tag = "identities", request_body = IdentityCreate,
    responses(
        (status = 201, description = "It was made", body = Identity),
        (status = 200, description = "It was there already", body = Identity)))]
async fn identity_create(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Body(wish): Body<IdentityCreate>,
) -> Outcome<Response> {
    plain("identity", &wish.name)?;
    let (identity, changed) = state.backend().identity_create(&by, wish).await?;
    Ok((made(changed), Json(identity)).into_response())
}

/// Show one identity.
#[utoipa::path(get, path = "/identities/{identity}", tag = "identities",
    responses((status = 200, description = "The identity", body = Identity)))]
async fn identity_show(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path(identity): Path<String>,
) -> Outcome<Response> {
    plain("identity", &identity)?;
    Ok(etag::answer(&headers, &state.backend().identity(&by, &identity).await?))
}

/// Change who may use an identity, enable or disable it, or make its secret anew.
#[utoipa::path(patch, path = "/identities/{identity}", tag = "identities",
    request_body = IdentityUpdate,
    responses((status = 200, description = "What holds now", body = Identity)))]
async fn identity_update(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path(identity): Path<String>,
    Body(update): Body<IdentityUpdate>,
) -> Outcome<Json<Identity>> {
    plain("identity", &identity)?;
    if update == IdentityUpdate::default() {
        return Err(body::bad("nothing to change was named").into());
    }
    if etag::is_conditional(&headers) {
        etag::check(&headers, &etag::of(&state.backend().identity(&by, &identity).await?))?;
    }
    Ok(Json(state.backend().identity_update(&by, &identity, update).await?))
}

/// Delete an identity; its roles go with it.
#[utoipa::path(delete, path = "/identities/{identity}", tag = "identities",
    responses((status = 200, description = "Whether it was there", body = Answer)))]
async fn identity_delete(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path(identity): Path<String>,
) -> Outcome<Json<Answer>> {
    plain("identity", &identity)?;
    if etag::is_conditional(&headers) {
        etag::check(&headers, &etag::of(&state.backend().identity(&by, &identity).await?))?;
    }
    Ok(Json(Answer { changed: state.backend().identity_delete(&by, &identity).await? }))
}

/// Give out the variables that a program needs to use an identity. One is a secret.
#[utoipa::path(post, path = "/identities/{identity}/env", tag = "identities",
    responses((status = 200, description = "The variables", body = IdentityEnv)))]
async fn identity_env(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path(identity): Path<String>,
) -> Outcome<Json<IdentityEnv>> {
    plain("identity", &identity)?;
    Ok(Json(state.backend().identity_env(&by, &identity).await?))
}
