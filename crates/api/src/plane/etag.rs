//! ETags (RFC 9110, 8.8.3): hashes of what is shown, so that nobody overwrites what they have
//! not seen.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base::{ExitCode, Fault};
use serde::Serialize;

/// A strong tag of `value`.
pub(crate) fn of(value: &impl Serialize) -> String {
    let bytes = serde_json::to_vec(value).expect("because what is shown has only string keys");
    let hash = crypto::sha256(&bytes);
    let mut tag = String::from('"');
    for byte in &hash[..16] {
        tag.push_str(&format!("{byte:02x}"));
    }
    tag.push('"');
    tag
}

/// `value` with its tag, or 304 when the caller has it already.
pub(crate) fn answer(headers: &HeaderMap, value: &impl Serialize) -> Response {
    answer_tagged(headers, &of(value), value)
}

/// The same with a tag of something less than all of it: what changes by itself is left out.
pub(crate) fn answer_tagged(headers: &HeaderMap, tag: &str, value: &impl Serialize) -> Response {
    let known = named(headers, header::IF_NONE_MATCH).is_some_and(|list| matches(list, tag));
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Json(value).into_response(),
    };
    let tag = HeaderValue::from_str(tag).expect("because it is hex in quotes");
    response.headers_mut().insert(header::ETAG, tag);
    response
}

/// Whether the caller asked for a condition at all.
pub(crate) fn is_conditional(headers: &HeaderMap) -> bool {
    headers.contains_key(header::IF_MATCH)
}

/// Refuses a change of what is no longer what the caller has seen.
pub(crate) fn check(headers: &HeaderMap, tag: &str) -> Result<(), Fault> {
    match headers.get(header::IF_MATCH) {
        None => Ok(()),
        Some(value) if value.to_str().is_ok_and(|list| matches(list, tag)) => Ok(()),
        Some(_) => Err(Fault::new("precondition_failed", "it was changed by somebody else")
            .hint("look at it again, then change it")
            .exit(ExitCode::Conflict)),
    }
}

fn named(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn matches(list: &str, tag: &str) -> bool {
    list.split(',').map(str::trim).any(|one| {
        one == "*" || one == tag || one.strip_prefix("W/").is_some_and(|weak| weak == tag)
    })
}
