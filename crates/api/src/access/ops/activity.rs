//! Who did what, and who was refused.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Outcome, bad};
use crate::access::model::{ActView, ActivityQuery};
use crate::access::store::ActFilter;
use crate::plane::model::Page;
use crate::plane::{PlaneState, Query};

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new().routes(routes!(activity_list))
}

/// List what was changed and what was refused, newest first.
#[utoipa::path(get, path = "/activity", tag = "access", params(ActivityQuery),
    responses((status = 200, description = "Newest first", body = Page<ActView>)))]
async fn activity_list(
    State(state): State<PlaneState>,
    Query(query): Query<ActivityQuery>,
) -> Outcome<Json<Page<ActView>>> {
    let limit = query.limit.unwrap_or(200).clamp(1, 1000);
    let before = query.after.map(|after| after.parse().map_err(|_| bad("this is no page")));
    let filter = ActFilter {
        before: before.transpose()?,
        // One more says whether there is a next page.
        limit: limit + 1,
        principal: query.principal,
        operation: query.operation,
    };
    let acts = state.access().stored(move |store| store.acts(&filter)).await?;
    let more = acts.len() > limit as usize;
    let items: Vec<ActView> = acts.into_iter().take(limit as usize).map(ActView::from).collect();
    let next = items.last().filter(|_| more).map(|act| act.id.to_string());
    Ok(Json(Page { items, next }))
}
