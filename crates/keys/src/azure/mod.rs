//! Azure Key Vault through Microsoft's SDK: the real one and pgkeep's own alike.
//!
//! One new SDK client for each call. That costs a request (the vault's challenge) and buys three
//! things: a token that is fresh, a challenge that is checked each time, and nothing shared
//! between calls that could hide that an identity or a role is gone.

mod classify;
mod identity;
mod socket;
mod transport;
mod uri;

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, RequestContent, RetryOptions, Transport};
use azure_core::time::OffsetDateTime;
use azure_security_keyvault_keys::models::{
    EncryptionAlgorithm, Key, KeyAttributes, KeyClientGetKeyOptions, KeyClientWrapKeyOptions,
    KeyOperationParameters, KeyOperationResult,
};
use azure_security_keyvault_keys::{KeyClient, KeyClientOptions};
use base::Secret;
use jiff::Timestamp;

pub use identity::Identity;
pub use socket::SocketIdentity;
pub use uri::AzureKeyUri;

use crate::provider::{check_key_length, checked_plain};
use crate::wire::{self, within};
use crate::{
    Algorithm, KeyDescription, KeyError, KeyProvider, KeyState, ProviderKind, WireOptions, Wrapped,
};
use classify::Operation;
use identity::Observed;
use transport::LimitedClient;
use uri::is_version;

/// How an Azure Key Vault is asked.
#[derive(Clone, Debug)]
pub struct AzureOptions {
    /// The way to the vault.
    pub wire: WireOptions,
    /// The way to the sign-in service of [`Identity`].
    pub sign_in: WireOptions,
    /// Whether the challenge must name the domain that the vault lies in. Only a vault with an
    /// odd name needs this off: it keeps a false vault from collecting tokens for a true one.
    pub verify_challenge: bool,
}

impl Default for AzureOptions {
    fn default() -> Self {
        Self {
            wire: WireOptions::default(),
            sign_in: WireOptions::default(),
            verify_challenge: true,
        }
    }
}

/// A key of an Azure Key Vault.
#[derive(Debug)]
pub struct AzureKeyVault {
    uri: AzureKeyUri,
    identity: Identity,
    options: AzureOptions,
    transport: Transport,
    sign_in: reqwest::Client,
}

impl AzureKeyVault {
    /// The key at `uri`, asked for as `identity`. Asks nothing yet.
    pub fn new(
        uri: AzureKeyUri,
        identity: Identity,
        options: AzureOptions,
    ) -> Result<Self, KeyError> {
        let client = LimitedClient(wire::client(&options.wire)?);
        let sign_in = identity.client(&options.sign_in)?;
        Ok(Self { uri, identity, options, transport: Transport::new(Arc::new(client)), sign_in })
    }

    /// A client that has asked nothing and holds no token.
    fn open(&self) -> Result<(KeyClient, Arc<Observed>), KeyError> {
        let seen = Observed::new(self.identity.credential(&self.sign_in)?);
        let credential: Arc<dyn TokenCredential> = Arc::clone(&seen) as _;
        let options = KeyClientOptions {
            client_options: ClientOptions {
                retry: RetryOptions::none(),
                transport: Some(self.transport.clone()),
                ..ClientOptions::default()
            },
            verify_challenge_resource: Some(self.options.verify_challenge),
            ..KeyClientOptions::default()
        };
        let client = KeyClient::new(self.uri.vault().as_str(), credential, Some(options))
            .map_err(|error| KeyError::configuration(error.to_string()))?;
        Ok((client, seen))
    }

    async fn get(&self, version: Option<&str>) -> Result<KeyState, KeyError> {
        within(self.options.wire.deadline, async {
            let (client, seen) = self.open()?;
            let options = KeyClientGetKeyOptions {
                key_version: version.map(str::to_owned),
                ..Default::default()
            };
            let answer = client.get_key(self.uri.name(), Some(options)).await;
            let key = answer
                .and_then(|answer| answer.into_model())
                .map_err(|error| failed(Operation::Get, &error, &seen))?;
            self.read_state(key, version)
        })
        .await
    }

    /// Reads a key bundle; one about another key than was asked for is no answer.
    fn read_state(&self, key: Key, asked: Option<&str>) -> Result<KeyState, KeyError> {
        let kid = key.key.and_then(|key| key.kid);
        let (kid, version) = self.read_kid(kid, asked)?;
        let attributes =
            key.attributes.ok_or_else(|| KeyError::odd("the vault's answer has no attributes"))?;
        let enabled = attributes
            .enabled
            .ok_or_else(|| KeyError::odd("the vault does not say whether the key is enabled"))?;
        Ok(KeyState {
            kid,
            version,
            enabled,
            not_before: moment(attributes.not_before),
            expires: moment(attributes.expires),
            created: moment(attributes.created),
            updated: moment(attributes.updated),
            recoverable: recoverable(&attributes),
        })
    }

    /// Splits the kid of an answer into itself and its version, after comparing it with ours.
    fn read_kid(
        &self,
        kid: Option<String>,
        asked: Option<&str>,
    ) -> Result<(String, String), KeyError> {
        let odd = || KeyError::odd("the vault answered for another key");
        let kid = kid.ok_or_else(odd)?;
        let named: AzureKeyUri = kid.parse().map_err(|_| odd())?;
        let version = named.version().ok_or_else(odd)?.to_owned();
        if !named.is_same_key(&self.uri) || asked.is_some_and(|asked| asked != version) {
            return Err(odd());
        }
        Ok((kid, version))
    }
}

#[async_trait]
impl KeyProvider for AzureKeyVault {
    fn describe(&self) -> KeyDescription {
        KeyDescription {
            provider: ProviderKind::AzureKeyVault,
            vault: self.uri.vault().to_string(),
            key: self.uri.name().to_owned(),
            version: self.uri.version().map(str::to_owned),
            identity: self.identity.describe(),
        }
    }

    async fn newest(&self) -> Result<KeyState, KeyError> {
        self.get(self.uri.version()).await
    }

    async fn state(&self, version: &str) -> Result<KeyState, KeyError> {
        if !is_version(version) {
            return Err(KeyError::configuration(format!("\"{version}\" is no key version")));
        }
        self.get(Some(version)).await
    }

    async fn wrap(&self, key: &Secret<Vec<u8>>) -> Result<Wrapped, KeyError> {
        check_key_length(key)?;
        within(self.options.wire.deadline, async {
            let (client, seen) = self.open()?;
            let options = KeyClientWrapKeyOptions {
                key_version: self.uri.version().map(str::to_owned),
                ..Default::default()
            };
            let parameters = parameters(key.expose())
                .map_err(|error| KeyError::configuration(error.to_string()))?;
            let answer = client.wrap_key(self.uri.name(), parameters, Some(options)).await;
            let done: KeyOperationResult = answer
                .and_then(|answer| answer.into_model())
                .map_err(|error| failed(Operation::Wrap, &error, &seen))?;
            let (kid, version) = self.read_kid(done.kid, self.uri.version())?;
            let value = done.result.unwrap_or_default();
            let wrapped = Wrapped {
                provider: ProviderKind::AzureKeyVault,
                kid,
                version,
                algorithm: Algorithm::RsaOaep256,
                value,
            };
            wrapped
                .must_be_from(ProviderKind::AzureKeyVault)
                .map_err(|_| KeyError::odd("the vault wrapped nothing"))?;
            Ok(wrapped)
        })
        .await
    }

    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Secret<Vec<u8>>, KeyError> {
        wrapped.must_be_from(ProviderKind::AzureKeyVault)?;
        if wrapped.algorithm != Algorithm::RsaOaep256 {
            return Err(KeyError::broken("it was wrapped in a way that is not in use here"));
        }
        let stored: AzureKeyUri =
            wrapped.kid.parse().map_err(|_| KeyError::broken("its key id is none"))?;
        if !stored.is_same_key(&self.uri) || stored.version() != Some(&wrapped.version) {
            return Err(KeyError::broken("another key wrapped it"));
        }
        within(self.options.wire.deadline, async {
            let (client, seen) = self.open()?;
            let parameters = parameters(&wrapped.value)
                .map_err(|error| KeyError::configuration(error.to_string()))?;
            let answer =
                client.unwrap_key(self.uri.name(), &wrapped.version, parameters, None).await;
            let done: KeyOperationResult = answer
                .and_then(|answer| answer.into_model())
                .map_err(|error| failed(Operation::Unwrap, &error, &seen))?;
            let plain = Secret::new(done.result.unwrap_or_default());
            self.read_kid(done.kid, Some(&wrapped.version))?;
            checked_plain(plain)
        })
        .await
    }
}

/// Classifies a failed call; a token that did not come is the reason, whatever followed.
fn failed(operation: Operation, error: &azure_core::Error, seen: &Observed) -> KeyError {
    match seen.failure() {
        Some(failure) => failure,
        None => classify::vault(operation, error, seen.had_token()),
    }
}

/// Body of a wrap or unwrap.
fn parameters(value: &[u8]) -> azure_core::Result<RequestContent<KeyOperationParameters>> {
    KeyOperationParameters {
        algorithm: Some(EncryptionAlgorithm::RsaOaep256),
        value: Some(value.to_vec()),
        ..Default::default()
    }
    .try_into()
}

fn moment(time: Option<OffsetDateTime>) -> Option<Timestamp> {
    time.and_then(|time| Timestamp::from_second(time.unix_timestamp()).ok())
}

/// `Recoverable…` and `CustomizedRecoverable…` can be brought back, `Purgeable` cannot.
fn recoverable(attributes: &KeyAttributes) -> Option<bool> {
    attributes.recovery_level.as_ref().map(|level| level.as_ref().contains("Recoverable"))
}
