//! Azure Key Vault: the contract, and each answer that a watcher must not misread.

use std::time::{Duration, Instant};

use keys::azure::{AzureKeyVault, AzureOptions, Identity};
use keys::{Cause, KeyError, KeyProvider, Outage, Trust, WireOptions};

use crate::contract::{self, cause, outage, secret};
use crate::fake_azure::{FakeAzure, error};
use crate::http::{Authority, Response};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azure_keeps_the_contract() {
    contract::holds(&FakeAzure::start().await).await;
}

#[tokio::test]
async fn every_call_has_a_fresh_token_and_first_asks_without_one() {
    let vault = FakeAzure::start().await;
    let key = vault.key("data-key");
    let wrapped = key.wrap(&secret(&[7; 32])).await.unwrap();
    for n in 2..=4 {
        key.unwrap(&wrapped).await.unwrap();
        assert_eq!(vault.state.n_tokens(), n);
    }
    let seen = vault.state.seen.lock();
    assert_eq!(seen.len(), 8);
    for pair in seen.chunks(2) {
        assert_eq!(pair[0].header("authorization"), None);
        assert!(pair[0].body.is_empty(), "a key went out before the vault was known");
        assert!(pair[1].header("authorization").is_some());
        assert!(pair[1].target.contains("api-version="));
    }
}

#[tokio::test]
async fn a_pinned_version_does_not_drift() {
    use contract::Rig as _;
    let vault = FakeAzure::start().await;
    let first = vault.key("data-key").newest().await.unwrap().version;
    let pinned = vault.key(&format!("data-key/{first}"));
    vault.rotate();
    assert_eq!(pinned.newest().await.unwrap().version, first);
    assert_eq!(pinned.wrap(&secret(&[1; 32])).await.unwrap().version, first);
    assert_eq!(pinned.describe().version, Some(first));
    let recoverable = pinned.newest().await.unwrap().recoverable;
    assert_eq!(recoverable, Some(true));
}

/// Answers every authorised request with `response`.
async fn faulty(response: Response) -> (FakeAzure, AzureKeyVault) {
    let vault = FakeAzure::start().await;
    vault.fail(move |request| request.header("authorization").map(|_| response.clone()));
    let key = vault.key("data-key");
    (vault, key)
}

#[tokio::test]
async fn denials_are_definite() {
    for (status, code, inner, expected) in [
        (403, "Forbidden", Some("ForbiddenByRbac"), Cause::Forbidden),
        (403, "Forbidden", Some("AccessDenied"), Cause::Forbidden),
        (403, "Forbidden", Some("KeyDisabled"), Cause::Disabled),
        (403, "Forbidden", Some("ForbiddenByFirewall"), Cause::Firewall),
        (404, "KeyNotFound", None, Cause::NotFound),
        (409, "Conflict", Some("ObjectIsDeletedButRecoverable"), Cause::NotFound),
    ] {
        let (_vault, key) = faulty(error(status, code, inner, "no")).await;
        let result = key.newest().await;
        let Err(KeyError::Denied { status: seen, code: exact, .. }) = &result else {
            panic!("{result:?}");
        };
        assert_eq!((*seen, exact.as_deref()), (Some(status), inner.or(Some(code))));
        assert_eq!(cause(result), expected);
    }
}

#[tokio::test]
async fn a_refused_fresh_token_is_definite_after_one_try() {
    let vault = FakeAzure::start().await;
    let challenge = vault.state.challenge();
    vault.fail(move |_| Some(challenge.clone()));
    assert_eq!(cause(vault.key("data-key").newest().await), Cause::IdentityUnknown);
    assert_eq!(vault.state.n_tokens(), 1);
    assert_eq!(vault.state.seen.lock().len(), 2);
}

#[tokio::test]
async fn failures_prove_nothing_and_are_not_retried() {
    for (response, expected) in [
        (error(429, "Throttled", None, "slow").with("Retry-After", "30"), Outage::Throttled),
        (error(503, "VaultSealed", None, "x").with("Retry-After", "30"), Outage::Sealed),
        (error(500, "InternalError", None, "x"), Outage::ServerFailure),
        (Response::text(502, "<html>bad gateway</html>"), Outage::ServerFailure),
        (Response::text(404, "<html>nothing</html>"), Outage::NotAVault),
        (Response::text(403, "<html>proxy</html>"), Outage::NotAVault),
        (Response::text(200, "{}"), Outage::NotAVault),
        (Response::text(200, "not json"), Outage::NotAVault),
        (Response::text(200, vec![b' '; 300 * 1024]), Outage::NotAVault),
        (Response::text(307, "").with("Location", "https://evil.localhost/"), Outage::NotAVault),
    ] {
        let (vault, key) = faulty(response).await;
        let start = Instant::now();
        assert_eq!(outage(key.newest().await), expected);
        assert!(start.elapsed() < Duration::from_secs(2), "it waited");
        assert_eq!(vault.state.seen.lock().len(), 2, "it tried again");
    }
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    let vault = FakeAzure::start().await;
    vault.fail(|_| Some(Response::hang()));
    let mut options = vault.options();
    options.wire.deadline = Duration::from_millis(300);
    let uri = vault.uri("data-key").parse().unwrap();
    let identity = Identity::Managed { client_id: None };
    let key = AzureKeyVault::new(uri, identity, options).unwrap();
    let start = Instant::now();
    assert_eq!(outage(key.newest().await), Outage::Timeout);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn only_our_authorities_and_the_right_name_are_trusted() {
    let vault = FakeAzure::start().await;
    let with = |uri: String, options: AzureOptions| {
        AzureKeyVault::new(uri.parse().unwrap(), Identity::Managed { client_id: None }, options)
            .unwrap()
    };
    let foreign = Trust::Only(Authority::new().pem());
    let wire = WireOptions { trust: foreign, ..Default::default() };
    let options = AzureOptions { wire, ..vault.options() };
    assert_eq!(outage(with(vault.uri("data-key"), options).newest().await), Outage::Tls);
    let uri = format!("https://wrong.vault.localhost:{}/keys/data-key", vault.server.port());
    assert_eq!(outage(with(uri, vault.options()).newest().await), Outage::Tls);
    assert!(vault.state.seen.lock().is_empty());
    assert_eq!(vault.server.n_connections(), 2);
    let uri = "https://kv.no-such-name.invalid/keys/data-key".to_owned();
    assert_eq!(outage(with(uri, vault.options()).newest().await), Outage::Name);
}

#[tokio::test]
async fn a_vault_of_another_domain_gets_no_token() {
    let vault = FakeAzure::start().await;
    *vault.state.resource.lock() = "https://vault.azure.net".to_owned();
    assert_eq!(outage(vault.key("data-key").newest().await), Outage::NotAVault);
    assert_eq!(vault.state.n_tokens(), 0);
    // With the check switched off the same vault is asked.
    let mut options = vault.options();
    options.verify_challenge = false;
    let identity = Identity::Given(std::sync::Arc::new(NoToken));
    let uri = vault.uri("data-key").parse().unwrap();
    let key = AzureKeyVault::new(uri, identity, options).unwrap();
    let result = key.newest().await;
    assert!(matches!(result, Err(KeyError::Configuration { .. })), "{result:?}");
}

#[tokio::test]
async fn an_answer_for_another_key_is_none() {
    for kid in [
        "https://kv.vault.localhost/keys/other/0123",
        "https://evil.vault.localhost/keys/data-key/0123",
        "https://kv.vault.localhost/keys/data-key",
        "nonsense",
    ] {
        let body = serde_json::json!({
            "key": {"kid": kid, "kty": "RSA"}, "attributes": {"enabled": true},
            "kid": kid, "value": "AAAA",
        });
        let (_vault, key) = faulty(Response::json(200, &body)).await;
        assert_eq!(outage(key.newest().await), Outage::NotAVault, "{kid}");
        assert_eq!(outage(key.wrap(&secret(&[1; 32])).await), Outage::NotAVault, "{kid}");
    }
}

/// A credential that never has a token.
#[derive(Debug)]
struct NoToken;

#[async_trait::async_trait]
impl azure_core::credentials::TokenCredential for NoToken {
    async fn get_token(
        &self,
        _: &[&str],
        _: Option<azure_core::credentials::TokenRequestOptions<'_>>,
    ) -> azure_core::Result<azure_core::credentials::AccessToken> {
        let kind = azure_core::error::ErrorKind::Credential;
        Err(azure_core::Error::with_message(kind, "not set up"))
    }
}
