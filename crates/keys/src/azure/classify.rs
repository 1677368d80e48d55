//! What an answer of an Azure Key Vault, or of its sign-in service, means for the key.

use std::error::Error as StdError;

use azure_core::Error;
use azure_core::error::ErrorKind;
use azure_core::http::RawResponse;
use serde::Deserialize;

use crate::wire::{self, Chain};
use crate::{Cause, KeyError, Outage, text};

/// What was being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Get,
    Wrap,
    Unwrap,
}

/// `{"error":{"code","message","innererror":{"code"}}}`: the body by which a vault is known.
#[derive(Deserialize)]
struct VaultBody {
    error: VaultError,
}

#[derive(Deserialize)]
struct VaultError {
    code: String,
    #[serde(default)]
    message: Option<String>,
    #[serde(default, rename = "innererror")]
    inner: Option<Inner>,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(default)]
    code: Option<String>,
}

/// Classifies a failed call. `had_token`: the vault was shown a fresh token.
pub(super) fn vault(operation: Operation, error: &Error, had_token: bool) -> KeyError {
    if let Some((status, raw)) = http_answer(error) {
        return answer(operation, status, raw.map_or(&[], |raw| raw.body().as_ref()), had_token);
    }
    match error.kind() {
        ErrorKind::Connection | ErrorKind::Io => wire::outage(error),
        // An answer that does not parse, or a challenge for another resource.
        _ => KeyError::odd(error.to_string()),
    }
}

/// Classifies an answer other than 200.
fn answer(operation: Operation, status: u16, body: &[u8], had_token: bool) -> KeyError {
    let Ok(VaultBody { error }) = serde_json::from_slice(body) else {
        return without_body(status, had_token);
    };
    let inner = error.inner.and_then(|inner| inner.code);
    let code = text::clip(inner.as_deref().unwrap_or(&error.code));
    let message = text::clip(error.message.as_deref().unwrap_or(&code));
    let denied = |cause| KeyError::Denied {
        cause,
        status: Some(status),
        code: Some(code.clone()),
        message: message.clone(),
    };
    let outage =
        |outage| KeyError::Unreachable { outage, status: Some(status), message: message.clone() };
    match status {
        // The SDK fetched a fresh token for this very call, and the vault refused it.
        401 if had_token => denied(Cause::IdentityUnknown),
        401 => outage(Outage::NotAVault),
        403 => denied(forbidden(&code, &message)),
        404 => denied(Cause::NotFound),
        409 if code.starts_with("ObjectIs") => denied(Cause::NotFound),
        400 if operation == Operation::Unwrap => KeyError::broken(&message),
        400 => KeyError::configuration(&message),
        408 => outage(Outage::Timeout),
        429 => outage(Outage::Throttled),
        503 if contains(&code, "sealed") => outage(Outage::Sealed),
        500..=599 => outage(Outage::ServerFailure),
        _ => outage(Outage::NotAVault),
    }
}

/// An answer that has no vault's body came from something on the way.
fn without_body(status: u16, had_token: bool) -> KeyError {
    if status == 401 && had_token {
        return KeyError::Denied {
            cause: Cause::IdentityUnknown,
            status: Some(status),
            code: None,
            message: "a fresh token was refused".to_owned(),
        };
    }
    let (outage, words) = match status {
        408 => (Outage::Timeout, "the request took too long"),
        429 => (Outage::Throttled, "asked too often"),
        500..=599 => (Outage::ServerFailure, "the service failed"),
        _ => (Outage::NotAVault, "what answers there is no key vault"),
    };
    KeyError::Unreachable { outage, status: Some(status), message: words.to_owned() }
}

/// Which denial a 403 is, by its inner code; the message decides where there is no exact code.
fn forbidden(code: &str, message: &str) -> Cause {
    const CODES: &[(&str, Cause)] = &[
        ("disabled", Cause::Disabled),
        ("notyetvalid", Cause::NotYetValid),
        ("notactive", Cause::NotYetValid),
        ("expired", Cause::Expired),
        ("firewall", Cause::Firewall),
        ("connection", Cause::Firewall),
        ("identity", Cause::IdentityUnknown),
    ];
    const WORDS: &[(&str, Cause)] = &[
        ("disabled key", Cause::Disabled),
        ("not yet valid", Cause::NotYetValid),
        ("before its nbf", Cause::NotYetValid),
        ("expired", Cause::Expired),
    ];
    let by = |table: &[(&str, Cause)], text: &str| {
        table.iter().find(|(word, _)| contains(text, word)).map(|(_, cause)| *cause)
    };
    by(CODES, code).or_else(|| by(WORDS, message)).unwrap_or(Cause::Forbidden)
}

fn contains(text: &str, lower_case_word: &str) -> bool {
    text.to_ascii_lowercase().contains(lower_case_word)
}

/// Classifies why no token came.
pub(super) fn token(error: &Error) -> KeyError {
    let inner = Chain(Some(error)).find_map(|cause| cause.downcast_ref::<KeyError>());
    if let Some(known) = inner {
        return known.clone();
    }
    if let Some((status, raw)) = http_answer(error) {
        return token_answer(status, raw.map_or(&[], |raw| raw.body().as_ref()));
    }
    let is_network = Chain(Some(error)).any(|cause| {
        cause
            .downcast_ref::<Error>()
            .is_some_and(|error| matches!(error.kind(), ErrorKind::Connection | ErrorKind::Io))
    });
    match error.kind() {
        ErrorKind::Connection | ErrorKind::Io => identity_outage(error),
        _ if is_network => identity_outage(error),
        ErrorKind::DataConversion => KeyError::odd(format!("no token: {error}")),
        _ => KeyError::configuration(format!("no token: {error}")),
    }
}

/// Classifies the answer of a sign-in service or identity endpoint that is no token.
pub(super) fn token_answer(status: u16, body: &[u8]) -> KeyError {
    let Ok(body) = serde_json::from_slice::<serde_json::Value>(body) else {
        return without_identity(status, "what answers there gives no tokens");
    };
    let (code, message) = token_words(&body);
    match status {
        400 | 401 | 403 => KeyError::Denied {
            cause: Cause::IdentityUnknown,
            status: Some(status),
            message: format!("no token: {}", message.or(code.clone()).unwrap_or_default()),
            code,
        },
        _ => without_identity(status, message.as_deref().unwrap_or("no token")),
    }
}

fn without_identity(status: u16, words: &str) -> KeyError {
    let outage = match status {
        408 => Outage::Timeout,
        429 => Outage::Throttled,
        503 if contains(words, "sealed") => Outage::Sealed,
        500..=599 => Outage::ServerFailure,
        _ => Outage::NotAVault,
    };
    let message = format!("identity endpoint: {}", text::clip(words));
    KeyError::Unreachable { outage, status: Some(status), message }
}

/// Code and message in the shapes of Entra, App Service, IMDS and pgkeep.
fn token_words(body: &serde_json::Value) -> (Option<String>, Option<String>) {
    let word = |value: Option<&serde_json::Value>| value?.as_str().map(text::clip);
    let error = body.get("error");
    let code = word(error).or_else(|| word(error?.get("code"))).or_else(|| word(body.get("code")));
    let message = word(body.get("error_description"))
        .or_else(|| word(error?.get("message")))
        .or_else(|| word(body.get("message")));
    (code, message)
}

/// A sign-in service that could not be reached; the words say that it was not the vault.
pub(super) fn identity_outage(error: &(dyn StdError + 'static)) -> KeyError {
    match wire::outage(error) {
        KeyError::Unreachable { outage, status, message } => KeyError::Unreachable {
            outage,
            status,
            message: format!("identity endpoint: {message}"),
        },
        other => other,
    }
}

/// The HTTP answer behind an SDK's error, wherever it lies in the chain.
fn http_answer(error: &Error) -> Option<(u16, Option<&RawResponse>)> {
    Chain(Some(error)).find_map(|cause| match cause.downcast_ref::<Error>()?.kind() {
        ErrorKind::HttpResponse { status, raw_response, .. } => {
            Some((u16::from(*status), raw_response.as_deref()))
        }
        _ => None,
    })
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
