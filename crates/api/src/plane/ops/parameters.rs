//! Parameters of servers.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use base::{ExitCode, Fault};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Outcome, plain, server_name};
use crate::plane::model::{Page, Parameter, ParameterChange, ParameterUpdate};
use crate::plane::{Body, Caller, PageQuery, PlaneState, Query, etag, page};

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new().routes(routes!(parameter_list)).routes(routes!(
        parameter_show,
        parameter_set,
        parameter_reset
    ))
}

/// List the parameters of a running server.
#[utoipa::path(get, path = "/servers/{server}/parameters", tag = "parameters", params(PageQuery),
    responses((status = 200, description = "Parameters by name", body = Page<Parameter>)))]
async fn parameter_list(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<Parameter>>> {
    let all = state.backend().parameters(&server_name(&server)?).await?;
    Ok(Json(page(all, &query, |parameter| parameter.name.clone())))
}

/// Show one parameter.
#[utoipa::path(get, path = "/servers/{server}/parameters/{parameter}", tag = "parameters",
    responses((status = 200, description = "The parameter", body = Parameter)))]
async fn parameter_show(
    State(state): State<PlaneState>,
    headers: HeaderMap,
    Path((server, parameter)): Path<(String, String)>,
) -> Outcome<Response> {
    possible(&parameter)?;
    let shown = state.backend().parameter(&server_name(&server)?, &parameter).await?;
    Ok(etag::answer(&headers, &shown))
}

/// Whether to do it.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DryRun {
    /// Only say what would come.
    #[serde(default)]
    #[param(required = false)]
    dry_run: bool,
}

/// Change one parameter and prove that it took effect.
#[utoipa::path(patch, path = "/servers/{server}/parameters/{parameter}", tag = "parameters",
    params(DryRun), request_body = ParameterUpdate,
    responses((status = 200, description = "What came of it", body = ParameterChange)))]
async fn parameter_set(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path((server, parameter)): Path<(String, String)>,
    Query(query): Query<DryRun>,
    Body(update): Body<ParameterUpdate>,
) -> Outcome<Json<ParameterChange>> {
    possible(&parameter)?;
    let name = server_name(&server)?;
    if etag::is_conditional(&headers) {
        etag::check(&headers, &etag::of(&state.backend().parameter(&name, &parameter).await?))?;
    }
    let value = Some(update.value.as_str());
    let backend = state.backend();
    Ok(Json(backend.parameter_set(&by, &name, &parameter, value, query.dry_run).await?))
}

/// Give one parameter the value back that it has when nobody sets it.
#[utoipa::path(delete, path = "/servers/{server}/parameters/{parameter}", tag = "parameters",
    params(DryRun),
    responses((status = 200, description = "What came of it", body = ParameterChange)))]
async fn parameter_reset(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path((server, parameter)): Path<(String, String)>,
    Query(query): Query<DryRun>,
) -> Outcome<Json<ParameterChange>> {
    possible(&parameter)?;
    let name = server_name(&server)?;
    if etag::is_conditional(&headers) {
        etag::check(&headers, &etag::of(&state.backend().parameter(&name, &parameter).await?))?;
    }
    let backend = state.backend();
    Ok(Json(backend.parameter_set(&by, &name, &parameter, None, query.dry_run).await?))
}

/// Refuses a name that no parameter can have, as one that no parameter has.
fn possible(name: &str) -> Result<(), Fault> {
    plain("parameter", name).map_err(|_| {
        let name: String = name.chars().take(64).collect();
        let message = format!("server parameter {name:?} does not exist");
        Fault::new("unknown_parameter", message).exit(ExitCode::NotFound)
    })
}
