//! Key vaults, their roles and their audit.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base::Changed;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Outcome, plain};
use crate::plane::model::{
    Answer, AuditRecord, KeyVault, KeyVaultCreate, KeyVaultUpdate, Page, RoleAssignment,
    RoleAssignmentCreate,
};
use crate::plane::{Body, Caller, PageQuery, PlaneState, Query, etag, page};

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(keyvault_list, keyvault_create))
        .routes(routes!(keyvault_show, keyvault_update))
        .routes(routes!(role_assignment_list, role_assignment_create))
        .routes(routes!(role_assignment_delete))
        .routes(routes!(keyvault_audit_list))
}

/// 201 for what was made, 200 for what was there already.
pub(super) fn made(changed: Changed) -> StatusCode {
    match changed {
        Changed::Changed => StatusCode::CREATED,
        Changed::Unchanged => StatusCode::OK,
    }
}

/// List the key vaults that the caller may see.
#[utoipa::path(get, path = "/keyvaults", tag = "keyvaults", params(PageQuery),
    responses((status = 200, description = "Key vaults by name", body = Page<KeyVault>)))]
async fn keyvault_list(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<KeyVault>>> {
    let mut all = state.backend().keyvaults(&by).await?;
    all.retain(|vault| by.reaches(&format!("/keyvaults/{}", vault.name)));
    Ok(Json(page(all, &query, |vault| vault.name.clone())))
}

/// Make a key vault.
#[utoipa::path(post, path = "/keyvaults", tag = "keyvaults", request_body = KeyVaultCreate,
    responses(
        (status = 201, description = "It was made", body = KeyVault),
        (status = 200, description = "It was there already", body = KeyVault)))]
async fn keyvault_create(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Body(wish): Body<KeyVaultCreate>,
) -> Outcome<Response> {
    plain("key vault", &wish.name)?;
    let (vault, changed) = state.backend().keyvault_create(&by, wish).await?;
    Ok((made(changed), Json(vault)).into_response())
}

/// Show one key vault.
#[utoipa::path(get, path = "/keyvaults/{vault}", tag = "keyvaults",
    responses((status = 200, description = "The key vault", body = KeyVault)))]
async fn keyvault_show(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path(vault): Path<String>,
) -> Outcome<Response> {
    plain("key vault", &vault)?;
    Ok(etag::answer(&headers, &state.backend().keyvault(&by, &vault).await?))
}

/// Protect a key vault against purging; for good.
#[utoipa::path(patch, path = "/keyvaults/{vault}", tag = "keyvaults",
    request_body = KeyVaultUpdate,
    responses((status = 200, description = "What holds now", body = KeyVault)))]
async fn keyvault_update(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path(vault): Path<String>,
    Body(update): Body<KeyVaultUpdate>,
) -> Outcome<Json<KeyVault>> {
    plain("key vault", &vault)?;
    if etag::is_conditional(&headers) {
        etag::check(&headers, &etag::of(&state.backend().keyvault(&by, &vault).await?))?;
    }
    Ok(Json(state.backend().keyvault_update(&by, &vault, update).await?))
}

/// List who has which role in a key vault.
#[utoipa::path(get, path = "/keyvaults/{vault}/role-assignments", tag = "keyvaults",
    params(PageQuery),
    responses((status = 200, description = "Role assignments", body = Page<RoleAssignment>)))]
async fn role_assignment_list(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path(vault): Path<String>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<RoleAssignment>>> {
    plain("key vault", &vault)?;
    let all = state.backend().role_assignments(&by, &vault).await?;
    Ok(Json(page(all, &query, |assignment| assignment.id.clone())))
}

/// Give an identity a role in a key vault or on one of its keys.
#[utoipa::path(post, path = "/keyvaults/{vault}/role-assignments", tag = "keyvaults",
    request_body = RoleAssignmentCreate,
    responses(
        (status = 201, description = "It was given", body = RoleAssignment),
        (status = 200, description = "It was there already", body = RoleAssignment)))]
async fn role_assignment_create(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path(vault): Path<String>,
    Body(wish): Body<RoleAssignmentCreate>,
) -> Outcome<Response> {
    plain("key vault", &vault)?;
    let (assignment, changed) = state.backend().role_assign(&by, &vault, wish).await?;
    Ok((made(changed), Json(assignment)).into_response())
}

/// Take a role away.
#[utoipa::path(delete, path = "/keyvaults/{vault}/role-assignments/{id}", tag = "keyvaults",
    responses((status = 200, description = "Whether it was there", body = Answer)))]
async fn role_assignment_delete(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path((vault, id)): Path<(String, String)>,
) -> Outcome<Json<Answer>> {
    plain("key vault", &vault)?;
    plain("role assignment", &id)?;
    Ok(Json(Answer { changed: state.backend().role_unassign(&by, &vault, &id).await? }))
}

/// Show who did what in a key vault, newest first.
#[utoipa::path(get, path = "/keyvaults/{vault}/audit", tag = "keyvaults", params(PageQuery),
    responses((status = 200, description = "Newest first", body = Page<AuditRecord>)))]
async fn keyvault_audit_list(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path(vault): Path<String>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<AuditRecord>>> {
    plain("key vault", &vault)?;
    Ok(Json(state.backend().audit(&by, &vault, query.limit(), query.after()).await?))
}
