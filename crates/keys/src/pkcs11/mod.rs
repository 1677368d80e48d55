//! A customer's key in a PKCS #11 token: an HSM, a smart card, SoftHSM.
//!
//! Every call opens a session, logs in, finds the key and closes the session: what an operator
//! changes in the token shows at the next call. The library runs on blocking threads; one that
//! hangs costs a thread and the deadline, not the caller.

mod errors;
mod mechanism;
mod module;
mod objects;
mod seal;
mod uri;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base::Secret;

pub use seal::{SEALED_KEY_BYTES, SealToken, Token};
pub use uri::Pkcs11Uri;

use crate::provider::check_key_length;
use crate::secret_file::Readers;
use crate::wire::within;
use crate::{KeyDescription, KeyError, KeyProvider, KeyState, Outage, ProviderKind, Wrapped};
use module::{Door, Open};
use uri::is_version;

/// Longest wait for a token.
const DEADLINE: Duration = Duration::from_secs(4);

/// A key of a PKCS #11 token.
#[derive(Clone, Debug)]
pub struct Pkcs11Key {
    door: Arc<Door>,
    deadline: Duration,
}

impl Pkcs11Key {
    /// The key at `uri`. Loads the library; does not ask the token yet.
    pub fn new(uri: Pkcs11Uri) -> Result<Self, KeyError> {
        Ok(Self { door: Arc::new(Door::new(uri, Readers::Group)?), deadline: DEADLINE })
    }

    /// Changes the longest wait for the token.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    fn wrap_blocking(&self, key: &[u8]) -> Result<Wrapped, KeyError> {
        let uri = &self.door.uri;
        self.door.with(self.deadline, |open| {
            let version = objects::find(open, uri.object(), uri.version())?;
            let (algorithm, value) = mechanism::wrap(open, &version, key)?;
            Ok(Wrapped {
                provider: ProviderKind::Pkcs11,
                kid: uri.kid(&version.id),
                version: version.id,
                algorithm,
                value,
            })
        })
    }

    fn unwrap_blocking(&self, wrapped: &Wrapped) -> Result<Secret<Vec<u8>>, KeyError> {
        wrapped.must_be_from(ProviderKind::Pkcs11)?;
        let uri = &self.door.uri;
        if !is_version(&wrapped.version) || wrapped.kid != uri.kid(&wrapped.version) {
            return Err(KeyError::broken("another key wrapped it"));
        }
        self.door.with(self.deadline, |open| {
            let version = objects::find(open, uri.object(), Some(&wrapped.version))?;
            mechanism::unwrap(open, &version, wrapped.algorithm, &wrapped.value)
        })
    }

    fn state_blocking(&self, version: Option<&str>) -> Result<KeyState, KeyError> {
        let uri = &self.door.uri;
        self.door.with(self.deadline, |open: &Open<'_>| {
            let version = objects::find(open, uri.object(), version)?;
            Ok(version.state(uri.kid(&version.id)))
        })
    }

    /// Runs blocking work beside the async threads, for at most the deadline.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, KeyError> + Send + 'static,
    ) -> Result<T, KeyError> {
        let this = self.clone();
        within(self.deadline, async {
            match tokio::task::spawn_blocking(move || work(&this)).await {
                Ok(result) => result,
                Err(_) => {
                    Err(KeyError::unreachable(Outage::ServerFailure, "the token's library crashed"))
                }
            }
        })
        .await
    }
}

#[async_trait]
impl KeyProvider for Pkcs11Key {
    fn describe(&self) -> KeyDescription {
        let uri = &self.door.uri;
        KeyDescription {
            provider: ProviderKind::Pkcs11,
            vault: format!("token {}", uri.token()),
            key: uri.object().to_owned(),
            version: uri.version().map(str::to_owned),
            identity: match uri.pin_source() {
                Some(_) => "user of the token".to_owned(),
                None => "without a login".to_owned(),
            },
        }
    }

    async fn newest(&self) -> Result<KeyState, KeyError> {
        self.blocking(|this| this.state_blocking(this.door.uri.version())).await
    }

    async fn state(&self, version: &str) -> Result<KeyState, KeyError> {
        if !is_version(version) {
            return Err(KeyError::configuration(format!("\"{version}\" is no key version")));
        }
        let version = version.to_owned();
        self.blocking(move |this| this.state_blocking(Some(&version))).await
    }

    async fn wrap(&self, key: &Secret<Vec<u8>>) -> Result<Wrapped, KeyError> {
        check_key_length(key)?;
        let key = Secret::new(key.expose().clone());
        self.blocking(move |this| this.wrap_blocking(key.expose())).await
    }

    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Secret<Vec<u8>>, KeyError> {
        let wrapped = wrapped.clone();
        self.blocking(move |this| this.unwrap_blocking(&wrapped)).await
    }
}
