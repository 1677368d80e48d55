//! What a watcher and whoever makes a data key ask of a provider, in the right order.

use base::Secret;
use jiff::Timestamp;

use crate::{KeyError, KeyProvider, KeyState, Wrapped};

/// A key that passed a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The version that wrapped the tested value.
    pub used: KeyState,
    /// The newest version, which may be another one and may be unusable itself.
    pub newest: KeyState,
}

impl Health {
    /// Whether the key was rotated since the tested value was wrapped.
    pub fn is_rotated(&self) -> bool {
        self.used.version != self.newest.version
    }
}

/// Proves that what `stored` wraps can be had now: attributes, dates and a real unwrap.
///
/// `stored` is best a wrapped test value, so that the data key itself is not fetched needlessly.
pub async fn probe(
    provider: &dyn KeyProvider,
    stored: &Wrapped,
    now: Timestamp,
) -> Result<Health, KeyError> {
    let newest = provider.newest().await?;
    let used = if newest.version == stored.version {
        newest.clone()
    } else {
        provider.state(&stored.version).await?
    };
    used.usable_at(now)?;
    drop(provider.unwrap(stored).await?);
    Ok(Health { used, newest })
}

/// Wraps `key` and proves by unwrapping that it comes back: only then may an older copy go.
pub async fn wrap_proved(
    provider: &dyn KeyProvider,
    key: &Secret<Vec<u8>>,
) -> Result<Wrapped, KeyError> {
    let wrapped = provider.wrap(key).await?;
    let back = provider.unwrap(&wrapped).await?;
    if !crypto::constant_time_eq(back.expose(), key.expose()) {
        return Err(KeyError::broken("another key came back than was wrapped"));
    }
    Ok(wrapped)
}
