//! The security baseline of pgkeep's own servers, end to end: agent, plane, API, command line.

use std::path::Path;

use api::plane::model::{BaselineAssessment, BaselineDrift, BaselineResult};
use serde_json::{Value, json};

use crate::api::Api;
use crate::installation::{Installation, assert_code, said};
use crate::logs::{dsn, eventually, psql};

/// A role that nobody has declared as a superuser.
const CLIMBER: &str = "climber";

fn result<'a>(assessment: &'a Value, id: &str) -> &'a Value {
    let results = assessment["results"].as_array().expect("results");
    results.iter().find(|result| result["id"] == id).expect("a result")
}

fn items(findings: &Value) -> Vec<&str> {
    let all = findings.as_array().map(Vec::as_slice).unwrap_or_default();
    all.iter().filter_map(|finding| finding["item"].as_str()).collect()
}

/// What is given on as it is has the shape that the document says.
#[track_caller]
fn has_shape<T: serde::de::DeserializeOwned + serde::Serialize>(value: &Value) {
    let read: T = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), *value);
}

#[test]
fn servers_are_assessed_compared_and_failures_waived() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let dsn = dsn(&it);
    let file = it.home().with_file_name("evidence.json");
    let file = file.to_str().unwrap();
    // No evidence yet.
    assert_code(&it.run(&["baseline", "drift", "-s", "demo"]), 3);
    let api = Api::local(&it);
    assert_eq!(api.call("GET", "/servers/demo/baseline/role-graph", None).status, 404);
    let stands = api.call("GET", "/servers/demo/baseline", None).expect(200);
    assert_eq!((&stands["last"], &stands["results"]), (&Value::Null, &json!([])));

    let assess = ["baseline", "assess", "-s", "demo"];
    let first = it.json(&[&assess[..], &["--save-evidence", file]].concat());
    assert_eq!((&first["server"], &first["role"]), (&json!("demo"), &json!("postgres")));
    assert!(first["results"].as_array().unwrap().len() > 100);
    has_shape::<BaselineAssessment>(&first);
    // The agent is a superuser inside: no grant is missing, whatever the host keeps from it.
    assert!(!first["missing_rights"].to_string().contains("GRANT"), "{}", first["missing_rights"]);
    assert!(!items(&result(&first, "ROLE-01")["findings"]).contains(&CLIMBER));
    same_from_evidence(&it, file, &first);

    assert!(psql(&dsn, &format!("create role {CLIMBER} superuser login password 'x1Y2z3w4v5'")));
    let second = it.json(&assess);
    assert!(items(&result(&second, "ROLE-01")["findings"]).contains(&CLIMBER));
    let drift = it.json(&["baseline", "drift", "-s", "demo"]);
    has_shape::<BaselineDrift>(&drift);
    let changes = drift["changes"].as_array().unwrap();
    let change = changes.iter().find(|change| change["id"] == "ROLE-01").expect("a change");
    assert_eq!(items(&change["new"]), [CLIMBER], "{change:#}");
    assert!(drift["n_new"].as_u64() >= Some(1));
    let history = it.json(&["baseline", "history", "-s", "demo"]);
    let history = history.as_array().unwrap();
    assert_eq!((history.len(), &history[0]["by"]), (2, &json!("local")));

    waived_until_its_day(&it, &second);
    read_again_at_once(&it, &dsn);
    simulated_and_drawn(&api);
    schedules_and_declarations(&it);
    who_may_what(&it);
}

fn same_from_evidence(it: &Installation, file: &str, first: &Value) {
    let bytes = std::fs::read(file).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(!text.contains("SCRAM-SHA-256$"));
    let again = it.json(&["baseline", "assess", "--evidence", file]);
    assert_eq!(again["evidence_hash"], first["evidence_hash"]);
    assert_eq!(again["results"], first["results"]);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(Path::new(file)).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

/// A waived failure stays one, breaks no gate, and is told to the check that looks after waivers.
fn waived_until_its_day(it: &Installation, assessed: &Value) {
    let gate = ["baseline", "assess", "-s", "demo", "--id", "ROLE-01", "--fail-on", "low"];
    assert_code(&it.run(&gate), 6);
    let finding = result(assessed, "ROLE-01")["findings"].as_array().unwrap();
    let finding = finding.iter().find(|finding| finding["item"] == CLIMBER).unwrap();
    let finding = finding["fingerprint"].as_str().unwrap();
    let until = jiff::Zoned::now().date().tomorrow().unwrap().to_string();
    let waive = ["baseline", "waive", "ROLE-01", "-s", "demo", "--owner", "anna"];
    let said_why = ["--reason", "she climbs", "--until", &until];
    let one = it.json(&[&waive[..], &said_why, &["--finding", finding]].concat());
    assert_eq!((&one["finding"], &one["created_by"]), (&json!(finding), &json!("local")));
    let partly = it.run(&[&gate[..], &["-o", "json"]].concat());
    assert_code(
        &partly,
        if items(&result(assessed, "ROLE-01")["findings"]) == [CLIMBER] { 0 } else { 6 },
    );
    let all = it.json(&[&waive[..], &said_why].concat());
    let output = it.run(&[&gate[..], &["-o", "json"]].concat());
    assert_code(&output, 0);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let outcome = result(&answer, "ROLE-01");
    assert_eq!((&outcome["verdict"], &outcome["waived"]["all"]), (&json!("fail"), &json!(true)));
    assert_eq!(answer["n_waived"], 1);
    has_shape::<BaselineAssessment>(&answer);
    // The list is what a server that is not ours takes.
    let list = it.json(&["baseline", "waivers", "-s", "demo"]);
    assert_eq!(list.as_array().unwrap().len(), 2);
    for (words, code) in [
        (&["--until", "2001-01-01"][..], 2),
        (&["--until", "someday"], 2),
        (&["--until", "2099-01-01"], 2),
    ] {
        assert_code(&it.run(&[&waive[..], &["--reason", "r"], words].concat()), code);
    }
    let unknown =
        ["baseline", "waive", "NO-99", "--owner", "o", "--reason", "r", "--until", &until];
    assert_code(&it.run(&unknown), 3);
    for waiver in [&one, &all] {
        let id = waiver["id"].as_str().unwrap();
        assert_eq!(it.json(&["baseline", "unwaive", id])["changed"], "changed");
        assert_code(&it.run(&["baseline", "unwaive", id]), 3);
    }
    assert_code(&it.run(&gate), 6);
}

/// One check that is read again counts before the whole that is older.
fn read_again_at_once(it: &Installation, dsn: &str) {
    let api = Api::local(it);
    let path = "/servers/demo/baseline/results/ROLE-01";
    let before = api.call("GET", path, None).expect(200);
    has_shape::<BaselineResult>(&before);
    assert!(items(&before["outcome"]["findings"]).contains(&CLIMBER));
    assert!(psql(dsn, &format!("drop role {CLIMBER}")));
    let wish = json!({ "checks": ["ROLE-01"] });
    let path_of_all = "/servers/demo/baseline/assessments";
    let job = api.call("POST", path_of_all, Some(&wish)).expect(202);
    let job = format!("/jobs/{}", job["id"].as_str().unwrap());
    eventually("the check was read again", || {
        let job = api.call("GET", &job, None).expect(200);
        assert_ne!(job["state"], "failed", "{job:#}");
        job["state"] == "succeeded"
    });
    let job = api.call("GET", &job, None).expect(200);
    let steps = job["progress"].as_array().unwrap();
    assert!(steps.contains(&json!("reading the cluster")), "{steps:?}");
    let after = api.call("GET", path, None).expect(200);
    assert!(!items(&after["outcome"]["findings"]).contains(&CLIMBER));
    assert!(after["read_at"].as_str() > before["read_at"].as_str());
    let stands = api.call("GET", "/servers/demo/baseline", None).expect(200);
    let of = |id: &str| {
        let all = stands["results"].as_array().unwrap();
        all.iter().find(|item| item["id"] == id).unwrap()["read_at"].clone()
    };
    assert_eq!(of("ROLE-01"), after["read_at"]);
    assert_eq!(of("LOG-17"), stands["last"]["assessed_at"]);
    assert_eq!(api.call("GET", &path.replace("ROLE-01", "NO-99"), None).status, 404);
    let unknown = json!({ "profile": "nobody" });
    let job = api.call("POST", path_of_all, Some(&unknown)).expect(202);
    let job = format!("/jobs/{}", job["id"].as_str().unwrap());
    eventually("an unknown profile is refused", || {
        api.call("GET", &job, None).expect(200)["error"]["code"] == "bad_request"
    });
}

fn simulated_and_drawn(api: &Api<'_>) {
    let hba = |query: &str| api.call("GET", &format!("/servers/demo/baseline/hba?{query}"), None);
    let socket = hba("role=postgres&database=postgres").expect(200);
    assert_eq!(socket["outcome"], "allow", "{socket:#}");
    assert!(socket["line"].is_i64() && socket["text"].is_string(), "{socket:#}");
    let far = hba("role=nobody&database=postgres&address=192.0.2.7").expect(200);
    assert!(["no-entry", "reject"].contains(&far["outcome"].as_str().unwrap()), "{far:#}");
    assert_eq!(hba("role=a&address=nonsense").status, 400);
    let graph = api.call("GET", "/servers/demo/baseline/role-graph", None).expect(200);
    assert!(!graph["edges"].as_array().unwrap().is_empty(), "{graph:#}");
    assert_eq!(graph["gaps"], json!([]));
}

fn schedules_and_declarations(it: &Installation) {
    let schedule = |words: &[&str]| it.json(&[&["baseline", "schedule"], words].concat());
    let shown = schedule(&["show", "-s", "demo"]);
    assert_eq!((&shown["enabled"], &shown["next_run_at"]), (&json!(false), &Value::Null));
    let set = schedule(&["enable", "-s", "demo", "--hour", "7"]);
    assert!(set["next_run_at"].as_str().unwrap().ends_with("T07:00:00Z"), "{set:#}");
    assert_eq!(schedule(&["disable", "-s", "demo"])["enabled"], false);
    assert_eq!(schedule(&["show", "-s", "demo"])["hour"], 7);
    assert_code(&it.run(&["baseline", "schedule", "enable", "-s", "nobody"]), 3);
    let file = it.home().with_file_name("declared.toml");
    std::fs::write(&file, "superuser = [\"dba\"]\n").unwrap();
    let declare = ["baseline", "declare", "-s", "demo"];
    assert_eq!(it.json(&declare), json!({}));
    let said = it.json(&[&declare[..], &[file.to_str().unwrap()]].concat());
    assert_eq!(said, json!({ "superuser": ["dba"] }));
    assert_eq!(it.json(&declare), said);
}

/// Planned, made, proved, taken back; the check is read again by itself each time.
#[test]
fn a_failure_is_mended_and_the_fix_taken_back() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let dsn = dsn(&it);
    assert!(psql(&dsn, "grant create on database postgres to public"));
    let acl = || {
        let sql = "select datacl::text from pg_database where datname = 'postgres'";
        let output = std::process::Command::new("psql").args([&dsn, "-XAtqc", sql]).output();
        String::from_utf8(output.unwrap().stdout).unwrap()
    };
    let before = acl();
    let api = Api::local(&it);
    let verdict = || {
        let path = "/servers/demo/baseline/results/OBJ-02";
        api.call("GET", path, None).expect(200)["outcome"]["verdict"].clone()
    };
    let fix = ["baseline", "fix", "OBJ-02", "-s", "demo"];
    let plan = it.json(&[&fix[..], &["--dry-run"]].concat());
    assert_eq!((&plan["state"], &plan["dry_run"]), (&json!("planned"), &json!(true)));
    assert_eq!(acl(), before, "a dry run changes nothing");
    // What is made is what was seen, or nothing.
    let wish = json!({ "check": "OBJ-02", "plan": "00" });
    let job = api.call("POST", "/servers/demo/baseline/fixes", Some(&wish)).expect(202);
    let job = format!("/jobs/{}", job["id"].as_str().unwrap());
    eventually("another plan is refused", || {
        api.call("GET", &job, None).expect(200)["error"]["code"] == "plan_changed"
    });
    let made = it.json(&[&fix[..], &["--yes"]].concat());
    assert_eq!((&made["state"], &made["proved"]), (&json!("applied"), &json!(true)), "{made:#}");
    assert_ne!(acl(), before);
    assert_eq!(verdict(), "pass");
    let id = made["fix_id"].as_str().unwrap();
    let all = it.json(&["baseline", "fixes"]);
    assert_eq!((&all[0]["fix_id"], &all[0]["server"]), (&json!(id), &json!("demo")));
    // By its name alone.
    let undone = it.json(&["baseline", "undo", id]);
    assert_eq!(undone["state"], "undone", "{undone:#}");
    assert_eq!(acl(), before, "to the byte");
    assert_eq!(verdict(), "fail");
    assert_code(&it.run(&["baseline", "undo", "OBJ-02-00", "-s", "demo"]), 3);
}

fn who_may_what(it: &Installation) {
    let wish = json!({ "checks": ["LOG-17"] });
    let path = "/servers/demo/baseline/assessments";
    for (role, reads, assesses) in
        [("security-admin", 200, 202), ("auditor", 200, 403), ("reader", 403, 403)]
    {
        let api = Api::with_role(it, role);
        assert_eq!(api.call("GET", "/servers/demo/baseline", None).status, reads, "{role}");
        assert_eq!(api.call("POST", path, Some(&wish)).status, assesses, "{role}");
    }
    let acts = Api::local(it).call("GET", "/activity?limit=200", None).expect(200);
    let acts = acts["items"].as_array().unwrap();
    let done = |operation: &str| acts.iter().any(|act| act["operation"] == operation);
    assert!(done("assessment_create") && done("server_waiver_create"), "{acts:?}");
}

#[test]
fn a_server_that_does_not_run_is_not_assessed() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    assert_code(&it.run(&["server", "stop", "-n", "demo"]), 0);
    let output = it.run(&["baseline", "assess", "-s", "demo", "--id", "LOG-17"]);
    assert_code(&output, 5);
    assert!(said(&output).contains("Stopped"), "{}", said(&output));
    assert_code(&it.run(&["baseline", "assess", "-s", "nobody"]), 3);
}
