//! One request to a vault, from its headers to its answer: who asks, what, and what came of it.
//!
//! Everything here may block and runs on a worker. Every request for a vault reaches the backend,
//! also one that cannot be served, so that the audit has it.

use std::net::IpAddr;

use hyper::header::{AUTHORIZATION, HeaderMap, USER_AGENT};
use hyper::http::request::Parts;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use vault::keyvault::model::{Answer, Call, Context, Op, Principal};

use super::Inner;
use super::answer::{self, About, Answered, Refused};
use super::host::{Host, host};
use super::op::{Asked, Body};
use super::query::Query;
use super::refuse;
use super::route::Miss;

const MAX_CLIENT_ID_LEN: usize = 128;
const MAX_CLIENT_INFO_LEN: usize = 256;
const MAX_URI_LEN: usize = 1024;
const MAX_VERSION_LEN: usize = 32;

/// What RFC 3986 §2.3 leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A request as the worker gets it.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) parts: Parts,
    pub(crate) body: Body,
    pub(crate) address: IpAddr,
    pub(crate) about: About,
}

/// Answers a request to any host name.
pub(crate) fn respond(inner: &Inner, request: &Request) -> Answered {
    match host(&request.parts, &inner.settings.domain) {
        Host::Vault(name) => of_vault(inner, name, request),
        Host::Domain => super::domain::respond(inner, request),
        Host::Foreign => refused(&request.about, refuse::foreign_host().into()),
    }
}

fn of_vault(inner: &Inner, vault: String, request: &Request) -> Answered {
    let Request { parts, about, .. } = request;
    let query = Query::parse(parts.uri.query());
    let context = context(inner, &vault, request, query.as_ref().ok());
    let (principal, asked) = identify(inner, &vault, request, query);
    let api_version = context.api_version.clone();
    let (op, max_results, miss) = match asked {
        Ok(Asked { op, max_results }) => (op, max_results, None),
        Err(miss) => (Op::Unrecognised { refusal: miss.refusal.clone() }, None, Some(miss)),
    };
    let call = Call { vault: vault.clone(), principal, op, context };
    let answer = match (inner.backend.call(call), miss) {
        (Ok(answer), None) => answer,
        // What was not understood is refused, whatever the backend makes of it.
        (Ok(_), Some(miss)) => return refused_by(inner, about, miss),
        (Err(refusal), miss) => {
            let allow = miss.and_then(|miss| miss.allow);
            return refused_by(inner, about, Miss { refusal, allow });
        }
    };
    let next_link = |token: &str| {
        let path = page_path(parts);
        let authority = inner.settings.authority(Some(&vault));
        let token = utf8_percent_encode(token, UNRESERVED);
        let size = max_results.map_or_else(String::new, |n| format!("&maxresults={n}"));
        format!("https://{authority}{path}?api-version={api_version}&$skiptoken={token}{size}")
    };
    reply(about, &answer, next_link)
}

/// Who asks and what, or the refusal that comes before that question.
fn identify(
    inner: &Inner,
    vault: &str,
    request: &Request,
    query: Result<Query, &str>,
) -> (Principal, Result<Asked, Miss>) {
    let nobody = |why: &str| Principal::Anonymous { why: why.to_owned() };
    let before = inner.backend.unavailable();
    let found = match &before {
        Some(_) => None,
        None if !inner.backend.vault_exists(vault) => {
            Some(Err((nobody("the vault does not exist"), refuse::no_vault(vault))))
        }
        None => Some(principal(inner, &request.parts.headers)),
    };
    match (found, before.or_else(|| inner.backend.unavailable())) {
        (Some(Ok(principal)), None) => {
            (principal, super::op::read(&request.parts, query, &request.body))
        }
        (Some(Err((principal, refusal))), None) => (principal, Err(refusal.into())),
        (_, Some(refusal)) => (nobody("the vault is not available"), Err(refusal.into())),
        (None, None) => (nobody("the vault is not available"), Err(refuse::broken().into())),
    }
}

fn reply(about: &About, answer: &Answer, next_link: impl Fn(&str) -> String) -> Answered {
    let mut response = match super::reply::json(&answer.reply, next_link) {
        Ok(Some(body)) => answer::ok(about, body),
        Ok(None) => answer::nothing(about),
        Err(e) => {
            tracing::error!(error = %e, "could not write the reply of the vault as JSON");
            return refused(about, refuse::broken().into());
        }
    };
    answer::allowed_by(&mut response, answer.assignment_id.as_deref());
    response
}

/// Who asks, or why that cannot be said.
fn principal(
    inner: &Inner,
    headers: &HeaderMap,
) -> Result<Principal, (Principal, vault::keyvault::model::Refusal)> {
    let nobody = |why: &str, refusal| Err((Principal::Anonymous { why: why.to_owned() }, refusal));
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = match (values.next(), values.next()) {
        (None, _) => return nobody("no token", refuse::no_token()),
        (Some(_), Some(_)) => return nobody("two Authorization headers", refuse::bad_token()),
        (Some(value), None) => value,
    };
    let Ok(text) = value.to_str() else {
        return nobody("the Authorization header is not text", refuse::bad_token());
    };
    let token = match text.trim().split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return nobody("not a bearer token", refuse::no_token()),
    };
    if token.is_empty() {
        return nobody("an empty token", refuse::no_token());
    }
    match inner.backend.authenticate(token, &inner.resource) {
        anonymous @ Principal::Anonymous { .. } => Err((anonymous, refuse::bad_token())),
        principal => Ok(principal),
    }
}

fn context(inner: &Inner, vault: &str, request: &Request, query: Option<&Query>) -> Context {
    let Request { parts, about, address, .. } = request;
    let api_version = query.and_then(|query| query.value("api-version")).unwrap_or_default();
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let uri = format!("https://{}{target}", inner.settings.authority(Some(vault)));
    Context {
        request_id: about.request_id.clone(),
        client_request_id: about.client_request_id.clone(),
        api_version: cut(api_version, MAX_VERSION_LEN),
        caller_address: address.to_string(),
        client_info: client_info(&parts.headers),
        request_uri: cut(&uri, MAX_URI_LEN),
    }
}

/// `User-Agent` as far as it is text, cut.
pub(crate) fn client_info(headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
    cut(agent.unwrap_or_default(), MAX_CLIENT_INFO_LEN)
}

/// `x-ms-client-request-id` when it is short, visible text.
pub(crate) fn client_request_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get("x-ms-client-request-id")?.to_str().ok()?;
    ((1..=MAX_CLIENT_ID_LEN).contains(&id.len())).then(|| id.to_owned())
}

/// The first `max` characters.
fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

/// The path without a trailing slash, as a next page is asked for.
fn page_path(parts: &Parts) -> &str {
    let path = parts.uri.path();
    path.strip_suffix('/').unwrap_or(path)
}

/// A refusal that needs no challenge.
pub(crate) fn refused(about: &About, miss: Miss) -> Answered {
    let Miss { refusal, allow } = miss;
    answer::refused(about, &Refused { refusal, allow, challenge: None })
}

fn refused_by(inner: &Inner, about: &About, miss: Miss) -> Answered {
    let Miss { refusal, allow } = miss;
    answer::refused(about, &Refused { refusal, allow, challenge: Some(inner.challenge.clone()) })
}
