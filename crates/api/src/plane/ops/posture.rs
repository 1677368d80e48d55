//! Beside assessments: waivers, schedules, declarations; what evidence says of connections and
//! roles.

use axum::Json;
use axum::extract::{Path, State};
use base::{Fault, ServerName};
use jiff::civil::Date;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Outcome, plain, server_name};
use crate::access::judge::Question;
use crate::access::{Principal, Scope};
use crate::plane::body::bad;
use crate::plane::model::{
    Answer, BaselineDeclaration, BaselineHbaAnswer, BaselineHbaQuery, BaselineRoleGraph,
    BaselineSchedule, BaselineScheduleUpdate, BaselineWaiver, BaselineWaiverCreate, Page,
};
use crate::plane::{Body, Caller, PageQuery, PlaneState, Query, page};

/// Bytes of the texts of a waiver.
const REASON_MAX: usize = 2000;
const PERSON_MAX: usize = 200;
/// Hours of a day.
const HOURS: u8 = 24;

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(waiver_list, waiver_create))
        .routes(routes!(waiver_delete))
        .routes(routes!(server_waiver_create))
        .routes(routes!(server_waiver_delete))
        .routes(routes!(baseline_schedule_show, baseline_schedule_set))
        .routes(routes!(baseline_declaration_show, baseline_declaration_set))
        .routes(routes!(hba_simulate))
        .routes(routes!(role_graph_show))
}

/// List the waivers: those for all servers, and those for servers that the caller may see.
#[utoipa::path(get, path = "/baseline/waivers", tag = "baseline", params(PageQuery),
    responses((status = 200, description = "By check", body = Page<BaselineWaiver>)))]
async fn waiver_list(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Query(query): Query<PageQuery>,
) -> Outcome<Json<Page<BaselineWaiver>>> {
    let mut all = state.backend().waivers().await?;
    let judge = state.access().judge(&by);
    all.retain(|waiver| match &waiver.server {
        None => true,
        Some(server) => judge.may(Question::new("baseline_show", &Scope::Server(server.clone()))),
    });
    Ok(Json(page(all, &query, |waiver| waiver.id.clone())))
}

/// Answer for a failure on all servers, until a day. It stays a failure and is shown as waived.
#[utoipa::path(post, path = "/baseline/waivers", tag = "baseline",
    request_body = BaselineWaiverCreate,
    responses((status = 200, description = "As it is kept", body = BaselineWaiver)))]
async fn waiver_create(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Body(wish): Body<BaselineWaiverCreate>,
) -> Outcome<Json<BaselineWaiver>> {
    create(&state, &by, None, wish).await
}

/// Take a waiver away that is for all servers.
#[utoipa::path(delete, path = "/baseline/waivers/{id}", tag = "baseline",
    responses((status = 200, description = "Whether it was there", body = Answer)))]
async fn waiver_delete(
    State(state): State<PlaneState>,
    Path(id): Path<String>,
) -> Outcome<Json<Answer>> {
    plain("waiver", &id)?;
    Ok(Json(Answer { changed: state.backend().waiver_delete(None, &id).await? }))
}

/// Answer for a failure on one server, until a day.
#[utoipa::path(post, path = "/servers/{server}/baseline/waivers", tag = "baseline",
    request_body = BaselineWaiverCreate,
    responses((status = 200, description = "As it is kept", body = BaselineWaiver)))]
async fn server_waiver_create(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path(server): Path<String>,
    Body(wish): Body<BaselineWaiverCreate>,
) -> Outcome<Json<BaselineWaiver>> {
    create(&state, &by, Some(&server_name(&server)?), wish).await
}

/// Take a waiver away that is for this server.
#[utoipa::path(delete, path = "/servers/{server}/baseline/waivers/{id}", tag = "baseline",
    responses((status = 200, description = "Whether it was there", body = Answer)))]
async fn server_waiver_delete(
    State(state): State<PlaneState>,
    Path((server, id)): Path<(String, String)>,
) -> Outcome<Json<Answer>> {
    plain("waiver", &id)?;
    let name = server_name(&server)?;
    Ok(Json(Answer { changed: state.backend().waiver_delete(Some(&name), &id).await? }))
}

async fn create(
    state: &PlaneState,
    by: &Principal,
    server: Option<&ServerName>,
    wish: BaselineWaiverCreate,
) -> Outcome<Json<BaselineWaiver>> {
    sound(&wish, state.access().now().to_zoned(jiff::tz::TimeZone::UTC).date())?;
    Ok(Json(state.backend().waiver_create(by, server, wish).await?))
}

/// What a waiver must say, whoever brings it.
fn sound(wish: &BaselineWaiverCreate, today: Date) -> Result<(), Fault> {
    plain("check", &wish.check)?;
    if let Some(finding) = &wish.finding {
        plain("finding", finding)?;
    }
    let approver = wish.approver.as_deref().unwrap_or("-");
    for (what, text, most) in [
        ("reason", wish.reason.as_str(), REASON_MAX),
        ("owner", wish.owner.as_str(), PERSON_MAX),
        ("approver", approver, PERSON_MAX),
    ] {
        let is_odd = text.chars().any(|c| c.is_control() && c != '\n');
        if text.trim().is_empty() || text.len() > most || is_odd {
            return Err(bad(&format!("a waiver needs its {what}"))
                .detail(format!("some text of at most {most} bytes")));
        }
    }
    let last = today.saturating_add(jiff::Span::new().years(2));
    if wish.until < today || wish.until > last {
        return Err(bad("a waiver ends today or within two years")
            .detail(format!("{} is not between {today} and {last}", wish.until)));
    }
    Ok(())
}

/// Show when a server is assessed by itself.
#[utoipa::path(get, path = "/servers/{server}/baseline/schedule", tag = "baseline",
    responses((status = 200, description = "When", body = BaselineSchedule)))]
async fn baseline_schedule_show(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
) -> Outcome<Json<BaselineSchedule>> {
    Ok(Json(state.backend().baseline_schedule(&server_name(&server)?).await?))
}

/// Assess a server by itself once a day, or no longer.
#[utoipa::path(put, path = "/servers/{server}/baseline/schedule", tag = "baseline",
    request_body = BaselineScheduleUpdate,
    responses((status = 200, description = "As it is now", body = BaselineSchedule)))]
async fn baseline_schedule_set(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
    Body(update): Body<BaselineScheduleUpdate>,
) -> Outcome<Json<BaselineSchedule>> {
    let name = server_name(&server)?;
    if update.hour.is_some_and(|hour| hour >= HOURS) {
        return Err(bad("an hour is a number from 0 to 23").into());
    }
    Ok(Json(state.backend().baseline_schedule_set(&name, update).await?))
}

/// Show what is meant to be so on a server: checks compare with it.
#[utoipa::path(get, path = "/servers/{server}/baseline/declaration", tag = "baseline",
    responses((status = 200, description = "Names by kind", body = BaselineDeclaration)))]
async fn baseline_declaration_show(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
) -> Outcome<Json<BaselineDeclaration>> {
    Ok(Json(state.backend().baseline_declaration(&server_name(&server)?).await?))
}

/// Say what is meant to be so on a server; it counts from the next assessment on.
#[utoipa::path(put, path = "/servers/{server}/baseline/declaration", tag = "baseline",
    request_body = BaselineDeclaration,
    responses((status = 200, description = "As it is kept", body = BaselineDeclaration)))]
async fn baseline_declaration_set(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
    Body(declaration): Body<BaselineDeclaration>,
) -> Outcome<Json<BaselineDeclaration>> {
    let name = server_name(&server)?;
    Ok(Json(state.backend().baseline_declaration_set(&name, declaration).await?))
}

/// Say what pg_hba.conf would do with a connection, by the newest evidence. Nobody connects.
#[utoipa::path(get, path = "/servers/{server}/baseline/hba", tag = "baseline",
    params(BaselineHbaQuery),
    responses((status = 200, description = "The line that decides", body = BaselineHbaAnswer)))]
async fn hba_simulate(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
    Query(query): Query<BaselineHbaQuery>,
) -> Outcome<Json<BaselineHbaAnswer>> {
    Ok(Json(state.backend().hba_simulate(&server_name(&server)?, query).await?))
}

/// Show who may become whom, by the newest evidence: steps, and shortest paths to superuser and to
/// the operating system.
#[utoipa::path(get, path = "/servers/{server}/baseline/role-graph", tag = "baseline",
    responses((status = 200, description = "The graph", body = BaselineRoleGraph)))]
async fn role_graph_show(
    State(state): State<PlaneState>,
    Path(server): Path<String>,
) -> Outcome<Json<BaselineRoleGraph>> {
    Ok(Json(state.backend().role_graph(&server_name(&server)?).await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_waiver_says_why_who_and_until_when() {
        let today: Date = "2026-11-28".parse().unwrap();
        let good = BaselineWaiverCreate {
            check: "LOG-17".to_owned(),
            reason: "a proxy logs them".to_owned(),
            owner: "ops".to_owned(),
            until: today,
            ..BaselineWaiverCreate::default()
        };
        assert!(sound(&good, today).is_ok());
        let until = |text: &str| text.parse::<Date>().unwrap();
        for bad in [
            BaselineWaiverCreate { reason: " ".to_owned(), ..good.clone() },
            BaselineWaiverCreate { owner: String::new(), ..good.clone() },
            BaselineWaiverCreate { approver: Some(String::new()), ..good.clone() },
            BaselineWaiverCreate { check: "a b".to_owned(), ..good.clone() },
            BaselineWaiverCreate { until: until("2026-11-27"), ..good.clone() },
            BaselineWaiverCreate { until: until("2028-11-29"), ..good.clone() },
        ] {
            assert!(sound(&bad, today).is_err(), "{bad:?}");
        }
    }
}
