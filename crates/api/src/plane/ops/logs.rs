//! Events of the log lake: queries, tables, taking in, sources.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Body as RawBody;
use axum::extract::{Path, Request, State};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use base::{Changed, Fault};
use futures_util::StreamExt as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Accepted, Id, Outcome, begin, plain};
use crate::access::Scope;
use crate::access::judge::Question;
use crate::plane::body::bad;
use crate::plane::model::{
    Answer, Connector, Job, LogsCheck, LogsErase, LogsIngestQuery, LogsIngested, LogsLine,
    LogsQuery, LogsRetention, LogsRun, LogsTable, LogsWorker, Page, SavedQuery, SavedQueryUpdate,
};
use crate::plane::{Body, Caller, PageQuery, PlaneState, Query, page};

/// A sender of events that is silent for so long has gone.
const PIECE_MAX: Duration = Duration::from_secs(60);

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(logs_query))
        .routes(routes!(logs_check))
        .routes(routes!(logs_run_list))
        .routes(routes!(logs_run_cancel))
        .routes(routes!(logs_table_list))
        .routes(routes!(logs_retention_set))
        .routes(routes!(logs_erase))
        .routes(routes!(logs_ingest))
        .routes(routes!(connector_list))
        .routes(routes!(logs_worker_list))
        .routes(routes!(saved_query_list))
        .routes(routes!(saved_query_set, saved_query_delete))
}

/// Ask the log lake. The answer comes as lines of JSON, as rows are found; closing the connection
/// cancels the query.
#[utoipa::path(post, path = "/logs/query", tag = "logs", request_body = LogsQuery,
    responses((status = 200, description = "Lines of JSON, each a LogsLine", body = LogsLine,
        content_type = "application/x-ndjson")))]
async fn logs_query(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Body(query): Body<LogsQuery>,
) -> Outcome<Response> {
    if let Some(id) = &query.id {
        plain("run", id)?;
    }
    let lines = state.backend().logs_query(&by, query).await?;
    let body = RawBody::from_stream(lines.map(Ok::<_, Infallible>));
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response())
}

/// Say whether a query is right and which columns it gives. Runs nothing.
#[utoipa::path(post, path = "/logs/check", tag = "logs", request_body = LogsQuery,
    responses((status = 200, description = "What it would give", body = LogsCheck)))]
async fn logs_check(
    State(state): State<PlaneState>,
    Body(query): Body<LogsQuery>,
) -> Outcome<Json<LogsCheck>> {
    Ok(Json(state.backend().logs_check(&query.query).await?))
}

/// List the queries that run.
#[utoipa::path(get, path = "/logs/runs", tag = "logs", params(PageQuery),
    responses((status = 200, description = "Oldest first", body = Page<LogsRun>)))]
async fn logs_run_list(
    State(state): State<PlaneState>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<LogsRun>>> {
    let all = state.backend().logs_runs().await?;
    Ok(Json(page(all, &query, |run| run.id.clone())))
}

/// Cancel a query that runs: one's own, or anybody's for who may change the lake.
#[utoipa::path(delete, path = "/logs/runs/{id}", tag = "logs",
    responses((status = 200, description = "Whether it ran", body = Answer)))]
async fn logs_run_cancel(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path(id): Path<String>,
) -> Outcome<Json<Answer>> {
    plain("run", &id)?;
    let judge = state.access().judge(&by);
    if !judge.may(Question::new("logs_run_cancel_any", &Scope::All)) {
        let runs = state.backend().logs_runs().await?;
        // What belongs to somebody else looks as if it did not run.
        if !runs.iter().any(|run| run.id == id && run.by == by.name) {
            return Ok(Json(Answer { changed: Changed::Unchanged }));
        }
    }
    Ok(Json(Answer { changed: state.backend().logs_cancel(&id).await? }))
}

/// List the tables of the log lake.
#[utoipa::path(get, path = "/logs/tables", tag = "logs", params(PageQuery),
    responses((status = 200, description = "By name", body = Page<LogsTable>)))]
async fn logs_table_list(
    State(state): State<PlaneState>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<LogsTable>>> {
    let all = state.backend().logs_tables().await?;
    Ok(Json(page(all, &query, |table| table.name.clone())))
}

/// Set how long a table keeps its rows: days that are too old are dropped whole.
#[utoipa::path(put, path = "/logs/tables/{table}/retention", tag = "logs",
    request_body = LogsRetention,
    responses((status = 200, description = "Whether that changed anything", body = Answer)))]
async fn logs_retention_set(
    State(state): State<PlaneState>,
    Path(table): Path<String>,
    Body(wish): Body<LogsRetention>,
) -> Outcome<Json<Answer>> {
    plain("table", &table)?;
    Ok(Json(Answer { changed: state.backend().logs_retention_set(&table, wish.days).await? }))
}

/// Erase the rows of a table that a condition holds for, such as those about a person. The job's
/// result is a LogsErased.
#[utoipa::path(post, path = "/logs/tables/{table}/erase", tag = "logs", request_body = LogsErase,
    responses((status = 202, description = "It is being done", body = Job)))]
async fn logs_erase(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    id: Id,
    Path(table): Path<String>,
    Body(wish): Body<LogsErase>,
) -> Outcome<Accepted> {
    plain("table", &table)?;
    let backend = Arc::clone(state.backend());
    let begin = begin("logs_erase", "/".to_owned(), &by, id);
    let job = state.jobs().start(begin, |progress| async move {
        progress.say(format!("reading all of {table}"));
        let erased = backend.logs_erase(&table, wish).await?;
        serde_json::to_value(erased)
            .map_err(|e| Fault::from_error("answer", "could not write the answer", &e))
    })?;
    Ok(Accepted(job))
}

/// Take events in: the body is read as it comes, and rows can be asked for as soon as they are
/// stored. What is not understood stands in PgkeepDeadLetters.
#[utoipa::path(post, path = "/logs/ingest", tag = "logs", params(LogsIngestQuery),
    request_body(content = String, content_type = "application/octet-stream"),
    responses((status = 200, description = "What was taken in", body = LogsIngested)))]
async fn logs_ingest(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Query(how): Query<LogsIngestQuery>,
    request: Request,
) -> Outcome<Json<LogsIngested>> {
    let body = request.into_body().into_data_stream();
    let pieces = futures_util::stream::unfold(Some(body), |body| async {
        let mut body = body?;
        let cut = |why: &str| Err(bad("the body is not complete").detail(why.to_owned()));
        match tokio::time::timeout(PIECE_MAX, body.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(piece))) => Some((Ok(piece.to_vec()), Some(body))),
            Ok(Some(Err(e))) => Some((cut(&e.to_string()), None)),
            Err(_) => Some((cut("nothing came for 60 s"), None)),
        }
    });
    let pieces: futures_util::stream::BoxStream<'static, Result<Vec<u8>, Fault>> = pieces.boxed();
    Ok(Json(state.backend().logs_ingest(&by, how, pieces).await?))
}

/// List the sources of events and how they stand.
#[utoipa::path(get, path = "/logs/connectors", tag = "logs", params(PageQuery),
    responses((status = 200, description = "By name", body = Page<Connector>)))]
async fn connector_list(
    State(state): State<PlaneState>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<Connector>>> {
    let all = state.backend().connectors().await?;
    Ok(Json(page(all, &query, |connector| connector.name.clone())))
}

/// Ask the workers that answer parts of queries whether they are there.
#[utoipa::path(get, path = "/logs/workers", tag = "logs", params(PageQuery),
    responses((status = 200, description = "In the order of the settings",
        body = Page<LogsWorker>)))]
async fn logs_worker_list(
    State(state): State<PlaneState>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<LogsWorker>>> {
    let all = state.backend().logs_workers().await?;
    Ok(Json(page(all, &query, |worker| worker.address.clone())))
}

/// List the queries that are kept: the gallery, then those that people saved.
#[utoipa::path(get, path = "/logs/saved-queries", tag = "logs", params(PageQuery),
    responses((status = 200, description = "The gallery first", body = Page<SavedQuery>)))]
async fn saved_query_list(
    State(state): State<PlaneState>,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<SavedQuery>>> {
    let all = state.backend().saved_queries().await?;
    Ok(Json(page(all, &query, |saved| saved.name.clone())))
}

/// Save a query under a name, in the place of one that has it.
#[utoipa::path(put, path = "/logs/saved-queries/{name}", tag = "logs",
    request_body = SavedQueryUpdate,
    responses((status = 200, description = "As it is kept", body = SavedQuery)))]
async fn saved_query_set(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path(name): Path<String>,
    Body(update): Body<SavedQueryUpdate>,
) -> Outcome<Json<SavedQuery>> {
    let is_fine = (1..=100).contains(&name.len()) && !name.contains(char::is_control);
    if !is_fine {
        return Err(bad("a name has 1 to 100 bytes on one line").into());
    }
    Ok(Json(state.backend().saved_query_set(&by, &name, update).await?))
}

/// Forget a saved query.
#[utoipa::path(delete, path = "/logs/saved-queries/{name}", tag = "logs",
    responses((status = 200, description = "Whether it was there", body = Answer)))]
async fn saved_query_delete(
    State(state): State<PlaneState>,
    Path(name): Path<String>,
) -> Outcome<Json<Answer>> {
    Ok(Json(Answer { changed: state.backend().saved_query_delete(&name).await? }))
}
