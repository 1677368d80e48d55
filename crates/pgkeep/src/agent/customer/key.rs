//! One key of an owner: a provider of crate `keys` in the words of crate `server`.

use base::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::DataKey;
use keys::{KeyProvider, ProviderKind, Wrapped};
use server::{CustomerKey, KeyCause, KeyFailure, KeyState, WrappedKey};
use zeroize::Zeroize as _;

use super::failure::{of_key, word};

/// Bytes of a data key.
const KEY_BYTES: usize = 32;

/// A key of an owner. Holds no token: every call asks with a fresh one.
#[derive(Debug)]
pub(crate) struct ProviderKey {
    provider: Box<dyn KeyProvider>,
    kind: ProviderKind,
    pinned: Option<String>,
    principal: Option<String>,
}

impl ProviderKey {
    pub(super) fn new(
        provider: Box<dyn KeyProvider>,
        pinned: Option<String>,
        principal: Option<String>,
    ) -> Self {
        let kind = provider.describe().provider;
        Self { provider, kind, pinned, principal }
    }
}

impl CustomerKey for ProviderKey {
    fn provider(&self) -> String {
        word(&self.kind)
    }

    fn pinned_version(&self) -> Option<String> {
        self.pinned.clone()
    }

    fn principal(&self) -> Option<String> {
        self.principal.clone()
    }

    async fn newest(&self) -> Result<KeyState, KeyFailure> {
        self.provider.newest().await.map(state).map_err(of_key)
    }

    async fn state(&self, version: &str) -> Result<KeyState, KeyFailure> {
        self.provider.state(version).await.map(state).map_err(of_key)
    }

    async fn wrap(&self, key: &DataKey) -> Result<WrappedKey, KeyFailure> {
        let plain = Secret::new(key.expose().to_vec());
        let wrapped = self.provider.wrap(&plain).await.map_err(of_key)?;
        Ok(WrappedKey {
            algorithm: word(&wrapped.algorithm),
            value: STANDARD.encode(&wrapped.value),
            key_id: wrapped.kid,
            key_version: wrapped.version,
        })
    }

    async fn unwrap(&self, wrapped: &WrappedKey) -> Result<DataKey, KeyFailure> {
        let wrapped = recorded(self.kind, wrapped)?;
        let plain = self.provider.unwrap(&wrapped).await.map_err(of_key)?;
        taken(plain)
    }
}

fn state(state: keys::KeyState) -> KeyState {
    KeyState {
        version: state.version,
        enabled: state.enabled,
        not_before: state.not_before,
        expires: state.expires,
        // No provider tells its time; this machine's clock is used, with leeway.
        as_of: None,
    }
}

/// What the record keeps, as the provider wants it back.
fn recorded(provider: ProviderKind, wrapped: &WrappedKey) -> Result<Wrapped, KeyFailure> {
    let damaged = |what: &str| {
        KeyFailure::new(KeyCause::DoesNotOpen, format!("the record's wrapped key has {what}"))
    };
    let algorithm = serde_json::from_value(wrapped.algorithm.as_str().into())
        .map_err(|_| damaged("an algorithm that is not known"))?;
    let value =
        STANDARD.decode(&wrapped.value).map_err(|_| damaged("a value that is not base64"))?;
    Ok(Wrapped {
        provider,
        kid: wrapped.key_id.clone(),
        version: wrapped.key_version.clone(),
        algorithm,
        value,
    })
}

/// A data key from what came out of the vault, which is wiped.
fn taken(mut plain: Secret<Vec<u8>>) -> Result<DataKey, KeyFailure> {
    let Ok(bytes) = <&mut [u8; KEY_BYTES]>::try_from(plain.expose_mut().as_mut_slice()) else {
        let message = format!("what came out does not have {KEY_BYTES} bytes");
        return Err(KeyFailure::new(KeyCause::DoesNotOpen, message));
    };
    let key = DataKey::take(bytes);
    plain.expose_mut().zeroize();
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped() -> WrappedKey {
        WrappedKey {
            key_id: "https://hr.vault.localhost/keys/tde/1".to_owned(),
            key_version: "1".to_owned(),
            algorithm: "RSA-OAEP-256".to_owned(),
            value: STANDARD.encode([7; 256]),
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was_wrapped() {
        let back = recorded(ProviderKind::AzureKeyVault, &wrapped()).unwrap();
        assert_eq!((back.version.as_str(), back.value.len()), ("1", 256));
        assert_eq!(back.algorithm, keys::Algorithm::RsaOaep256);
        let odd = WrappedKey { algorithm: "ROT13".to_owned(), ..wrapped() };
        let torn = WrappedKey { value: "*".to_owned(), ..wrapped() };
        for bad in [odd, torn] {
            let failure = recorded(ProviderKind::AzureKeyVault, &bad).unwrap_err();
            assert_eq!(failure.cause, KeyCause::DoesNotOpen);
        }
    }

    #[test]
    fn takes_keys_of_32_bytes_only() {
        assert_eq!(taken(Secret::new(vec![7; 32])).unwrap().expose(), &[7; 32]);
        for n in [0, 31, 33, 64] {
            assert!(taken(Secret::new(vec![7; n])).is_err(), "{n}");
        }
    }
}
