//! The API of a real installation, over its unix socket and over HTTPS, with `curl` as client.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::cmk::owner::{poll, psql};
use crate::installation::{Installation, assert_code, said};

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(120);

/// One answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}{:#}", self.head, self.body);
        self.body
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// The API as one caller meets it.
pub(crate) struct Api<'a> {
    it: &'a Installation,
    /// Over HTTPS with this token; over the unix socket without.
    token: Option<String>,
}

impl<'a> Api<'a> {
    /// As whoever started pgkeep.
    pub(crate) fn local(it: &'a Installation) -> Self {
        Self { it, token: None }
    }

    /// As a program with a token that has `role` for everything.
    pub(crate) fn with_role(it: &'a Installation, role: &str) -> Self {
        let assignments = json!([{ "role": role, "scope": "/" }]);
        let wish = json!({ "name": format!("test-{role}"), "assignments": assignments });
        let made = Self::local(it).call("POST", "/tokens", Some(&wish));
        let token = made.expect(201)["token"].as_str().unwrap().to_owned();
        assert!(token.starts_with("pgk_"), "{token}");
        Self { it, token: Some(token) }
    }

    /// As a program with this token; an empty one: as nobody.
    pub(crate) fn with_token(it: &'a Installation, token: &str) -> Self {
        Self { it, token: Some(token.to_owned()) }
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let mut command = Command::new("curl");
        command.args(["-sS", "-i", "--max-time", "180", "-X", method, "--noproxy", "*"]);
        // What is secret goes through a pipe, as everywhere.
        let mut config = String::new();
        let base = match &self.token {
            None => {
                command.arg("--unix-socket").arg(self.it.home().join("run/api.sock"));
                "http://localhost".to_owned()
            }
            Some(token) => {
                command.arg("--cacert").arg(self.it.home().join("ca.pem"));
                config = format!("header = \"Authorization: Bearer {token}\"\n");
                format!("https://localhost:{}", self.it.https_port())
            }
        };
        if let Some(body) = body {
            command.args(["-H", "content-type: application/json", "-d", &body.to_string()]);
        }
        command.args(["-K", "-", &format!("{base}/api/v1{path}")]);
        let mut curl = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        curl.stdin.take().unwrap().write_all(config.as_bytes()).unwrap();
        let output = curl.wait_with_output().unwrap();
        assert_code(&output, 0);
        let text = String::from_utf8(output.stdout).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = serde_json::from_str(body).unwrap_or(Value::String(body.to_owned()));
        Answer { status, head: head.to_owned(), body }
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        self.call("GET", path, None).expect(200)
    }

    /// Begins a job and waits for its end; what came of it.
    #[track_caller]
    pub(crate) fn job(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let begun = self.call(method, path, body);
        let place = begun.header("location").unwrap_or_default().to_owned();
        let mut job = begun.expect(202);
        assert_eq!(place, format!("/api/v1/jobs/{}", job["id"].as_str().unwrap()));
        let path = place.strip_prefix("/api/v1").unwrap();
        let ended = poll(Instant::now(), PATIENCE, || {
            job = self.get(path);
            (job["state"] != "running").then_some(())
        });
        assert!(ended.is_some(), "not within {PATIENCE:?}: {job:#}");
        job
    }

    /// The same for a job that must succeed; its result.
    #[track_caller]
    pub(crate) fn done(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let mut job = self.job(method, path, body);
        assert_eq!(job["state"], "succeeded", "{job:#}");
        job["result"].take()
    }
}

#[test]
fn a_server_lives_over_the_api() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let api = Api::local(&it);
    let port = testkit::free_port();
    let made = api.done("POST", "/servers", Some(&json!({ "name": "web", "port": port })));
    assert_eq!((&made["state"], &made["port"]), (&json!("Ready"), &json!(port)), "{made:#}");
    let again = api.job("POST", "/servers", Some(&json!({ "name": "web" })));
    assert_eq!((&again["state"], &again["error"]["code"]), (&json!("failed"), &json!("exists")));
    let names = |list: Value| -> Vec<String> {
        let items = list["items"].as_array().unwrap().iter();
        items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    assert!(names(api.get("/servers")).contains(&"web".to_owned()));

    parameters(&api);
    networking(&api, port);
    firewall_rules(&it);
    proof(&api, &it);

    let connect = api.get("/servers/web/connect");
    let dsn = connect["dsn"].as_str().unwrap();
    assert_code(&psql(dsn, "select 1").output().unwrap(), 0);
    assert!(connect["ca_pem"].as_str().unwrap().contains("BEGIN CERTIFICATE"));
    assert_eq!(connect["snippets"].as_array().unwrap().len(), 7);

    let home = api.get("/home");
    assert_eq!(home["tiles"].as_array().unwrap().len(), 4, "{home:#}");
    assert_eq!(home["actions"].as_array().unwrap().len(), 3, "{home:#}");
    let about = api.get("/about");
    assert_eq!(about["product"], "pgkeep");
    assert_eq!(api.get("/ca")["fingerprint"].as_str().unwrap().len(), 64);
    assert_eq!(api.get("/status")["vault"]["state"], "unsealed");

    let stopped = api.done("POST", "/servers/web/stop", None);
    assert_eq!(stopped["state"], "Stopped");
    let verified = api.done("POST", "/servers/web/storage/verify", None);
    assert_eq!(verified["intact"], true, "{verified:#}");
    assert_eq!(api.done("POST", "/servers/web/start", None)["state"], "Ready");
    let history = api.get("/servers/web/history");
    assert!(history["items"].as_array().unwrap().iter().any(|one| one["state"] == "Stopped"));
    let gone = api.done("DELETE", "/servers/web", None);
    assert_eq!(gone["deleted"], true);
    api.call("GET", "/servers/web", None).expect(404);
}

fn parameters(api: &Api<'_>) {
    let path = "/servers/web/parameters/work_mem";
    let value = json!({ "value": "8MB" });
    let tried = api.call("PATCH", &format!("{path}?dry_run=true"), Some(&value)).expect(200);
    assert_eq!((&tried["changed"], &tried["dry_run"]), (&json!("changed"), &json!(true)));
    assert_eq!(api.get(path)["value"], "4096");
    let set = api.call("PATCH", path, Some(&value)).expect(200);
    assert_eq!((&set["changed"], &set["needs_restart"]), (&json!("changed"), &json!(false)));
    assert_eq!(api.get(path)["value"], "8192");
    let reset = api.call("DELETE", path, None).expect(200);
    assert_eq!(reset["value"], "4096");
    let fsync = api.get("/servers/web/parameters/fsync");
    assert_eq!(fsync["read_only"], true);
    assert!(fsync["guard"].as_str().unwrap().contains("crash"), "{fsync:#}");
    let refused =
        api.call("PATCH", "/servers/web/parameters/fsync", Some(&json!({ "value": "off" })));
    let refused = refused.expect(403);
    assert_eq!(refused["error"]["code"], "guard_rail", "{refused:#}");
}

fn networking(api: &Api<'_>, port: u16) {
    let off = json!({ "require_secure_transport": false });
    let shown = api.call("PUT", "/servers/web/networking", Some(&off)).expect(200);
    assert_eq!(shown["require_secure_transport"], false, "{shown:#}");
    let connect = api.get("/servers/web/connect");
    let pgpass = connect["password_file"].as_str().unwrap();
    let plain = format!(
        "host=127.0.0.1 port={port} user=postgres dbname=postgres sslmode=disable passfile={pgpass}"
    );
    let mut session = Command::new("psql")
        .args([&plain, "-XAt"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let on = json!({ "require_secure_transport": true });
    let mut preview = Value::Null;
    let seen = poll(Instant::now(), PATIENCE, || {
        let path = "/servers/web/networking/preview";
        preview = api.call("POST", path, Some(&on)).expect(200);
        let refused = preview["would_refuse"].as_array().unwrap();
        refused.iter().any(|one| one["kind"] == "session").then_some(())
    });
    assert!(seen.is_some(), "{preview:#}");
    let session_seen = &preview["would_refuse"][0];
    assert!(session_seen["who"].as_str().unwrap().contains("postgres@postgres from 127.0.0.1"));
    assert!(session_seen["why"].as_str().unwrap().contains("not encrypted"), "{preview:#}");
    assert!(preview["changes"].as_array().unwrap().iter().any(|one| one["sign"] == "+"));
    drop(session.stdin.take());
    let _ = session.wait().unwrap();

    let rules = json!([{ "type": "hostssl", "database": "all", "role": "all",
        "address": "127.0.0.0/8", "method": "scram-sha-256" }, { "type": "hostssl",
        "database": "all", "role": "all", "address": "::1", "method": "scram-sha-256" }]);
    let wish = json!({ "require_secure_transport": true, "rules": rules });
    let shown = api.call("PUT", "/servers/web/networking", Some(&wish)).expect(200);
    assert_eq!(shown["rules"].as_array().unwrap().len(), 2);
    assert!(
        shown["effective_rules"].as_array().unwrap().iter().any(|rule| rule["managed"] == true)
    );
    let refused = Command::new("psql").args([&plain, "-XAtc", "select 1"]).output().unwrap();
    assert!(!refused.status.success(), "a connection without TLS is refused again");
}

/// The same from the command line, after [`networking`] has left two rules.
fn firewall_rules(it: &Installation) {
    fn rule<'a>(words: &[&'a str]) -> Vec<&'a str> {
        [&["server", "firewall-rule"], words, &["-s", "web"]].concat()
    }
    let effective = it.json(&rule(&["list", "--effective"]));
    assert!(effective.as_array().unwrap().len() > 2, "{effective:#}");
    let add = ["add", "--address", "all", "--method", "reject", "--at", "1"];
    let preview = it.json(&rule(&[&add[..], &["--dry-run"]].concat()));
    assert!(preview["would_refuse"].as_array().is_some_and(|all| !all.is_empty()), "{preview:#}");
    let refused = it.run(&rule(&add));
    assert_code(&refused, 5);
    assert!(said(&refused).contains("shut somebody out"), "{}", said(&refused));
    assert_eq!(it.json(&rule(&["list"])).as_array().unwrap().len(), 2);
    let add = ["add", "--address", "192.0.2.0/24", "--role", "app"];
    let added = it.json(&rule(&[&add[..], &["--yes"]].concat()));
    assert_eq!((&added[2]["at"], &added[2]["role"]), (&json!(3), &json!("app")), "{added:#}");
    assert_code(&it.run(&rule(&["remove", "--at", "4", "--yes"])), 2);
    let removed = it.json(&rule(&["remove", "--at", "3", "--yes"]));
    assert_eq!(removed.as_array().unwrap().len(), 2, "{removed:#}");
    let parameter = ["server", "parameter", "reset", "-s", "web", "-n", "work_mem"];
    assert_eq!(it.json(&parameter)["changed"], "unchanged");
    for name in ["no such", "no_such", "é"] {
        let refused = it.run(&["server", "parameter", "show", "-s", "web", "-n", name]);
        assert_code(&refused, 3);
        assert!(said(&refused).contains("does not exist"), "{}", said(&refused));
    }
}

fn proof(api: &Api<'_>, it: &Installation) {
    let proof = api.get("/servers/web/encryption/proof");
    let text = |field: &str| proof[field].as_str().unwrap();
    assert_ne!(text("on_disk_hex"), text("inside_hex"));
    assert!(text("inside_hex").contains(&hex("btree")), "{proof:#}");
    assert!(proof["entropy_bits_per_byte"].as_f64().unwrap() > 7.5, "{proof:#}");
    // What is shown is what lies on the disk.
    let file = it.home().join("servers/web/data").join(text("file"));
    let bytes = std::fs::read(file).unwrap();
    let all: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(all.contains(text("on_disk_hex")), "{proof:#}");
    assert!(!all.contains(&hex("btree")));
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_token_does_over_https_what_its_role_may() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let owner = Api::with_role(&it, "owner");
    owner.call("POST", "/keyvaults", Some(&json!({ "name": "pay" }))).expect(201);
    let key = json!({ "name": "tde", "kty": "RSA", "key_size": 2048 });
    let key = owner.call("POST", "/keyvaults/pay/keys", Some(&key)).expect(201);
    assert_eq!(key["key_size"], 2048, "{key:#}");
    let rotated = owner.call("POST", "/keyvaults/pay/keys/tde/rotate", None);
    assert!(matches!(rotated.status, 200 | 201), "{rotated:?}");
    let versions = owner.get("/keyvaults/pay/keys/tde/versions");
    assert_eq!(versions["items"].as_array().unwrap().len(), 2, "{versions:#}");
    let audit = owner.get("/keyvaults/pay/audit?limit=50");
    let records = audit["items"].as_array().unwrap();
    let rotation = records.iter().find(|one| one["operation"] == "KeyRotate").unwrap();
    let acting = rotation["acting"].as_str().unwrap();
    assert!(acting.contains("test-owner"), "the audit names the token: {rotation:#}");

    let reader = Api::with_role(&it, "reader");
    let seen = reader.get("/servers");
    assert_eq!(seen["items"][0]["name"], "demo", "{seen:#}");
    let refused = reader.call("POST", "/keyvaults/pay/keys/tde/rotate", None).expect(403);
    assert!(refused["error"]["detail"].is_string(), "{refused:#}");
    let nobody = Api { it: &it, token: Some("pgk_nonsense".to_owned()) };
    nobody.call("GET", "/servers", None).expect(401);

    // A vault that was sealed over the API is opened over it.
    owner.call("POST", "/vault/seal", None).expect(200);
    owner.call("GET", "/keyvaults", None).expect(503);
    owner.call("POST", "/vault/unseal", Some(&json!({}))).expect(200);
    assert_eq!(owner.get("/vault")["state"], "unsealed");
}
