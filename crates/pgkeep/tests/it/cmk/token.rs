//! A server whose owner keeps the key in a PKCS #11 token.

use std::time::{Duration, Instant};

use super::owner::{Owner, PATIENCE, PROMISED, SERVER};
use crate::installation::{Installation, assert_code, is_root};
use crate::softhsm::{KEY, SoftHsm, configure};

/// Two rounds of the watch, which asks every ten seconds: a token tells nobody of a change.
const TWO_ROUNDS: Duration = Duration::from_secs(30);

#[test]
fn a_server_lives_by_a_token_and_closes_without_its_key() {
    // As root, PostgreSQL and its agent run as this user.
    let user = if is_root() { "postgres" } else { "" };
    let Some(hsm) = SoftHsm::of(user) else { return };
    let it = Installation::new();
    assert_code(&it.up(), 0);
    configure(&it, &hsm.environment());
    assert_code(&it.run(&["down"]), 0);
    assert_code(&it.up(), 0);
    let owner = Owner { it, key_uri: hsm.uri(KEY) };

    let port = testkit::free_port().to_string();
    let words = ["server", "create", "-n", SERVER, "--port", &port, "--grace", "3"];
    let watch = ["--check-interval", "2", "--key", &owner.key_uri];
    let shown = owner.it.json(&[&words[..], &watch].concat());
    assert_eq!(shown["state"], "Ready", "{shown:#}");
    assert_eq!(owner.show().unwrap()["data_encryption"]["health"], "usable");
    assert_eq!(owner.sql("select 1"), "1");

    hsm.take_keys();
    let closed = owner.until_closed(Instant::now());
    let failure = &owner.show().unwrap()["data_encryption"]["failure"];
    assert_eq!(failure["cause"], "not_found", "{failure:#}");
    hsm.put_keys_back();
    let back = owner.until_state("Ready", Instant::now(), PROMISED);
    assert_eq!(owner.sql("select 1"), "1");
    println!("a key that left its token: closed after {closed:.2?}, back after {back:.2?}");

    // A token that is not there says nothing about its key: a grace, and then the end.
    hsm.take_away();
    let doubt = |shown: &serde_json::Value| shown["data_encryption"]["health"] == "doubtful";
    owner.until("there is doubt", Instant::now(), TWO_ROUNDS, doubt);
    owner.until_closed(Instant::now());
    hsm.put_back();
    owner.until_state("Ready", Instant::now(), PROMISED);

    // A newer key under the same name is followed; the server goes on meanwhile.
    hsm.add_key(KEY, "02");
    owner.until("the newer key wraps", Instant::now(), PATIENCE, |shown| {
        shown["data_encryption"]["key_version"] == "02"
    });
    assert_eq!(owner.sql("select 1"), "1");

    // A restart while the token is away.
    assert_code(&owner.it.run(&["down"]), 0);
    hsm.take_away();
    let _ = owner.it.up();
    owner.until_state("Inaccessible", Instant::now(), PATIENCE);
    hsm.put_back();
    owner.until_state("Ready", Instant::now(), TWO_ROUNDS);
    assert_eq!(owner.sql("select 1"), "1");
}
