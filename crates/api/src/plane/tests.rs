//! The document, the mapping of failures, jobs.

use std::collections::HashSet;

use axum::http::StatusCode;
use base::{ExitCode, Fault};

use super::operation::methods;
use super::{openapi, status_of};

#[test]
fn the_committed_document_is_what_the_code_says() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
    let committed = std::fs::read_to_string(file).unwrap();
    let now = openapi().to_pretty_json().unwrap();
    assert!(committed.trim_end() == now, "write it anew: cargo run -p api --example openapi");
}

#[test]
fn every_operation_has_a_name_of_its_own() {
    let document = openapi();
    let mut seen = HashSet::new();
    for (path, item) in &document.paths.paths {
        assert!(path.starts_with(super::PREFIX), "{path}");
        for (method, operation) in methods(item) {
            let id = operation.operation_id.as_deref().unwrap_or_default();
            let plain = id.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            assert!(plain && id.contains('_'), "{method} {path}: {id:?}");
            assert!(seen.insert(id.to_owned()), "{id} is there twice");
            assert!(operation.responses.responses.contains_key("default"), "{id}");
            assert!(operation.summary.is_some(), "{id} has no summary");
        }
    }
    assert!(seen.len() > 50, "{}", seen.len());
}

#[test]
fn every_exit_code_has_a_status() {
    for (exit, status) in [
        (ExitCode::Usage, StatusCode::BAD_REQUEST),
        (ExitCode::NotFound, StatusCode::NOT_FOUND),
        (ExitCode::Forbidden, StatusCode::FORBIDDEN),
        (ExitCode::Conflict, StatusCode::CONFLICT),
        (ExitCode::Gate, StatusCode::CONFLICT),
        (ExitCode::Sealed, StatusCode::SERVICE_UNAVAILABLE),
        (ExitCode::Timeout, StatusCode::GATEWAY_TIMEOUT),
        (ExitCode::Error, StatusCode::INTERNAL_SERVER_ERROR),
    ] {
        assert_eq!(status_of(&Fault::new("x", "x").exit(exit)), status, "{exit:?}");
    }
    let anonymous = Fault::new("unauthenticated", "x").exit(ExitCode::Forbidden);
    assert_eq!(status_of(&anonymous), StatusCode::UNAUTHORIZED);
}
