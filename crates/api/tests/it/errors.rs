//! Every refusal of the edge, with its status, code, headers, and its record.

use std::sync::atomic::Ordering;

use crate::client::{ask, served};

const V: &str = "api-version=7.5";

#[tokio::test]
async fn refuses_with_azures_words() {
    let served = served().await;
    let mut client = served.client().await;
    let long = "a".repeat(128);
    let deep = "[".repeat(200);
    for (method, target, body, status, code) in [
        ("GET", "/keys", "", 400, "BadParameter"),
        ("GET", "/keys?api-version=", "", 400, "BadParameter"),
        ("GET", "/keys?api-version=7.3", "", 400, "BadParameter"),
        ("GET", "/keys?api-version=9.9", "", 400, "BadParameter"),
        ("GET", "/keys?V&V=1", "", 400, "BadParameter"),
        ("GET", "/keys?V&maxresults=0", "", 400, "BadParameter"),
        ("GET", "/keys?V&maxresults=26", "", 400, "BadParameter"),
        ("GET", "/keys?V&maxresults=x", "", 400, "BadParameter"),
        ("GET", "/keys?V&$skiptoken=bogus", "", 400, "BadParameter"),
        ("GET", "/keys?V&x=%ff", "", 400, "BadParameter"),
        ("GET", "/keys/a_b?V", "", 400, "BadParameter"),
        ("GET", "/keys/LONG?V", "", 400, "BadParameter"),
        ("GET", "/keys/k/zz?V", "", 400, "BadParameter"),
        ("GET", "/keys/absent?V", "", 404, "KeyNotFound"),
        ("GET", "/certificates?V", "", 404, "NotFound"),
        ("GET", "/?V", "", 404, "NotFound"),
        ("POST", "/keys?V", "", 405, "MethodNotAllowed"),
        ("TRACE", "/keys/k?V", "", 405, "MethodNotAllowed"),
        ("POST", "/keys/k/create?V", "", 400, "BadParameter"),
        ("POST", "/keys/k/create?V", "{", 400, "BadParameter"),
        ("POST", "/keys/k/create?V", "[]x", 400, "BadParameter"),
        ("POST", "/keys/k/create?V", "\"RSA\"", 400, "BadParameter"),
        ("POST", "/keys/k/create?V", "DEEP", 400, "BadParameter"),
        ("POST", "/keys/k/create?V", r#"{"kty":7}"#, 400, "BadParameter"),
        ("POST", "/keys/k/create?V", r#"{"kty":"DSA"}"#, 400, "BadParameter"),
        ("POST", "/keys/k/create?V", r#"{"kty":"RSA","key_size":-1}"#, 400, "BadParameter"),
        ("POST", "/keys/k/create?V", r#"{"kty":"RSA","tags":{"a":1}}"#, 400, "BadParameter"),
        ("PUT", "/keys/k?V", r#"{"kty":"RSA"}"#, 400, "BadParameter"),
        ("POST", "/keys/k/sign?V", r#"{"alg":"RS256"}"#, 400, "BadParameter"),
        ("POST", "/keys/k/sign?V", r#"{"alg":"RS256","value":"a+/="}"#, 400, "BadParameter"),
        ("POST", "/keys/k/sign?V", r#"{"alg":"RS256","value":"A"}"#, 400, "BadParameter"),
        ("POST", "/keys/restore?V", r#"{"value":"!"}"#, 400, "BadParameter"),
        ("POST", "/rng?V", r#"{"count":129}"#, 400, "BadParameter"),
        ("POST", "/keys/k/release?V", r#"{"target":"x"}"#, 403, "Forbidden"),
        ("GET", "/keys/k/attestation?V", "", 403, "Forbidden"),
    ] {
        let target = target.replace("V", V).replace("LONG", &long);
        let body = body.replace("DEEP", &deep);
        let answer = client.send(ask(method, &target).body(body.clone())).await;
        assert_eq!(answer.error(), (status, code.to_owned()), "{method} {target} {body}");
        assert!(answer.headers.get("www-authenticate").is_none());
        assert_eq!(answer.headers.contains_key("allow"), status == 405);
        let context = served.memory.last().context;
        assert_eq!(context.request_id, answer.header("x-ms-request-id"), "it is recorded");
    }
    let no_version = client.send(ask("GET", "/keys")).await;
    assert_eq!(no_version.json()["error"]["message"], "api-version must be specified");
    let unknown = client.send(ask("GET", "/keys?api-version=9.9")).await;
    assert_eq!(
        unknown.json()["error"]["message"],
        "The specified version (9.9) is not recognized. Consider using the latest supported \
         version (2026-04-01)."
    );
}

#[tokio::test]
async fn names_inner_codes_and_passes_conflicts_on() {
    let served = served().await;
    served.create("k").await;
    let mut client = served.client().await;
    client.send(ask("DELETE", &format!("/keys/k?{V}"))).await;
    let create = ask("POST", &format!("/keys/k/create?{V}")).body(r#"{"kty":"RSA"}"#);
    let answer = client.send(create).await;
    assert_eq!(answer.error(), (409, "Conflict".into()));
    let inner = &answer.json()["error"]["innererror"]["code"];
    assert_eq!(inner, "ObjectIsDeletedButRecoverable");
    let absent = client.send(ask("GET", &format!("/keys/none?{V}"))).await;
    assert!(absent.json()["error"].get("innererror").is_none());
}

#[tokio::test]
async fn takes_json_only() {
    let served = served().await;
    let mut client = served.client().await;
    for (kind, status) in [
        (Some("application/json"), 200),
        (Some("Application/JSON; charset=utf-8"), 200),
        (Some("application/merge-patch+json"), 200),
        (None, 200),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (Some(""), 415),
    ] {
        let mut create = ask("POST", &format!("/keys/k/create?{V}")).body(r#"{"kty":"RSA"}"#);
        if let Some(kind) = kind {
            create = create.header("content-type", kind);
        }
        assert_eq!(client.send(create).await.status, status, "{kind:?}");
    }
    // Without a body the type does not matter.
    let rotate = ask("POST", &format!("/keys/k/rotate?{V}")).header("content-type", "text/plain");
    assert_eq!(client.send(rotate).await.status, 200);
}

#[tokio::test]
async fn knows_its_names_only() {
    let served = served().await;
    let mut client = served.client().await;
    for (host, status, code) in [
        ("SHOP.Vault.LocalHost", 200, ""),
        ("shop.vault.localhost:1", 200, ""),
        ("bank.vault.localhost", 404, "VaultNotFound"),
        ("localhost", 421, "MisdirectedRequest"),
        ("127.0.0.1", 421, "MisdirectedRequest"),
        ("shop.vault.localhost.example.org", 421, "MisdirectedRequest"),
        ("a.shop.vault.localhost", 421, "MisdirectedRequest"),
        ("", 421, "MisdirectedRequest"),
    ] {
        let answer = client.send(ask("GET", &format!("/keys?{V}")).host(host)).await;
        match status {
            200 => assert_eq!(answer.status, 200, "{host}"),
            _ => assert_eq!(answer.error(), (status, code.to_owned()), "{host}"),
        }
        assert!(!answer.headers.contains_key("location"));
    }
    let recorded = served.memory.recorded.lock().unwrap().clone();
    let vaults: Vec<_> = recorded.iter().map(|call| call.vault.as_str()).collect();
    assert_eq!(vaults, ["shop", "shop", "bank"]);
}

#[tokio::test]
async fn a_sealed_vault_is_a_passing_trouble() {
    let served = served().await;
    served.memory.sealed.store(true, Ordering::SeqCst);
    let mut client = served.client().await;
    for token in [Some("Bearer a-token-that-verifies"), None] {
        let answer = client.send(ask("GET", &format!("/keys?{V}")).token(token)).await;
        assert_eq!(answer.error(), (503, "VaultSealed".into()));
        assert_eq!(answer.header("retry-after"), "5");
        assert_eq!(served.memory.last().op, "Unrecognised", "it is recorded");
    }
}

#[tokio::test]
async fn a_panic_of_the_backend_is_an_error_of_one_request() {
    let served = served().await;
    served.memory.panics.store(true, Ordering::SeqCst);
    let mut client = served.client().await;
    let answer = client.send(ask("GET", &format!("/keys?{V}"))).await;
    assert_eq!(answer.error(), (500, "InternalError".into()));
    served.memory.panics.store(false, Ordering::SeqCst);
    assert_eq!(client.send(ask("GET", &format!("/keys?{V}"))).await.status, 200);
}
