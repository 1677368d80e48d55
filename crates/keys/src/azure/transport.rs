//! The SDK's way to the network: our client, with a limit on every answer.

use async_trait::async_trait;
use azure_core::error::{Error, ErrorKind};
use azure_core::http::headers::{HeaderName, HeaderValue, Headers};
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Method, Request};
use reqwest::header::HeaderMap;

use crate::wire;

/// Sends what the SDK wants sent.
#[derive(Debug)]
pub(super) struct LimitedClient(pub(super) reqwest::Client);

#[async_trait]
impl HttpClient for LimitedClient {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let method = match request.method() {
            Method::Delete => reqwest::Method::DELETE,
            Method::Get => reqwest::Method::GET,
            Method::Head => reqwest::Method::HEAD,
            Method::Patch => reqwest::Method::PATCH,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
            _ => return Err(Error::with_message(ErrorKind::Other, "an unknown HTTP method")),
        };
        let mut outgoing = self.0.request(method, request.url().as_str());
        for (name, value) in request.headers().iter() {
            outgoing = outgoing.header(name.as_str(), value.as_str());
        }
        let outgoing = match request.body() {
            Body::Bytes(bytes) => outgoing.body(bytes.clone()),
            Body::SeekableStream(_) => {
                return Err(Error::with_message(ErrorKind::Other, "streams are not sent"));
            }
        };
        let failed = |error: reqwest::Error| {
            let kind = if error.is_connect() { ErrorKind::Connection } else { ErrorKind::Io };
            Error::with_error(kind, error, "the request failed")
        };
        let answer = outgoing.send().await.map_err(failed)?;
        let status = answer.status().as_u16().into();
        let headers = headers(answer.headers());
        let body = wire::body(answer)
            .await
            .map_err(|error| Error::with_error(ErrorKind::Io, error, "the answer failed"))?;
        Ok(AsyncRawResponse::from_bytes(status, headers, body))
    }
}

/// Headers that are text; a vault's are.
fn headers(map: &HeaderMap) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in map {
        if let Ok(value) = value.to_str() {
            headers.insert(
                HeaderName::from(name.as_str().to_owned()),
                HeaderValue::from(value.to_owned()),
            );
        }
    }
    headers
}
