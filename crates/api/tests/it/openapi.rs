//! The published description and what is served are the same thing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::{Answer, Client, ask, served};

const DOCUMENT: &str = include_str!("../../openapi/keyvault.json");
const METHODS: [&str; 5] = ["get", "put", "post", "patch", "delete"];
const VERSION: &str = "00000000000000000000000000000001";

/// Follows `$ref`.
fn resolve<'a>(document: &'a Value, mut value: &'a Value) -> &'a Value {
    while let Some(reference) = value["$ref"].as_str() {
        value = document.pointer(&reference[1..]).unwrap_or_else(|| panic!("{reference}"));
    }
    value
}

/// Checks the part of JSON Schema that answers use.
fn fits(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let schema = resolve(document, schema);
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_i64() || n.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|allowed| allowed == kind),
        Value::String(allowed) => allowed == kind,
        _ => true,
    };
    if !allowed {
        return Err(format!("{value} is no {}", schema["type"]));
    }
    if schema["enum"].as_array().is_some_and(|values| !values.contains(value)) {
        return Err(format!("{value} is none of {}", schema["enum"]));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.is_object() && value.get(name.as_str().unwrap()).is_none() {
            return Err(format!("{value} has no {name}"));
        }
    }
    if let Some(object) = value.as_object() {
        for (name, inner) in object {
            match (schema["properties"].get(name), schema.get("additionalProperties")) {
                (Some(schema), _) | (None, Some(schema)) => fits(document, schema, inner)?,
                (None, None) => return Err(format!("{name} is not described")),
            }
        }
    }
    for inner in value.as_array().into_iter().flatten() {
        fits(document, &schema["items"], inner)?;
    }
    Ok(())
}

/// Checks status, headers and body against an operation's description.
fn check(document: &Value, operation: &Value, answer: &Answer) {
    let status = answer.status.as_str();
    let described = operation["responses"].get(status);
    let described = described.unwrap_or_else(|| panic!("{status} is not described: {answer:?}"));
    let described = resolve(document, described);
    for (name, header) in described["headers"].as_object().into_iter().flatten() {
        let required = resolve(document, header)["required"] == true;
        assert!(!required || !answer.header(name).is_empty(), "{name} is missing: {answer:?}");
    }
    match &described["content"]["application/json"]["schema"] {
        Value::Null => assert_eq!(answer.text, ""),
        schema => {
            if let Err(e) = fits(document, schema, &answer.json()) {
                panic!("{e}: {answer:?}");
            }
        }
    }
}

fn fill(path: &str) -> String {
    path.replace("{key-name}", "k").replace("{key-version}", VERSION)
}

#[tokio::test]
async fn describes_every_path_and_method_that_is_served() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let served = served().await;
    let mut client = served.client().await;
    for (path, item) in document["paths"].as_object().unwrap() {
        let target = format!("{}?api-version=7.5", fill(path));
        for method in METHODS {
            served.create("k").await;
            let answer = client.send(ask(&method.to_uppercase(), &target)).await;
            let Some(operation) = item.get(method) else {
                // There may be a key with that name.
                if path == "/keys/restore" {
                    continue;
                }
                assert_eq!(answer.error().0, 405, "{method} {path}");
                let mut allowed: Vec<_> =
                    METHODS.into_iter().filter(|m| item.get(*m).is_some()).collect();
                let header = answer.header("allow").to_lowercase();
                let mut said: Vec<_> = header.split(", ").collect();
                allowed.sort_unstable();
                said.sort_unstable();
                assert_eq!(said, allowed, "{path}");
                continue;
            };
            assert_ne!(answer.status, 405, "{method} {path}");
            if answer.status == 404 {
                assert_eq!(answer.error().1, "KeyNotFound", "{method} {path}");
            }
            check(&document, operation, &answer);
            restore(&mut client).await;
        }
    }
}

/// Takes back what the requests before may have done to the key.
async fn restore(client: &mut Client) {
    client.send(ask("DELETE", "/deletedkeys/k?api-version=7.5")).await;
}

#[tokio::test]
async fn answers_are_as_described() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let served = served().await;
    served.create("k").await;
    let mut client = served.client().await;
    let bodies: BTreeMap<&str, Value> = [
        ("CreateKey", json!({ "kty": "RSA", "tags": { "a": "b" }, "attributes": { "exp": 1 } })),
        ("ImportKey", json!({ "key": { "kty": "RSA", "n": "AQ", "d": "AQ" } })),
        ("UpdateKey", json!({ "tags": { "c": "d" } })),
        ("UpdateKeyLatest", json!({ "attributes": null })),
        ("RestoreKey", json!({ "value": "aw" })),
        ("Encrypt", json!({ "alg": "A256GCM", "value": "AQ", "iv": "AQ", "aad": "AQ" })),
        ("Sign", json!({ "alg": "RS256", "value": "AQ" })),
        ("Verify", json!({ "alg": "RS256", "digest": "AQ", "value": "AQ" })),
        ("GetRandomBytes", json!({ "count": 128 })),
        (
            "UpdateKeyRotationPolicy",
            json!({ "lifetimeActions": [{ "trigger": { "timeAfterCreate": "P18M" },
                    "action": { "type": "Rotate" } }], "attributes": { "expiryTime": "P2Y" } }),
        ),
    ]
    .into();
    let bodiless = [
        "GetKeys",
        "GetKeyLatest",
        "GetKey",
        "GetKeyVersions",
        "RotateKey",
        "BackupKey",
        "GetKeyRotationPolicy",
        "DeleteKey",
        "GetDeletedKeys",
        "GetDeletedKey",
        "RecoverDeletedKey",
        "DeleteKey",
        "PurgeDeletedKey",
    ];
    let operations: BTreeMap<&str, (&str, &str, &Value)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            METHODS.into_iter().filter_map(move |method| {
                let operation = item.get(method)?;
                Some((operation["operationId"].as_str()?, (method, path.as_str(), operation)))
            })
        })
        .collect();
    let no_body = json!(null);
    let with_bodies = bodies.iter().map(|(id, body)| (*id, body));
    for (id, body) in with_bodies.chain(bodiless.map(|id| (id, &no_body))) {
        let (method, path, operation) = operations[id];
        let target = format!("{}?api-version=2025-07-01", fill(path));
        let mut asked = ask(&method.to_uppercase(), &target);
        if !body.is_null() {
            asked = asked.body(body.to_string());
        }
        let answer = client.send(asked).await;
        assert!(answer.status.is_success(), "{id}: {answer:?}");
        check(&document, operation, &answer);
        for (target, body) in [(fill(path), String::new()), (target, "{".to_owned())] {
            let refused = ask(&method.to_uppercase(), &target).body(body).token(None);
            check(&document, operation, &client.send(refused).await);
        }
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_id_is_its_own() {
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let mut todo = vec![&document];
    let mut ids = Vec::new();
    while let Some(value) = todo.pop() {
        if value.get("$ref").is_some() {
            resolve(&document, value);
        }
        ids.extend(value.get("operationId").and_then(Value::as_str));
        todo.extend(value.as_array().into_iter().flatten());
        todo.extend(value.as_object().into_iter().flat_map(|object| object.values()));
    }
    let n_ids = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), n_ids), (39, 39));
}
