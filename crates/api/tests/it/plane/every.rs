//! Every operation of the document: a plausible request is answered, a wrong body refused.

use serde_json::{Value, json};

use super::Served;

/// Operations whose request ends the caller's own sign-in or needs a provider: tested elsewhere.
const ELSEWHERE: [&str; 2] = ["oidc_start", "oidc_callback"];
/// Take any body as it is.
const RAW: [&str; 1] = ["logs_ingest"];
/// Fail on purpose in the simulated backend.
const FAILING: [&str; 2] = ["ca_show", "keyvault_key_show"];

struct Operation {
    id: String,
    method: String,
    path: String,
    body: bool,
}

/// All operations, with plausible names in their paths.
fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(api::plane::openapi()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let filled =
            [("server", "demo"), ("vault", "pay"), ("key", "tde"), ("parameter", "work_mem")]
                .iter()
                .fold(path.clone(), |path, (name, value)| {
                    path.replace(&format!("{{{name}}}"), value)
                });
        let filled =
            filled.replace("{identity}", "app").replace("{table}", "Syslog").replace("{id}", "1");
        let filled = filled.replace("{check}", "LOG-17");
        let mut filled = filled.replace("{name}", "anna");
        if path.ends_with("/logs/ingest") {
            filled += "?format=jsonl&table=Shop_CL";
        }
        if path.ends_with("/baseline/hba") {
            filled += "?role=anna&tls=true";
        }
        for (method, operation) in item.as_object().unwrap() {
            all.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: filled.clone(),
                body: operation["requestBody"].is_object(),
            });
        }
    }
    all
}

fn body_of(id: &str) -> Value {
    match id {
        "server_create" => json!({ "name": "web" }),
        "parameter_set" => json!({ "value": "8192" }),
        "encryption_key_set" => json!({ "identity": "app2" }),
        "keyvault_create" => json!({ "name": "pay" }),
        "keyvault_update" => json!({ "purge_protection": true }),
        "keyvault_key_create" => json!({ "name": "tde", "kty": "RSA" }),
        "keyvault_key_update" => json!({ "enabled": false }),
        "role_assignment_create" => json!({ "role": "Reader", "assignee": "app" }),
        "identity_create" => json!({ "name": "app" }),
        "identity_update" => json!({ "enabled": false }),
        "logs_retention_set" => json!({ "days": 90 }),
        "logs_erase" => json!({ "condition": "HostName == 'a'" }),
        "logs_query" | "logs_check" => json!({ "query": "print 1" }),
        "saved_query_set" => json!({ "query": "print 1" }),
        "waiver_create" | "server_waiver_create" => {
            let until = jiff::Zoned::now().date().tomorrow().unwrap();
            json!({ "check": "LOG-17", "reason": "r", "owner": "o", "until": until })
        }
        "fix_preview" | "fix_apply" => json!({ "check": "LOG-17" }),
        "baseline_schedule_set" => json!({ "enabled": true }),
        "baseline_declaration_set" => json!({ "declare": {} }),
        "rotation_policy_set" => json!({ "rotate_after_create": "P18M" }),
        _ => json!({}),
    }
}

#[tokio::test]
async fn a_plausible_request_is_answered() {
    let served = Served::start();
    for Operation { id, method, path, body } in operations() {
        if ELSEWHERE.contains(&id.as_str()) || FAILING.contains(&id.as_str()) {
            continue;
        }
        let answer = match body {
            true => served.send(&method, &path, &body_of(&id)).await,
            false => served.raw(&method, &path, &[], "").await,
        };
        let status = answer.status;
        assert!(!status.is_server_error(), "{id}: {status} {:?}", answer.body);
        if status.is_client_error() {
            answer.code();
        }
        // Of this module's own operations all but the unknown job are there.
        let ours = ["servers", "keyvaults", "logs", "baseline"];
        let ours = ours.iter().any(|area| path.starts_with(&format!("/api/v1/{area}")));
        assert!(!ours || status.is_success(), "{id}: {status} {:?}", answer.body);
    }
}

#[tokio::test]
async fn a_wrong_body_is_refused_in_the_one_shape() {
    let served = Served::start();
    for Operation { id, method, path, body } in operations() {
        if !body || ELSEWHERE.contains(&id.as_str()) || RAW.contains(&id.as_str()) {
            continue;
        }
        for wrong in ["[1]", "{\"nonsense\":1}", "{", "\"hunter2\""] {
            let json = [("content-type", "application/json")];
            let answer = served.raw(&method, &path, &json, wrong).await;
            assert!(answer.status.is_client_error(), "{id} {wrong}: {}", answer.status);
            answer.code();
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(!text.contains("hunter2"), "{id} quotes what may be a secret: {text}");
        }
        let untyped = served.raw(&method, &path, &[], "{}").await;
        assert_eq!(untyped.status, 415, "{id}");
    }
}

#[tokio::test]
async fn a_method_that_is_not_there_is_said_to_be_so() {
    let served = Served::start();
    let answer = served.raw("PUT", "/api/v1/servers", &[], "").await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (405, "method_not_allowed"));
    assert_eq!(answer.header("allow"), "GET, POST");
}
