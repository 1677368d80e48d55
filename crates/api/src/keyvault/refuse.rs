//! Refusals that the edge itself makes, in the words that clients of Azure Key Vault know.

use vault::keyvault::model::Refusal;

fn refusal(status: u16, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal { status, code, message: message.into(), inner_code: None }
}

/// 400 BadParameter.
pub(crate) fn bad_parameter(message: impl Into<String>) -> Refusal {
    refusal(400, "BadParameter", message)
}

/// 401 without a token: the answer to the first request of every client.
pub(crate) fn no_token() -> Refusal {
    let message = "AKV10000: Request is missing a Bearer, PoP, or MTLS_POP token.";
    refusal(401, "Unauthorized", message)
}

/// 401 with a token that does not verify. Why it does not is for the audit.
pub(crate) fn bad_token() -> Refusal {
    refusal(401, "Unauthorized", "The bearer token of the request is not valid for this vault.")
}

/// 403 for an operation that needs another kind of key than there is.
pub(crate) fn not_offered(operation: &str) -> Refusal {
    let message = format!(
        "Operation {operation} is not permitted: it needs a hardware or exportable key, which \
         this vault does not have."
    );
    refusal(403, "Forbidden", message)
}

/// 404 for a vault that does not exist.
pub(crate) fn no_vault(name: &str) -> Refusal {
    let message = format!("There is no vault with the name {name} here.");
    refusal(404, "VaultNotFound", message)
}

/// 404 for a path that means nothing.
pub(crate) fn no_route() -> Refusal {
    refusal(404, "NotFound", "The requested resource does not exist.")
}

/// 405.
pub(crate) fn no_method(method: &str) -> Refusal {
    let message = format!("The requested resource does not support http method '{method}'.");
    refusal(405, "MethodNotAllowed", message)
}

/// 408.
pub(crate) fn slow_body() -> Refusal {
    refusal(408, "RequestTimeout", "The request body did not arrive in time.")
}

/// 413.
pub(crate) fn large_body(limit: usize) -> Refusal {
    let message = format!("The request body is larger than {limit} bytes.");
    refusal(413, "RequestEntityTooLarge", message)
}

/// 414.
pub(crate) fn long_path() -> Refusal {
    refusal(414, "UriTooLong", "The path of the request is too long.")
}

/// 415.
pub(crate) fn not_json() -> Refusal {
    refusal(415, "UnsupportedMediaType", "The request body must be application/json.")
}

/// 421 for a host name that is not served here.
pub(crate) fn foreign_host() -> Refusal {
    refusal(421, "MisdirectedRequest", "This host name is not served here.")
}

/// 429.
pub(crate) fn saturated() -> Refusal {
    refusal(429, "Throttled", "Too many requests wait for an answer. Retry later.")
}

/// 503 for an answer that did not come in time.
pub(crate) fn late() -> Refusal {
    let message =
        "The vault did not answer in time; whether the request was carried out is unknown.";
    refusal(503, "ServiceUnavailable", message)
}

/// 500 for an answer that cannot be given.
pub(crate) fn broken() -> Refusal {
    refusal(500, "InternalError", "The request failed inside the vault; its log says why.")
}
