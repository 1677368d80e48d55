//! Keys of key vaults: administration alone. Nothing here encrypts, signs or unwraps.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Outcome, plain};
use crate::plane::model::{DeletedKey, Key, KeyCreate, KeyUpdate, Page, RotationPolicy};
use crate::plane::{Body, Caller, PageQuery, PlaneState, Query, etag, page};

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(keyvault_key_list, keyvault_key_create))
        .routes(routes!(keyvault_key_show, keyvault_key_update, keyvault_key_delete))
        .routes(routes!(keyvault_key_version_list))
        .routes(routes!(keyvault_key_rotate))
        .routes(routes!(rotation_policy_show, rotation_policy_set))
        .routes(routes!(keyvault_deleted_key_list))
        .routes(routes!(keyvault_deleted_key_recover))
        .routes(routes!(keyvault_deleted_key_purge))
}

/// Checks the names of a vault and a key in a path.
fn names(vault: &str, key: &str) -> Outcome<()> {
    plain("key vault", vault)?;
    plain("key", key)?;
    Ok(())
}

/// List the keys of a key vault.
#[utoipa::path(get, path = "/keyvaults/{vault}/keys", tag = "keys", params(PageQuery),
    responses((status = 200, description = "Keys by name", body = Page<Key>)))]
async fn keyvault_key_list(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path(vault): Path<String>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<Key>>> {
    plain("key vault", &vault)?;
    let all = state.backend().keys(&by, &vault).await?;
    Ok(Json(page(all, &query, |key| key.name.clone())))
}

/// Make a key, or a new version where there is one of this name.
#[utoipa::path(post, path = "/keyvaults/{vault}/keys", tag = "keys", request_body = KeyCreate,
    responses((status = 201, description = "It was made", body = Key)))]
async fn keyvault_key_create(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path(vault): Path<String>,
    Body(wish): Body<KeyCreate>,
) -> Outcome<Response> {
    names(&vault, &wish.name)?;
    let key = state.backend().key_create(&by, &vault, wish).await?;
    Ok((StatusCode::CREATED, Json(key)).into_response())
}

/// Show the newest version of a key.
#[utoipa::path(get, path = "/keyvaults/{vault}/keys/{key}", tag = "keys",
    responses((status = 200, description = "The key", body = Key)))]
async fn keyvault_key_show(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path((vault, key)): Path<(String, String)>,
) -> Outcome<Response> {
    names(&vault, &key)?;
    Ok(etag::answer(&headers, &state.backend().key(&by, &vault, &key).await?))
}

/// Change a version of a key: enable or disable it, its dates, what it may be used for.
#[utoipa::path(patch, path = "/keyvaults/{vault}/keys/{key}", tag = "keys",
    request_body = KeyUpdate,
    responses((status = 200, description = "What holds now", body = Key)))]
async fn keyvault_key_update(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path((vault, key)): Path<(String, String)>,
    Body(update): Body<KeyUpdate>,
) -> Outcome<Json<Key>> {
    names(&vault, &key)?;
    if etag::is_conditional(&headers) {
        etag::check(&headers, &etag::of(&state.backend().key(&by, &vault, &key).await?))?;
    }
    Ok(Json(state.backend().key_update(&by, &vault, &key, update).await?))
}

/// Delete a key with all its versions; it can be recovered.
#[utoipa::path(delete, path = "/keyvaults/{vault}/keys/{key}", tag = "keys",
    responses((status = 200, description = "Until when it can be recovered", body = DeletedKey)))]
async fn keyvault_key_delete(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path((vault, key)): Path<(String, String)>,
) -> Outcome<Json<DeletedKey>> {
    names(&vault, &key)?;
    if etag::is_conditional(&headers) {
        etag::check(&headers, &etag::of(&state.backend().key(&by, &vault, &key).await?))?;
    }
    Ok(Json(state.backend().key_delete(&by, &vault, &key).await?))
}

/// List the versions of a key, newest first.
#[utoipa::path(get, path = "/keyvaults/{vault}/keys/{key}/versions", tag = "keys",
    params(PageQuery),
    responses((status = 200, description = "Newest first", body = Page<Key>)))]
async fn keyvault_key_version_list(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path((vault, key)): Path<(String, String)>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<Key>>> {
    names(&vault, &key)?;
    let all = state.backend().key_versions(&by, &vault, &key).await?;
    Ok(Json(page(all, &query, |key| key.version.clone().unwrap_or_default())))
}

/// Make a new version of a key.
#[utoipa::path(post, path = "/keyvaults/{vault}/keys/{key}/rotate", tag = "keys",
    responses((status = 200, description = "The new version", body = Key)))]
async fn keyvault_key_rotate(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path((vault, key)): Path<(String, String)>,
) -> Outcome<Json<Key>> {
    names(&vault, &key)?;
    Ok(Json(state.backend().key_rotate(&by, &vault, &key).await?))
}

/// Show when a key is rotated.
#[utoipa::path(get, path = "/keyvaults/{vault}/keys/{key}/rotation-policy", tag = "keys",
    responses((status = 200, description = "The policy", body = RotationPolicy)))]
async fn rotation_policy_show(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path((vault, key)): Path<(String, String)>,
) -> Outcome<Response> {
    names(&vault, &key)?;
    Ok(etag::answer(&headers, &state.backend().rotation_policy(&by, &vault, &key).await?))
}

/// Say when a key is rotated.
#[utoipa::path(put, path = "/keyvaults/{vault}/keys/{key}/rotation-policy", tag = "keys",
    request_body = RotationPolicy,
    responses((status = 200, description = "What holds now", body = RotationPolicy)))]
async fn rotation_policy_set(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path((vault, key)): Path<(String, String)>,
    Body(policy): Body<RotationPolicy>,
) -> Outcome<Json<RotationPolicy>> {
    names(&vault, &key)?;
    if etag::is_conditional(&headers) {
        let now = state.backend().rotation_policy(&by, &vault, &key).await?;
        etag::check(&headers, &etag::of(&now))?;
    }
    Ok(Json(state.backend().rotation_policy_set(&by, &vault, &key, policy).await?))
}

/// List the deleted keys of a key vault.
#[utoipa::path(get, path = "/keyvaults/{vault}/deleted-keys", tag = "keys", params(PageQuery),
    responses((status = 200, description = "Deleted keys by name", body = Page<DeletedKey>)))]
async fn keyvault_deleted_key_list(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path(vault): Path<String>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<DeletedKey>>> {
    plain("key vault", &vault)?;
    let all = state.backend().deleted_keys(&by, &vault).await?;
    Ok(Json(page(all, &query, |key| key.name.clone())))
}

/// Bring a deleted key back.
#[utoipa::path(post, path = "/keyvaults/{vault}/deleted-keys/{key}/recover", tag = "keys",
    responses((status = 200, description = "It is back", body = Key)))]
async fn keyvault_deleted_key_recover(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path((vault, key)): Path<(String, String)>,
) -> Outcome<Json<Key>> {
    names(&vault, &key)?;
    Ok(Json(state.backend().key_recover(&by, &vault, &key).await?))
}

/// End a deleted key for good: whatever it wrapped can never be opened again.
#[utoipa::path(delete, path = "/keyvaults/{vault}/deleted-keys/{key}", tag = "keys",
    responses((status = 204, description = "It is gone")))]
async fn keyvault_deleted_key_purge(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path((vault, key)): Path<(String, String)>,
) -> Outcome<StatusCode> {
    names(&vault, &key)?;
    state.backend().key_purge(&by, &vault, &key).await?;
    Ok(StatusCode::NO_CONTENT)
}
