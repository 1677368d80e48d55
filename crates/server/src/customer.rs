//! The door to a key that the owner of a server keeps in a key vault.
//!
//! The door says only what the vault answered. Whether the key is usable is judged inside: a
//! vault unwraps with a key that has expired, and shows a disabled one to whoever may read it.

use std::future::Future;

use crypto::DataKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::record::WrappedKey;

/// No address of a key and no name of an identity is longer.
const MAX_TEXT_BYTES: usize = 1024;

/// Which key, and under which identity it is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyReference {
    /// The address of the key as the owner gave it, with a version or without.
    pub key_uri: String,
    /// The name of the identity.
    pub identity: String,
}

impl KeyReference {
    /// Refuses what cannot be an address or a name; the provider knows the rest.
    pub(crate) fn check(&self) -> Result<(), base::Fault> {
        for (what, text) in [("key", &self.key_uri), ("identity", &self.identity)] {
            let plain = !text.is_empty()
                && text.len() <= MAX_TEXT_BYTES
                && !text.chars().any(|c| c.is_control() || c.is_whitespace());
            if !plain {
                return Err(base::Fault::new("bad_key", format!("the {what} is not understood"))
                    .detail(format!("1 to {MAX_TEXT_BYTES} bytes without blanks are possible"))
                    .exit(base::ExitCode::Usage));
            }
        }
        Ok(())
    }
}

/// What a vault says about one version of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// The version.
    pub version: String,
    /// Whether it is enabled.
    pub enabled: bool,
    /// From when it is valid.
    pub not_before: Option<Timestamp>,
    /// Until when it is valid.
    pub expires: Option<Timestamp>,
    /// The vault's own time when it answered, where it tells that.
    pub as_of: Option<Timestamp>,
}

/// Why a key could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyCause {
    /// The version is disabled.
    Disabled,
    /// The vault says that there is no such key or version, or that it is deleted.
    NotFound,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYetValid,
    /// The identity has no role that allows it.
    Forbidden,
    /// There is no such identity (any more), or another one has its name.
    IdentityUnknown,
    /// The vault takes no calls from here; Azure counts that as loss of the key.
    Firewall,
    /// A fresh token was refused.
    Unauthorized,
    /// The key does not open what it wrapped.
    DoesNotOpen,
    /// The name of the vault does not resolve.
    NameNotResolved,
    /// Nobody answers there.
    Unreachable,
    /// No answer in time.
    Timeout,
    /// TLS could not be agreed on or the certificate is not trusted.
    Tls,
    /// The vault asks for fewer calls.
    Throttled,
    /// The vault is sealed.
    Sealed,
    /// The vault has an error of its own.
    VaultError,
    /// What answered is no vault, or says nothing that is understood.
    BadAnswer,
}

impl KeyCause {
    /// True when the vault or the owner has said no; false when nothing is known.
    pub fn is_denial(self) -> bool {
        match self {
            Self::Disabled
            | Self::NotFound
            | Self::Expired
            | Self::NotYetValid
            | Self::Forbidden
            | Self::IdentityUnknown
            | Self::Firewall
            | Self::Unauthorized
            | Self::DoesNotOpen => true,
            Self::NameNotResolved
            | Self::Unreachable
            | Self::Timeout
            | Self::Tls
            | Self::Throttled
            | Self::Sealed
            | Self::VaultError
            | Self::BadAnswer => false,
        }
    }

    /// A few words for a sentence.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Disabled => "it is disabled",
            Self::NotFound => "it does not exist or is deleted",
            Self::Expired => "it has expired",
            Self::NotYetValid => "it is not valid yet",
            Self::Forbidden => "the identity may not use it",
            Self::IdentityUnknown => "the identity is not known",
            Self::Firewall => "the vault takes no calls from here",
            Self::Unauthorized => "the vault refuses the identity's token",
            Self::DoesNotOpen => "it does not open what it wrapped",
            Self::NameNotResolved => "the vault's name does not resolve",
            Self::Unreachable => "the vault cannot be reached",
            Self::Timeout => "the vault did not answer in time",
            Self::Tls => "no trusted connection to the vault was made",
            Self::Throttled => "the vault asks for fewer calls",
            Self::Sealed => "the vault is sealed",
            Self::VaultError => "the vault reports an error of its own",
            Self::BadAnswer => "what answered is not understood",
        }
    }
}

/// A call to a vault that did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFailure {
    /// Why.
    pub cause: KeyCause,
    /// The HTTP status, if there was an answer.
    pub http_status: Option<u16>,
    /// The vault's inner code, for example `KeyDisabled`.
    pub inner_code: Option<String>,
    /// What was said, for a person; no secret.
    pub message: String,
}

impl KeyFailure {
    /// A failure that no HTTP answer stands behind.
    pub fn new(cause: KeyCause, message: impl Into<String>) -> Self {
        Self { cause, http_status: None, inner_code: None, message: message.into() }
    }

    /// Adds what the vault answered.
    #[must_use]
    pub fn answered(mut self, http_status: u16, inner_code: Option<&str>) -> Self {
        self.http_status = Some(http_status);
        self.inner_code = inner_code.map(str::to_owned);
        self
    }

    /// Cause, codes and words as one sentence.
    pub(crate) fn sentence(&self) -> String {
        let mut text = self.cause.words().to_owned();
        let codes: Vec<String> = [self.http_status.map(|n| n.to_string()), self.inner_code.clone()]
            .into_iter()
            .flatten()
            .collect();
        if !codes.is_empty() {
            text.push_str(&format!(" ({})", codes.join(" ")));
        }
        if !self.message.is_empty() {
            text.push_str(&format!(": {}", self.message));
        }
        text
    }

    /// As a fault of the edge.
    pub(crate) fn fault(&self, doing: &str) -> base::Fault {
        let (code, exit) = match self.cause {
            KeyCause::Sealed => ("sealed", base::ExitCode::Sealed),
            KeyCause::Timeout => ("key_unknown", base::ExitCode::Timeout),
            cause if cause.is_denial() => ("key_denied", base::ExitCode::Forbidden),
            _ => ("key_unknown", base::ExitCode::Error),
        };
        base::Fault::new(code, doing).detail(self.sentence()).exit(exit)
    }
}

/// Finds keys of owners; one for each kind of vault stands behind it.
pub trait CustomerKeys: Send + Sync + 'static {
    /// A key.
    type Key: CustomerKey;

    /// The key of `reference`. Asked anew for each check, so that an identity that was replaced
    /// by another of the same name is noticed. An address that cannot be understood is
    /// [`KeyCause::NotFound`], an identity that does not exist [`KeyCause::IdentityUnknown`].
    fn open(
        &self,
        reference: &KeyReference,
    ) -> impl Future<Output = Result<Self::Key, KeyFailure>> + Send;

    /// Waits until something may have changed in the vault of `reference`, for example because
    /// it said so; never ends where nobody tells. May be dropped and called again.
    fn pushed(&self, reference: &KeyReference) -> impl Future<Output = ()> + Send;
}

/// A key of an owner. No call uses a token that an earlier check was given, none is repeated for
/// longer than a few seconds; every call may be dropped.
pub trait CustomerKey: Send + Sync + 'static {
    /// Which kind of vault it lies in, for example `azure-key-vault`.
    fn provider(&self) -> String;
    /// The version in the address; `None`: the newest one counts.
    fn pinned_version(&self) -> Option<String>;
    /// What tells the identity apart from another one of the same name, where that is known.
    fn principal(&self) -> Option<String>;
    /// The newest version, or the one in the address.
    fn newest(&self) -> impl Future<Output = Result<KeyState, KeyFailure>> + Send;
    /// One version.
    fn state(&self, version: &str) -> impl Future<Output = Result<KeyState, KeyFailure>> + Send;
    /// Wraps with the newest version, or the one in the address; the answer names it.
    fn wrap(&self, key: &DataKey) -> impl Future<Output = Result<WrappedKey, KeyFailure>> + Send;
    /// Unwraps with exactly the version that is noted in `wrapped`, in the vault.
    fn unwrap(
        &self,
        wrapped: &WrappedKey,
    ) -> impl Future<Output = Result<DataKey, KeyFailure>> + Send;
}
