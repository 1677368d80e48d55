//! What `vault.localhost` itself serves, to everybody: the description of the API, and what one
//! needs to check tokens. No keys, nothing that changes.

use hyper::Method;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::answer::{self, Answered};
use super::respond::{Request, refused};
use super::route::Miss;
use super::{Inner, refuse};

/// The committed description of the API (OpenAPI 3.1).
pub(crate) const OPENAPI: &str = include_str!("../../openapi/keyvault.json");

/// The port as it stands in the committed description.
const DEFAULT_PORT: &str = "\"default\": \"8443\"";

const DISCOVERY: &str = "/.well-known/openid-configuration";

pub(crate) fn respond(inner: &Inner, request: &Request) -> Answered {
    let about = &request.about;
    let path = request.parts.uri.path();
    let tenant =
        path.strip_prefix('/').and_then(|path| path.strip_prefix(&*inner.settings.tenant_id));
    let body = match (path, tenant) {
        ("/openapi.json", _) => openapi(inner),
        ("/identity/keys", _) => inner.backend.jwks().to_string(),
        (DISCOVERY, _) | (_, Some(DISCOVERY)) => discovery(inner).to_string(),
        _ => return refused(about, refuse::no_route().into()),
    };
    if request.parts.method != Method::GET {
        let shown: String = request.parts.method.as_str().chars().take(16).collect();
        let refusal = refuse::no_method(&shown);
        return refused(about, Miss { refusal, allow: Some("GET") });
    }
    answer::ok(about, Zeroizing::new(body.into_bytes()))
}

/// The description with the port of this installation in its server's address.
fn openapi(inner: &Inner) -> String {
    OPENAPI.replacen(DEFAULT_PORT, &format!("\"default\": \"{}\"", inner.settings.port), 1)
}

/// RFC 8414 and OpenID Connect Discovery, as far as tokens for identities need it.
fn discovery(inner: &Inner) -> Value {
    json!({
        "issuer": inner.settings.issuer,
        "jwks_uri": format!("{}/identity/keys", inner.resource),
        "id_token_signing_alg_values_supported": ["ES256"],
        "response_types_supported": ["token"],
        "subject_types_supported": ["public"],
    })
}
