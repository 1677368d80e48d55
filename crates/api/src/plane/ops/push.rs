//! Two ways in that others have fixed, so that their clients need no change: OTLP over HTTP
//! (`POST /v1/logs`) and the shape of Azure Monitor's Logs Ingestion API. Not part of the document,
//! because their paths are not ours. Both answer once the events are stored.

use std::io::Read as _;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use base::{ExitCode, Fault};
use flate2::read::MultiGzDecoder;
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, Limited};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Outcome;
use crate::plane::body::bad;
use crate::plane::model::{LogsIngestQuery, OtlpLogs, OtlpTaken};
use crate::plane::operation::Operations;
use crate::plane::{ApiError, Caller, PlaneState, Query, status_of};

/// Path, method and operation of each; they are pushes that come again and again.
pub(crate) const PUSHES: [(&str, &str, &str); 2] =
    [(OTLP, "POST", "logs_otlp"), (RULE, "POST", "logs_push")];
const OTLP: &str = "/v1/logs";
const RULE: &str = "/dataCollectionRules/{rule}/streams/{stream}";

/// Who sends without being asked who they are; no name of a principal.
const NOBODY: &str = "loopback";

/// Bytes of a request of OTLP, packed or not.
const OTLP_BYTES: usize = 4 << 20;
/// Bytes of a push as it is sent; Azure takes 1 MB too.
const PUSH_BYTES: usize = 1 << 20;
/// Bytes of an unpacked push: its official client adds up 1 MB of objects and counts neither the
/// commas between them nor the brackets.
const PUSH_UNPACKED_BYTES: usize = 2 << 20;
/// A body comes within this time.
const BODY_MAX: Duration = Duration::from_secs(60);
/// Versions of Azure's API whose requests have this shape.
const VERSIONS: [&str; 2] = ["2023-01-01", "2021-11-01-preview"];
/// Where Azure's clients look for the code.
const ERROR_CODE: HeaderName = HeaderName::from_static("x-ms-error-code");

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// Whether requests of an operation are pushes that come again and again.
pub(crate) fn is_push(operation: &str) -> bool {
    PUSHES.iter().any(|(_, _, known)| *known == operation)
}

pub(crate) fn router() -> Router<PlaneState> {
    Router::new().route(OTLP, post(logs_otlp)).route(RULE, post(logs_push))
}

/// OTLP for whoever reaches it.
pub(crate) fn open_router() -> Router<PlaneState> {
    Router::new().route(OTLP, post(logs_otlp_open))
}

/// The operations of [`open_router`].
pub(crate) fn open_operations() -> Operations {
    let [(path, method, operation), _] = PUSHES;
    Operations::default().with(method, path, operation)
}

/// Takes an `ExportLogsServiceRequest` in (OTLP specification, "OTLP/HTTP").
async fn logs_otlp(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    request: Request,
) -> Outcome<Response> {
    take_otlp(&state, &by.name, request).await
}

async fn logs_otlp_open(State(state): State<PlaneState>, request: Request) -> Outcome<Response> {
    take_otlp(&state, NOBODY, request).await
}

async fn take_otlp(state: &PlaneState, by: &str, request: Request) -> Outcome<Response> {
    let kind = kind(request.headers());
    if ![PROTOBUF, JSON].contains(&kind.as_str()) {
        return Err(Fault::new("unsupported_media_type", "the body must be OTLP")
            .hint(format!("send it with content-type: {PROTOBUF} or {JSON}"))
            .exit(ExitCode::Usage)
            .into());
    }
    let bytes = body(request, OTLP_BYTES, OTLP_BYTES).await?;
    let is_protobuf = kind == PROTOBUF;
    let logs = if is_protobuf { OtlpLogs::Protobuf(bytes) } else { OtlpLogs::Json(bytes) };
    let taken = state.backend().logs_otlp(by, logs).await?;
    Ok(match is_protobuf {
        true => ([(header::CONTENT_TYPE, PROTOBUF)], protobuf(taken)).into_response(),
        false => axum::Json(partial_success(taken)).into_response(),
    })
}

/// What became no row, as an `ExportLogsServiceResponse`; it is not to be sent again.
fn partial_success(taken: OtlpTaken) -> Value {
    match taken.n_rejected {
        0 => json!({}),
        n => json!({ "partialSuccess": {
            "rejectedLogRecords": n.to_string(), "errorMessage": REJECTED,
        }}),
    }
}

const REJECTED: &str = "what is not understood stands in PgkeepDeadLetters";

/// The same in protobuf: field 1 of the answer holds a number (1) and a text (2).
fn protobuf(taken: OtlpTaken) -> Vec<u8> {
    if taken.n_rejected == 0 {
        return Vec::new();
    }
    let mut inner = vec![0x08];
    varint(taken.n_rejected, &mut inner);
    inner.push(0x12);
    varint(REJECTED.len() as u64, &mut inner);
    inner.extend_from_slice(REJECTED.as_bytes());
    let mut answer = vec![0x0a];
    varint(inner.len() as u64, &mut answer);
    answer.append(&mut inner);
    answer
}

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while n >= 0x80 {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// The query of a push.
#[derive(Debug, Deserialize)]
struct PushQuery {
    #[serde(rename = "api-version")]
    api_version: Option<String>,
}

/// Takes an array of objects into the table that the stream names (Azure Monitor, "Logs Ingestion
/// API"). The name of the rule is not looked at.
async fn logs_push(
    State(state): State<PlaneState>,
    Caller(by): Caller,
    Path((_, stream)): Path<(String, String)>,
    query: Result<Query<PushQuery>, ApiError>,
    request: Request,
) -> Response {
    let pushed = async {
        let version = query.map_err(|ApiError(fault)| fault)?.0.api_version;
        let table = table(&stream)?;
        if !version.as_deref().is_some_and(|version| VERSIONS.contains(&version)) {
            return Err(bad("api-version is absent or not known").detail(VERSIONS.join(", ")));
        }
        if kind(request.headers()) != JSON {
            return Err(Fault::new("unsupported_media_type", "the body must be JSON"));
        }
        let bytes = body(request, PUSH_BYTES, PUSH_UNPACKED_BYTES).await?;
        if bytes.iter().find(|b| !b.is_ascii_whitespace()) != Some(&b'[') {
            return Err(bad("the body must be an array of objects"));
        }
        let how = LogsIngestQuery {
            format: "json".to_owned(),
            table: Some(table.to_owned()),
            source: None,
        };
        let body = futures_util::stream::iter([Ok(bytes)]).boxed();
        state.backend().logs_ingest(&by, how, body).await
    };
    match pushed.await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(fault) => azure(&fault),
    }
}

/// `Custom-NAME_CL` is a table of somebody's own, `Microsoft-NAME` one that comes with pgkeep.
fn table(stream: &str) -> Result<&str, Fault> {
    let is_name = |name: &str| {
        (1..=100).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && !name.as_bytes()[0].is_ascii_digit()
    };
    let own = stream.strip_prefix("Custom-").filter(|name| name.ends_with("_CL"));
    let known = stream.strip_prefix("Microsoft-").filter(|name| !name.ends_with("_CL"));
    own.or(known).filter(|name| is_name(name)).ok_or_else(|| {
        Fault::new("no_stream", "the stream is not understood")
            .hint("Custom-NAME_CL for a table of your own, Microsoft-NAME for one that is there")
            .exit(ExitCode::Usage)
    })
}

/// A fault in the shape of Azure's errors.
fn azure(fault: &Fault) -> Response {
    let status = match fault.code.as_str() {
        "unsupported_media_type" => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        _ => status_of(fault),
    };
    let code = match fault.code.as_str() {
        "no_stream" => "InvalidStream",
        "bad_input" => "InvalidPayload",
        "too_large" => "ContentLengthLimitExceeded",
        "busy" | "lake_away" => "ServiceUnavailable",
        "unsupported_media_type" => "UnsupportedMediaType",
        _ if status.is_client_error() => "InvalidRequest",
        _ => "InternalServerError",
    };
    if status.is_server_error() {
        tracing::warn!(fault.code, fault.message, fault.detail, "a push was not taken in");
    }
    let mut message = fault.message.clone();
    // What is inside of the plane is for its log.
    for more in fault.detail.iter().chain(&fault.hint).filter(|_| status.is_client_error()) {
        message = format!("{message}; {more}");
    }
    let body = axum::Json(json!({ "error": { "code": code, "message": message } }));
    let mut response = (status, [(ERROR_CODE, code)], body).into_response();
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(header::RETRY_AFTER, 5.into());
    }
    response
}

/// The media type of a body, without its parameters.
fn kind(headers: &HeaderMap) -> String {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
    kind.trim().to_ascii_lowercase()
}

/// A body, unpacked: at most `most` bytes as they are sent, `unpacked_most` after unpacking.
async fn body(request: Request, most: usize, unpacked_most: usize) -> Result<Vec<u8>, Fault> {
    let large = |most: usize| {
        Fault::new("too_large", "the body is too large")
            .detail(format!("at most {most} bytes are read"))
            .exit(ExitCode::Usage)
    };
    let packing = request.headers().get(header::CONTENT_ENCODING).cloned();
    let packing = packing.as_ref().map_or("identity", |name| name.to_str().unwrap_or("?"));
    let is_packed = match packing.to_ascii_lowercase().as_str() {
        "gzip" => true,
        "identity" | "" => false,
        _ => {
            return Err(Fault::new("unsupported_media_type", "the body is packed in another way")
                .hint("content-encoding: gzip, or none")
                .exit(ExitCode::Usage));
        }
    };
    let read = Limited::new(request.into_body(), most).collect();
    let bytes = match tokio::time::timeout(BODY_MAX, read).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(e)) if e.is::<http_body_util::LengthLimitError>() => return Err(large(most)),
        Ok(Err(_)) | Err(_) => return Err(bad("the body is not complete")),
    };
    if !is_packed {
        return Ok(bytes.to_vec());
    }
    let mut unpacked = Vec::new();
    let limit = unpacked_most as u64 + 1;
    let read = MultiGzDecoder::new(&bytes[..]).take(limit).read_to_end(&mut unpacked);
    read.map_err(|e| bad("the body is no gzip").detail(e.to_string()))?;
    match unpacked.len() > unpacked_most {
        true => Err(large(unpacked_most)),
        false => Ok(unpacked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_names_a_table() {
        assert_eq!(table("Custom-Shop_CL").unwrap(), "Shop_CL");
        assert_eq!(table("Microsoft-Syslog").unwrap(), "Syslog");
        for bad in [
            "",
            "Shop_CL",
            "Custom-Shop",
            "Custom-_CL-",
            "Custom-1_CL",
            "Microsoft-A_CL",
            "Microsoft-",
            "Custom-a b_CL",
            "Custom-../x_CL",
        ] {
            assert!(table(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_part_that_was_rejected_is_said_in_protobuf() {
        assert_eq!(protobuf(OtlpTaken { n_records: 3, n_rejected: 0 }), b"");
        let answer = protobuf(OtlpTaken { n_records: 3, n_rejected: 300 });
        assert_eq!(answer[..5], [0x0a, 5 + REJECTED.len() as u8, 0x08, 0xac, 0x02]);
        assert!(answer.ends_with(REJECTED.as_bytes()));
    }
}
