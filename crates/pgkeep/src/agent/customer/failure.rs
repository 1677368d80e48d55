//! What a provider's error means in the words of crate `server`.

use keys::{Cause, KeyError, Outage};
use server::{KeyCause, KeyFailure};

/// The status by which a vault refuses a token.
const UNAUTHORIZED: u16 = 401;

/// A provider's error. Doubt denies: only what proves nothing about the key counts as unknown.
pub(super) fn of_key(error: KeyError) -> KeyFailure {
    match error {
        KeyError::Denied { cause, status, code, message } => KeyFailure {
            cause: denial(cause, status),
            http_status: status,
            inner_code: code,
            message,
        },
        KeyError::Unreachable { outage, status, message } => {
            KeyFailure { cause: unknown(outage), http_status: status, inner_code: None, message }
        }
        KeyError::Broken { message } => KeyFailure::new(KeyCause::DoesNotOpen, message),
        // An address, a module or a file with a PIN that is not there: the key is not either.
        KeyError::Configuration { message } => KeyFailure::new(KeyCause::NotFound, message),
    }
}

fn denial(cause: Cause, status: Option<u16>) -> KeyCause {
    match cause {
        Cause::Disabled => KeyCause::Disabled,
        Cause::NotFound => KeyCause::NotFound,
        Cause::Expired => KeyCause::Expired,
        Cause::NotYetValid => KeyCause::NotYetValid,
        Cause::Firewall => KeyCause::Firewall,
        Cause::IdentityUnknown if status == Some(UNAUTHORIZED) => KeyCause::Unauthorized,
        Cause::IdentityUnknown => KeyCause::IdentityUnknown,
        _ => KeyCause::Forbidden,
    }
}

fn unknown(outage: Outage) -> KeyCause {
    match outage {
        Outage::Name => KeyCause::NameNotResolved,
        Outage::Refused | Outage::Connection => KeyCause::Unreachable,
        Outage::Timeout => KeyCause::Timeout,
        Outage::Tls => KeyCause::Tls,
        Outage::Throttled => KeyCause::Throttled,
        Outage::ServerFailure => KeyCause::VaultError,
        Outage::Sealed => KeyCause::Sealed,
        _ => KeyCause::BadAnswer,
    }
}

/// A word of crate `keys` as it stands in JSON, for example `azure-key-vault`.
pub(super) fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(cause: Cause, status: Option<u16>) -> KeyError {
        KeyError::Denied { cause, status, code: Some("X".to_owned()), message: "m".to_owned() }
    }

    #[test]
    fn what_is_certain_denies_and_what_is_not_does_not() {
        use Cause as C;
        for (cause, status, expected) in [
            (C::Disabled, Some(403), KeyCause::Disabled),
            (C::NotFound, Some(404), KeyCause::NotFound),
            (C::Expired, None, KeyCause::Expired),
            (C::NotYetValid, None, KeyCause::NotYetValid),
            (C::Forbidden, Some(403), KeyCause::Forbidden),
            (C::IdentityUnknown, Some(403), KeyCause::IdentityUnknown),
            (C::IdentityUnknown, Some(401), KeyCause::Unauthorized),
            (C::Firewall, Some(403), KeyCause::Firewall),
        ] {
            let failure = of_key(denied(cause, status));
            assert_eq!((failure.cause, failure.http_status), (expected, status));
            assert!(failure.cause.is_denial());
            assert_eq!(failure.inner_code.as_deref(), Some("X"));
        }
        for (outage, expected) in [
            (Outage::Name, KeyCause::NameNotResolved),
            (Outage::Refused, KeyCause::Unreachable),
            (Outage::Timeout, KeyCause::Timeout),
            (Outage::Tls, KeyCause::Tls),
            (Outage::Connection, KeyCause::Unreachable),
            (Outage::Throttled, KeyCause::Throttled),
            (Outage::ServerFailure, KeyCause::VaultError),
            (Outage::Sealed, KeyCause::Sealed),
            (Outage::NotAVault, KeyCause::BadAnswer),
        ] {
            let failure =
                of_key(KeyError::Unreachable { outage, status: Some(503), message: String::new() });
            assert_eq!(failure.cause, expected);
            assert!(!failure.cause.is_denial(), "{outage:?}");
        }
        for error in [
            KeyError::Broken { message: String::new() },
            KeyError::Configuration { message: String::new() },
        ] {
            assert!(of_key(error).cause.is_denial());
        }
    }

    #[test]
    fn words_are_those_of_the_records() {
        assert_eq!(word(&keys::ProviderKind::AzureKeyVault), "azure-key-vault");
        assert_eq!(word(&keys::Algorithm::RsaOaep256), "RSA-OAEP-256");
    }
}
