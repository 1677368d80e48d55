//! The security baseline: how servers stand, assessments, what differs between them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Accepted, Id, Outcome, begin, plain, server_name, server_scope};
use crate::access::Scope;
use crate::access::judge::Question;
use crate::plane::body::bad;
use crate::plane::model::{
    Baseline, BaselineAssessment, BaselineBrief, BaselineCheck, BaselineCreate, BaselineDrift,
    BaselineDriftQuery, BaselineQuery, BaselineResult, BaselineServer, Job, Page,
};
use crate::plane::{Body, Caller, PageQuery, PlaneState, Query, page};

/// Checks of one wish.
const CHECKS_MAX: usize = 1000;

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(baseline_check_list))
        .routes(routes!(baseline_server_list))
        .routes(routes!(baseline_show))
        .routes(routes!(baseline_result_show))
        .routes(routes!(assessment_list, assessment_create))
        .routes(routes!(assessment_show))
        .routes(routes!(assessment_evidence))
        .routes(routes!(baseline_drift))
}

/// List the checks.
#[utoipa::path(get, path = "/baseline/checks", tag = "baseline", params(PageQuery),
    responses((status = 200, description = "By identifier", body = Page<BaselineCheck>)))]
async fn baseline_check_list(
    State(state): State<PlaneState>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<BaselineCheck>>> {
    let all = state.backend().baseline_checks().await?;
    Ok(Json(page(all, &query, |check| check.id.clone())))
}

/// List the servers whose posture the caller may see, with their last assessments.
#[utoipa::path(get, path = "/baseline/servers", tag = "baseline", params(PageQuery),
    responses((status = 200, description = "By name", body = Page<BaselineServer>)))]
async fn baseline_server_list(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<BaselineServer>>> {
    let mut all = state.backend().baseline_servers().await?;
    let judge = state.access().judge(&by);
    all.retain(|server| {
        judge.may(Question::new("baseline_show", &Scope::Server(server.name.clone())))
    });
    Ok(Json(page(all, &query, |server| server.name.clone())))
}

/// Show how a server stands: each check by its newest reading, without the evidence.
#[utoipa::path(get, path = "/servers/{server}/baseline", tag = "baseline", params(BaselineQuery),
    responses((status = 200, description = "How it stands", body = Baseline)))]
async fn baseline_show(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
    Query(query): Query<BaselineQuery>,
) -> Outcome<Json<Baseline>> {
    let name = server_name(&server)?;
    Ok(Json(state.backend().baseline(&name, query.profile.as_deref()).await?))
}

/// Show the newest reading of one check, with its evidence.
#[utoipa::path(get, path = "/servers/{server}/baseline/results/{check}", tag = "baseline",
    params(BaselineQuery),
    responses((status = 200, description = "The reading", body = BaselineResult)))]
async fn baseline_result_show(
    State(state): State<PlaneState>,
    Path((server, check)): Path<(String, String)>,
    Query(query): Query<BaselineQuery>,
) -> Outcome<Json<Value>> {
    let name = server_name(&server)?;
    plain("check", &check)?;
    Ok(Json(state.backend().baseline_result(&name, &check, query.profile.as_deref()).await?))
}

/// List the assessments of a server that are kept, newest first.
#[utoipa::path(get, path = "/servers/{server}/baseline/assessments", tag = "baseline",
    params(PageQuery),
    responses((status = 200, description = "Newest first", body = Page<BaselineBrief>)))]
async fn assessment_list(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<BaselineBrief>>> {
    let all = state.backend().assessments(&server_name(&server)?).await?;
    Ok(Json(page(all, &query, |brief| brief.id.to_string())))
}

/// Assess a server: read evidence once, judge every check from it. Nothing is written to the
/// server. The job's result is a BaselineBrief.
#[utoipa::path(post, path = "/servers/{server}/baseline/assessments", tag = "baseline",
    request_body = BaselineCreate,
    responses((status = 202, description = "It is being assessed", body = Job)))]
async fn assessment_create(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    id: Id,
    Path(server): Path<String>,
    Body(wish): Body<BaselineCreate>,
) -> Outcome<Accepted> {
    let name = server_name(&server)?;
    if wish.checks.len() > CHECKS_MAX {
        return Err(bad("too many checks are named").into());
    }
    let _ = state.backend().server(&name).await?;
    let backend = Arc::clone(state.backend());
    let begin = begin("assessment_create", server_scope(&name), &by, id);
    let job = state.jobs().start(begin, |progress| async move {
        backend.baseline_assess(&by, &name, wish, progress).await
    })?;
    Ok(Accepted(job))
}

/// Show one assessment with its evidence, and with the waivers that hold now.
#[utoipa::path(get, path = "/servers/{server}/baseline/assessments/{id}", tag = "baseline",
    responses((status = 200, description = "The assessment", body = BaselineAssessment)))]
async fn assessment_show(
    State(state): State<PlaneState>,
    Path((server, id)): Path<(String, String)>,
) -> Outcome<Json<Value>> {
    let name = server_name(&server)?;
    Ok(Json(state.backend().assessment(&name, number(&id)?).await?))
}

/// Give the bundle of evidence of one assessment; those of the newest are kept. Its SHA-256 is the
/// assessment's `evidence_hash`.
#[utoipa::path(get, path = "/servers/{server}/baseline/assessments/{id}/evidence",
    tag = "baseline",
    responses((status = 200, description = "The bundle, a JSON document", body = String,
        content_type = "application/json")))]
async fn assessment_evidence(
    State(state): State<PlaneState>,
    Path((server, id)): Path<(String, String)>,
) -> Outcome<Response> {
    let name = server_name(&server)?;
    let bundle = state.backend().baseline_evidence(&name, number(&id)?).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], bundle).into_response())
}

/// Say what is different between two assessments: by check, and by finding.
#[utoipa::path(get, path = "/servers/{server}/baseline/drift", tag = "baseline",
    params(BaselineDriftQuery),
    responses((status = 200, description = "What is different", body = BaselineDrift)))]
async fn baseline_drift(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
    Query(query): Query<BaselineDriftQuery>,
) -> Outcome<Json<Value>> {
    Ok(Json(state.backend().baseline_drift(&server_name(&server)?, query).await?))
}

/// The number of an assessment; what is none names nothing.
fn number(id: &str) -> Result<u64, base::Fault> {
    id.parse().map_err(|_| {
        base::Fault::new("not_found", "there is no such assessment").exit(base::ExitCode::NotFound)
    })
}
