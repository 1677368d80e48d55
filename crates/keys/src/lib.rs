//! Client side of key vaults: wraps and unwraps a server's data key with a customer's key.
//!
//! Every provider is a [`KeyProvider`]: Azure Key Vault (real or pgkeep's own), a PKCS #11 token,
//! AWS KMS and the transit engine of Vault or OpenBao. Whoever watches a key reads the class of a
//! [`KeyError`]: `Denied` is certain and acts at once, `Unreachable` proves nothing and has a
//! grace. A check never uses an old token, never retries for minutes, and a good unwrap says
//! nothing about validity dates: [`KeyState::usable_at`] does.
//!
//! No server side here (that is crate `vault`), no schedule and no state (that is crate `server`).

#[cfg(feature = "aws")]
pub mod aws;
pub mod azure;
mod error;
pub mod pkcs11;
mod probe;
mod provider;
mod resolve;
mod secret_file;
mod text;
#[cfg(feature = "transit")]
pub mod transit;
mod uri;
mod wire;

pub use error::{Cause, KeyError, Outage};
pub use probe::{Health, probe, wrap_proved};
pub use provider::{
    Algorithm, KeyDescription, KeyProvider, KeyState, MAX_KEY_BYTES, NOT_BEFORE_LEEWAY,
    ProviderKind, Wrapped,
};
pub use uri::KeyUri;
pub use wire::{Trust, WireOptions};
