//! Every operation of the document × everybody: allowed or not. What is expected stands in
//! `access_table.txt`, a line an operation, and was read by people; an operation without a line
//! fails the test, and so does a line without an operation.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::call::{Bears, Stage, assignment};

const TABLE: &str = include_str!("../access_table.txt");

/// Columns of the table.
const ROLES: [&str; 7] = [
    "owner",
    "security-admin",
    "security-reader",
    "data-steward",
    "auditor",
    "key-officer",
    "reader",
];
/// Owner of the very server and key vault that are asked about, and of nothing else.
const HERE: &str = "owner-here";
/// Owner of another server and another key vault.
const ELSEWHERE: &str = "owner-elsewhere";
/// Signed in without any role.
const BARE: &str = "no-role";

fn columns() -> Vec<&'static str> {
    let mut columns = vec!["nobody", "local", "token"];
    columns.extend(ROLES);
    columns.extend([HERE, ELSEWHERE, BARE]);
    columns
}

struct Operation {
    id: String,
    method: String,
    path: String,
    body: bool,
}

/// All operations of the document, about things that are there.
fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(api::plane::openapi()).unwrap();
    let names = [
        ("{server}", "demo"),
        ("{vault}", "pay"),
        ("{key}", "tde"),
        // A parameter that is about security; the others stand in the policies' own tests.
        ("{parameter}", "require_secure_transport"),
        ("{identity}", "app"),
        ("{id}", "0123456789abcdef"),
        ("{table}", "Syslog"),
        ("{check}", "LOG-17"),
        ("{name}", "somebody"),
    ];
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let filled =
            names.iter().fold(path.clone(), |path, (name, value)| path.replace(name, value));
        assert!(!filled.contains('{'), "{filled}");
        for (method, operation) in item.as_object().unwrap() {
            all.push(Operation {
                id: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: filled.clone(),
                body: operation["requestBody"].is_object(),
            });
        }
    }
    // Those that the document leaves out.
    for (id, method, path) in [
        ("metrics_show", "GET", "/metrics"),
        ("logs_otlp", "POST", "/v1/logs"),
        ("logs_push", "POST", "/dataCollectionRules/a/streams/Custom-A_CL"),
    ] {
        all.push(Operation {
            id: id.to_owned(),
            method: method.to_owned(),
            path: path.to_owned(),
            body: false,
        });
    }
    all
}

/// Bodies that are understood, where the handler itself asks about roles.
fn body_of(id: &str) -> Value {
    match id {
        "user_password_set" => json!({ "password": "a password of nobody's" }),
        "token_create" => {
            json!({ "assignments": [{ "role": "reader", "scope": "/servers/demo" }] })
        }
        "user_create" => json!({ "name": "new" }),
        "user_update" => json!({ "enabled": true }),
        "user_roles_set" => json!({ "assignments": [] }),
        _ => json!({}),
    }
}

/// Somebody on a stage of their own, because what is allowed is done.
async fn ask(column: &str, operation: &Operation) -> StatusCode {
    let stage = Stage::new();
    stage.user("somebody", &[]);
    let given: &[(&str, &str)] = match column {
        HERE => &[("owner", "/servers/demo"), ("owner", "/keyvaults/pay")],
        ELSEWHERE => &[("owner", "/servers/other"), ("owner", "/keyvaults/other")],
        BARE | "nobody" | "local" | "token" => &[],
        role => &[(role, "/")],
    };
    let bears = match column {
        "nobody" => Bears::Nothing,
        "local" => Bears::Local,
        "token" => {
            let wish = json!({ "name": "t", "assignments": [assignment("owner", "/")] });
            let made = stage.call(&Bears::Local, "POST", "/api/v1/tokens", Some(&wish)).await;
            Bears::Token(made.body["token"].as_str().unwrap().to_owned())
        }
        _ => {
            stage.user("asker", given);
            stage.session("asker")
        }
    };
    let body = operation.body.then(|| body_of(&operation.id));
    stage.call(&bears, &operation.method, &operation.path, body.as_ref()).await.status
}

/// `+` and `-` by operation.
fn expected() -> BTreeMap<&'static str, Vec<char>> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let mut words = line.split_whitespace();
            let id = words.next().unwrap();
            let cells: Vec<char> = words.flat_map(str::chars).collect();
            assert_eq!(cells.len(), columns().len(), "{line}");
            (id, cells)
        })
        .collect()
}

#[tokio::test]
async fn everybody_may_what_the_table_says() {
    let expected = expected();
    let mut wrong = Vec::new();
    let mut lines = Vec::new();
    for operation in operations() {
        let mut cells = String::new();
        for column in columns() {
            let status = ask(column, &operation).await;
            let refused = match status {
                StatusCode::UNAUTHORIZED => {
                    assert_eq!(column, "nobody", "{} as {column}", operation.id);
                    true
                }
                StatusCode::FORBIDDEN => {
                    assert_ne!(column, "nobody", "{} says 403 to nobody", operation.id);
                    true
                }
                _ => false,
            };
            cells.push_str(if refused { " -" } else { " +" });
        }
        let line = format!("{:<30}{cells}", operation.id);
        let plain: Vec<char> = cells.chars().filter(|c| *c != ' ').collect();
        if expected.get(operation.id.as_str()) != Some(&plain) {
            wrong.push(line.clone());
        }
        lines.push(line);
    }
    assert!(wrong.is_empty(), "not as access_table.txt says:\n{}", wrong.join("\n"));
    let known: Vec<String> = operations().into_iter().map(|operation| operation.id).collect();
    let gone: Vec<_> = expected.keys().filter(|id| !known.iter().any(|k| k == *id)).collect();
    assert!(gone.is_empty(), "no such operations: {gone:?}");
}

/// The schema of the policies knows every operation of the document, and besides only facets,
/// which handlers ask for.
#[test]
fn the_policies_know_every_operation() {
    let policies = api::access::policy::Policies::embedded().unwrap();
    let mut known: Vec<&str> = policies.operations();
    let facets = [
        "job_show_any",
        "logs_run_cancel_any",
        "server_dsn_show",
        "token_delete_any",
        "token_list_any",
        "user_password_set_any",
    ];
    known.retain(|name| !facets.contains(name));
    let mut all: Vec<String> = operations().into_iter().map(|operation| operation.id).collect();
    all.sort_unstable();
    assert_eq!(known, all);
}
