//! Refusals in Azure's words, where a client may look for them.

use super::model::Refusal;

fn refusal(
    status: u16,
    code: &'static str,
    inner_code: Option<&'static str>,
    message: impl Into<String>,
) -> Refusal {
    Refusal { status, code, message: message.into(), inner_code }
}

pub(crate) fn unauthenticated() -> Refusal {
    let message = "AKV10000: Request is missing a Bearer, PoP, or MTLS_POP token.";
    refusal(401, "Unauthorized", None, message)
}

pub(crate) fn by_rbac(who: &str, action: &str, resource: &str, why: &str) -> Refusal {
    let message = format!(
        "Caller is not authorized to perform action on resource.\r\nCaller: {who}\r\n\
         Action: '{action}'\r\nResource: '{resource}'\r\nAssignment: (not found)\r\n\
         DecisionReason: '{why}'\r\n"
    );
    refusal(403, "Forbidden", Some("ForbiddenByRbac"), message)
}

pub(crate) fn vault_not_found(vault: &str) -> Refusal {
    refusal(404, "VaultNotFound", None, format!("There is no key vault named {vault}."))
}

/// `what` is a name, or a name and a version.
pub(crate) fn key_not_found(what: &str) -> Refusal {
    let message = format!(
        "A key with (name/id) {what} was not found in this key vault. If you recently deleted \
         this key you may be able to recover it using the correct recovery command."
    );
    refusal(404, "KeyNotFound", None, message)
}

pub(crate) fn deleted_not_found(name: &str) -> Refusal {
    refusal(404, "KeyNotFound", None, format!("Deleted Key not found: {name}"))
}

pub(crate) fn deleted_but_recoverable(name: &str) -> Refusal {
    let message = format!(
        "Key {name} is currently in a deleted but recoverable state, and its name cannot be \
         reused; in this state, the key can only be recovered or purged."
    );
    refusal(409, "Conflict", Some("ObjectIsDeletedButRecoverable"), message)
}

pub(crate) fn name_taken(name: &str) -> Refusal {
    let message = format!("The key {name} is there already: it cannot be restored over it.");
    refusal(409, "Conflict", Some("ObjectAlreadyExists"), message)
}

pub(crate) fn purge_protected() -> Refusal {
    let message = "Operation \"purge\" is not allowed because purge protection is enabled for \
                   this vault. The key is purged when its retention time ends.";
    refusal(403, "Forbidden", Some("PurgeProtected"), message)
}

pub(crate) fn disabled(operation: &str) -> Refusal {
    let message = format!("Operation {operation} is not allowed on a disabled key.");
    refusal(403, "Forbidden", Some("KeyDisabled"), message)
}

pub(crate) fn not_yet_valid(operation: &str) -> Refusal {
    let message = format!("Operation {operation} is not allowed on a key that is not yet valid.");
    refusal(403, "Forbidden", Some("KeyNotYetValid"), message)
}

pub(crate) fn expired(operation: &str) -> Refusal {
    let message = format!("Operation {operation} is not allowed on an expired key.");
    refusal(403, "Forbidden", Some("KeyExpired"), message)
}

pub(crate) fn operation_not_permitted(operation: &str) -> Refusal {
    let message = format!("Operation {operation} is not permitted on this key.");
    refusal(403, "Forbidden", Some("KeyOperationForbidden"), message)
}

pub(crate) fn bad(message: impl Into<String>) -> Refusal {
    refusal(400, "BadParameter", None, message)
}

pub(crate) fn internal(message: impl Into<String>) -> Refusal {
    refusal(500, "InternalServerError", None, message)
}
