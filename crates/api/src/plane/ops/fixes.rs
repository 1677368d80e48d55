//! Fixes of what checks found: planned, made, proved, taken back. All but the list are jobs.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Accepted, Id, Outcome, begin, plain, server_name, server_scope};
use crate::plane::backend::FixAction;
use crate::plane::model::{BaselineFixCreate, BaselineFixRecord, Job, Page};
use crate::plane::{Body, Caller, PageQuery, PlaneState, Query, page};

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(fix_list, fix_apply))
        .routes(routes!(fix_preview))
        .routes(routes!(fix_undo))
        .routes(routes!(fix_prove))
}

/// List the fixes that pgkeep made on a server, newest first.
#[utoipa::path(get, path = "/servers/{server}/baseline/fixes", tag = "baseline",
    params(PageQuery),
    responses((status = 200, description = "Newest first", body = Page<BaselineFixRecord>)))]
async fn fix_list(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<Value>>> {
    let all = state.backend().fixes(&server_name(&server)?).await?;
    let key = |fix: &Value| fix["fix_id"].as_str().unwrap_or_default().to_owned();
    Ok(Json(page(all, &query, key)))
}

/// Say what a fix would do and whom it would lock out. Statements are tried in a transaction that
/// is rolled back; nothing is changed. The job's result is a BaselineFixPlan.
#[utoipa::path(post, path = "/servers/{server}/baseline/fixes/preview", tag = "baseline",
    request_body = BaselineFixCreate,
    responses((status = 202, description = "It is being planned", body = Job)))]
async fn fix_preview(
    State(state): State<PlaneState>,
    caller: Caller,
    id: Id,
    Path(server): Path<String>,
    Body(wish): Body<BaselineFixCreate>,
) -> Outcome<Accepted> {
    plain("check", &wish.check)?;
    act(&state, caller, id, &server, "fix_preview", FixAction::Preview(wish)).await
}

/// Mend what a check found, prove it, and take it back at once where it did not help. The job's
/// result is a BaselineFixRecord, or the plan where there was nothing to do.
#[utoipa::path(post, path = "/servers/{server}/baseline/fixes", tag = "baseline",
    request_body = BaselineFixCreate,
    responses((status = 202, description = "It is being made", body = Job)))]
async fn fix_apply(
    State(state): State<PlaneState>,
    caller: Caller,
    id: Id,
    Path(server): Path<String>,
    Body(wish): Body<BaselineFixCreate>,
) -> Outcome<Accepted> {
    plain("check", &wish.check)?;
    act(&state, caller, id, &server, "fix_apply", FixAction::Apply(wish)).await
}

/// Take a fix back: all of it, to the byte, or nothing. The job's result is a BaselineFixRecord.
#[utoipa::path(post, path = "/servers/{server}/baseline/fixes/{id}/undo", tag = "baseline",
    responses((status = 202, description = "It is being taken back", body = Job)))]
async fn fix_undo(
    State(state): State<PlaneState>,
    caller: Caller,
    id: Id,
    Path((server, fix)): Path<(String, String)>,
) -> Outcome<Accepted> {
    plain("fix", &fix)?;
    act(&state, caller, id, &server, "fix_undo", FixAction::Undo(fix)).await
}

/// Ask again whether a fix holds, for one that waited for a start of the server.
#[utoipa::path(post, path = "/servers/{server}/baseline/fixes/{id}/prove", tag = "baseline",
    responses((status = 202, description = "It is being asked", body = Job)))]
async fn fix_prove(
    State(state): State<PlaneState>,
    caller: Caller,
    id: Id,
    Path((server, fix)): Path<(String, String)>,
) -> Outcome<Accepted> {
    plain("fix", &fix)?;
    act(&state, caller, id, &server, "fix_prove", FixAction::Prove(fix)).await
}

async fn act(
    state: &PlaneState,
    Caller(by): Caller,
    id: Id,
    server: &str,
    kind: &'static str,
    action: FixAction,
) -> Outcome<Accepted> {
    let name = server_name(server)?;
    let _ = state.backend().server(&name).await?;
    let backend = Arc::clone(state.backend());
    let begin = begin(kind, server_scope(&name), &by, id);
    let job = state.jobs().start(begin, |progress| async move {
        backend.fix_act(&by, &name, action, progress).await
    })?;
    Ok(Accepted(job))
}
