//! The vault as a whole.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Outcome;
use crate::plane::model::{Answer, Unseal, Vault};
use crate::plane::{Caller, OptionalBody, PlaneState};

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(vault_show))
        .routes(routes!(vault_seal))
        .routes(routes!(vault_unseal))
}

/// Show how the vault stands.
#[utoipa::path(get, path = "/vault", tag = "vault",
    responses((status = 200, description = "How it stands", body = Vault)))]
async fn vault_show(State(state): State<PlaneState>) -> Outcome<Json<Vault>> {
    Ok(Json(state.backend().vault().await?))
}

/// Seal the vault: no key is used until it is opened again.
#[utoipa::path(post, path = "/vault/seal", tag = "vault",
    responses((status = 200, description = "It is sealed", body = Answer)))]
async fn vault_seal(State(state): State<PlaneState>, Caller(by): Caller) -> Outcome<Json<Answer>> {
    Ok(Json(Answer { changed: state.backend().vault_seal(&by).await? }))
}

/// Open the vault, or give one share of several.
#[utoipa::path(post, path = "/vault/unseal", tag = "vault", request_body = Option<Unseal>,
    responses((status = 200, description = "How it stands now", body = Vault)))]
async fn vault_unseal(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    OptionalBody(with): OptionalBody<Unseal>,
) -> Outcome<Json<Vault>> {
    Ok(Json(state.backend().vault_unseal(&by, with).await?))
}
