//! How a server is encrypted, and by which key.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use base::{ExitCode, Fault, ServerName};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Accepted, Id, Outcome, begin, server_name, server_scope};
use crate::plane::model::{
    DataEncryption, EncryptionEvent, EncryptionProof, EncryptionUpdate, Job, KeyCheck, Page,
};
use crate::plane::{Body, Caller, PageQuery, PlaneState, Query, body, etag, page};

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(encryption_show))
        .routes(routes!(encryption_key_set))
        .routes(routes!(encryption_check))
        .routes(routes!(encryption_rotate))
        .routes(routes!(encryption_history))
        .routes(routes!(encryption_proof))
}

/// Show how a server is encrypted and how its key is.
#[utoipa::path(get, path = "/servers/{server}/encryption", tag = "encryption",
    responses((status = 200, description = "How it is encrypted", body = DataEncryption)))]
async fn encryption_show(
    State(state): State<PlaneState>,
    headers: HeaderMap,
    Path(server): Path<String>,
) -> Outcome<Response> {
    let shown = shown(&state, &server_name(&server)?).await?;
    Ok(etag::answer_tagged(&headers, &tag(&shown), &shown))
}

async fn shown(state: &PlaneState, name: &ServerName) -> Result<DataEncryption, Fault> {
    let server = state.backend().server(name).await?;
    server.data_encryption.ok_or_else(|| {
        Fault::new("server_down", format!("nothing is known of \"{name}\" now"))
            .detail(server.state_reason)
            .hint(format!("pgkeep server start -n {name}"))
            .exit(ExitCode::Error)
    })
}

/// What the owner can change; when it was last looked at is none of it.
fn tag(shown: &DataEncryption) -> String {
    let policy = shown.watch.as_ref().map(|watch| watch.policy);
    etag::of(&(&shown.mode, &shown.key_uri, &shown.key_version, &shown.identity, policy))
}

/// Change key, version or identity of a server while it runs, or how its key is watched.
#[utoipa::path(put, path = "/servers/{server}/encryption/key", tag = "encryption",
    request_body = EncryptionUpdate,
    responses((status = 202, description = "It is being changed", body = Job)))]
async fn encryption_key_set(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    id: Id,
    headers: HeaderMap,
    Path(server): Path<String>,
    Body(update): Body<EncryptionUpdate>,
) -> Outcome<Accepted> {
    let name = server_name(&server)?;
    if update == EncryptionUpdate::default() {
        return Err(body::bad("nothing to change was named").into());
    }
    match etag::is_conditional(&headers) {
        true => etag::check(&headers, &tag(&shown(&state, &name).await?))?,
        false => drop(state.backend().server(&name).await?),
    }
    let backend = Arc::clone(state.backend());
    let begin = begin("encryption_key_set", server_scope(&name), &by, id);
    let job = state.jobs().start(begin, |progress| async move {
        backend.encryption_set(&by, &name, update, progress).await
    })?;
    Ok(Accepted(job))
}

/// Look at the key now instead of at the next round.
#[utoipa::path(post, path = "/servers/{server}/encryption/check", tag = "encryption",
    responses((status = 200, description = "What was seen", body = KeyCheck)))]
async fn encryption_check(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
) -> Outcome<Json<KeyCheck>> {
    Ok(Json(state.backend().encryption_check(&server_name(&server)?).await?))
}

/// Make a new version of the key of a server and wrap its data key anew.
#[utoipa::path(post, path = "/servers/{server}/encryption/rotate", tag = "encryption",
    responses((status = 202, description = "It is being rotated", body = Job)))]
async fn encryption_rotate(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    id: Id,
    Path(server): Path<String>,
) -> Outcome<Accepted> {
    let name = server_name(&server)?;
    let _ = state.backend().server(&name).await?;
    let backend = Arc::clone(state.backend());
    let begin = begin("encryption_rotate", server_scope(&name), &by, id);
    let job = state.jobs().start(begin, |progress| async move {
        backend.encryption_rotate(&by, &name, progress).await
    })?;
    Ok(Accepted(job))
}

/// Show what happened to the key of a server, newest first.
#[utoipa::path(get, path = "/servers/{server}/encryption/history", tag = "encryption",
    params(PageQuery),
    responses((status = 200, description = "Newest first", body = Page<EncryptionEvent>)))]
async fn encryption_history(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<EncryptionEvent>>> {
    let all = state.backend().encryption_history(&server_name(&server)?).await?;
    Ok(Json(page(all, &query, |event| event.seq.to_string())))
}

/// Show one unit as it lies on the disk, beside what PostgreSQL reads.
#[utoipa::path(get, path = "/servers/{server}/encryption/proof", tag = "encryption",
    responses((status = 200, description = "Both", body = EncryptionProof)))]
async fn encryption_proof(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
) -> Outcome<Json<EncryptionProof>> {
    Ok(Json(state.backend().encryption_proof(&server_name(&server)?).await?))
}
