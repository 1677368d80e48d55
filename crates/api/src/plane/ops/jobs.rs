//! Long work: list, look, follow.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream;
use serde_json::Value;
use tokio::sync::watch;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Outcome, may_see_dsn, plain};
use crate::access::judge::{Judge, Question};
use crate::access::{Principal, Scope};
use crate::plane::jobs::Entry;
use crate::plane::model::{Job, JobState, Page};
use crate::plane::{Caller, PageQuery, PlaneState, Query, page};

/// How often a quiet stream says that it is still there.
const HEARTBEAT: Duration = Duration::from_secs(5);

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(job_list))
        .routes(routes!(job_show))
        .routes(routes!(job_events))
}

/// List the jobs that the caller may see, newest first.
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(PageQuery),
    responses((status = 200, description = "Newest first", body = Page<Job>)))]
async fn job_list(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<Job>>> {
    let judge = state.access().judge(&by);
    let mut all = state.jobs().all();
    all.retain(|job| sees(&judge, job));
    all.iter_mut().for_each(|job| hide_dsn(&judge, job));
    Ok(Json(page(all, &query, |job| job.id.clone())))
}

/// Show one job.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs",
    responses((status = 200, description = "The job", body = Job)))]
async fn job_show(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path(id): Path<String>,
) -> Outcome<Json<Job>> {
    let mut job = find(&state, &by, &id)?.job();
    hide_dsn(&state.access().judge(&by), &mut job);
    Ok(Json(job))
}

/// One's own, and those of others where a role shows them.
fn sees(judge: &Judge, job: &Job) -> bool {
    let own = judge.principal().is_some_and(|by| by.name == job.started_by);
    let scope = job.target.parse::<Scope>();
    own || scope.is_ok_and(|scope| judge.may(Question::new("job_show_any", &scope)))
}

/// A server that came of it shows no more than elsewhere.
fn hide_dsn(judge: &Judge, job: &mut Job) {
    let Some(Value::Object(result)) = &mut job.result else { return };
    let server = job.target.strip_prefix("/servers/");
    if server.is_none_or(|server| !may_see_dsn(judge, server)) {
        result.remove("dsn");
    }
}

/// What the caller may not see is not there.
fn find(state: &PlaneState, by: &Principal, id: &str) -> Outcome<Arc<Entry>> {
    plain("job", id)?;
    let entry = state.jobs().find(id)?;
    match sees(&state.access().judge(by), &entry.job()) {
        true => Ok(entry),
        // The same words as for one that never was.
        false => Err(state
            .jobs()
            .find("")
            .err()
            .map(|missing| base::Fault { message: format!("there is no job \"{id}\""), ..missing })
            .unwrap_or_else(|| base::Fault::new("not_found", "there is no such job"))
            .exit(base::ExitCode::NotFound)
            .into()),
    }
}

/// Follow a job: an event `progress` a step, numbered from 1, then one event `end` with the job.
/// `Last-Event-ID` begins after that step.
#[utoipa::path(get, path = "/jobs/{id}/events", tag = "jobs",
    responses((status = 200, description = "Server-sent events", body = String,
        content_type = "text/event-stream")))]
async fn job_events(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Outcome<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let entry = find(&state, &by, &id)?;
    let seen = headers.get("last-event-id").and_then(|seen| seen.to_str().ok()?.parse().ok());
    let judge = state.access().judge(&by);
    let (changes, told) = (entry.follow(), seen.unwrap_or(0));
    let follower = Follower { judge, changes, entry, told, over: false };
    let events = stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

/// One stream.
struct Follower {
    judge: Arc<Judge>,
    entry: Arc<Entry>,
    changes: watch::Receiver<u64>,
    /// Steps that were told.
    told: usize,
    over: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Event> {
        if self.over {
            return None;
        }
        loop {
            let _ = self.changes.borrow_and_update();
            let mut job = self.entry.job();
            if let Some(step) = job.progress.get(self.told) {
                self.told += 1;
                let data = serde_json::json!({ "message": step }).to_string();
                return Some(
                    Event::default().event("progress").id(self.told.to_string()).data(data),
                );
            }
            if job.state != JobState::Running {
                self.over = true;
                hide_dsn(&self.judge, &mut job);
                let data = serde_json::to_string(&job).unwrap_or_default();
                return Some(Event::default().event("end").data(data));
            }
            self.changes.changed().await.ok()?;
        }
    }
}
