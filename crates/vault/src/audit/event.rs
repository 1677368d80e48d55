//! The fields of a record.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// No text from outside is kept longer than this many bytes.
const TEXT_MAX_BYTES: usize = 1024;

/// One request and how it ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Event {
    /// When it ended.
    pub(crate) time: Timestamp,
    /// `/subscriptions/…/vaults/NAME`.
    pub(crate) resource_id: String,
    /// In Azure's words, for example `KeyUnwrap`.
    pub(crate) operation: &'static str,
    /// `api-version`.
    pub(crate) api_version: String,
    /// HTTP status.
    pub(crate) status: u16,
    /// Why it was refused.
    pub(crate) description: String,
    /// How long it took.
    pub(crate) duration_ms: u64,
    /// Address of the peer.
    pub(crate) caller_address: String,
    /// The request's id.
    pub(crate) correlation_id: String,
    /// The client's own id of the request.
    pub(crate) client_request_id: Option<String>,
    /// Who asked.
    pub(crate) claim: Claim,
    /// `User-Agent`.
    pub(crate) client_info: String,
    /// The URI without secrets.
    pub(crate) request_uri: String,
    /// The object that it was about.
    pub(crate) id: String,
    /// Which role assignment allowed it.
    pub(crate) assignment_id: Option<String>,
    /// Whatever else a reader needs.
    pub(crate) details: Option<Value>,
}

/// Who asked, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Claim {
    #[serde(
        rename = "http://schemas.microsoft.com/identity/claims/objectidentifier",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) object_id: Option<String>,
    #[serde(
        rename = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
        skip_serializing_if = "Option::is_none"
    )]
    pub(crate) upn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) appid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<u32>,
    /// The plane's user that the OS user acts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acting: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    time: String,
    resource_id: &'a str,
    operation_name: &'a str,
    operation_version: &'a str,
    category: &'a str,
    result_type: &'a str,
    result_signature: &'a str,
    result_description: &'a str,
    duration_ms: u64,
    caller_ip_address: &'a str,
    correlation_id: &'a str,
    identity: Identity<'a>,
    properties: Properties<'a>,
}

#[derive(Serialize)]
struct Identity<'a> {
    claim: &'a Claim,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    client_info: &'a str,
    request_uri: &'a str,
    id: &'a str,
    http_status_code: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rbac_assignment_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a Value>,
}

impl Event {
    /// The record as a JSON object on one line, without its place in the chain.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let success = (200..300).contains(&self.status);
        let line = Line {
            time: self.time.to_string(),
            resource_id: cut(&self.resource_id),
            operation_name: self.operation,
            operation_version: cut(&self.api_version),
            category: "AuditEvent",
            result_type: if success { "Success" } else { "Failure" },
            result_signature: signature(self.status),
            result_description: cut(&self.description),
            duration_ms: self.duration_ms,
            caller_ip_address: cut(&self.caller_address),
            correlation_id: cut(&self.correlation_id),
            identity: Identity { claim: &self.claim },
            properties: Properties {
                client_info: cut(&self.client_info),
                request_uri: cut(&self.request_uri),
                id: cut(&self.id),
                http_status_code: self.status,
                client_request_id: self.client_request_id.as_deref().map(cut),
                rbac_assignment_id: self.assignment_id.as_deref(),
                details: self.details.as_ref(),
            },
        };
        serde_json::to_vec(&line).expect("because a record is plain data")
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_MAX_BYTES)]
}

/// The reason phrase (RFC 9110, section 15), in one word as Azure writes it.
fn signature(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "NoContent",
        400 => "BadRequest",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        409 => "Conflict",
        413 => "ContentTooLarge",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalServerError",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_the_fields_of_an_audit_event() {
        let event = Event {
            operation: "KeyGet",
            status: 403,
            request_uri: "ä".repeat(2000),
            claim: Claim { object_id: Some("o".to_owned()), ..Claim::default() },
            ..Event::default()
        };
        let value: Value = serde_json::from_slice(&event.to_json()).unwrap();
        assert_eq!(value["category"], "AuditEvent");
        assert_eq!(value["resultType"], "Failure");
        assert_eq!(value["resultSignature"], "Forbidden");
        assert_eq!(value["properties"]["httpStatusCode"], 403);
        assert_eq!(value["properties"]["requestUri"].as_str().unwrap().len(), TEXT_MAX_BYTES);
        let claim = &value["identity"]["claim"];
        assert_eq!(claim["http://schemas.microsoft.com/identity/claims/objectidentifier"], "o");
    }
}
