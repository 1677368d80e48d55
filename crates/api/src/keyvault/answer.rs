//! HTTP answers: the headers of Azure Key Vault, JSON bodies, also for every error.

use std::net::IpAddr;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, EXPIRES, HeaderName, HeaderValue, PRAGMA,
    RETRY_AFTER, STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode, Version};
use serde_json::json;
use vault::keyvault::model::Refusal;
use zeroize::Zeroizing;

/// An answer, whole: nothing here is long.
pub(crate) type Answered = Response<Full<Bytes>>;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");
const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");
const REGION: HeaderName = HeaderName::from_static("x-ms-keyvault-region");
const SERVICE_VERSION: HeaderName = HeaderName::from_static("x-ms-keyvault-service-version");
const NETWORK_INFO: HeaderName = HeaderName::from_static("x-ms-keyvault-network-info");
const ASSIGNMENT_ID: HeaderName = HeaderName::from_static("x-ms-keyvault-rbac-assignment-id");

/// How long a caller of a sealed vault should wait, in seconds.
const RETRY_UNAVAILABLE_S: &str = "5";
/// How long a caller that met the queue's limit should wait, in seconds.
const RETRY_SATURATED_S: &str = "1";

/// What the headers of an answer say about its request.
#[derive(Clone, Debug)]
pub(crate) struct About {
    pub(crate) request_id: String,
    pub(crate) client_request_id: Option<String>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) version: Version,
}

/// A refusal and the headers that its status calls for.
#[derive(Clone, Debug)]
pub(crate) struct Refused {
    pub(crate) refusal: Refusal,
    /// For 405: the methods there are.
    pub(crate) allow: Option<&'static str>,
    /// For 401: the value of `WWW-Authenticate`.
    pub(crate) challenge: Option<HeaderValue>,
}

/// An answer with a JSON body; the body is wiped once it has been handed to the connection.
pub(crate) fn ok(about: &About, body: Zeroizing<Vec<u8>>) -> Answered {
    let mut response = Response::new(Full::new(Bytes::from_owner(body)));
    headers(about, &mut response);
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

/// 204.
pub(crate) fn nothing(about: &About) -> Answered {
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::NO_CONTENT;
    headers(about, &mut response);
    response
}

/// An error in Azure's shape.
pub(crate) fn refused(about: &About, refused: &Refused) -> Answered {
    let Refused { refusal, allow, challenge } = refused;
    let mut error = json!({ "code": refusal.code, "message": refusal.message });
    if let Some(inner) = refusal.inner_code {
        error["innererror"] = json!({ "code": inner });
    }
    let body = json!({ "error": error }).to_string();
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status(refusal);
    headers(about, &mut response);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    match refusal.status {
        401 => headers.extend(challenge.clone().map(|value| (WWW_AUTHENTICATE, value))),
        405 => headers.extend(allow.map(|list| (ALLOW, HeaderValue::from_static(list)))),
        429 => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_SATURATED_S));
        }
        503 => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(RETRY_UNAVAILABLE_S));
        }
        // The rest of the body is on its way: the connection cannot be used again.
        408 | 413 if about.version < Version::HTTP_2 => {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    response
}

/// Says which role assignment allowed the request.
pub(crate) fn allowed_by(response: &mut Answered, assignment_id: Option<&str>) {
    if let Some(Ok(value)) = assignment_id.map(HeaderValue::from_str) {
        response.headers_mut().insert(ASSIGNMENT_ID, value);
    }
}

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// The status of a refusal; one that is none (a mistake of the backend) is 500.
fn status(refusal: &Refusal) -> StatusCode {
    match StatusCode::from_u16(refusal.status) {
        Ok(status) if status.is_client_error() || status.is_server_error() => status,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn headers(about: &About, response: &mut Answered) {
    let headers = response.headers_mut();
    headers.reserve(16);
    for (name, value) in [
        (CACHE_CONTROL, "no-cache"),
        (PRAGMA, "no-cache"),
        (EXPIRES, "-1"),
        (STRICT_TRANSPORT_SECURITY, "max-age=31536000;includeSubDomains"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REGION, "local"),
        (SERVICE_VERSION, env!("CARGO_PKG_VERSION")),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let network = about.address.map(|address| match address {
        IpAddr::V4(v4) => format!("conn_type=Ipv4;addr={v4};act_addr_fam=InterNetwork;"),
        IpAddr::V6(v6) => format!("conn_type=Ipv6;addr={v6};act_addr_fam=InterNetworkV6;"),
    });
    for (name, value) in [
        (REQUEST_ID, Some(about.request_id.as_str())),
        (CLIENT_REQUEST_ID, about.client_request_id.as_deref()),
        (NETWORK_INFO, network.as_deref()),
    ] {
        if let Some(Ok(value)) = value.map(HeaderValue::from_str) {
            headers.insert(name, value);
        }
    }
}
