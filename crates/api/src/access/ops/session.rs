//! Signing in and out.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use base::Secret;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Outcome, refused};
use crate::access::cookie;
use crate::access::judge::operations_of;
use crate::access::layer::{Known, SignedInAs};
use crate::access::model::{
    LinkCreate, LinkMade, LinkSignIn, PasswordSignIn, SessionView, SignInWay, SignInWays,
};
use crate::access::oidc::Returned;
use crate::access::service::{Access, hash_of};
use crate::access::sign_in::SignedIn;
use crate::plane::{ApiError, Body, Caller, OptionalBody, PREFIX, PlaneState, Query};

pub(super) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .routes(routes!(session_show, session_create, session_delete))
        .routes(routes!(session_link))
        .routes(routes!(sign_in_show))
        .routes(routes!(oidc_start))
        .routes(routes!(oidc_callback))
        .routes(routes!(login_link_create))
}

/// Show who is signed in.
#[utoipa::path(get, path = "/session", tag = "session",
    responses((status = 200, description = "Who it is", body = SessionView)))]
async fn session_show(
    State(state): State<PlaneState>,
    Extension(known): Extension<Known>,
    Caller(by): Caller,
) -> Outcome<Json<SessionView>> {
    let access = state.access();
    let expires_at = match known.session {
        None => None,
        Some(session) => access.ends_at(session).await?,
    };
    Ok(Json(view(access, by, expires_at)))
}

fn view(
    access: &Access,
    by: crate::access::Principal,
    expires_at: Option<jiff::Timestamp>,
) -> SessionView {
    let mut operations: Vec<String> = Vec::new();
    for given in &by.assignments {
        operations.extend(operations_of(access.policies(), &given.role).map(str::to_owned));
    }
    operations.sort_unstable();
    operations.dedup();
    SessionView {
        name: by.name,
        kind: by.kind,
        assignments: by.assignments,
        expires_at,
        operations,
    }
}

/// Sign in by name and password.
#[utoipa::path(post, path = "/session", tag = "session", security(()),
    request_body = PasswordSignIn,
    responses((status = 200, description = "The session is in the cookie", body = SessionView)))]
async fn session_create(
    State(state): State<PlaneState>,
    headers: HeaderMap,
    Body(wish): Body<PasswordSignIn>,
) -> Response {
    let access = state.access();
    let old = cookie::find(&headers, cookie::SESSION).map(hash_of);
    match access.by_password(&wish.username, wish.password, old).await {
        Ok(signed_in) => welcome(access, signed_in),
        Err(why) => refused(why),
    }
}

/// Sign in by a one-time link, which is used up.
#[utoipa::path(post, path = "/session/link", tag = "session", security(()),
    request_body = LinkSignIn,
    responses((status = 200, description = "The session is in the cookie", body = SessionView)))]
async fn session_link(
    State(state): State<PlaneState>,
    headers: HeaderMap,
    Body(wish): Body<LinkSignIn>,
) -> Outcome<Response> {
    let access = state.access();
    let old = cookie::find(&headers, cookie::SESSION).map(hash_of);
    Ok(welcome(access, access.by_link(&wish.link, old).await?))
}

/// The answer that carries the cookie.
fn welcome(access: &Access, signed_in: SignedIn) -> Response {
    let SignedIn { principal, cookie } = signed_in;
    let expires_at = access.now().checked_add(access.settings().lifetime()).ok();
    let shown = view(access, principal.clone(), expires_at);
    let mut response = with_cookie(Json(shown).into_response(), cookie::session(&cookie));
    response.extensions_mut().insert(SignedInAs(principal));
    response
}

fn with_cookie(mut response: Response, cookie: HeaderValue) -> Response {
    response.headers_mut().append(header::SET_COOKIE, cookie);
    response
}

/// Sign out.
#[utoipa::path(delete, path = "/session", tag = "session",
    responses((status = 204, description = "The session has ended")))]
async fn session_delete(
    State(state): State<PlaneState>,
    Extension(known): Extension<Known>,
) -> Outcome<Response> {
    if let Some(session) = known.session {
        state.access().end(session).await?;
    }
    Ok(with_cookie(StatusCode::NO_CONTENT.into_response(), cookie::no_session()))
}

/// Show the ways to sign in.
#[utoipa::path(get, path = "/sign-in", tag = "session", security(()),
    responses((status = 200, description = "The ways", body = SignInWays)))]
async fn sign_in_show(State(state): State<PlaneState>) -> Json<SignInWays> {
    let settings = state.access().settings();
    let way = |oidc: &crate::access::settings::Oidc| SignInWay {
        title: oidc.label.clone(),
        start: format!("{PREFIX}/sign-in/oidc/start"),
    };
    Json(SignInWays { password: true, oidc: settings.oidc.iter().map(way).collect() })
}

/// Go to the provider. For browsers: answers with a way there, or back to the sign-in page.
#[utoipa::path(get, path = "/sign-in/oidc/start", tag = "session", security(()),
    responses((status = 303, description = "To the provider")))]
async fn oidc_start(State(state): State<PlaneState>) -> Response {
    match state.access().oidc_begin().await {
        Ok(started) => with_cookie(to(&started.address), cookie::way(&started.cookie)),
        Err(fault) => back(&fault),
    }
}

/// Come back from the provider. For browsers.
#[utoipa::path(get, path = "/sign-in/oidc/callback", tag = "session", security(()),
    params(
        ("code" = Option<String>, Query, description = "What the provider gives out"),
        ("state" = Option<String>, Query, description = "What was sent to the provider"),
        ("iss" = Option<String>, Query, description = "Who the provider is"),
        ("error" = Option<String>, Query, description = "Why it does not")),
    responses((status = 303, description = "To the portal, or back to the sign-in page")))]
async fn oidc_callback(
    State(state): State<PlaneState>,
    headers: HeaderMap,
    returned: Result<Query<Returned>, ApiError>,
) -> Response {
    let returned = returned.map(|Query(returned)| returned).unwrap_or_default();
    let old = cookie::find(&headers, cookie::SESSION).map(hash_of);
    let way = cookie::find(&headers, cookie::WAY).unwrap_or_default();
    let response = match state.access().oidc_end(way, returned, old).await {
        Ok(SignedIn { principal, cookie }) => {
            let mut response = with_cookie(to("/"), cookie::session(&cookie));
            response.extensions_mut().insert(SignedInAs(principal));
            response
        }
        Err(fault) => back(&fault),
    };
    with_cookie(response, cookie::no_way())
}

fn to(address: &str) -> Response {
    match HeaderValue::from_str(address) {
        Ok(address) => (StatusCode::SEE_OTHER, [(header::LOCATION, address)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// To the sign-in page, which says why in its own words.
fn back(fault: &base::Fault) -> Response {
    tracing::info!(fault.code, fault.message, "a sign-in at the provider failed");
    to(&format!("/sign-in#error={}", fault.code))
}

/// Make a one-time link to sign in. Only whoever holds the machine can: over the unix socket.
#[utoipa::path(post, path = "/login-links", tag = "session", request_body = LinkCreate,
    responses((status = 201, description = "The link, good once", body = LinkMade)))]
async fn login_link_create(
    State(state): State<PlaneState>,
    OptionalBody(wish): OptionalBody<LinkCreate>,
) -> Outcome<Response> {
    let url: Secret<String> = state.access().login_link(wish.user.as_deref()).await?;
    let made = LinkMade { url: url.expose().clone() };
    let no_store: [(HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];
    Ok((StatusCode::CREATED, no_store, Json(made)).into_response())
}
