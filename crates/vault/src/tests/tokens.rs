//! Managed identities: who is one, what tokens say, and which are refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;
use crate::{ManagedIdentity, Peer, Selector};

const RESOURCE: &str = "https://vault.localhost:8443";

fn identity(house: &House, name: &str, uids: &[u32]) -> ManagedIdentity {
    let attestation = Attestation { uids: uids.to_vec(), units: Vec::new() };
    house.kv.identity_create(OPERATOR, name, &attestation).unwrap().0
}

fn token(house: &House, identity: &ManagedIdentity) -> String {
    let issued = house.kv.issue_token(identity, RESOURCE, &Context::default()).unwrap();
    issued.access_token.expose().clone()
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

#[track_caller]
fn refused_because(house: &House, token: &str, audience: &str, word: &str) {
    match house.kv.authenticate(token, audience) {
        Principal::Anonymous { why } => assert!(why.contains(word), "{why}"),
        other => panic!("expected a refusal for \"{word}\", got {other:?}"),
    }
}

#[test]
fn a_token_says_who_asks() {
    let house = House::new();
    let identity = identity(&house, "app", &[7]);
    let issued = house.kv.issue_token(&identity, &format!("{RESOURCE}/"), &Context::default());
    let issued = issued.unwrap();
    assert_eq!(issued.expires_on, START + 15 * 60);
    assert_eq!(issued.client_id, identity.client_id);
    let token = issued.access_token.expose();
    let claims = claims(token);
    assert_eq!(claims["aud"], RESOURCE);
    assert_eq!(claims["oid"], identity.object_id);
    assert_eq!(claims["appid"], identity.client_id);
    assert_eq!(claims["exp"], START + 15 * 60);
    let mirid = claims["xms_mirid"].as_str().unwrap();
    assert!(mirid.ends_with("/userAssignedIdentities/app"), "{mirid}");
    for _ in 0..2 {
        assert_eq!(house.kv.authenticate(token, RESOURCE), identity.principal());
    }
    // Signed by the key that is published.
    let header = token.split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    let keys = house.kv.published_keys();
    assert_eq!(keys["keys"][0]["kid"], header["kid"]);
    assert_eq!(keys["keys"][0]["crv"], "P-256");
    assert!(keys["keys"][0].get("d").is_none());
}

#[test]
fn tokens_that_are_not_right_are_nobody() {
    let house = House::new();
    let identity = identity(&house, "app", &[7]);
    let good = token(&house, &identity);
    let parts: Vec<&str> = good.split('.').collect();
    let with = |index: usize, value: &Value| {
        let part = URL_SAFE_NO_PAD.encode(value.to_string());
        let mut parts: Vec<&str> = parts.clone();
        parts[index] = &part;
        parts.join(".")
    };
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let changed = |value: &Value, name: &str, to: Value| {
        let mut value = value.clone();
        value[name] = to;
        value
    };
    for (bad, word) in [
        (String::new(), "no token"),
        ("x".to_owned(), "three parts"),
        ("a.b.c.d".to_owned(), "three parts"),
        ("a".repeat(9000), "too long"),
        (format!("!.{}.{}", parts[1], parts[2]), "base64url"),
        (with(0, &changed(&header, "alg", "none".into())), "ES256"),
        (with(0, &changed(&header, "alg", "HS256".into())), "ES256"),
        (with(0, &changed(&header, "kid", "other".into())), "unknown key"),
        (with(0, &changed(&header, "x", "y".repeat(600).into())), "too long"),
        (with(1, &changed(&claims(&good), "oid", "another".into())), "signature"),
        (format!("{}.{}.", parts[0], parts[1]), "signature"),
        (format!("{}.{}.{}", parts[0], parts[1], "AAAA"), "signature"),
    ] {
        refused_because(&house, &bad, RESOURCE, word);
    }
    refused_because(&house, &good, "https://vault.localhost", "audience");
    // A token of another installation, whose key has another kid.
    let other = House::new();
    let foreign = super::tokens::identity(&other, "app", &[7]);
    refused_because(&house, &token(&other, &foreign), RESOURCE, "unknown key");
}

#[test]
fn a_token_ends_and_so_do_its_keys() {
    let house = House::new();
    let identity = identity(&house, "app", &[7]);
    let first = token(&house, &identity);
    house.clock().set(START - 61);
    refused_because(&house, &first, RESOURCE, "not valid yet");
    house.clock().set(START + 15 * 60 + 59);
    assert_eq!(house.kv.authenticate(&first, RESOURCE), identity.principal());
    house.clock().set(START + 15 * 60 + 60);
    refused_because(&house, &first, RESOURCE, "expired");
    // A new key signs; the old one is still published, and later is not.
    let fresh = token(&house, &identity);
    let kid = house.kv.token_key_rotate(OPERATOR).unwrap();
    assert_eq!(house.kv.authenticate(&fresh, RESOURCE), identity.principal());
    assert!(house.kv.published_keys().to_string().contains(&kid));
    assert_eq!(house.kv.published_keys()["keys"].as_array().unwrap().len(), 2);
    assert!(!house.kv.run_due().token_key_rotated);
    house.clock().advance(70 * DAY);
    assert!(house.kv.run_due().token_key_rotated);
    assert_eq!(house.kv.published_keys()["keys"].as_array().unwrap().len(), 1);
    expect_forbidden(house.kv.token_key_rotate(AGENT));
}

#[test]
fn tokens_live_through_a_restart_but_not_through_a_seal() {
    let house = House::new();
    let identity = identity(&house, "app", &[7]);
    let token = token(&house, &identity);
    let _ = house.vault.seal(OPERATOR).unwrap();
    refused_because(&house, &token, RESOURCE, "sealed");
    assert_eq!(house.kv.published_keys()["keys"].as_array().unwrap().len(), 0);
    let outcome = house.kv.issue_token(&identity, RESOURCE, &Context::default());
    assert!(matches!(outcome, Err(Error::Sealed(_))), "{outcome:?}");
    let House { folder, vault, kv } = house;
    drop((vault, kv));
    let vault = folder.open();
    let _ = vault.unseal(OPERATOR).unwrap();
    assert_eq!(vault.key_vaults().authenticate(&token, RESOURCE), identity.principal());
}

#[test]
fn tokens_are_for_living_identities_and_this_resource() {
    let house = House::new();
    let identity = identity(&house, "app", &[7]);
    let issue = |audience: &str| house.kv.issue_token(&identity, audience, &Context::default());
    for bad in ["", "https://vault.azure.net", "https://vault.localhost"] {
        let outcome = issue(bad);
        assert!(matches!(outcome, Err(Error::BadRequest(_))), "{bad}: {outcome:?}");
    }
    let _ = house.kv.identity_enable(OPERATOR, "app", false).unwrap();
    expect_forbidden(issue(RESOURCE));
    let _ = house.kv.identity_delete(OPERATOR, "app").unwrap();
    assert!(matches!(issue(RESOURCE), Err(Error::NotFound(_))));
    let heard = house.folder.heard();
    let last: Vec<&str> = heard.iter().map(String::as_str).collect();
    assert!(last.contains(&"Authentication 403") && last.contains(&"Authentication 400"));
}

#[test]
fn a_process_is_who_the_kernel_says() {
    let house = House::new();
    let (one, two) = (identity(&house, "one", &[7]), identity(&house, "two", &[7, 8]));
    let peer = |uid| Peer { uid, ..Peer::default() };
    let any = Selector::default();
    let by = |identity: &ManagedIdentity| Selector {
        client_id: Some(identity.client_id.to_uppercase()),
        ..Selector::default()
    };
    let of = |uid, selector: &Selector| house.kv.identity_of_peer(&peer(uid), selector);
    assert_eq!(of(8, &any).unwrap(), two);
    assert!(matches!(of(7, &any), Err(Error::BadRequest(_))), "which of the two?");
    assert_eq!(of(7, &by(&one)).unwrap(), one);
    let resource = Selector { resource_id: Some(two.resource_id()), ..Selector::default() };
    assert_eq!(of(7, &resource).unwrap(), two);
    expect_forbidden(of(9, &any));
    expect_forbidden(of(8, &by(&one)));
    let rules = Attestation { uids: vec![8], units: vec!["app.service".to_owned()] };
    let _ = house.kv.identity_attest(OPERATOR, "two", &rules).unwrap();
    expect_forbidden(of(8, &any));
    let in_unit = Peer { unit: Some("app.service".to_owned()), ..peer(8) };
    assert_eq!(house.kv.identity_of_peer(&in_unit, &any).unwrap().name, "two");
    let _ = house.kv.identity_enable(OPERATOR, "two", false).unwrap();
    expect_forbidden(house.kv.identity_of_peer(&in_unit, &any));
}

#[test]
fn a_header_secret_is_one_identity() {
    let house = House::new();
    let one = identity(&house, "one", &[]);
    identity(&house, "two", &[]);
    let (_, secret) = house.kv.identity_env(OPERATOR, "one").unwrap();
    let (_, again) = house.kv.identity_env(OPERATOR, "one").unwrap();
    assert_eq!(secret.expose(), again.expose());
    assert_eq!(secret.expose().len(), 64);
    let any = Selector::default();
    assert_eq!(house.kv.identity_of_header(secret.expose(), &any).unwrap(), one);
    let other = Selector { client_id: Some("other".to_owned()), ..Selector::default() };
    expect_forbidden(house.kv.identity_of_header(secret.expose(), &other));
    for bad in ["", "x", &secret.expose()[1..], &secret.expose().to_uppercase()] {
        expect_forbidden(house.kv.identity_of_header(bad, &any));
    }
    let _ = house.kv.identity_header_rotate(OPERATOR, "one").unwrap();
    expect_forbidden(house.kv.identity_of_header(secret.expose(), &any));
    let bytes = all_bytes(house.folder.dir.path());
    let needle = secret.expose().as_bytes();
    assert!(!bytes.windows(needle.len()).any(|window| window == needle));
}

#[test]
fn a_refused_request_for_a_token_is_recorded_with_its_caller() {
    let house = House::new();
    let peer = Peer { uid: 4711, ..Peer::default() };
    let refused = house.kv.identity_of_peer(&peer, &Selector::default()).unwrap_err();
    let context = Context { request_id: "r-7".to_owned(), ..Context::default() };
    let refused = house.kv.token_refused(Some(4711), "https://x", &context, refused);
    assert!(matches!(refused, Error::Forbidden(_)), "{refused:?}");
    let audit = house.folder.audit();
    let last = audit.last().unwrap();
    assert_eq!(last["operationName"], "Authentication");
    assert_eq!(last["properties"]["httpStatusCode"], 403);
    assert_eq!(last["identity"]["claim"]["uid"], 4711);
    assert_eq!(last["correlationId"], "r-7");
}
