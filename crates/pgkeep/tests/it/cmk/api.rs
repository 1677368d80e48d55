//! A server whose owner holds the key, over the API.

use std::time::Instant;

use serde_json::json;

use super::owner::{KEY, Owner, PATIENCE, PROMISED, SERVER, VAULT};
use crate::api::Api;

#[test]
fn a_key_is_rotated_disabled_and_enabled_over_the_api() {
    let owner = Owner::with_server();
    let api = Api::local(&owner.it);
    let before = api.get(&format!("/servers/{SERVER}"));
    let rotated = api.done("POST", &format!("/servers/{SERVER}/encryption/rotate"), None);
    let version = |shown: &serde_json::Value| shown["data_encryption"]["key_version"].clone();
    assert_ne!(version(&before), version(&rotated), "{rotated:#}");
    assert_eq!(rotated["state"], "Ready");
    let history = api.get(&format!("/servers/{SERVER}/encryption/history"));
    let events = history["items"].as_array().unwrap();
    assert!(events.iter().any(|one| one["kind"] == "rewrap"), "{history:#}");

    let path = format!("/keyvaults/{VAULT}/keys/{KEY}");
    let key = api.get(&path);
    assert_eq!(key["used_by"], json!([SERVER]), "{key:#}");
    let disabled = api.call("PATCH", &path, Some(&json!({ "enabled": false }))).expect(200);
    assert_eq!(disabled["enabled"], false);
    owner.until_closed(Instant::now());
    let shown = api.get(&format!("/servers/{SERVER}"));
    assert_eq!(shown["state"], "Inaccessible", "{shown:#}");
    let home = api.get("/home");
    assert_eq!(home["attention"][0]["severity"], "critical", "{home:#}");
    let check = api.call("POST", &format!("/servers/{SERVER}/encryption/check"), None).expect(200);
    assert_eq!(
        (&check["health"], &check["failure"]["cause"]),
        (&json!("lost"), &json!("disabled"))
    );

    api.call("PATCH", &path, Some(&json!({ "enabled": true }))).expect(200);
    owner.until_state("Ready", Instant::now(), PROMISED.max(PATIENCE));
    assert_eq!(owner.sql("select 1"), "1");

    let audit = api.get(&format!("/keyvaults/{VAULT}/audit"));
    let acts = audit["items"].as_array().unwrap();
    for operation in ["KeyRotate", "KeyUpdate"] {
        let act = acts.iter().find(|one| one["operation"] == operation).unwrap();
        assert_eq!(act["acting"], "local", "{act:#}");
    }
    // What the server does by itself is done for nobody.
    let unwraps = acts.iter().filter(|one| one["operation"] == "KeyUnwrap");
    assert!(unwraps.clone().count() > 0 && unwraps.clone().all(|one| one["acting"].is_null()));
}
