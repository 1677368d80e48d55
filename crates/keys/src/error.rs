//! What can go wrong with a customer's key, sorted by what may be concluded from it.

use base::{ExitCode, Fault};

use crate::text;

/// Why a key may certainly not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Cause {
    /// The key or its version is switched off.
    Disabled,
    /// There is no such key or version, or it is deleted.
    NotFound,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// The identity may not do this with the key.
    Forbidden,
    /// The identity is gone, switched off, or its proof was refused.
    IdentityUnknown,
    /// The vault does not accept this network address.
    Firewall,
}

impl Cause {
    /// A stable word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Disabled => "key_disabled",
            Self::NotFound => "key_not_found",
            Self::Expired => "key_expired",
            Self::NotYetValid => "key_not_yet_valid",
            Self::Forbidden => "key_forbidden",
            Self::IdentityUnknown => "identity_unknown",
            Self::Firewall => "key_vault_firewall",
        }
    }

    const fn hint(self) -> &'static str {
        match self {
            Self::Disabled => "enable the key version in its vault",
            Self::NotFound => "recover the key in its vault, or correct the key's address",
            Self::Expired => {
                "extend the validity of this version, wait until the server is Ready, then rotate"
            }
            Self::NotYetValid => "wait, or correct the start of the key's validity",
            Self::Forbidden => {
                "give the identity the right to read the key, wrap and unwrap with it"
            }
            Self::IdentityUnknown => {
                "check that the identity exists, is enabled and may be used from here"
            }
            Self::Firewall => "allow this machine in the vault's network rules",
        }
    }
}

/// Why nothing is known about a key at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outage {
    /// The vault's name has no address.
    Name,
    /// Nothing listens there.
    Refused,
    /// No answer in time.
    Timeout,
    /// No trusted TLS connection came about.
    Tls,
    /// The connection failed in another way.
    Connection,
    /// Asked too often (429).
    Throttled,
    /// The service failed (5xx), or a token reported a device failure.
    ServerFailure,
    /// The vault is sealed.
    Sealed,
    /// Something answered, but not as this vault would.
    NotAVault,
}

impl Outage {
    /// A stable word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Name => "key_vault_name_unknown",
            Self::Refused => "key_vault_refused",
            Self::Timeout => "key_vault_timeout",
            Self::Tls => "key_vault_tls",
            Self::Connection => "key_vault_connection",
            Self::Throttled => "key_vault_throttled",
            Self::ServerFailure => "key_vault_failure",
            Self::Sealed => "key_vault_sealed",
            Self::NotAVault => "not_a_key_vault",
        }
    }
}

/// A failure of a [`crate::KeyProvider`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Certain: the key may not be used now. Waiting without a change changes nothing.
    #[error("the key may not be used: {message}")]
    Denied {
        /// Why.
        cause: Cause,
        /// The HTTP status, where the vault speaks HTTP.
        status: Option<u16>,
        /// The most exact code that the vault gave, for example `ForbiddenByRbac`.
        code: Option<String>,
        /// What was said, shortened.
        message: String,
    },
    /// Unknown: nothing can be concluded about the key.
    #[error("the key vault could not be asked: {message}")]
    Unreachable {
        /// Why.
        outage: Outage,
        /// The HTTP status, where there was one.
        status: Option<u16>,
        /// What was seen, shortened.
        message: String,
    },
    /// The vault answered, and the wrapped bytes are not what this key wrapped.
    #[error("the wrapped key does not open: {message}")]
    Broken {
        /// What was seen, shortened.
        message: String,
    },
    /// What was configured cannot work: an address, a file, a kind of key.
    #[error("the key is not set up correctly: {message}")]
    Configuration {
        /// What is wrong.
        message: String,
    },
}

impl KeyError {
    /// A denial that no vault's answer stands behind (dates, attributes).
    pub(crate) fn denied(cause: Cause, message: impl AsRef<str>) -> Self {
        Self::Denied { cause, status: None, code: None, message: text::clip(message.as_ref()) }
    }

    /// An outage without an HTTP status.
    pub(crate) fn unreachable(outage: Outage, message: impl AsRef<str>) -> Self {
        Self::Unreachable { outage, status: None, message: text::clip(message.as_ref()) }
    }

    /// An answer that this vault would not give.
    pub(crate) fn odd(message: impl AsRef<str>) -> Self {
        Self::unreachable(Outage::NotAVault, message)
    }

    /// Wrapped bytes that do not open.
    pub(crate) fn broken(message: impl AsRef<str>) -> Self {
        Self::Broken { message: text::clip(message.as_ref()) }
    }

    /// Something set up wrongly.
    pub(crate) fn configuration(message: impl AsRef<str>) -> Self {
        Self::Configuration { message: text::clip(message.as_ref()) }
    }

    /// Whether the answer is certain: the server becomes Inaccessible at once.
    ///
    /// Only an outage leaves room for a grace; doubt of any other kind denies.
    pub const fn is_definite(&self) -> bool {
        !matches!(self, Self::Unreachable { .. })
    }

    /// A stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Denied { cause, .. } => cause.code(),
            Self::Unreachable { outage, .. } => outage.code(),
            Self::Broken { .. } => "wrapped_key_broken",
            Self::Configuration { .. } => "key_configuration",
        }
    }

    /// The HTTP status behind the failure.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Denied { status, .. } | Self::Unreachable { status, .. } => *status,
            Self::Broken { .. } | Self::Configuration { .. } => None,
        }
    }
}

impl From<KeyError> for Fault {
    fn from(error: KeyError) -> Self {
        let fault = Self::new(error.code(), error.to_string());
        match error {
            KeyError::Denied { cause, status, code, .. } => {
                let seen = [status.map(|n| format!("HTTP {n}")), code].into_iter().flatten();
                let seen: Vec<String> = seen.collect();
                let fault = if seen.is_empty() { fault } else { fault.detail(seen.join(", ")) };
                let exit = match cause {
                    Cause::NotFound => ExitCode::NotFound,
                    _ => ExitCode::Forbidden,
                };
                fault.hint(cause.hint()).exit(exit)
            }
            KeyError::Unreachable { outage, status, .. } => {
                let fault = match status {
                    Some(n) => fault.detail(format!("HTTP {n}")),
                    None => fault,
                };
                fault.exit(match outage {
                    Outage::Sealed => ExitCode::Sealed,
                    Outage::Timeout => ExitCode::Timeout,
                    _ => ExitCode::Error,
                })
            }
            KeyError::Broken { .. } => {
                fault.hint("the stored wrapped key is damaged or belongs to another key")
            }
            KeyError::Configuration { .. } => fault.exit(ExitCode::Usage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_outage_is_indefinite() {
        assert!(!KeyError::unreachable(Outage::Timeout, "x").is_definite());
        assert!(KeyError::denied(Cause::Disabled, "x").is_definite());
        assert!(KeyError::broken("x").is_definite());
        assert!(KeyError::configuration("x").is_definite());
    }

    #[test]
    fn a_fault_says_what_was_seen_and_what_helps() {
        let fault = Fault::from(KeyError::Denied {
            cause: Cause::Forbidden,
            status: Some(403),
            code: Some("ForbiddenByRbac".to_owned()),
            message: "no".to_owned(),
        });
        assert_eq!(fault.detail.as_deref(), Some("HTTP 403, ForbiddenByRbac"));
        assert_eq!(fault.exit, ExitCode::Forbidden);
        assert!(fault.hint.is_some());
        let sealed = Fault::from(KeyError::unreachable(Outage::Sealed, "sealed"));
        assert_eq!(sealed.exit, ExitCode::Sealed);
    }
}
