//! Whatever comes in, something sensible goes out: never a panic, always JSON.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use http_body_util::BodyExt as _;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Request, Version};
use proptest::prelude::*;
use serde_json::{Value, json};
use vault::keyvault::model::{Answer, Call, Op, Principal, Refusal, Reply};

use super::answer::About;
use super::op::Body;
use super::respond::{self, respond};
use super::{Inner, KeyVaultBackend, Settings, TokenReply, TokenRequest};

/// Lets everybody in who has a token and says yes to everything.
struct Yes;

impl KeyVaultBackend for Yes {
    fn call(&self, call: Call) -> Result<Answer, Refusal> {
        assert!(call.context.request_uri.chars().count() <= 1024);
        assert!(call.context.client_info.chars().count() <= 256);
        assert!(call.context.api_version.chars().count() <= 32);
        match call.op {
            Op::Unrecognised { refusal } => Err(refusal),
            _ => Ok(Answer { reply: Reply::Verified(true), assignment_id: Some("a".into()) }),
        }
    }

    fn authenticate(&self, _: &str, _: &str) -> Principal {
        Principal::Identity { object_id: "o".into() }
    }

    fn unavailable(&self) -> Option<Refusal> {
        None
    }

    fn vault_exists(&self, name: &str) -> bool {
        name == "shop"
    }

    fn jwks(&self) -> Value {
        json!({ "keys": [] })
    }

    fn token(&self, _: TokenRequest) -> Result<TokenReply, Refusal> {
        Err(super::refuse::broken())
    }
}

struct Zeros;

impl base::Random for Zeros {
    fn fill(&self, out: &mut [u8]) {
        out.fill(0);
    }
}

fn inner() -> Inner {
    let settings = Settings::new(8443, "t", "https://vault.localhost:8443/t");
    let resource = settings.resource();
    let challenge = HeaderValue::from_static("Bearer");
    Inner { backend: Arc::new(Yes), random: Arc::new(Zeros), settings, resource, challenge }
}

/// What came out: status, and the body as JSON.
fn ask(inner: &Inner, request: Request<()>, body: &[u8]) -> (u16, Value) {
    let (parts, ()) = request.into_parts();
    let about = About {
        request_id: inner.request_id(),
        client_request_id: respond::client_request_id(&parts.headers),
        address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        version: Version::HTTP_11,
    };
    let body = Body::Read(zeroize::Zeroizing::new(body.to_vec()));
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let answered = respond(inner, &respond::Request { parts, body, address, about });
    let (head, body) = answered.into_parts();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bytes = runtime.block_on(body.collect()).unwrap().to_bytes();
    assert_eq!(head.headers[CONTENT_TYPE], "application/json; charset=utf-8");
    assert!(head.headers.contains_key("x-ms-request-id"));
    (head.status.as_u16(), serde_json::from_slice(&bytes).unwrap())
}

/// Pieces that paths are made of, and noise.
fn segment() -> impl Strategy<Value = String> {
    let words: Vec<&str> = "keys deletedkeys rng restore create versions backup rotate recover \
                            rotationpolicy wrapKey unwrapkey sign verify encrypt release k %2F %ff \
                            %00 .. 0123456789abcdef0123456789abcdef"
        .split_whitespace()
        .collect();
    prop_oneof![
        6 => prop::sample::select(words).prop_map(str::to_owned),
        1 => Just(String::new()),
        1 => "[!-~&&[^?#\"<>`{}|\\\\^]]{0,40}",
    ]
}

fn query() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => Just("api-version=7.5".to_owned()),
        2 => Just("api%2Dversion=2025-07-01&maxresults=3&%24skiptoken=x".to_owned()),
        2 => "[a-zA-Z0-9%&=$._-]{0,60}",
    ]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => Just(br#"{"kty":"RSA","alg":"RS256","value":"AQ","digest":"AQ","count":1}"#.to_vec()),
        2 => Just(Vec::new()),
        2 => prop::collection::vec(any::<u8>(), 0..200),
        2 => "[{}\\[\\]\",:a-z0-9]{0,80}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn always_answers_in_json(
        method in prop::sample::select(vec!["GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "X"]),
        host in prop::sample::select(vec!["shop", "none", "SHOP", "", "a.shop"]),
        segments in prop::collection::vec(segment(), 0..6),
        query in query(),
        body in body(),
        token in any::<bool>(),
        content_type in prop::option::of("[ -~]{0,30}"),
    ) {
        let target = format!("/{}?{query}", segments.join("/"));
        let mut request = Request::builder()
            .method(method)
            .uri(&target)
            .header(HOST, format!("{host}.vault.localhost:8443"));
        if token {
            request = request.header("authorization", "Bearer t");
        }
        if let Some(kind) = content_type {
            request = request.header(CONTENT_TYPE, kind);
        }
        // What is no HTTP request does not reach this far.
        let request = request.body(());
        prop_assume!(request.is_ok());
        let (status, json) = ask(&inner(), request.unwrap(), &body);
        let expected = match (host, token) {
            ("", _) | ("a.shop", _) => Some(421),
            ("none", _) => Some(404),
            (_, false) => Some(401),
            (_, true) => None,
        };
        if let Some(expected) = expected {
            prop_assert_eq!(status, expected);
        }
        prop_assert!(status < 500, "{} {}", status, json);
        match status {
            200 => prop_assert!(json.get("value").is_some()),
            _ => {
                prop_assert!(json["error"]["code"].as_str().is_some_and(|code| !code.is_empty()));
                prop_assert!(json["error"]["message"].is_string());
            }
        }
    }
}
