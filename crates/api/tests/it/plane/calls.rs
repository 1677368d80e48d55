//! The command line's client: answers, failures, jobs to their end.

use std::time::Duration;

use base::ExitCode;
use serde_json::{Value, json};

use super::Served;

async fn get(served: &Served, path: &str) -> Value {
    served.client().call("GET", path, None, |_| {}).await.unwrap()
}

#[tokio::test]
async fn a_job_is_followed_to_its_end() {
    let served = Served::start();
    let mut steps = Vec::new();
    let wish = json!({ "name": "web" });
    let client = served.client();
    let made = client.call("POST", "/servers", Some(&wish), |step| steps.push(step.to_owned()));
    assert_eq!(made.await.unwrap(), json!({ "name": "web", "state": "Ready" }));
    assert_eq!(steps, ["making it", "starting it"]);
    let jobs = get(&served, "/jobs").await;
    let job = &jobs["items"][0];
    assert_eq!(job["state"], "succeeded");
    assert_eq!((&job["kind"], &job["target"]), (&json!("server_create"), &json!("/servers/web")));
    assert!(job["finished_at"].is_string() && job["started_by"].is_string(), "{job}");
    let id = job["id"].as_str().unwrap();
    let events = served.get(&format!("/api/v1/jobs/{id}/events")).await;
    assert_eq!(events.header("content-type"), "text/event-stream");
    let text = String::from_utf8(events.body.to_vec()).unwrap();
    let kinds: Vec<&str> = text.lines().filter(|line| line.starts_with("event:")).collect();
    assert_eq!(kinds, ["event: progress", "event: progress", "event: end"], "{text}");
    let path = format!("/api/v1/jobs/{id}/events");
    let rest = served.raw("GET", &path, &[("last-event-id", "1")], "").await;
    let text = String::from_utf8(rest.body.to_vec()).unwrap();
    assert!(!text.contains("making it\"}") && text.contains("id: 2"), "{text}");
}

#[tokio::test]
async fn the_failure_of_a_job_is_the_failure_of_the_call() {
    let served = Served::start();
    let client = served.client();
    let bad = json!({ "name": "bad" });
    let fault = client.call("POST", "/servers", Some(&bad), |_| {}).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.exit), ("no_room", ExitCode::Conflict));
    let panicking = json!({ "name": "panic" });
    let fault = client.call("POST", "/servers", Some(&panicking), |_| {}).await.unwrap_err();
    assert_eq!(fault.code, "internal");
}

#[tokio::test]
async fn faults_keep_their_codes_and_exits_on_the_way() {
    let served = Served::start();
    let client = served.client();
    for (path, code, exit) in [
        ("/servers/nobody", "not_found", ExitCode::NotFound),
        ("/servers/Not-A-Name", "bad_request", ExitCode::Usage),
        ("/servers/demo/parameters/no%20such", "unknown_parameter", ExitCode::NotFound),
        ("/keyvaults/pay/keys/tde", "sealed", ExitCode::Sealed),
        ("/ca", "broken", ExitCode::Error),
        ("/nothing", "not_found", ExitCode::NotFound),
    ] {
        let fault = client.call("GET", path, None, |_| {}).await.unwrap_err();
        assert_eq!((fault.code.as_str(), fault.exit), (code, exit), "{path}");
    }
    // Whoever holds the machine sees why something failed inside.
    let fault = client.call("GET", "/ca", None, |_| {}).await.unwrap_err();
    assert_eq!(fault.detail.as_deref(), Some("/a/secret/path"));
}

#[tokio::test]
async fn nobody_there_and_nobody_allowed_are_told_apart() {
    let dir = tempfile::tempdir().unwrap();
    let client = api::client::Client::new(&dir.path().join("run/api.sock"));
    let fault = client.call("GET", "/status", None, |_| {}).await.unwrap_err();
    assert_eq!(fault.code, "not_running");
    let served = Served::to(|_| false);
    let fault = served.client().call("GET", "/status", None, |_| {}).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.exit), ("forbidden", ExitCode::Forbidden));
}

#[tokio::test]
async fn a_call_ends_at_its_deadline() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("api.sock");
    // Takes connections and never answers.
    let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let client = api::client::Client::new(&socket);
    let soon = Duration::from_millis(50);
    let fault = client.call_within(soon, "GET", "/status", None, |_| {}).await.unwrap_err();
    assert_eq!((fault.code.as_str(), fault.exit), ("timeout", ExitCode::Timeout));
}
