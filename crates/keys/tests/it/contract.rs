//! What every provider must do.

use std::time::{Duration, Instant};

use base::Secret;
use jiff::Timestamp;
use keys::{
    Cause, KeyError, KeyProvider, MAX_KEY_BYTES, Outage, ProviderKind, Wrapped, probe, wrap_proved,
};

/// A provider with the means to change what is behind it.
pub(crate) trait Rig {
    /// The key under test, following its newest version.
    fn provider(&self) -> Box<dyn KeyProvider>;
    /// A key that does not exist, in the same vault.
    fn unknown(&self) -> Box<dyn KeyProvider>;
    /// A vault that does not answer.
    fn silent(&self) -> Box<dyn KeyProvider>;
    /// Makes a newer version.
    fn rotate(&self);
    /// Switches a version off; false when such a thing does not exist there.
    fn disable(&self, version: &str) -> bool;
    /// Lets a version expire; false when such a thing does not exist there.
    fn expire(&self, version: &str) -> bool;
}

pub(crate) fn secret(bytes: &[u8]) -> Secret<Vec<u8>> {
    Secret::new(bytes.to_vec())
}

pub(crate) fn cause<T: std::fmt::Debug>(result: Result<T, KeyError>) -> Cause {
    match result {
        Err(KeyError::Denied { cause, .. }) => cause,
        other => panic!("no denial: {other:?}"),
    }
}

pub(crate) fn outage<T: std::fmt::Debug>(result: Result<T, KeyError>) -> Outage {
    match result {
        Err(KeyError::Unreachable { outage, .. }) => outage,
        other => panic!("no outage: {other:?}"),
    }
}

pub(crate) async fn holds(rig: &dyn Rig) {
    let provider = rig.provider();
    let provider = provider.as_ref();
    let key = secret(&[0xa5; 32]);
    let first = comes_back(provider, &key).await;
    wrong_bytes_are_broken(provider, &first).await;
    wrong_lengths_are_refused(provider).await;
    let second = survives_rotation(rig, provider, &first, &key).await;
    unknown_is_denied(rig, provider, &key).await;
    silence_proves_nothing(rig, &first).await;
    if rig.disable(&first.version) {
        let state = provider.state(&first.version).await.unwrap();
        assert!(!state.enabled);
        assert_eq!(cause(state.usable_at(Timestamp::now())), Cause::Disabled);
        assert_eq!(cause(probe(provider, &first, Timestamp::now()).await), Cause::Disabled);
        assert_eq!(cause(provider.unwrap(&first).await), Cause::Disabled);
        // The other version is as good as before.
        probe(provider, &second, Timestamp::now()).await.unwrap();
    }
    if rig.expire(&second.version) {
        // Whether the vault still unwraps or not: the dates are compared here.
        let state = provider.state(&second.version).await.unwrap();
        assert_eq!(cause(state.usable_at(Timestamp::now())), Cause::Expired);
        assert_eq!(cause(probe(provider, &second, Timestamp::now()).await), Cause::Expired);
    }
}

async fn comes_back(provider: &dyn KeyProvider, key: &Secret<Vec<u8>>) -> Wrapped {
    let description = provider.describe();
    assert!(!description.key.is_empty() && !description.vault.is_empty());
    assert_eq!(description.version, None);
    let newest = provider.newest().await.unwrap();
    assert!(newest.enabled);
    newest.usable_at(Timestamp::now()).unwrap();
    assert_eq!(provider.state(&newest.version).await.unwrap(), newest);

    let wrapped = wrap_proved(provider, key).await.unwrap();
    assert_eq!(wrapped.provider, description.provider);
    assert_eq!((&wrapped.version, &wrapped.kid), (&newest.version, &newest.kid));
    let holds_key = wrapped.value.windows(key.expose().len()).any(|w| w == key.expose());
    assert!(!holds_key, "the wrapped value holds the key in clear");
    let again = provider.wrap(key).await.unwrap();
    assert_eq!(provider.unwrap(&again).await.unwrap().expose(), key.expose());

    // Only what the record holds is needed.
    let text = serde_json::to_string(&wrapped).unwrap();
    let stored: Wrapped = serde_json::from_str(&text).unwrap();
    assert_eq!(provider.unwrap(&stored).await.unwrap().expose(), key.expose());
    let health = probe(provider, &stored, Timestamp::now()).await.unwrap();
    assert!(!health.is_rotated());
    wrapped
}

async fn wrong_bytes_are_broken(provider: &dyn KeyProvider, good: &Wrapped) {
    let mut cases = Vec::new();
    for index in [good.value.len() / 2, good.value.len() - 1] {
        let mut bad = good.clone();
        bad.value[index] ^= 1;
        cases.push(bad);
    }
    let mut short = good.clone();
    short.value.truncate(good.value.len() / 2);
    cases.push(short);
    cases.push(Wrapped { value: Vec::new(), ..good.clone() });
    cases.push(Wrapped { value: vec![1; 20_000], ..good.clone() });
    cases.push(Wrapped { kid: "https://other.example/keys/k/1".to_owned(), ..good.clone() });
    cases.push(Wrapped { kid: String::new(), ..good.clone() });
    let other = match good.provider {
        ProviderKind::AzureKeyVault => ProviderKind::Pkcs11,
        _ => ProviderKind::AzureKeyVault,
    };
    cases.push(Wrapped { provider: other, ..good.clone() });
    for (n, bad) in cases.into_iter().enumerate() {
        match provider.unwrap(&bad).await {
            Err(KeyError::Broken { .. }) => {}
            other => panic!("case {n}: {other:?}"),
        }
    }
}

async fn wrong_lengths_are_refused(provider: &dyn KeyProvider) {
    for bytes in [&[][..], &[1; MAX_KEY_BYTES + 1]] {
        let result = provider.wrap(&secret(bytes)).await;
        assert!(matches!(result, Err(KeyError::Configuration { .. })), "{result:?}");
    }
}

async fn survives_rotation(
    rig: &dyn Rig,
    provider: &dyn KeyProvider,
    first: &Wrapped,
    key: &Secret<Vec<u8>>,
) -> Wrapped {
    rig.rotate();
    let newest = provider.newest().await.unwrap();
    assert_ne!(newest.version, first.version);
    assert_eq!(provider.unwrap(first).await.unwrap().expose(), key.expose());
    let health = probe(provider, first, Timestamp::now()).await.unwrap();
    assert!(health.is_rotated());
    assert_eq!(health.used.version, first.version);
    let second = wrap_proved(provider, key).await.unwrap();
    assert_eq!(second.version, newest.version);
    assert_eq!(provider.unwrap(&second).await.unwrap().expose(), key.expose());
    // A value is not opened by another version than the one that made it.
    let crossed =
        Wrapped { version: second.version.clone(), kid: second.kid.clone(), ..first.clone() };
    let result = provider.unwrap(&crossed).await;
    assert!(matches!(result, Err(KeyError::Broken { .. })), "{result:?}");
    second
}

async fn unknown_is_denied(rig: &dyn Rig, provider: &dyn KeyProvider, key: &Secret<Vec<u8>>) {
    let unknown = rig.unknown();
    assert_eq!(cause(unknown.newest().await), Cause::NotFound);
    assert_eq!(cause(unknown.wrap(key).await), Cause::NotFound);
    let odd = provider.state("../../secrets").await;
    assert!(matches!(odd, Err(KeyError::Configuration { .. })), "{odd:?}");
}

async fn silence_proves_nothing(rig: &dyn Rig, wrapped: &Wrapped) {
    let silent = rig.silent();
    let start = Instant::now();
    for result in [
        silent.newest().await.map(drop),
        silent.wrap(&secret(&[1; 32])).await.map(drop),
        probe(silent.as_ref(), wrapped, Timestamp::now()).await.map(drop),
    ] {
        let error = result.unwrap_err();
        assert!(!error.is_definite(), "{error:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(15), "took {:?}", start.elapsed());
}
