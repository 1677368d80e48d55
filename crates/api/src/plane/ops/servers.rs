//! Servers: list, make, start, stop, delete, connect, verify.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Accepted, Id, Outcome, begin, may_see_dsn, server_name, server_scope};
use crate::access::judge::Judge;
use crate::plane::model::{
    Connection, Job, Page, Server, ServerCreate, ServerEvent, VerifyOptions,
};
use crate::plane::{Body, Caller, OptionalBody, PageQuery, PlaneState, Query, ServerAction, page};

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(server_list, server_create))
        .routes(routes!(server_show, server_delete))
        .routes(routes!(server_start))
        .routes(routes!(server_stop))
        .routes(routes!(server_restart))
        .routes(routes!(server_history))
        .routes(routes!(server_connect))
        .routes(routes!(storage_verify))
        .routes(routes!(certificate_rotate))
}

/// List the servers that the caller may see.
#[utoipa::path(get, path = "/servers", tag = "servers", params(PageQuery),
    responses((status = 200, description = "Servers by name", body = Page<Server>)))]
async fn server_list(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<Server>>> {
    let mut all = state.backend().servers().await?;
    all.retain(|server| by.reaches(&format!("/servers/{}", server.name)));
    let mut page = page(all, &query, |server| server.name.clone());
    let judge = state.access().judge(&by);
    page.items.iter_mut().for_each(|server| hide_dsn(&judge, server));
    Ok(Json(page))
}

/// Make a server: encrypted storage, PostgreSQL, TLS.
#[utoipa::path(post, path = "/servers", tag = "servers", request_body = ServerCreate,
    responses((status = 202, description = "It is being made", body = Job)))]
async fn server_create(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    id: Id,
    Body(wish): Body<ServerCreate>,
) -> Outcome<Accepted> {
    let name = server_name(&wish.name)?;
    let backend = Arc::clone(state.backend());
    let begin = begin("server_create", server_scope(&name), &by, id);
    let job = state
        .jobs()
        .start(begin, |progress| async move { backend.server_create(&by, wish, progress).await })?;
    Ok(Accepted(job))
}

/// Show one server.
#[utoipa::path(get, path = "/servers/{server}", tag = "servers",
    responses((status = 200, description = "The server", body = Server)))]
async fn server_show(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path(server): Path<String>,
) -> Outcome<Json<Server>> {
    let mut server = state.backend().server(&server_name(&server)?).await?;
    hide_dsn(&state.access().judge(&by), &mut server);
    Ok(Json(server))
}

/// How to get in as a superuser is not for everybody who sees the server.
fn hide_dsn(judge: &Judge, server: &mut Server) {
    if !may_see_dsn(judge, &server.name) {
        server.dsn = None;
    }
}

/// Delete a server and all its data.
#[utoipa::path(delete, path = "/servers/{server}", tag = "servers",
    responses((status = 202, description = "It is being deleted", body = Job)))]
async fn server_delete(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    id: Id,
    Path(server): Path<String>,
) -> Outcome<Accepted> {
    let name = server_name(&server)?;
    let _ = state.backend().server(&name).await?;
    let backend = Arc::clone(state.backend());
    let begin = begin("server_delete", server_scope(&name), &by, id);
    let job = state.jobs().start(begin, |progress| async move {
        backend.server_delete(&by, &name, progress).await
    })?;
    Ok(Accepted(job))
}

/// Start a server.
#[utoipa::path(post, path = "/servers/{server}/start", tag = "servers",
    responses((status = 202, description = "It is being started", body = Job)))]
async fn server_start(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    id: Id,
    Path(server): Path<String>,
) -> Outcome<Accepted> {
    act(&state, Caller(by), id, &server, "server_start", ServerAction::Start).await
}

/// Stop a server; it stays stopped until started.
#[utoipa::path(post, path = "/servers/{server}/stop", tag = "servers",
    responses((status = 202, description = "It is being stopped", body = Job)))]
async fn server_stop(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    id: Id,
    Path(server): Path<String>,
) -> Outcome<Accepted> {
    act(&state, Caller(by), id, &server, "server_stop", ServerAction::Stop).await
}

/// Stop and start a server.
#[utoipa::path(post, path = "/servers/{server}/restart", tag = "servers",
    responses((status = 202, description = "It is being restarted", body = Job)))]
async fn server_restart(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    id: Id,
    Path(server): Path<String>,
) -> Outcome<Accepted> {
    act(&state, Caller(by), id, &server, "server_restart", ServerAction::Restart).await
}

async fn act(
    state: &PlaneState,
    Caller(by): Caller,
    id: Id,
    server: &str,
    kind: &'static str,
    action: ServerAction,
) -> Outcome<Accepted> {
    let name = server_name(server)?;
    let _ = state.backend().server(&name).await?;
    let backend = Arc::clone(state.backend());
    let job =
        state.jobs().start(begin(kind, server_scope(&name), &by, id), |progress| async move {
            backend.server_act(&by, &name, action, progress).await
        })?;
    Ok(Accepted(job))
}

/// Show the states that a server went through, newest first.
#[utoipa::path(get, path = "/servers/{server}/history", tag = "servers", params(PageQuery),
    responses((status = 200, description = "States, newest first", body = Page<ServerEvent>)))]
async fn server_history(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<ServerEvent>>> {
    let all = state.backend().server_history(&server_name(&server)?).await?;
    Ok(Json(page(all, &query, |event| format!("{}.{}", event.state_since, event.state))))
}

/// As whom to connect.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ConnectQuery {
    /// A role of PostgreSQL; the administrator where none is named.
    #[serde(default)]
    #[param(max_length = 63)]
    role: Option<String>,
}

/// Say how to connect to a server: connection string, authority, snippets to copy.
#[utoipa::path(get, path = "/servers/{server}/connect", tag = "servers", params(ConnectQuery),
    responses((status = 200, description = "How to connect", body = Connection)))]
async fn server_connect(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
    Query(query): Query<ConnectQuery>,
) -> Outcome<Json<Connection>> {
    let role = query.role.as_deref();
    if role.is_some_and(|role| role.is_empty() || role.len() > 63 || role.contains('\0')) {
        return Err(crate::plane::body::bad("a role has 1 to 63 bytes").into());
    }
    Ok(Json(state.backend().server_connection(&server_name(&server)?, role).await?))
}

/// Read every unit of a server's storage and compare it with its code.
#[utoipa::path(post, path = "/servers/{server}/storage/verify", tag = "servers",
    request_body = Option<VerifyOptions>,
    responses((status = 202, description = "It is being verified", body = Job)))]
async fn storage_verify(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    id: Id,
    Path(server): Path<String>,
    OptionalBody(options): OptionalBody<VerifyOptions>,
) -> Outcome<Accepted> {
    let name = server_name(&server)?;
    let _ = state.backend().server(&name).await?;
    let backend = Arc::clone(state.backend());
    let begin = begin("storage_verify", server_scope(&name), &by, id);
    let job = state.jobs().start(begin, |progress| async move {
        backend.storage_verify(&by, &name, options, progress).await
    })?;
    Ok(Accepted(job))
}

/// Issue a new certificate for a server and prove that it shows it.
#[utoipa::path(post, path = "/servers/{server}/certificate/rotate", tag = "servers",
    responses((status = 202, description = "It is being rotated", body = Job)))]
async fn certificate_rotate(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    id: Id,
    Path(server): Path<String>,
) -> Outcome<Accepted> {
    let name = server_name(&server)?;
    let _ = state.backend().server(&name).await?;
    let backend = Arc::clone(state.backend());
    let begin = begin("certificate_rotate", server_scope(&name), &by, id);
    let job = state.jobs().start(begin, |progress| async move {
        backend.certificate_rotate(&by, &name, progress).await
    })?;
    Ok(Accepted(job))
}
