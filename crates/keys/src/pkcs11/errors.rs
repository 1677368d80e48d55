//! What a return value of a PKCS #11 library means for the key (PKCS #11 3.0, section 5.1).

use cryptoki::error::{Error, RvError};

use crate::{Cause, KeyError, Outage};

/// Classifies a failure of the library. `doing`: for a person.
pub(super) fn classify(doing: &str, error: &Error) -> KeyError {
    use RvError as R;
    let Error::Pkcs11(value, _) = error else {
        return KeyError::configuration(format!("{doing}: {error}"));
    };
    let words = format!("{doing}: the token answered {value:?}");
    match value {
        R::PinIncorrect
        | R::PinInvalid
        | R::PinLenRange
        | R::PinExpired
        | R::PinLocked
        | R::UserPinNotInitialized
        | R::UserTypeInvalid => KeyError::denied(Cause::IdentityUnknown, words),
        R::KeyFunctionNotPermitted => KeyError::denied(Cause::Disabled, words),
        R::UserNotLoggedIn | R::ActionProhibited | R::KeyUnextractable | R::AttributeSensitive => {
            KeyError::denied(Cause::Forbidden, words)
        }
        R::KeyHandleInvalid | R::ObjectHandleInvalid => KeyError::denied(Cause::NotFound, words),
        R::EncryptedDataInvalid
        | R::EncryptedDataLenRange
        | R::WrappedKeyInvalid
        | R::WrappedKeyLenRange => KeyError::broken(words),
        R::MechanismInvalid
        | R::MechanismParamInvalid
        | R::ArgumentsBad
        | R::KeyTypeInconsistent
        | R::KeySizeRange
        | R::FunctionNotSupported => KeyError::configuration(words),
        R::TokenNotPresent | R::TokenNotRecognized | R::DeviceRemoved | R::SlotIdInvalid => {
            KeyError::unreachable(Outage::Refused, words)
        }
        _ => KeyError::unreachable(Outage::ServerFailure, words),
    }
}

/// Whether the library says that it does not know a mechanism in this form.
pub(super) fn is_unknown_mechanism(error: &Error) -> bool {
    use RvError as R;
    matches!(
        error,
        Error::Pkcs11(R::MechanismInvalid | R::MechanismParamInvalid | R::ArgumentsBad, _)
    )
}

/// Whether the library failed without a reason: wrong bytes, or a token in trouble.
pub(super) fn is_vague(error: &Error) -> bool {
    matches!(error, Error::Pkcs11(RvError::GeneralError | RvError::FunctionFailed, _))
}

/// Whether a login was refused because of the PIN, and another try would bring the token nearer
/// to locking itself.
pub(super) fn is_bad_pin(error: &Error) -> bool {
    use RvError as R;
    matches!(
        error,
        Error::Pkcs11(R::PinIncorrect | R::PinInvalid | R::PinLenRange | R::PinLocked, _)
    )
}

#[cfg(test)]
mod tests {
    use cryptoki::context::Function;

    use super::*;

    #[test]
    fn every_value_has_its_class() {
        for (value, definite, code) in [
            (RvError::PinIncorrect, true, "identity_unknown"),
            (RvError::KeyFunctionNotPermitted, true, "key_disabled"),
            (RvError::KeyHandleInvalid, true, "key_not_found"),
            (RvError::WrappedKeyInvalid, true, "wrapped_key_broken"),
            (RvError::MechanismInvalid, true, "key_configuration"),
            (RvError::TokenNotPresent, false, "key_vault_refused"),
            (RvError::DeviceError, false, "key_vault_failure"),
            (RvError::HostMemory, false, "key_vault_failure"),
        ] {
            let found = classify("test", &Error::Pkcs11(value, Function::Decrypt));
            assert_eq!((found.is_definite(), found.code()), (definite, code), "{value:?}");
        }
    }
}
