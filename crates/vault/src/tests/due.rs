//! Rotation by policy, purge after the retention time, records before expiry.

use super::*;
use crate::keyvault::model::{
    Action, LifetimeAction, PageRequest, RotationAttributes, RotationPolicy, Trigger,
};

fn policy(actions: &[(&str, Option<&str>, Option<&str>)], expiry: Option<&str>) -> RotationPolicy {
    let text = |text: &Option<&str>| text.map(str::to_owned);
    let action = |(kind, after, before): &(&str, Option<&str>, Option<&str>)| LifetimeAction {
        trigger: Trigger { time_after_create: text(after), time_before_expiry: text(before) },
        action: Action { kind: (*kind).to_owned() },
    };
    RotationPolicy {
        id: None,
        lifetime_actions: actions.iter().map(action).collect(),
        attributes: Some(RotationAttributes { expiry_time: text(&expiry), ..Default::default() }),
    }
}

fn set(key: &str, policy: RotationPolicy) -> Op {
    Op::SetRotationPolicy { name: key.to_owned(), policy }
}

fn n_versions(house: &House, key: &str) -> usize {
    let op = Op::ListVersions { name: key.to_owned(), page: PageRequest::default() };
    match house.does(op).unwrap() {
        Reply::Keys(page) => page.items.len(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn shown(reply: Result<Reply, Refusal>) -> serde_json::Value {
    match reply {
        Ok(Reply::Policy(policy)) => serde_json::to_value(policy).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_policy_is_shown_and_replaced_as_azure_does() {
    let house = House::new();
    house.ec("K");
    let read = || house.does(Op::GetRotationPolicy { name: "k".to_owned() });
    let notify = serde_json::json!({
        "trigger": { "timeBeforeExpiry": "P30D" }, "action": { "type": "Notify" },
    });
    let none = serde_json::json!({ "lifetimeActions": [notify], "attributes": null });
    assert_eq!(shown(read()), none);
    let rotate = ("rOtAtE", Some("P18M"), None);
    let made = shown(house.does(set("k", policy(&[rotate], Some("P2Y")))));
    let expected = serde_json::json!({
        "id": "https://v-1.vault.localhost:8443/keys/K/rotationpolicy",
        "lifetimeActions": [
            { "trigger": { "timeAfterCreate": "P18M" }, "action": { "type": "Rotate" } },
            notify,
        ],
        "attributes": { "expiryTime": "P2Y", "created": START, "updated": START },
    });
    assert_eq!(made, expected);
    assert_eq!(shown(read()), expected);
    house.clock().advance(60);
    let replaced = shown(house.does(set("k", policy(&[("notify", None, Some("P10D"))], None))));
    assert_eq!(replaced["lifetimeActions"].as_array().unwrap().len(), 1);
    assert_eq!(replaced["attributes"]["created"], START);
    assert_eq!(replaced["attributes"]["updated"], START + 60);
}

#[test]
fn a_policy_that_makes_no_sense_is_refused() {
    let house = House::new();
    house.ec("k");
    for (actions, expiry) in [
        (vec![("Rotate", Some("P6D"), None)], None),
        (vec![("Rotate", Some("6"), None)], None),
        (vec![("Rotate", None, None)], None),
        (vec![("Rotate", Some("P30D"), Some("P30D"))], None),
        (vec![("Rotate", Some("P30D"), None), ("rotate", None, Some("P30D"))], None),
        (vec![("Notify", Some("P30D"), None)], None),
        (vec![("Delete", Some("P30D"), None)], None),
        (vec![], Some("P6D")),
        (vec![], Some("P1Yx")),
        // It would be due as soon as it is made.
        (vec![("Rotate", None, Some("P60D"))], Some("P30D")),
    ] {
        house.refused(set("k", policy(&actions, expiry)), 400, None);
    }
    house.refused(set("none", policy(&[], None)), 404, None);
}

#[test]
fn keys_rotate_when_they_are_due() {
    let house = House::new();
    house.ec("after");
    house.ec("before");
    house.ec("disabled");
    let after = policy(&[("Rotate", Some("P30D"), None)], Some("P60D"));
    let before = policy(&[("Rotate", None, Some("P10D"))], Some("P60D"));
    for (key, policy) in [("after", &after), ("before", &before), ("disabled", &after)] {
        house.does(set(key, policy.clone())).unwrap();
    }
    let off = crate::keyvault::model::UpdateParameters {
        attributes: Some(crate::keyvault::model::Attributes {
            enabled: Some(false),
            ..Default::default()
        }),
        ..Default::default()
    };
    house.bundle(Op::Update { name: "disabled".to_owned(), version: None, parameters: off });
    assert_eq!(house.kv.run_due(), crate::DueReport::default());
    house.clock().set(START + 30 * DAY - 1);
    assert_eq!(house.kv.run_due().n_rotated, 0);
    house.clock().set(START + 30 * DAY);
    let report = house.kv.run_due();
    assert_eq!((report.n_rotated, report.failures), (1, vec![]));
    assert_eq!(house.kv.run_due().n_rotated, 0, "once");
    let bundle = house.bundle(get("after"));
    assert_eq!(bundle.attributes.exp, Some(START + 90 * DAY), "created + expiryTime");
    assert_eq!(bundle.managed, Some(true));
    assert_eq!(n_versions(&house, "disabled"), 1);
    assert!(house.folder.heard().contains(&"KeyRotateIfDue 200".to_owned()));
    // The first version has no expiry; a rotation by hand gives the next one.
    let rotated = house.bundle(Op::Rotate { name: "before".to_owned() });
    assert_eq!((rotated.attributes.exp, rotated.managed), (Some(START + 90 * DAY), None));
    house.clock().set(START + 80 * DAY);
    assert_eq!(house.kv.run_due().n_rotated, 2);
    assert_eq!(n_versions(&house, "before"), 3);
    house.refused(Op::Rotate { name: "none".to_owned() }, 404, None);
}

#[test]
fn a_rotated_key_is_like_the_one_before() {
    let house = House::new();
    let parameters = KeyParameters {
        kty: "EC".to_owned(),
        crv: Some("P-384".to_owned()),
        key_ops: Some(vec!["sign".to_owned()]),
        tags: Some([("a".to_owned(), "b".to_owned())].into()),
        ..KeyParameters::default()
    };
    let first = house.bundle(Op::Create { name: "k".to_owned(), parameters });
    let second = house.bundle(Op::Rotate { name: "K".to_owned() });
    assert_eq!(second.key.crv, first.key.crv);
    assert_eq!(second.key.key_ops, first.key.key_ops);
    assert_eq!(second.tags, first.tags);
    assert_ne!(second.key.x, first.key.x);
}

#[test]
fn deleted_keys_go_when_their_time_has_come() {
    let house = House::with(&NewVault {
        name: "v-1".to_owned(),
        retention_days: Some(7),
        purge_protection: true,
    });
    house.ec("k");
    house.ec("stays");
    house.does(Op::Delete { name: "k".to_owned() }).unwrap();
    house.clock().set(START + 7 * DAY - 1);
    assert_eq!(house.kv.run_due().n_purged, 0);
    house.clock().set(START + 7 * DAY);
    assert_eq!(house.kv.run_due().n_purged, 1);
    house.refused(Op::GetDeleted { name: "k".to_owned() }, 404, None);
    assert!(house.does(get("stays")).is_ok());
    let line = house.folder.audit().into_iter().find(|l| l["operationName"] == "KeyPurge").unwrap();
    assert_eq!(line["identity"]["claim"]["appid"], "pgkeep");
}

#[test]
fn coming_and_past_expiry_are_recorded_once() {
    let house = House::new();
    let parameters = KeyParameters {
        kty: "EC".to_owned(),
        attributes: Some(crate::keyvault::model::Attributes {
            exp: Some(START + 100 * DAY),
            ..Default::default()
        }),
        ..KeyParameters::default()
    };
    house.bundle(Op::Create { name: "k".to_owned(), parameters });
    let mut noted = Vec::new();
    for day in 0..120 {
        house.clock().set(START + day * DAY);
        if house.kv.run_due().n_noted > 0 {
            noted.push(day);
        }
    }
    assert_eq!(noted, [70, 100]);
    let heard = house.folder.heard();
    let count = |what: &str| heard.iter().filter(|line| line.starts_with(what)).count();
    assert_eq!(count("KeyNearExpiryEventGridNotification"), 1);
    assert_eq!(count("KeyExpiredEventGridNotification"), 1);
}
