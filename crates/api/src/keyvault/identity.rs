//! The identity endpoint in the manner of App Service (`api-version=2019-08-01`): tokens for
//! managed identities, over loopback with a secret header or on a unix socket.
//!
//! A page or a service that is tricked into asking (SSRF) must get nothing: over loopback the
//! secret header and a local `Host` are demanded, and what passed a proxy or came from a page is
//! refused. Nothing is ever redirected.

use base::Secret;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, PRAGMA};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::json;
use vault::keyvault::model::Refusal;
use zeroize::Zeroizing;

use http_body_util::Full;
use hyper::body::Bytes;

use super::answer::Answered;
use super::backend::{IdentitySelector, Proof, TokenReply, TokenRequest};
use super::listen::{Caller, Serve};
use super::query::Query;
use super::refuse::{self, bad_parameter};
use super::respond::client_info;
use super::{KeyVaultEdge, no_result};
use crate::host::is_local;

const PATH: &str = "/msi/token";
const API_VERSION: &str = "2019-08-01";
const SECRET_HEADER: &str = "x-identity-header";
/// Headers of requests that somebody else passed on, or that a page made.
const FOREIGN_HEADERS: &[&str] =
    &["x-forwarded-for", "forwarded", "via", "origin", "referer", "sec-fetch-site"];
const MAX_SECRET_LEN: usize = 512;
const MAX_VALUE_LEN: usize = 512;

/// The endpoint as a listener serves it.
#[derive(Clone)]
pub(crate) struct Endpoint(pub(crate) KeyVaultEdge);

impl Serve for Endpoint {
    async fn serve(&self, request: Request<Incoming>, caller: &Caller) -> Answered {
        // A body means nothing here and is not read.
        let (parts, _) = request.into_parts();
        let inner = self.0.inner.clone();
        let id = inner.request_id();
        let (caller, backend_id) = (caller.clone(), id.clone());
        let timeout = inner.settings.limits.answer_timeout;
        let issue = move || {
            let request = read(&parts, &caller, backend_id)?;
            inner.backend.token(request)
        };
        match self.0.pool.run(timeout, issue).await {
            Ok(Ok(reply)) => token(&reply).unwrap_or_else(|| failed(&refuse::broken(), &id)),
            Ok(Err(refusal)) => failed(&refusal, &id),
            Err(e) => failed(&no_result(e), &id),
        }
    }
}

/// Reads a request for a token.
fn read(parts: &Parts, caller: &Caller, request_id: String) -> Result<TokenRequest, Refusal> {
    if let Caller::Network(_) = caller {
        check_origin(&parts.headers)?;
    }
    if parts.uri.path().trim_end_matches('/') != PATH {
        return Err(refuse::no_route());
    }
    if parts.method != Method::GET {
        let shown: String = parts.method.as_str().chars().take(16).collect();
        return Err(refuse::no_method(&shown));
    }
    let query = Query::parse(parts.uri.query()).map_err(bad_parameter)?;
    let proof = match caller {
        Caller::Network(_) => Proof::Header(secret(&parts.headers)?),
        Caller::Local(process) => Proof::Peer(process.peer()),
    };
    match query.value("api-version") {
        Some(API_VERSION) => {}
        Some(_) => return Err(bad_parameter(format!("api-version must be {API_VERSION}."))),
        None => return Err(bad_parameter("api-version must be specified.")),
    }
    let resource = query.value("resource").ok_or_else(|| bad_parameter("resource is missing."))?;
    if resource.len() > MAX_VALUE_LEN {
        return Err(bad_parameter("resource is too long."));
    }
    Ok(TokenRequest {
        request_id,
        resource: resource.to_owned(),
        selector: selector(&query)?,
        proof,
        caller_address: match caller {
            Caller::Network(address) => address.to_string(),
            Caller::Local(process) => format!("unix:{}", process.uid()),
        },
        client_info: client_info(&parts.headers),
    })
}

/// Refuses what did not come straight from a program on this machine.
fn check_origin(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut hosts = headers.get_all(HOST).iter();
    let local = match (hosts.next().map(HeaderValue::to_str), hosts.next()) {
        (Some(Ok(host)), None) => is_local(host),
        _ => false,
    };
    if !local {
        return Err(refuse::foreign_host());
    }
    match FOREIGN_HEADERS.iter().find(|name| headers.contains_key(**name)) {
        Some(name) => Err(bad_parameter(format!("The header {name} is not accepted here."))),
        None => Ok(()),
    }
}

fn secret(headers: &HeaderMap) -> Result<Secret<String>, Refusal> {
    let mut values = headers.get_all(SECRET_HEADER).iter();
    match (values.next().map(HeaderValue::to_str), values.next()) {
        (Some(Ok(text)), None) if (1..=MAX_SECRET_LEN).contains(&text.len()) => {
            Ok(Secret::new(text.to_owned()))
        }
        _ => Err(Refusal {
            status: 401,
            code: "Unauthorized",
            message: "The header X-IDENTITY-HEADER is missing or not usable.".to_owned(),
            inner_code: None,
        }),
    }
}

type Selector = fn(String) -> IdentitySelector;

/// At most one name of an identity; two are refused, as they could differ.
fn selector(query: &Query) -> Result<Option<IdentitySelector>, Refusal> {
    let names: [(&str, Selector); 5] = [
        ("client_id", IdentitySelector::ClientId),
        ("object_id", IdentitySelector::ObjectId),
        ("principal_id", IdentitySelector::ObjectId),
        ("mi_res_id", IdentitySelector::ResourceId),
        ("msi_res_id", IdentitySelector::ResourceId),
    ];
    let mut given = names.iter().filter_map(|(name, make)| Some((query.value(name)?, make)));
    match (given.next(), given.next()) {
        (None, _) => Ok(None),
        (Some((value, make)), None) if value.len() <= MAX_VALUE_LEN => {
            Ok(Some(make(value.to_owned())))
        }
        (Some(_), None) => Err(bad_parameter("The identity's name is too long.")),
        (Some(_), Some(_)) => Err(bad_parameter("Name the identity in one way only.")),
    }
}

/// The token, with `expires_on` as text: clients fail otherwise.
fn token(reply: &TokenReply) -> Option<Answered> {
    #[derive(serde::Serialize)]
    struct Body<'a> {
        access_token: &'a str,
        expires_on: &'a str,
        resource: &'a str,
        token_type: &'a str,
        client_id: &'a str,
    }
    let access_token = reply.access_token.expose();
    let body = Body {
        access_token,
        expires_on: &reply.expires_on.to_string(),
        resource: &reply.resource,
        token_type: "Bearer",
        client_id: &reply.client_id,
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(access_token.len() + 4096));
    if let Err(e) = serde_json::to_writer(&mut *bytes, &body) {
        tracing::error!(error = %e, "could not write a token as JSON");
        return None;
    }
    Some(answer(StatusCode::OK, Bytes::from_owner(bytes)))
}

/// An error in the shape of App Service.
fn failed(refusal: &Refusal, id: &str) -> Answered {
    let status = StatusCode::from_u16(refusal.status).ok();
    let status = status.filter(|status| status.is_client_error() || status.is_server_error());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = json!({
        "statusCode": status.as_u16(),
        "message": refusal.message,
        "correlationId": id,
    });
    let mut answered = answer(status, Bytes::from(body.to_string()));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        answered.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
    }
    if matches!(status.as_u16(), 429 | 503) {
        let seconds = HeaderValue::from_static("5");
        answered.headers_mut().insert(hyper::header::RETRY_AFTER, seconds);
    }
    answered
}

fn answer(status: StatusCode, body: Bytes) -> Answered {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "application/json; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (PRAGMA, "no-cache"),
        (hyper::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
