//! `pgkeep baseline` against a PostgreSQL that is not pgkeep's.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use testkit::StockCluster;

struct Ended {
    code: i32,
    out: String,
    err: String,
}

fn pgkeep(dir: &Path, args: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_pgkeep"))
        .args(args)
        .env_clear()
        .env("PGPASSFILE", dir.join("pgpass"))
        .env("PGKEEP_HOME", dir)
        .current_dir(dir)
        .output()
        .expect("because the binary was built");
    Ended {
        code: output.status.code().expect("because no signal ended it"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder with the password of `postgres` and of `scan`, who has `pg_monitor` alone.
async fn prepared(cluster: &StockCluster) -> TempDir {
    use std::os::unix::fs::PermissionsExt;
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("pgpass");
    std::fs::write(&file, format!("*:*:*:*:{}\n", cluster.password().expose())).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
    let admin = cluster.connect("postgres").await;
    let sql = format!("create role scan login password '{}'", cluster.password().expose());
    admin.batch("make a role", &sql).await.unwrap();
    admin.batch("let it see", "grant pg_monitor to scan").await.unwrap();
    dir
}

fn dsn(cluster: &StockCluster, user: &str) -> String {
    let (host, port) = (cluster.dir().display(), cluster.port());
    format!("host={host} port={port} user={user} dbname=postgres")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("one JSON document")
}

fn verdict<'a>(assessment: &'a Value, id: &str) -> &'a str {
    let results = assessment["results"].as_array().expect("results");
    let result = results.iter().find(|result| result["id"] == id).expect("a result");
    result["verdict"].as_str().expect("a verdict")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assessment_has_the_shape_of_the_contract() {
    let cluster = StockCluster::start().await;
    let dir = prepared(&cluster).await;
    let dir = dir.path();
    let dsn = dsn(&cluster, "postgres");
    let args = ["baseline", "assess", "--dsn", &dsn, "-o", "json", "--save-evidence", "e.json"];
    let ended = pgkeep(dir, &args);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let assessment = json(&ended.out);
    for member in ["server", "assessed_at", "feeds", "results"] {
        assert!(!assessment[member].is_null(), "{member}");
    }
    let results = assessment["results"].as_array().unwrap();
    assert!(results.len() > 100, "{}", results.len());
    for result in results {
        let id = &result["id"];
        for member in ["title", "severity", "verdict", "reason"] {
            assert!(result[member].as_str().is_some_and(|text| !text.is_empty()), "{id}: {member}");
        }
        for member in ["evidence", "mcsb", "cis", "stig", "nist"] {
            assert!(result[member].is_array(), "{id}: {member}");
        }
        assert!(result["fix"]["automatic"].is_boolean(), "{id}");
        assert!(result["fix"]["class"].is_string(), "{id}");
        assert!(!result["reason"].as_str().unwrap().starts_with("internal"), "{result:#}");
        if matches!(result["verdict"].as_str().unwrap(), "pass" | "fail") {
            assert_ne!(result["evidence"].as_array().unwrap().len(), 0, "{id}");
        }
    }
    // As initdb leaves it: nobody signs in over the network in clear yet, and nothing is logged.
    assert_eq!(verdict(&assessment, "LOG-17"), "fail");
    assert_eq!(verdict(&assessment, "PASS-01"), "pass");
    assert!(!ended.out.contains(cluster.password().expose()));
    // The same verdicts from the evidence alone.
    let again = pgkeep(dir, &["baseline", "assess", "--evidence", "e.json", "-o", "json"]);
    assert_eq!(again.code, 0, "{}", again.err);
    assert_eq!(json(&again.out)["results"], assessment["results"]);
    assert!(!std::fs::read_to_string(dir.join("e.json")).unwrap().contains("SCRAM-SHA-256$"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_breaks_on_what_fails_and_on_what_cannot_be_told_if_asked() {
    let cluster = StockCluster::start().await;
    let dir = prepared(&cluster).await;
    let dir = dir.path();
    let dsn = dsn(&cluster, "scan");
    let assess = |words: &[&str]| {
        let args = [&["baseline", "assess", "--dsn", &dsn, "-o", "json"], words].concat();
        pgkeep(dir, &args)
    };
    let log = assess(&["--id", "LOG-17", "--fail-on", "high"]);
    assert_eq!((log.code, verdict(&json(&log.out), "LOG-17")), (6, "fail"));
    assert_eq!(assess(&["--id", "LOG-17", "--fail-on", "critical"]).code, 0);
    // What only others may read is not known, and does not pass.
    let hba = assess(&["--id", "AUTH-02", "--fail-on", "low"]);
    assert_eq!((hba.code, verdict(&json(&hba.out), "AUTH-02")), (0, "cannot-tell"));
    let rights = json(&hba.out)["missing_rights"].to_string();
    assert!(rights.contains("pg_hba_file_rules") && rights.contains("scan"), "{rights}");
    let words = ["--id", "AUTH-02", "--fail-on", "low", "--fail-on-cannot-tell"];
    assert_eq!(assess(&words).code, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said() {
    let dir = TempDir::new().unwrap();
    let nobody = "host=localhost port=1 user=scan dbname=postgres";
    for (args, code, said) in [
        (&["baseline", "assess"] as &[&str], 2, "--dsn"),
        (&["baseline", "assess", "--dsn", nobody], 1, "could not connect"),
        (&["baseline", "assess", "--dsn", "frobnicate=1"], 2, "parameter 1"),
        (&["baseline", "assess", "--dsn", nobody, "--id", "NO-99"], 3, "NO-99"),
        (&["baseline", "assess", "--evidence", "absent.json"], 3, "absent.json"),
        (&["baseline", "show", "NO-99"], 3, "NO-99"),
        (&["baseline", "checks", "-o", "sarif"], 2, "sarif"),
    ] {
        let ended = pgkeep(dir.path(), args);
        assert_eq!(ended.code, code, "{args:?}: {}", ended.err);
        assert!(ended.err.contains(said), "{args:?}: {}", ended.err);
    }
    let list = json(&pgkeep(dir.path(), &["baseline", "checks", "-o", "json"]).out);
    assert!(list.as_array().is_some_and(|checks| checks.len() > 100));
    let one = json(&pgkeep(dir.path(), &["baseline", "show", "LOG-17", "-o", "json"]).out);
    assert!(one["rules"]["fail"].is_array() && one["why"].is_string());
}

#[test]
fn feeds_are_shown_and_newer_ones_imported() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let shown = || {
        let ended = pgkeep(dir, &["baseline", "feed", "show", "-o", "json"]);
        assert_eq!(ended.code, 0, "{}", ended.err);
        json(&ended.out)
    };
    let before = shown();
    let feed = &before[0];
    assert_eq!(feed["name"], "postgresql-cve");
    assert_eq!(feed["imported"], false);
    let text = |as_of: &str| {
        format!(
            r#"{{"format":1,"name":"postgresql-cve","kind":"advisories","as_of":"{as_of}",
            "source":"a test","licence":"none","majors":[15],"advisories":[{{"id":"CVE-2000-1",
            "components":["core server"],"title":"It is wrong.","published":"2000-01-01",
            "affected":[{{"major":15}}]}}]}}"#
        )
    };
    let import = |name: &str, text: &str, more: &[&str]| {
        std::fs::write(dir.join(name), text).unwrap();
        let mut args = vec!["baseline", "feed", "import", name, "-o", "json"];
        args.extend_from_slice(more);
        pgkeep(dir, &args)
    };
    let same_day = text(feed["as_of"].as_str().expect("a day"));
    let wrong = import("one.json", &same_day, &["--checksum", &"0".repeat(64)]);
    assert_eq!(wrong.code, 6, "{}", wrong.err);
    assert_eq!(shown(), before);
    assert_eq!(import("old.json", &text("2001-01-01"), &[]).code, 5);
    assert_eq!(import("odd.json", "{}", &[]).code, 2);
    let done = import("one.json", &same_day, &[]);
    assert_eq!(done.code, 0, "{}", done.err);
    let done = json(&done.out);
    assert_eq!(done["changed"], true);
    let checksum = done["checksum"].as_str().expect("a checksum");
    let again = import("one.json", &same_day, &["--checksum", checksum]);
    assert_eq!(json(&again.out)["changed"], false);
    let after = shown();
    assert_eq!(after[0]["imported"], true);
    assert_eq!(after[0]["records"], 1);
}

/// The newest fix, once it waits for a confirmation; the command that made it has a deadline.
fn wait_for_one_to_confirm(dir: &Path, is_over: impl Fn() -> bool) -> Value {
    loop {
        let listed = json(&pgkeep(dir, &["baseline", "fixes", "-o", "json"]).out);
        let newest = &listed[0];
        if newest["state"] == "applied" && newest["confirm_by"].is_string() {
            return newest.clone();
        }
        assert!(!is_over(), "it ended without a confirmation");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fix_is_made_confirmed_and_taken_back() {
    let cluster = StockCluster::start().await;
    let dir = prepared(&cluster).await;
    let dir = dir.path();
    let dsn = dsn(&cluster, "postgres");
    let auto = cluster.data_dir().join("postgresql.auto.conf");
    let before = std::fs::read(&auto).unwrap();
    let fix = |words: &[&str]| {
        let args = [&["baseline", "fix", "LOG-18", "--dsn", &dsn, "-o", "json"], words].concat();
        pgkeep(dir, &args)
    };
    let named = |verb: &str, made: &Value| {
        let fix_id = made["fix_id"].as_str().expect("a name");
        pgkeep(dir, &["baseline", verb, fix_id, "-o", "json"])
    };
    // Seen, and nothing is changed; without a word from somebody neither.
    let seen = json(&fix(&["--dry-run"]).out);
    assert_eq!((&seen["dry_run"], &seen["state"]), (&Value::Bool(true), &Value::from("planned")));
    assert_eq!(seen["changes"][0]["name"], "log_disconnections");
    assert_eq!(fix(&[]).code, 2);
    assert_eq!(std::fs::read(&auto).unwrap(), before);
    // Made, found by its name alone, and as it was.
    let ended = fix(&["--yes"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    let made = json(&ended.out);
    assert_eq!((&made["id"], &made["state"]), (&"LOG-18".into(), &Value::from("applied")));
    assert_eq!(made["proof"]["verdict"], "pass");
    assert_ne!(std::fs::read(&auto).unwrap(), before);
    assert_eq!(json(&fix(&["--yes"]).out)["state"], "unchanged");
    let listed = json(&pgkeep(dir, &["baseline", "fixes", "-o", "json"]).out);
    assert_eq!(listed[0]["fix_id"], made["fix_id"]);
    assert_eq!(named("confirm", &made).code, 5);
    let undone = named("undo", &made);
    assert_eq!(undone.code, 0, "{}", undone.err);
    assert_eq!(json(&undone.out)["state"], "undone");
    assert_eq!(std::fs::read(&auto).unwrap(), before);
    // Nobody confirms it: it goes by itself.
    let alone = fix(&["--yes", "--confirm-within", "1"]);
    assert_eq!((alone.code, json(&alone.out)["state"].as_str()), (6, Some("undone")));
    assert_eq!(std::fs::read(&auto).unwrap(), before);
    // Somebody does, as soon as there is something to confirm.
    let stays = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| fix(&["--yes", "--confirm-within", "300"]));
        let newest = wait_for_one_to_confirm(dir, || waiting.is_finished());
        assert_eq!(named("confirm", &newest).code, 0);
        waiting.join().expect("it ends")
    });
    assert_eq!((stays.code, json(&stays.out)["state"].as_str()), (0, Some("applied")));
    // Somebody else sets it meanwhile: that is not undone.
    let admin = cluster.connect("postgres").await;
    admin.batch("set it", "alter system set log_disconnections = off").await.unwrap();
    let refused = named("undo", &json(&stays.out));
    assert_eq!(refused.code, 5, "{}", refused.err);
    assert!(refused.err.contains("log_disconnections"), "{}", refused.err);
}
