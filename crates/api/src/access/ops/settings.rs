//! How people sign in.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Outcome, bad, check_roles};
use crate::access::model::{OidcSet, OidcView, SignInSettings, SignInSettingsSet};
use crate::access::principal::{Assignment, Kind};
use crate::access::settings::{HiddenText, Oidc, Settings};
use crate::plane::{Body, PlaneState, etag};

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new().routes(routes!(sign_in_settings_show, sign_in_settings_set))
}

/// Show how people sign in.
#[utoipa::path(get, path = "/settings/sign-in", tag = "access",
    responses((status = 200, description = "The settings", body = SignInSettings)))]
async fn sign_in_settings_show(State(state): State<PlaneState>, headers: HeaderMap) -> Response {
    etag::answer(&headers, &view(&state.access().settings()))
}

fn view(settings: &Settings) -> SignInSettings {
    let oidc = settings.oidc.as_ref().map(|oidc| OidcView {
        label: oidc.label.clone(),
        issuer: oidc.issuer.clone(),
        client_id: oidc.client_id.clone(),
        has_client_secret: oidc.client_secret.is_some(),
        groups_claim: oidc.groups_claim.clone(),
        scopes: oidc.scopes.clone(),
        groups: oidc.groups.clone(),
        ca_pem: oidc.ca_pem.clone(),
    });
    SignInSettings {
        session_idle_minutes: settings.session_idle_minutes,
        session_minutes: settings.session_minutes,
        lock_after: settings.lock_after,
        lock_max_seconds: settings.lock_max_seconds,
        oidc,
    }
}

/// Change how people sign in. Whoever came through a provider that changes is signed out.
#[utoipa::path(put, path = "/settings/sign-in", tag = "access",
    request_body = SignInSettingsSet,
    responses((status = 200, description = "What holds now", body = SignInSettings)))]
async fn sign_in_settings_set(
    State(state): State<PlaneState>,
    headers: HeaderMap,
    Body(wish): Body<SignInSettingsSet>,
) -> Outcome<Json<SignInSettings>> {
    let access = state.access();
    let before = access.settings();
    etag::check(&headers, &etag::of(&view(&before)))?;
    let settings = Settings {
        session_idle_minutes: wish.session_idle_minutes,
        session_minutes: wish.session_minutes,
        lock_after: wish.lock_after,
        lock_max_seconds: wish.lock_max_seconds,
        oidc: match wish.oidc {
            None => None,
            Some(oidc) => Some(provider(oidc, before.oidc.as_ref())?),
        },
    };
    settings.check()?;
    for group in settings.oidc.iter().flat_map(|oidc| &oidc.groups) {
        let given = Assignment { role: group.role.clone(), scope: group.scope.clone() };
        check_roles(access, &[given])?;
    }
    let shown = view(&settings);
    let (stored, ends) = (settings.clone(), settings.oidc != before.oidc);
    access
        .change(move |store| {
            stored.save(store)?;
            if ends { store.remove_sessions(Kind::Oidc) } else { Ok(()) }
        })
        .await?;
    access.set_settings(settings);
    Ok(Json(shown))
}

/// A secret that is left out stays, unless it would go to another issuer.
fn provider(wish: OidcSet, before: Option<&Oidc>) -> Result<Oidc, base::Fault> {
    let stored = before.filter(|before| before.issuer == wish.issuer);
    let client_secret = match &wish.client_secret {
        Some(secret) if secret.expose().is_empty() => return Err(bad("the secret is empty")),
        Some(secret) => Some(HiddenText(secret.expose().clone())),
        None => stored.and_then(|before| before.client_secret.clone()),
    };
    Ok(Oidc {
        label: wish.label,
        issuer: wish.issuer,
        client_id: wish.client_id,
        client_secret,
        groups_claim: wish.groups_claim,
        scopes: wish.scopes,
        groups: wish.groups,
        ca_pem: wish.ca_pem.filter(|pem| !pem.trim().is_empty()),
    })
}
