//! Keys between the words of the vault, which are those of Azure's REST API, and ours.

use std::collections::BTreeMap;

use api::plane::model::{DeletedKey, Key, KeyCreate, KeyUpdate, RotationPolicy};
use serde_json::{Value, json};

use super::{moment, text};

/// A key bundle or an entry of a list.
pub(super) fn key(bundle: &Value) -> Key {
    let jwk = &bundle["key"];
    let kid = match jwk["kid"].as_str() {
        Some(kid) => kid.to_owned(),
        None => text(bundle, "kid"),
    };
    let (name, version) = split(&kid);
    let attributes = &bundle["attributes"];
    let operations = jwk["key_ops"].as_array().map(Vec::as_slice).unwrap_or_default();
    Key {
        name,
        version,
        kty: jwk["kty"].as_str().map(str::to_owned),
        key_size: size(jwk, attributes),
        curve: jwk["crv"].as_str().map(str::to_owned),
        operations: operations.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        enabled: attributes["enabled"].as_bool().unwrap_or_default(),
        not_before: moment(&attributes["nbf"]),
        expires_at: moment(&attributes["exp"]),
        created_at: moment(&attributes["created"]),
        updated_at: moment(&attributes["updated"]),
        recovery_level: attributes["recoveryLevel"].as_str().map(str::to_owned),
        tags: tags(&bundle["tags"]),
        managed: bundle["managed"].as_bool().unwrap_or_default(),
        used_by: Vec::new(),
        kid,
    }
}

/// Bits of an RSA modulus, which stands there in base64url.
fn size(jwk: &Value, attributes: &Value) -> Option<u32> {
    let of_modulus = jwk["n"].as_str().map(|n| n.len() * 3 / 4 * 8);
    let named = attributes["key_size"].as_u64();
    named.or(of_modulus.map(|bits| bits as u64)).and_then(|bits| u32::try_from(bits).ok())
}

/// A deleted key, or an entry of the list of them.
pub(super) fn deleted(bundle: &Value) -> DeletedKey {
    let key = key(bundle);
    DeletedKey {
        name: key.name,
        kid: key.kid,
        deleted_at: moment(&bundle["deletedDate"]),
        purge_at: moment(&bundle["scheduledPurgeDate"]),
        recovery_level: key.recovery_level,
    }
}

/// Name and version of `https://…/keys/NAME[/VERSION]`.
fn split(kid: &str) -> (String, Option<String>) {
    let path = kid.split_once("/keys/").map_or("", |(_, path)| path);
    match path.split_once('/') {
        Some((name, version)) => (name.to_owned(), Some(version.to_owned())),
        None => (path.to_owned(), None),
    }
}

fn tags(value: &Value) -> BTreeMap<String, String> {
    let fields = value.as_object().into_iter().flatten();
    fields.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// The body that makes a key.
pub(super) fn to_create(wish: &KeyCreate) -> Value {
    json!({
        "kty": wish.kty.as_deref().unwrap_or("RSA"),
        "key_size": wish.key_size,
        "crv": wish.curve,
        "key_ops": wish.operations,
        "attributes": {
            "enabled": wish.enabled,
            "nbf": wish.not_before.map(|at| at.as_second()),
            "exp": wish.expires_at.map(|at| at.as_second()),
        },
        "tags": wish.tags,
    })
}

/// The body that changes a version of a key.
pub(super) fn to_update(update: &KeyUpdate) -> Value {
    json!({
        "key_ops": update.operations,
        "attributes": {
            "enabled": update.enabled,
            "nbf": update.not_before.map(|at| at.as_second()),
            "exp": update.expires_at.map(|at| at.as_second()),
        },
        "tags": update.tags,
    })
}

/// A rotation policy of the vault.
pub(super) fn policy(policy: &Value) -> RotationPolicy {
    let actions = policy["lifetimeActions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let time = |kind: &str, trigger: &str| {
        let is = |action: &&Value| {
            let named = action["action"]["type"].as_str();
            named.is_some_and(|text| text.eq_ignore_ascii_case(kind))
                && action["trigger"][trigger].is_string()
        };
        actions.iter().find(is).map(|action| text(&action["trigger"], trigger))
    };
    let attributes = &policy["attributes"];
    RotationPolicy {
        rotate_after_create: time("Rotate", "timeAfterCreate"),
        rotate_before_expiry: time("Rotate", "timeBeforeExpiry"),
        notify_before_expiry: time("Notify", "timeBeforeExpiry"),
        expires_after: attributes["expiryTime"].as_str().map(str::to_owned),
        updated_at: moment(&attributes["updated"]),
    }
}

/// The body that sets a rotation policy.
pub(super) fn to_policy(policy: &RotationPolicy) -> Value {
    let actions: Vec<Value> = [
        ("Rotate", "timeAfterCreate", &policy.rotate_after_create),
        ("Rotate", "timeBeforeExpiry", &policy.rotate_before_expiry),
        ("Notify", "timeBeforeExpiry", &policy.notify_before_expiry),
    ]
    .into_iter()
    .filter_map(|(kind, trigger, time)| {
        let time = time.as_ref()?;
        Some(json!({ "action": { "type": kind }, "trigger": { trigger: time } }))
    })
    .collect();
    json!({ "lifetimeActions": actions, "attributes": { "expiryTime": policy.expires_after } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_becomes_a_key() {
        let bundle = json!({
            "key": {
                "kid": "https://v.vault.localhost:1/keys/tde/0a", "kty": "RSA",
                "key_ops": ["wrapKey"], "n": "A".repeat(342), "e": "AQAB",
            },
            "attributes": { "enabled": true, "exp": 1_800_000_000, "recoveryLevel": "Recoverable" },
            "tags": { "a": "b" },
        });
        let key = key(&bundle);
        assert_eq!((key.name.as_str(), key.version.as_deref()), ("tde", Some("0a")));
        assert_eq!((key.key_size, key.operations.len()), (Some(2048), 1));
        assert_eq!(key.expires_at.unwrap().as_second(), 1_800_000_000);
        let item = json!({ "kid": "https://v/keys/tde", "attributes": { "enabled": false } });
        let key = super::key(&item);
        assert_eq!((key.name.as_str(), key.version, key.enabled), ("tde", None, false));
    }

    #[test]
    fn a_policy_comes_back_as_it_was_said() {
        let said = RotationPolicy {
            rotate_before_expiry: Some("P30D".to_owned()),
            notify_before_expiry: Some("P60D".to_owned()),
            expires_after: Some("P1Y".to_owned()),
            ..RotationPolicy::default()
        };
        assert_eq!(policy(&to_policy(&said)), said);
        assert_eq!(policy(&json!({})), RotationPolicy::default());
    }
}
