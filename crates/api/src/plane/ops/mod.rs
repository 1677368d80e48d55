//! The handlers, one file an area. The name of a handler is its `operationId`.

mod baseline;
mod encryption;
mod fixes;
mod identities;
mod installation;
mod jobs;
mod keys;
mod keyvaults;
mod logs;
mod networking;
mod parameters;
mod posture;
pub(crate) mod push;
mod servers;
mod vault;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use base::{Fault, ServerName};
use utoipa_axum::router::OpenApiRouter;

use super::error::ApiError;
use super::jobs::Begin;
use super::model::Job;
use super::{PREFIX, PlaneState, body};
use crate::access::judge::{Judge, Question};
use crate::access::{Principal, Scope};

/// Every operation of this module, without the prefix.
pub(crate) fn router() -> OpenApiRouter<PlaneState> {
    OpenApiRouter::new()
        .merge(servers::router())
        .merge(parameters::router())
        .merge(networking::router())
        .merge(encryption::router())
        .merge(vault::router())
        .merge(keyvaults::router())
        .merge(keys::router())
        .merge(identities::router())
        .merge(logs::router())
        .merge(baseline::router())
        .merge(posture::router())
        .merge(fixes::router())
        .merge(jobs::router())
        .merge(installation::router())
}

/// What a handler answers.
pub(crate) type Outcome<T> = Result<T, ApiError>;

/// The id of a request, which the outermost layer has given it.
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestId(pub(crate) String);

/// The same where it may be missing: in tests of handlers alone.
pub(crate) type Id = Option<Extension<RequestId>>;

/// 202 with where to look.
pub(crate) struct Accepted(Job);

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let place = format!("{PREFIX}/jobs/{}", self.0.id);
        let mut response = (StatusCode::ACCEPTED, Json(self.0)).into_response();
        if let Ok(place) = HeaderValue::from_str(&place) {
            response.headers_mut().insert(header::LOCATION, place);
        }
        response
    }
}

/// A server's name from a path.
fn server_name(text: &str) -> Result<ServerName, Fault> {
    ServerName::new(text).map_err(|e| body::bad(&e.to_string()))
}

/// The scope of a server.
fn server_scope(name: &ServerName) -> String {
    format!("/servers/{name}")
}

/// What a job notes of its beginning.
fn begin(kind: &'static str, target: String, by: &Principal, id: Id) -> Begin {
    let request_id = id.map(|Extension(RequestId(id))| id).unwrap_or_default();
    Begin { kind, target, by: by.name.clone(), request_id }
}

/// A name or id from a path that goes on to the vault: no longer than any of them, plain.
fn plain(what: &str, text: &str) -> Result<(), Fault> {
    let ok = (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if ok { Ok(()) } else { Err(body::bad(&format!("the name of the {what} is not understood"))) }
}

/// Whether the judged may see how to connect to a server as its superuser.
fn may_see_dsn(judge: &Judge, server: &str) -> bool {
    judge.may(Question::new("server_dsn_show", &Scope::Server(server.to_owned())))
}
