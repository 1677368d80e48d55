//! What clients push over HTTPS in the shapes of OpenTelemetry and of Azure Monitor.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::api::Api;
use crate::feeds::{rows, wait_for};
use crate::installation::{Installation, assert_code};
use crate::sdk::{installed, script};

/// A token of a program that may push.
fn token(it: &Installation) -> String {
    let assignments = json!([{ "role": "security-admin", "scope": "/" }]);
    let wish = json!({ "name": "till", "assignments": assignments });
    let made = Api::local(it).call("POST", "/tokens", Some(&wish)).expect(201);
    made["token"].as_str().unwrap().to_owned()
}

fn address(it: &Installation) -> String {
    format!("https://localhost:{}", it.https_port())
}

/// Posts a body with `curl`; status and answer.
fn post(it: &Installation, token: &str, path: &str, kind: &str, body: &[u8]) -> (u16, Vec<u8>) {
    let file = it.home().with_file_name("body");
    std::fs::write(&file, body).unwrap();
    let mut curl = Command::new("curl")
        .args(["-sS", "--noproxy", "*", "-w", "%{stderr}%{http_code}", "-K", "-", "--cacert"])
        .arg(it.home().join("ca.pem"))
        .args(["-H", &format!("content-type: {kind}"), "--data-binary"])
        .arg(format!("@{}", file.display()))
        .arg(format!("{}{path}", address(it)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let config = format!("header = \"Authorization: Bearer {token}\"\n");
    curl.stdin.take().unwrap().write_all(config.as_bytes()).unwrap();
    let output = curl.wait_with_output().unwrap();
    assert_code(&output, 0);
    (String::from_utf8(output.stderr).unwrap().parse().unwrap(), output.stdout)
}

#[test]
fn what_was_answered_is_stored() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let token = token(&it);
    let stream = "/dataCollectionRules/dcr-1/streams/Custom-Orders_CL?api-version=2023-01-01";
    let orders = json!([{ "Shop": "a", "Total": 1.5 }, { "Shop": "b", "Total": 2 }]).to_string();
    let (status, body) = post(&it, &token, stream, "application/json", orders.as_bytes());
    assert_eq!((status, body.len()), (204, 0));
    assert_eq!(
        rows(&it, "Orders_CL | project Shop, Total | sort by Shop asc"),
        [json!(["a", 1.5]), json!(["b", 2.0])]
    );
    let (status, body) = post(&it, "", stream, "application/json", orders.as_bytes());
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, 401, "{body}");
    assert!(body["error"]["code"].is_string() && body["error"]["message"].is_string());
    let own = "/dataCollectionRules/d/streams/Microsoft-PgkeepActivity?api-version=2023-01-01";
    assert_eq!(post(&it, &token, own, "application/json", b"[{}]").0, 400);

    // One record that is none does not take the others along, and is said to be rejected.
    let record = |text: &str| {
        json!({ "timeUnixNano": "1795787945000000000",
        "severityText": "WARN", "body": { "stringValue": text } })
    };
    let request = json!({ "resourceLogs": [{
        "resource": { "attributes": [{ "key": "service.name", "value": { "stringValue": "s" } }] },
        "scopeLogs": [{ "logRecords": [record("first"), 7, record("last")] }],
    }]});
    let json = "application/json";
    let (status, body) = post(&it, &token, "/v1/logs", json, request.to_string().as_bytes());
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &body["partialSuccess"]["rejectedLogRecords"]), (200, &json!("1")));
    let found =
        rows(&it, "PgkeepOtelLogs | project tostring(Body), ServiceName | sort by Body asc");
    assert_eq!(found, [json!(["first", "s"]), json!(["last", "s"])]);
    assert_eq!(post(&it, &token, "/v1/logs", json, b"{").0, 400);
    assert_eq!(post(&it, &token, "/v1/logs", "application/x-protobuf", b"\xff").0, bad_protobuf());
    // A push is no act of anybody's; a refused one is.
    let acts =
        "PgkeepActivity | where Operation startswith 'logs_' | summarize n = count() by Status";
    let found = wait_for(&it, &format!("{acts} | where Status == 401"), 1);
    assert_eq!(found, [json!([401, 1])]);
    assert_eq!(
        rows(&it, "PgkeepActivity | where Operation == 'logs_push' and Status == 204"),
        [Value::Null; 0]
    );
}

/// A build without OTLP reads no protobuf at all.
fn bad_protobuf() -> u16 {
    if cfg!(feature = "otlp") { 400 } else { 415 }
}

#[test]
fn official_clients_push() {
    let Some(python) = installed("PGKEEP_TEST_PYTHON") else { return };
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let ca = it.home().join("ca.pem");
    let output = script(python, "python/push.py")
        .env("PGKEEP_URL", address(&it))
        .env("PGKEEP_TOKEN", token(&it))
        .env("REQUESTS_CA_BUNDLE", &ca)
        .env("NO_PROXY", "localhost")
        .output()
        .unwrap();
    assert_code(&output, 0);
    let found = rows(&it, "Orders_CL | summarize count(), sum(Total), dcount(Shop, 4)");
    assert_eq!(found[0][0], 3000);
    assert_eq!(found[0][1].as_f64(), Some(f64::from(2999 * 3000 / 2)));
    let logs = "PgkeepOtelLogs | where ServiceName == 'till' and ScopeName == 'till'";
    let found = rows(&it, &format!("{logs} | summarize count(), countif(SeverityText == 'WARN')"));
    assert_eq!(found[0], json!([700, 700]));
    let first =
        rows(&it, &format!("{logs} | where Attributes.receipt == 0 | project tostring(Body)"));
    assert_eq!(first, [json!(["receipt 0"])]);
}
