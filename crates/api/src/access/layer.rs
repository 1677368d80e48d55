//! What every request to the API passes: who is it, may a page elsewhere have sent it, may they.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use base::{ExitCode, Fault};
use percent_encoding::percent_decode_str;

use super::judge::{Judge, Question, roles_that_may};
use super::principal::{Kind, Principal, Scope};
use super::service::Access;
use super::store::{Act, Hash};
use super::{cookie, judge};
use crate::plane::{ApiError, Operation, PREFIX, is_push};

/// The OS user at the other end of the unix socket. Put into the extensions by whoever accepts
/// connections there, after it has judged that this user may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalPeer(pub u32);

/// Puts the layers of sign-in and permissions around `router`; the operation has to be noted
/// outside of them.
pub(crate) fn protect(router: Router, access: Arc<Access>) -> Router {
    router
        .layer(from_fn_with_state(Arc::clone(&access), authorise))
        .layer(from_fn(csrf))
        .layer(from_fn_with_state(access, authenticate))
}

/// Who it is and by what; in the extensions of every request behind [`authenticate`].
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// Who it is; a guest too.
    pub(crate) judge: Arc<Judge>,
    /// The session whose cookie came along.
    pub(super) session: Option<Hash>,
    by_cookie: bool,
}

/// In the extensions of an answer: who it turned out to be, for the activity log.
#[derive(Clone, Debug)]
pub(super) struct SignedInAs(pub(super) Principal);

/// Finds out who it is. A bearer token counts before all else, then the socket, then the cookie;
/// what is wrong is nobody.
async fn authenticate(
    State(access): State<Arc<Access>>,
    mut request: Request,
    next: Next,
) -> Response {
    let local = request.extensions().get::<LocalPeer>().is_some();
    let known = match find(&access, request.headers(), local).await {
        Ok(known) => known,
        Err(fault) => return ApiError(fault).into_response(),
    };
    if let Some(principal) = known.judge.principal() {
        let principal = principal.clone();
        request.extensions_mut().insert(principal);
    }
    request.extensions_mut().insert(known);
    next.run(request).await
}

async fn find(access: &Arc<Access>, headers: &HeaderMap, local: bool) -> Result<Known, Fault> {
    let known = |judge| Known { judge, session: None, by_cookie: false };
    if let Some(bearer) = headers.get(header::AUTHORIZATION) {
        let token = bearer.to_str().ok().and_then(bearer_of);
        let judge = match token {
            Some(token) => access.by_token(token).await?,
            None => None,
        };
        return Ok(known(judge.unwrap_or_else(|| access.guest())));
    }
    if local {
        return Ok(known(access.judge(&Principal::local("local"))));
    }
    let Some(cookie) = cookie::find(headers, cookie::SESSION) else {
        return Ok(known(access.guest()));
    };
    Ok(match access.by_session(cookie).await? {
        Some((judge, session)) => Known { judge, session: Some(session), by_cookie: true },
        None => known(access.guest()),
    })
}

fn bearer_of(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

/// Refuses changes that a page from elsewhere could have made a browser send.
async fn csrf(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let known = request.extensions().get::<Known>();
    let by_cookie = known.is_some_and(|known| known.by_cookie);
    if !safe && !is_own(request.headers(), by_cookie) {
        let fault = Fault::new("cross_site", "this request did not come from the portal")
            .hint(
                "browsers send X-Pgkeep-Csrf: 1 from the portal's own origin; programs use a token",
            )
            .exit(ExitCode::Forbidden);
        return ApiError(fault).into_response();
    }
    next.run(request).await
}

/// What a browser says of the page that sends must fit; with a cookie it must say something, and
/// send a header that no form can.
fn is_own(headers: &HeaderMap, by_cookie: bool) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host = text("host").unwrap_or_default();
    let origin = text("origin").map(|origin| origin.strip_prefix("https://") == Some(host));
    let site = text("sec-fetch-site").map(|site| site == "same-origin");
    if origin == Some(false) || site == Some(false) {
        return false;
    }
    let said = origin.is_some() || site.is_some();
    !by_cookie || (said && text("x-pgkeep-csrf") == Some("1"))
}

/// Asks the policies, and writes the activity log: every change, and everything refused.
async fn authorise(State(access): State<Arc<Access>>, request: Request, next: Next) -> Response {
    let Some(known) = request.extensions().get::<Known>().cloned() else {
        return ApiError(unauthenticated()).into_response();
    };
    let Some(operation) = request.extensions().get::<Operation>().cloned() else {
        // A path that leads nowhere; one that leads somewhere has an operation.
        return match request.extensions().get::<MatchedPath>() {
            None => next.run(request).await,
            Some(_) => ApiError(forbidden("no policy is about this")).into_response(),
        };
    };
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let about = About::of(path, request.uri());
    let question = Question {
        operation: &operation.0,
        scope: &about.scope,
        parameter: about.parameter.as_deref(),
    };
    let mut act = Act {
        at: access.now(),
        principal: String::new(),
        kind: None,
        operation: operation.0.to_string(),
        target: request.uri().path().chars().take(256).collect(),
        status: 0,
        request_id: request_id(request.headers()),
    };
    let safe = matches!(*request.method(), Method::GET | Method::HEAD);
    let principal = known.judge.principal();
    let response = if known.judge.may(question) {
        next.run(request).await
    } else {
        let fault = match principal {
            None => unauthenticated(),
            Some(who) => refusal(&access, who, question),
        };
        ApiError(fault).into_response()
    };
    let status = response.status();
    let denied = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    // Events that were taken in speak for themselves, in the lake and among its sources; an entry
    // for each push would push out what people did.
    let is_noted = !(safe || is_push(&operation.0) && status.is_success());
    if is_noted || denied {
        let turned_out = response.extensions().get::<SignedInAs>().map(|SignedInAs(who)| who);
        let who = turned_out.or(principal);
        act.principal = who.map(|who| who.name.clone()).unwrap_or_default();
        act.kind = who.map(|who| who.kind);
        act.status = status.as_u16();
        access.note(act).await;
    }
    response
}

fn unauthenticated() -> Fault {
    Fault::new("unauthenticated", "this needs a sign-in")
        .hint("sign in at the portal, or send a token: pgkeep token create")
        .exit(ExitCode::Forbidden)
}

fn forbidden(detail: impl Into<String>) -> Fault {
    Fault::new("forbidden", "this is not allowed").detail(detail).exit(ExitCode::Forbidden)
}

/// Says which roles would do.
pub(super) fn refusal(access: &Access, who: &Principal, question: Question<'_>) -> Fault {
    let would = |kind| roles_that_may(access.policies(), kind, question);
    let roles = would(who.kind);
    let scope = question.scope;
    if !roles.is_empty() {
        let noun = if roles.len() == 1 { "the role" } else { "one of the roles" };
        let detail = format!("{} needs {noun} {} on {scope}", who.name, roles.join(", "));
        return forbidden(detail).hint("an owner gives roles: pgkeep user set-roles");
    }
    // Roles are not what it lacks.
    let kinds = [(Kind::User, "a local account"), (Kind::Local, "whoever holds the machine")];
    let able = kinds.into_iter().find(|(kind, _)| !would(*kind).is_empty());
    match able {
        Some((_, able)) => forbidden(format!("only {able} may do this")),
        None => forbidden("nobody may do this"),
    }
}

fn request_id(headers: &HeaderMap) -> String {
    let id = headers.get("x-request-id").and_then(|id| id.to_str().ok()).unwrap_or_default();
    id.chars().take(64).collect()
}

/// What a request is about, by its path.
#[derive(Debug, PartialEq, Eq)]
struct About {
    scope: Scope,
    parameter: Option<String>,
}

impl About {
    /// `pattern` is the path of the route that `uri` has matched.
    fn of(pattern: &str, uri: &Uri) -> Self {
        let below = |path: &str| -> Vec<String> {
            let path = path.strip_prefix(PREFIX).unwrap_or_default();
            path.split('/').skip(1).map(str::to_owned).collect()
        };
        let pattern = below(pattern);
        let actual = below(uri.path());
        let taken = |place: usize| {
            let is_variable = pattern.get(place).is_some_and(|part| part.starts_with('{'));
            let text = actual.get(place).filter(|_| is_variable)?;
            // The same as handlers are given.
            percent_decode_str(text).decode_utf8().ok().map(String::from)
        };
        let scope = match (pattern.first().map(String::as_str), taken(1)) {
            (Some("servers"), Some(name)) => Scope::Server(name),
            (Some("keyvaults"), Some(name)) => Scope::Keyvault(name),
            _ => Scope::All,
        };
        let parameter = match pattern.get(2).map(String::as_str) {
            Some("parameters") => taken(3),
            _ => None,
        };
        Self { scope, parameter }
    }
}

impl Access {
    /// Whether `who` may do that: for handlers whose answer depends on more than the operation,
    /// and for each item of a list. `operation` may be a facet of the schema.
    pub fn may(&self, who: &Principal, operation: &str, scope: &Scope) -> bool {
        self.judge(who).may(judge::Question::new(operation, scope))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_says_what_it_is_about() {
        let about = |pattern: &str, path: &str| {
            let found = About::of(pattern, &path.parse().unwrap());
            (found.scope.to_string(), found.parameter)
        };
        for (pattern, path, scope, parameter) in [
            ("/api/v1/servers", "/api/v1/servers", "/", None),
            ("/api/v1/servers/{server}", "/api/v1/servers/a", "/servers/a", None),
            ("/api/v1/servers/{server}", "/api/v1/servers/%61", "/servers/a", None),
            ("/api/v1/keyvaults/{v}/keys/{k}", "/api/v1/keyvaults/v/keys/a", "/keyvaults/v", None),
            (
                "/api/v1/servers/{server}/parameters/{p}",
                "/api/v1/servers/a/parameters/ssl%5Fciphers?dry_run=true",
                "/servers/a",
                Some("ssl_ciphers"),
            ),
            ("/api/v1/users/{name}", "/api/v1/users/servers", "/", None),
            ("/healthz", "/healthz", "/", None),
        ] {
            let expected = (scope.to_owned(), parameter.map(str::to_owned));
            assert_eq!(about(pattern, path), expected, "{path}");
        }
    }

    #[test]
    fn only_the_portals_own_pages_change_things() {
        let own = |headers: &[(&'static str, &str)], by_cookie| {
            let mut map = HeaderMap::new();
            map.insert("host", "localhost:8443".parse().unwrap());
            for (name, value) in headers {
                map.insert(*name, value.parse().unwrap());
            }
            is_own(&map, by_cookie)
        };
        let (csrf, site) = (("x-pgkeep-csrf", "1"), ("sec-fetch-site", "same-origin"));
        let origin = ("origin", "https://localhost:8443");
        assert!(own(&[csrf, site, origin], true));
        assert!(own(&[csrf, origin], true));
        assert!(own(&[], false), "a program without a cookie");
        for bad in [
            &[csrf][..],
            &[site, origin],
            &[csrf, ("sec-fetch-site", "same-site"), origin],
            &[csrf, ("sec-fetch-site", "cross-site")],
            &[csrf, site, ("origin", "https://localhost:9999")],
            &[csrf, site, ("origin", "http://localhost:8443")],
            &[csrf, site, ("origin", "null")],
            &[("x-pgkeep-csrf", "0"), site, origin],
        ] {
            assert!(!own(bad, true), "{bad:?}");
        }
        assert!(!own(&[("origin", "https://evil.example")], false), "a sign-in from elsewhere");
    }
}
