//! What real clients send, each quirk once.

use serde_json::json;
use vault::keyvault::model::Principal;

use crate::backend::{OBJECT_ID, TOKEN};
use crate::client::{TENANT, ask, certificate, served};

#[tokio::test]
async fn the_first_request_gets_the_challenge_and_is_recorded() {
    let served = served().await;
    let port = served.address.port();
    let mut client = served.client().await;
    // Without a token nothing else is looked at: not the version, the path, the method, the body.
    for (method, target, body) in [
        ("POST", "/keys/k/create?api-version=2025-07-01", ""),
        ("GET", "/", ""),
        ("X", "/nowhere", ""),
        ("POST", "/keys/k/create", "{"),
    ] {
        let answer = client.send(ask(method, target).token(None).body(body)).await;
        assert_eq!(answer.error(), (401, "Unauthorized".into()), "{method} {target}");
        assert_eq!(
            answer.header("www-authenticate"),
            format!(
                "Bearer authorization=\"https://vault.localhost:{port}/{TENANT}\", \
                 resource=\"https://vault.localhost:{port}\""
            )
        );
        let message = "AKV10000: Request is missing a Bearer, PoP, or MTLS_POP token.";
        assert_eq!(answer.json()["error"]["message"], message);
        let recorded = served.memory.last();
        assert_eq!(recorded.op, "Unrecognised");
        assert_eq!(recorded.principal, Principal::Anonymous { why: "no token".into() });
        assert_eq!(recorded.vault, "shop");
        assert_eq!(recorded.context.request_id, answer.header("x-ms-request-id"));
    }
    // The same connection goes on with the token.
    let create = ask("POST", "/keys/k/create?api-version=2025-07-01").body(r#"{"kty":"RSA"}"#);
    assert_eq!(client.send(create).await.status, 200);
    let audience = format!("https://vault.localhost:{port}");
    assert_eq!(*served.memory.audiences.lock().unwrap(), [audience]);
}

#[tokio::test]
async fn a_bad_token_is_told_no_reason() {
    let served = served().await;
    let mut client = served.client().await;
    for token in ["Bearer wrong", "Bearer ", "Basic eDp5", "PoP x", "bearer"] {
        let answer = client.send(ask("GET", "/keys?api-version=7.5").token(Some(token))).await;
        assert_eq!(answer.error().0, 401, "{token}");
        assert!(answer.header("www-authenticate").starts_with("Bearer authorization="));
        assert!(!answer.text.contains("signature of the test"));
        assert!(matches!(served.memory.last().principal, Principal::Anonymous { .. }));
    }
    let twice = ask("GET", "/keys?api-version=7.5").header("authorization", "Bearer other");
    assert_eq!(client.send(twice).await.status, 401);
    let lower = format!("bearer {TOKEN}");
    let answer = client.send(ask("GET", "/keys?api-version=7.5").token(Some(&lower))).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn takes_what_real_clients_send() {
    let served = served().await;
    served.create("k").await;
    let mut client = served.client().await;
    let wrap = r#"{"alg":"RSA-OAEP-256","value":"AAECAw"}"#;
    for (method, target, body) in [
        ("GET", "/keys/k?api%2Dversion=2025-07-01", ""),
        ("GET", "/keys/k?API-VERSION=7.4", ""),
        ("GET", "/keys/k/?api-version=7.6-preview.2", ""),
        ("POST", "/keys/k/wrapKey?api-version=2026-04-01", wrap),
        ("POST", "/keys/k//unwrapkey?api-version=7.5", wrap),
        ("POST", "/keys/k/rotate?api-version=2026-03-01-preview", ""),
        ("POST", "/keys/k/backup?api-version=7.5", ""),
        ("PATCH", "/keys/k/?api-version=7.5", r#"{"attributes":{},"unknown":{"x":[1]}}"#),
        ("POST", "/keys/k/create?api-version=7.5", r#"{"kty":"RSA","attributes":{},"new":1}"#),
    ] {
        let answer = client.send(ask(method, target).body(body)).await;
        assert_eq!(answer.status, 200, "{method} {target} {answer:?}");
    }
    let version = "00000000000000000000000000000001";
    let target = format!("/keys/k/{version}/WRAPKEY?api-version=7.5");
    let padded = r#"{"alg":"RSA-OAEP-256","value":"AAECAw=="}"#;
    let answer = client.send(ask("POST", &target).body(padded)).await;
    assert_eq!(answer.json()["value"], "__79_A");
    assert!(answer.json()["kid"].as_str().unwrap().ends_with(version));
}

#[tokio::test]
async fn says_what_azure_says_in_headers() {
    let served = served().await;
    served.create("k").await;
    let mut client = served.client().await;
    let get = || ask("GET", "/keys/k?api-version=7.5").header("x-ms-client-request-id", "mine-1");
    let answer = client.send(get().header("user-agent", "azsdk-test/1")).await;
    for (name, value) in [
        ("cache-control", "no-cache"),
        ("pragma", "no-cache"),
        ("expires", "-1"),
        ("strict-transport-security", "max-age=31536000;includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("x-ms-client-request-id", "mine-1"),
        ("x-ms-keyvault-region", "local"),
        ("x-ms-keyvault-service-version", env!("CARGO_PKG_VERSION")),
        ("x-ms-keyvault-rbac-assignment-id", "assignment-1"),
        ("x-ms-keyvault-network-info", "conn_type=Ipv4;addr=127.0.0.1;act_addr_fam=InterNetwork;"),
        ("content-type", "application/json; charset=utf-8"),
    ] {
        assert_eq!(answer.header(name), value, "{name}");
    }
    let recorded = served.memory.last();
    assert_eq!(recorded.op, "Get");
    assert_eq!(recorded.principal, Principal::Identity { object_id: OBJECT_ID.into() });
    let context = recorded.context;
    assert_eq!(context.client_request_id.as_deref(), Some("mine-1"));
    assert_eq!(context.api_version, "7.5");
    assert_eq!(context.caller_address, "127.0.0.1");
    assert_eq!(context.client_info, "azsdk-test/1");
    let port = served.address.port();
    let uri = format!("https://shop.vault.localhost:{port}/keys/k?api-version=7.5");
    assert_eq!(context.request_uri, uri);
    assert_eq!(context.request_id, answer.header("x-ms-request-id"));
    let second = client.send(get()).await;
    assert_ne!(second.header("x-ms-request-id"), answer.header("x-ms-request-id"));
}

#[tokio::test]
async fn pages_are_followed_to_their_end() {
    let served = served().await;
    for n in 0..7 {
        served.create(&format!("key-{n}")).await;
    }
    let mut client = served.client().await;
    let origin = format!("https://shop.vault.localhost:{}", served.address.port());
    let mut target = "/keys/?maxresults=3&api%2Dversion=7.6".to_owned();
    let mut kids = Vec::new();
    let mut n_pages = 0;
    loop {
        let page = client.send(ask("GET", &target)).await.json();
        n_pages += 1;
        kids.extend(page["value"].as_array().unwrap().iter().map(|item| item["kid"].to_string()));
        let Some(next) = page["nextLink"].as_str() else {
            assert_eq!(page["nextLink"], json!(null));
            break;
        };
        assert!(next.starts_with(&format!("{origin}/keys?api-version=7.6&$skiptoken=")), "{next}");
        target = next.strip_prefix(&origin).unwrap().to_owned();
    }
    assert_eq!((kids.len(), n_pages), (7, 3));
    kids.dedup();
    assert_eq!(kids.len(), 7);
}

#[tokio::test]
async fn deletes_recovers_purges() {
    let served = served().await;
    served.create("k").await;
    let mut client = served.client().await;
    let mut send = async |method, path: &str| {
        client.send(ask(method, &format!("{path}?api-version=7.5"))).await
    };
    let deleted = send("DELETE", "/keys/k").await;
    assert_eq!(deleted.status, 200);
    let json = deleted.json();
    assert!(json["recoveryId"].as_str().unwrap().ends_with("/deletedkeys/k"));
    assert!(json["key"]["kid"].is_string() && json["scheduledPurgeDate"].is_i64());
    assert_eq!(send("GET", "/deletedkeys").await.json()["value"].as_array().unwrap().len(), 1);
    let conflict = send("POST", "/keys/k/create").await;
    assert_eq!(conflict.error().0, 400, "a create needs a body");
    assert_eq!(send("POST", "/deletedkeys/k/recover").await.status, 200);
    send("DELETE", "/keys/k").await;
    let purged = send("DELETE", "/deletedkeys/k").await;
    assert_eq!((purged.status.as_u16(), purged.text.as_str()), (204, ""));
    assert_eq!(purged.header("x-ms-keyvault-rbac-assignment-id"), "assignment-1");
    assert_eq!(send("GET", "/deletedkeys/k").await.error(), (404, "KeyNotFound".into()));
}

#[tokio::test]
async fn speaks_http2_on_one_connection() {
    let served = served().await;
    let mut client = served.client2().await;
    let first = client.send(ask("GET", "/keys?api-version=7.5").token(None)).await;
    assert_eq!(first.error().0, 401);
    let create = ask("POST", "/keys/k/create?api-version=7.5").body(r#"{"kty":"EC"}"#);
    assert_eq!(client.send(create).await.json()["key"]["kty"], "EC");
    let foreign = client.send(ask("GET", "/keys?api-version=7.5").host("example.org")).await;
    assert_eq!(foreign.error().0, 421);
}

#[tokio::test]
async fn a_renewed_certificate_is_served_to_new_connections() {
    let served = served().await;
    let mut open = served.client().await;
    let before = served.tls(&[]).await;
    let (pem, key) = certificate(&served.issuer);
    served.tls.renew(&pem, key).unwrap();
    let after = served.tls(&[b"h2"]).await;
    let leaf = |stream: &tokio_rustls::client::TlsStream<tokio::net::TcpStream>| {
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    assert_ne!(leaf(&before), leaf(&after));
    // Both protocols are still on offer, and the old connection lives on.
    assert_eq!(after.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    assert_eq!(open.send(ask("GET", "/keys?api-version=7.5")).await.status, 200);
}

#[tokio::test]
async fn the_domain_publishes_what_checks_tokens() {
    let served = served().await;
    let port = served.address.port();
    let mut client = served.client().await;
    let mut get =
        async |path: &str| client.send(ask("GET", path).host("vault.localhost").token(None)).await;
    let own = format!("https://vault.localhost:{port}");
    for path in [
        "/.well-known/openid-configuration".to_owned(),
        format!("/{TENANT}/.well-known/openid-configuration"),
    ] {
        let json = get(&path).await.json();
        assert_eq!(json["issuer"], format!("{own}/{TENANT}"));
        assert_eq!(json["jwks_uri"], format!("{own}/identity/keys"));
    }
    assert_eq!(get("/identity/keys").await.json()["keys"][0]["kid"], "1");
    let document = get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let default = &document["servers"][0]["variables"]["port"]["default"];
    assert_eq!(default, &json!(port.to_string()));
    assert_eq!(get("/keys?api-version=7.5").await.error(), (404, "NotFound".into()));
    let posted = client.send(ask("POST", "/openapi.json").host("vault.localhost")).await;
    assert_eq!((posted.error().0, posted.header("allow")), (405, "GET"));
}
