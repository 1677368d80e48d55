//! Wishes that are refused, and changes of key and identity while the server runs.

use std::time::Instant;

use super::owner::{IDENTITY, KEY, Owner, PROMISED, refused};
use crate::installation::assert_code;

#[test]
fn what_cannot_become_a_server_is_refused_and_leaves_nothing() {
    let owner = Owner::with_key();
    let create = |key: &str, identity: &str| {
        let words = ["server", "create", "-n", "hr", "--key", key, "--identity", identity];
        owner.it.run(&words)
    };
    let key = owner.key_uri.as_str();
    refused(&owner.it.run(&["server", "create", "-n", "hr", "--identity", IDENTITY]), 2);
    let said = refused(&owner.it.run(&["server", "create", "-n", "hr", "--key", key]), 2);
    assert!(said.contains("--identity") && said.contains("hint"), "{said}");
    let said = refused(&create("https://hrkeys.vault.localhost/secrets/x", IDENTITY), 2);
    assert!(said.contains("names no key"), "{said}");
    refused(&create("ftp://x/keys/tde", IDENTITY), 2);

    let said = refused(&create(key, "nobody"), 4);
    assert!(said.contains("nobody") && said.contains("identity create"), "{said}");
    let said = refused(&create(&key.replace("/tde", "/none"), IDENTITY), 4);
    assert!(said.contains("404"), "{said}");
    // An identity without the role.
    owner.make_identity("bare");
    let said = refused(&create(key, "bare"), 4);
    assert!(said.contains("ForbiddenByRbac"), "{said}");
    owner.enable(false);
    refused(&create(key, IDENTITY), 4);

    let left = owner.it.json(&["server", "list"]);
    assert_eq!(left.as_array().unwrap().len(), 1, "only the demo server: {left}");
    assert!(!owner.it.home().join("servers/hr").exists());
    owner.enable(true);
    owner.create(key);
    // Who holds the key is chosen once.
    let words = ["server", "key", "set", "-s", "demo", "--key", key, "--identity", IDENTITY];
    let said = refused(&owner.it.run(&words), 5);
    assert!(said.contains("managed by pgkeep"), "{said}");
    refused(&owner.it.run(&["server", "key", "revalidate", "-s", "demo"]), 5);
    assert_code(&owner.it.run(&["server", "key", "show", "-s", "demo"]), 0);
}

#[test]
fn key_and_identity_change_while_the_server_runs() {
    let owner = Owner::with_server();
    owner.sql("create table kept as select 42 as n");
    let postmaster = owner.sql("select pg_postmaster_start_time()");
    let shown = owner.it.json(&["server", "show", "-n", "hr"]);
    let encryption = &shown["data_encryption"];
    assert_eq!(encryption["mode"], "CustomerManaged");
    assert_eq!(encryption["key_uri"], owner.key_uri.as_str());
    assert_eq!(encryption["identity"], IDENTITY);
    assert_eq!(encryption["provider"], "azure-key-vault");
    assert_eq!(encryption["key_version"].as_str().unwrap().len(), 32);
    assert!(encryption["last_validated_at"].is_string());

    // Another key.
    let other = owner.make_key("tde2");
    let set =
        |words: &[&str]| owner.it.json(&[&["server", "key", "set", "-s", "hr"], words].concat());
    let answer = set(&["--key", &other]);
    assert_eq!(answer["changed"], "changed", "{answer}");
    assert_eq!(answer["data_encryption"]["key_uri"], other.as_str());
    // The first one is not needed any more.
    owner.key(&["delete"], KEY, &[]);
    let check = owner.it.json(&["server", "key", "revalidate", "-s", "hr"]);
    assert_eq!(check["health"], "usable", "{check}");

    // Another identity.
    owner.make_identity("second");
    let said =
        refused(&owner.it.run(&["server", "key", "set", "-s", "hr", "--identity", "second"]), 4);
    assert!(said.contains("ForbiddenByRbac"), "{said}");
    owner.grant("second");
    let answer = set(&["--identity", "second"]);
    assert_eq!(answer["data_encryption"]["identity"], "second");
    owner.revoke(IDENTITY);
    assert_eq!(owner.it.json(&["server", "key", "revalidate", "-s", "hr"])["health"], "usable");
    assert_eq!(owner.sql("select n from kept"), "42");
    assert_eq!(owner.sql("select pg_postmaster_start_time()"), postmaster, "without a restart");
    assert_eq!(owner.it.json(&["server", "key", "show", "-s", "hr"])["key_uri"], other.as_str());
}

#[test]
fn another_identity_of_the_same_name_is_another() {
    let owner = Owner::with_server();
    let gone = Instant::now();
    assert_code(&owner.it.run(&["identity", "delete", "-n", IDENTITY]), 0);
    owner.until_closed(gone);
    // It gets every right of the first one, and is still not the first one.
    owner.make_identity(IDENTITY);
    owner.grant(IDENTITY);
    let check = owner.it.run(&["server", "key", "revalidate", "-s", "hr", "-o", "json"]);
    assert_code(&check, 6);
    let shown = owner.show().unwrap();
    assert_eq!(shown["state"], "Inaccessible");
    assert_eq!(shown["data_encryption"]["failure"]["cause"], "identity_unknown", "{shown:#}");
    // The owner says that this one is meant.
    let told = Instant::now();
    owner.it.json(&["server", "key", "set", "-s", "hr", "--identity", IDENTITY]);
    owner.until_state("Ready", told, PROMISED);
}
