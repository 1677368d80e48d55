//! Failures: the one place where a fault becomes a status and a body.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base::{ExitCode, Fault};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A fault on its way out. The outermost layer writes the body, because it knows the request's
/// id: see [`finish`].
#[derive(Clone, Debug)]
pub struct ApiError(pub Fault);

impl From<Fault> for ApiError {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}

/// Seconds after which the caller may ask again; in the extensions of a refusal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RetryAfter(pub(crate) u64);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = status_of(&self.0).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Every failure of the API.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErrorShape {
    /// What went wrong.
    pub error: ErrorBody,
}

/// What went wrong: a message in PostgreSQL's voice, then detail, then hint.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// A stable word for programs, for example `port_taken`.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// What was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The request, as in the header `x-request-id` and in the logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The exit code that the command line ends with.
    #[schema(value_type = u8)]
    pub exit: ExitCode,
}

/// The status of a fault: by its code where that says more than its exit code.
pub fn status_of(fault: &Fault) -> StatusCode {
    match fault.code.as_str() {
        "unauthenticated" => return StatusCode::UNAUTHORIZED,
        "precondition_failed" => return StatusCode::PRECONDITION_FAILED,
        "locked_out" | "too_many_requests" => return StatusCode::TOO_MANY_REQUESTS,
        "too_large" => return StatusCode::PAYLOAD_TOO_LARGE,
        "unsupported_media_type" => return StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "method_not_allowed" => return StatusCode::METHOD_NOT_ALLOWED,
        "misdirected" => return StatusCode::MISDIRECTED_REQUEST,
        "busy" | "lake_away" | "not_running" => return StatusCode::SERVICE_UNAVAILABLE,
        "server_down" => return StatusCode::CONFLICT,
        _ => {}
    }
    match fault.exit {
        ExitCode::Usage => StatusCode::BAD_REQUEST,
        ExitCode::NotFound => StatusCode::NOT_FOUND,
        ExitCode::Forbidden => StatusCode::FORBIDDEN,
        ExitCode::Conflict | ExitCode::Gate => StatusCode::CONFLICT,
        ExitCode::Sealed => StatusCode::SERVICE_UNAVAILABLE,
        ExitCode::Timeout => StatusCode::GATEWAY_TIMEOUT,
        ExitCode::Ok | ExitCode::Error => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Writes the body of a failure. What answered without a fault of ours (an unknown path, a method
/// that is not there) gets one. `trusted` callers see the detail of an inner failure; others find
/// it in the log only.
pub(crate) fn finish(response: Response, request_id: &str, trusted: bool) -> Response {
    let status = response.status();
    let Some(ApiError(fault)) = response.extensions().get::<ApiError>().cloned() else {
        return match plain(status) {
            Some(fault) if !is_json(&response) => write(response, fault, request_id),
            _ => response,
        };
    };
    let hidden = status == StatusCode::INTERNAL_SERVER_ERROR && !trusted;
    let shown = match hidden {
        true => Fault { detail: None, ..fault }
            .hint("the log of the plane says more; look for the request id"),
        false => fault,
    };
    write(response, shown, request_id)
}

fn write(response: Response, fault: Fault, request_id: &str) -> Response {
    let Fault { code, message, detail, hint, exit } = fault;
    let request_id = Some(request_id.to_owned());
    let error = ErrorBody { code, message, detail, hint, request_id, exit };
    let body = serde_json::to_vec(&ErrorShape { error })
        .expect("because the error shape has only string keys");
    let (mut parts, _) = response.into_parts();
    if let Some(RetryAfter(seconds)) = parts.extensions.get::<RetryAfter>() {
        parts.headers.insert(header::RETRY_AFTER, HeaderValue::from(*seconds));
    }
    let json = HeaderValue::from_static("application/json");
    parts.headers.insert(header::CONTENT_TYPE, json);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, body.into())
}

fn plain(status: StatusCode) -> Option<Fault> {
    let fault = |code: &str, message: &str, exit| Some(Fault::new(code, message).exit(exit));
    match status {
        StatusCode::NOT_FOUND => fault("not_found", "there is nothing here", ExitCode::NotFound),
        StatusCode::METHOD_NOT_ALLOWED => {
            fault("method_not_allowed", "this cannot be done here", ExitCode::Usage)
        }
        StatusCode::BAD_REQUEST => {
            fault("bad_request", "the request is not understood", ExitCode::Usage)
        }
        status if status.is_client_error() => {
            fault("refused", "the request was refused", ExitCode::Usage)
        }
        status if status.is_server_error() => {
            fault("internal", "the plane has failed", ExitCode::Error)
        }
        _ => None,
    }
}

fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
}
