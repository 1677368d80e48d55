//! As whom the agent asks for an owner's key: names of identities and what they stand for.

use std::path::PathBuf;
use std::time::Duration;

use base::{ExitCode, Fault};
use serde_json::{Value, json};
use server::{KeyCause, KeyFailure};

use crate::rpc;

/// A look into the vault's memory and an audit record take no longer.
const DEADLINE: Duration = Duration::from_secs(4);
/// Names the identity that Azure gives to the machine itself.
const SYSTEM_ASSIGNED: &str = "system";

/// An identity of this installation that admits this process.
#[derive(Debug)]
pub(super) struct Known {
    /// By which tokens are asked for.
    pub(super) client_id: String,
    /// Never reused: another identity of the same name has another one.
    pub(super) object_id: String,
}

/// The identities of this installation, as its vault knows them.
#[derive(Debug)]
pub(super) struct Directory {
    vault: PathBuf,
}

impl Directory {
    pub(super) fn new(vault: PathBuf) -> Self {
        Self { vault }
    }

    /// The identity of this name, client id or object id.
    pub(super) async fn find(&self, name: &str) -> Result<Known, KeyFailure> {
        let args = json!({ "identity": name });
        let call = rpc::call_within(&self.vault, DEADLINE, "identity-find", args, |_| {});
        let answer = call.await.map_err(failed)?;
        let text = |field: &str| answer.get(field).and_then(Value::as_str).map(str::to_owned);
        match (text("client_id"), text("object_id")) {
            (Some(client_id), Some(object_id)) => Ok(Known { client_id, object_id }),
            _ => Err(KeyFailure::new(KeyCause::BadAnswer, "the vault names no identity")),
        }
    }
}

/// What a fault of the vault's socket says about an identity.
fn failed(fault: Fault) -> KeyFailure {
    let cause = match (fault.code.as_str(), fault.exit) {
        (_, ExitCode::NotFound | ExitCode::Forbidden | ExitCode::Usage) => {
            KeyCause::IdentityUnknown
        }
        (_, ExitCode::Sealed) => KeyCause::Sealed,
        (_, ExitCode::Timeout) => KeyCause::Timeout,
        ("not_running" | "hung_up" | "ending", _) => KeyCause::Unreachable,
        _ => KeyCause::VaultError,
    };
    let words = [Some(fault.message), fault.detail, fault.hint];
    KeyFailure::new(cause, words.into_iter().flatten().collect::<Vec<_>>().join("; "))
}

/// The client id of an Azure managed identity; `None`: the one that Azure gives to the machine.
pub(super) fn of_azure(identity: &str) -> Result<Option<String>, KeyFailure> {
    if identity.eq_ignore_ascii_case(SYSTEM_ASSIGNED) {
        return Ok(None);
    }
    if is_uuid(identity) {
        return Ok(Some(identity.to_ascii_lowercase()));
    }
    let message = format!(
        "\"{identity}\" is no managed identity of Azure: give its client id (a UUID), or \
         \"{SYSTEM_ASSIGNED}\" for the one of the machine"
    );
    Err(KeyFailure::new(KeyCause::IdentityUnknown, message))
}

/// Whether the text has the form of a UUID (RFC 9562): 8-4-4-4-12 hex digits.
fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
        && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_of_azure_are_client_ids() {
        let id = "11111111-2222-3333-4444-5555555555AB";
        assert_eq!(of_azure(id).unwrap().unwrap(), id.to_lowercase());
        assert_eq!(of_azure("System").unwrap(), None);
        for bad in ["", "app", "11111111-2222-3333-4444", "g1111111-2222-3333-4444-555555555555"] {
            assert_eq!(of_azure(bad).unwrap_err().cause, KeyCause::IdentityUnknown, "{bad}");
        }
    }

    #[test]
    fn a_sealed_or_silent_vault_says_nothing_about_an_identity() {
        for (code, exit, cause) in [
            ("not_found", ExitCode::NotFound, KeyCause::IdentityUnknown),
            ("forbidden", ExitCode::Forbidden, KeyCause::IdentityUnknown),
            ("sealed", ExitCode::Sealed, KeyCause::Sealed),
            ("timeout", ExitCode::Timeout, KeyCause::Timeout),
            ("not_running", ExitCode::Error, KeyCause::Unreachable),
            ("hung_up", ExitCode::Error, KeyCause::Unreachable),
            ("ending", ExitCode::Error, KeyCause::Unreachable),
            ("internal", ExitCode::Error, KeyCause::VaultError),
        ] {
            let failure = failed(Fault::new(code, "x").exit(exit));
            assert_eq!(failure.cause, cause, "{code}");
        }
        let fault = Fault::new("forbidden", "no").hint("do").exit(ExitCode::Forbidden);
        assert_eq!(failed(fault).message, "no; do", "what helps is said");
    }
}
