//! Bodies and queries, read strictly; what is wrong with them becomes a fault that does not quote
//! them, because they may hold secrets.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use base::{ExitCode, Fault};
use http_body_util::{BodyExt as _, Limited};
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use zeroize::Zeroizing;

use super::error::ApiError;

/// No body is larger.
const BODY_MAX_BYTES: usize = 256 << 10;

/// A JSON body.
#[derive(Debug)]
pub(crate) struct Body<T>(pub(crate) T);

/// A JSON body that may be left out.
#[derive(Debug)]
pub(crate) struct OptionalBody<T>(pub(crate) T);

/// The query of the address.
#[derive(Debug)]
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        check_type(request.headers())?;
        let bytes = read(request).await?;
        Ok(Self(parse(&bytes)?))
    }
}

impl<T: DeserializeOwned + Default, S: Sync> FromRequest<S> for OptionalBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let typed = check_type(request.headers());
        let bytes = read(request).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        typed?;
        Ok(Self(parse(&bytes)?))
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        axum::extract::Query::try_from_uri(&parts.uri).map(|query| Self(query.0)).map_err(|e| {
            use std::error::Error as _;
            let fault = bad("the query is not understood");
            ApiError(match e.source() {
                Some(why) => fault.detail(why.to_string()),
                None => fault,
            })
        })
    }
}

fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(ApiError(
        Fault::new("unsupported_media_type", "the body must be JSON")
            .hint("send it with content-type: application/json")
            .exit(ExitCode::Usage),
    ))
}

async fn read(request: Request) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let body = Limited::new(request.into_body(), BODY_MAX_BYTES);
    let bytes = body.collect().await.map_err(|e| {
        ApiError(match e.is::<http_body_util::LengthLimitError>() {
            true => Fault::new("too_large", "the body is too large")
                .detail(format!("at most {BODY_MAX_BYTES} bytes are read"))
                .exit(ExitCode::Usage),
            false => bad("the body is not complete"),
        })
    })?;
    Ok(Zeroizing::new(bytes.to_bytes().to_vec()))
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    // A list of values in the order of the fields would be taken for them, too.
    if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
        return Err(ApiError(bad("the body is not understood").detail("it is no JSON object")));
    }
    serde_json::from_slice(bytes).map_err(|e| {
        let place = format!("line {}, column {}", e.line(), e.column());
        let said = e.to_string();
        // Only these words of serde name nothing but fields; others may quote a value.
        let about_fields = said.starts_with("missing field") || said.starts_with("unknown field");
        let detail = match e.classify() {
            Category::Data if about_fields => said,
            Category::Data => format!("a value is of the wrong type or out of range at {place}"),
            _ => format!("it is no JSON at {place}"),
        };
        ApiError(bad("the body is not understood").detail(detail))
    })
}

/// A request that is not understood.
pub(crate) fn bad(message: &str) -> Fault {
    Fault::new("bad_request", message).exit(ExitCode::Usage)
}
