//! Errors of the vault as the edge says them.

use base::{ExitCode, Fault};
use vault::keyvault::model::Refusal;

/// An error of the vault.
pub(crate) fn fault(error: vault::Error) -> Fault {
    let fault = Fault::from_error(error.code(), error.to_string(), &error);
    // The chain begins with the message itself: no need to say it twice.
    let prefix = format!("{}: ", fault.message);
    let detail = fault.detail.as_deref().and_then(|d| d.strip_prefix(&prefix)).map(str::to_owned);
    let fault = Fault { detail, ..fault };
    match error {
        vault::Error::Sealed(reason) => Fault { message: "the vault is sealed".into(), ..fault }
            .detail(reason)
            .hint("pgkeep vault unseal")
            .exit(ExitCode::Sealed),
        vault::Error::SealKey { reason, remedy } => {
            Fault { message: "the vault is sealed".into(), ..fault }
                .detail(format!("the key of its seal cannot be used: {reason}"))
                .hint(format!("{remedy}; the vault then opens by itself"))
                .exit(ExitCode::Sealed)
        }
        vault::Error::Uninitialized => fault.exit(ExitCode::Sealed),
        vault::Error::Forbidden(_) => fault.exit(ExitCode::Forbidden),
        vault::Error::NotFound(_) => fault.exit(ExitCode::NotFound),
        vault::Error::Conflict(_) => fault.exit(ExitCode::Conflict),
        vault::Error::BadRequest(_) => fault.exit(ExitCode::Usage),
        vault::Error::Format { .. } => fault
            .detail("another, unreleased version of pgkeep made this home; it is not carried over")
            .hint("move the home away, or choose another with --home, and run pgkeep up"),
        _ => fault,
    }
}

/// A refusal of a request to a key vault.
pub(crate) fn refused(refusal: Refusal) -> Fault {
    let Refusal { status, code, message, inner_code } = refusal;
    let fault = Fault::new(inner_code.unwrap_or(code), message);
    match status {
        400 | 413 => fault.exit(ExitCode::Usage),
        401 | 403 => fault.exit(ExitCode::Forbidden),
        404 => fault.exit(ExitCode::NotFound),
        409 => fault.exit(ExitCode::Conflict),
        503 if code == "VaultSealed" => fault.hint("pgkeep vault unseal").exit(ExitCode::Sealed),
        503 if code == "VaultUninitialized" => fault.exit(ExitCode::Sealed),
        _ => fault,
    }
}

#[cfg(test)]
mod tests {
    use base::ExitCode;
    use vault::keyvault::model::Refusal;

    use super::{fault, refused};

    #[test]
    fn refusals_keep_the_exit_codes_of_the_command_line() {
        let refusal =
            |status, code| Refusal { status, code, message: "no".to_owned(), inner_code: None };
        for (status, code, exit) in [
            (400, "BadParameter", ExitCode::Usage),
            (401, "Unauthorized", ExitCode::Forbidden),
            (403, "Forbidden", ExitCode::Forbidden),
            (404, "KeyNotFound", ExitCode::NotFound),
            (409, "Conflict", ExitCode::Conflict),
            (503, "VaultSealed", ExitCode::Sealed),
            (503, "AuditUnavailable", ExitCode::Error),
            (500, "InternalServerError", ExitCode::Error),
        ] {
            assert_eq!(refused(refusal(status, code)).exit, exit, "{status} {code}");
        }
        let inner = Refusal { inner_code: Some("KeyDisabled"), ..refusal(403, "Forbidden") };
        assert_eq!(refused(inner).code, "KeyDisabled");
    }

    #[test]
    fn a_sealed_vault_says_how_to_open_it() {
        let said = fault(vault::Error::Sealed("sealed by an operator".to_owned()));
        assert_eq!((said.exit, said.message.as_str()), (ExitCode::Sealed, "the vault is sealed"));
        assert_eq!(said.detail.as_deref(), Some("sealed by an operator"));
        assert!(said.hint.is_some());
    }
}
