//! Section by section: which answer means what.

use super::*;

/// Code, inner code and message of a body.
type Parts = (&'static str, Option<&'static str>, &'static str);

fn body(code: &str, inner: Option<&str>, message: &str) -> Vec<u8> {
    let inner = inner.map(|code| serde_json::json!({ "code": code }));
    serde_json::json!({"error": {"code": code, "message": message, "innererror": inner}})
        .to_string()
        .into_bytes()
}

fn short(error: &KeyError) -> String {
    match error {
        KeyError::Denied { cause, .. } => format!("denied {cause:?}"),
        KeyError::Unreachable { outage, .. } => format!("unknown {outage:?}"),
        KeyError::Broken { .. } => "broken".to_owned(),
        KeyError::Configuration { .. } => "configuration".to_owned(),
    }
}

#[test]
fn every_answer_has_its_class() {
    let rbac = "Caller is not authorized to perform action on resource.";
    let off = "Operation unwrapKey is not allowed on a disabled key.";
    let cases: &[(u16, Option<Parts>, &str)] = &[
        (403, Some(("Forbidden", Some("ForbiddenByRbac"), rbac)), "denied Forbidden"),
        (403, Some(("Forbidden", Some("AccessDenied"), "no policy")), "denied Forbidden"),
        (403, Some(("Forbidden", Some("KeyDisabled"), off)), "denied Disabled"),
        (403, Some(("Forbidden", None, off)), "denied Disabled"),
        (403, Some(("Forbidden", Some("KeyExpired"), "too late")), "denied Expired"),
        (403, Some(("Forbidden", Some("KeyNotYetValid"), "too early")), "denied NotYetValid"),
        (403, Some(("Forbidden", Some("ForbiddenByFirewall"), "ip")), "denied Firewall"),
        (403, Some(("Forbidden", Some("ForbiddenByConnection"), "ip")), "denied Firewall"),
        (403, None, "unknown NotAVault"),
        (
            404,
            Some(("KeyNotFound", None, "A key with (name/id) k was not found")),
            "denied NotFound",
        ),
        (404, None, "unknown NotAVault"),
        (409, Some(("Conflict", Some("ObjectIsDeletedButRecoverable"), "x")), "denied NotFound"),
        (409, Some(("Conflict", Some("ConflictError"), "x")), "unknown NotAVault"),
        (401, Some(("Unauthorized", None, "AKV10000")), "denied IdentityUnknown"),
        (401, None, "denied IdentityUnknown"),
        (400, Some(("BadParameter", None, "x")), "broken"),
        (400, None, "unknown NotAVault"),
        (429, Some(("Throttled", None, "x")), "unknown Throttled"),
        (429, None, "unknown Throttled"),
        (500, None, "unknown ServerFailure"),
        (502, None, "unknown ServerFailure"),
        (503, Some(("VaultSealed", None, "x")), "unknown Sealed"),
        (503, Some(("ServiceUnavailable", None, "x")), "unknown ServerFailure"),
        (302, None, "unknown NotAVault"),
        (204, None, "unknown NotAVault"),
    ];
    for (status, parts, expected) in cases {
        let bytes = parts.map_or_else(|| b"<html>".to_vec(), |(c, i, m)| body(c, i, m));
        let found = answer(Operation::Unwrap, *status, &bytes, true);
        assert_eq!(short(&found), *expected, "{status} {parts:?}");
        let definite = !expected.starts_with("unknown");
        assert_eq!(found.is_definite(), definite, "{status} {parts:?}");
    }
}

#[test]
fn without_a_token_a_401_is_no_denial() {
    let found = answer(Operation::Get, 401, &body("Unauthorized", None, "x"), false);
    assert_eq!(short(&found), "unknown NotAVault");
    assert_eq!(short(&answer(Operation::Get, 401, b"", false)), "unknown NotAVault");
}

#[test]
fn a_bad_request_is_broken_only_when_unwrapping() {
    for (operation, expected) in
        [(Operation::Get, "configuration"), (Operation::Wrap, "configuration")]
    {
        let found = answer(operation, 400, &body("BadParameter", None, "x"), true);
        assert_eq!(short(&found), expected);
    }
}

#[test]
fn status_code_and_message_are_kept() {
    let found =
        answer(Operation::Get, 403, &body("Forbidden", Some("ForbiddenByRbac"), "no"), true);
    assert_eq!(
        found,
        KeyError::Denied {
            cause: Cause::Forbidden,
            status: Some(403),
            code: Some("ForbiddenByRbac".to_owned()),
            message: "no".to_owned(),
        }
    );
}

#[test]
fn tokens_that_do_not_come() {
    let entra = br#"{"error":"invalid_client","error_description":"AADSTS7000215: bad"}"#;
    let imds = br#"{"error":"invalid_request","error_description":"Identity not found"}"#;
    let app = br#"{"statusCode":400,"message":"No identity"}"#;
    let ours = br#"{"error":{"code":"Unauthorized","message":"peer"}}"#;
    for (status, body, expected) in [
        (401, &entra[..], "denied IdentityUnknown"),
        (400, imds, "denied IdentityUnknown"),
        (400, app, "denied IdentityUnknown"),
        (403, ours, "denied IdentityUnknown"),
        (403, b"<html>", "unknown NotAVault"),
        (404, b"{}", "unknown NotAVault"),
        (410, b"{}", "unknown NotAVault"),
        (429, b"{}", "unknown Throttled"),
        (500, b"", "unknown ServerFailure"),
        (
            503,
            br#"{"error":{"code":"VaultSealed","message":"the vault is sealed"}}"#,
            "unknown Sealed",
        ),
    ] {
        let found = token_answer(status, body);
        assert_eq!(short(&found), expected, "{status}");
        assert_eq!(found.status(), Some(status));
    }
}
