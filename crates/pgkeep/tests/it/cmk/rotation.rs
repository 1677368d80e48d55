//! The key gets a new version while the server is under load.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::owner::{KEY, Owner, PATIENCE};
use crate::installation::assert_code;

/// Long enough for all rotations, with time before and after.
const LOAD_S: u64 = 25;
const ROTATIONS: usize = 3;

fn pgbench(dsn: &str, args: &[&str]) -> Command {
    let mut command = Command::new("pgbench");
    command.args(args).arg(dsn).env("LC_ALL", "C");
    command
}

fn version_of(shown: &Value) -> String {
    shown["data_encryption"]["key_version"].as_str().unwrap().to_owned()
}

#[test]
fn a_rotation_under_load_fails_no_transaction() {
    let owner = Owner::with_server();
    let dsn = owner.dsn();
    assert_code(&pgbench(&dsn, &["-i", "-q", "-s", "2"]).output().unwrap(), 0);
    let seconds = LOAD_S.to_string();
    let load = pgbench(&dsn, &["-n", "-c", "4", "-j", "2", "-T", &seconds, "-P", "5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut times = Vec::new();
    for _ in 0..ROTATIONS {
        let before = version_of(&owner.show().unwrap());
        let rotated = Instant::now();
        let bundle = owner.key(&["rotate"], KEY, &[]);
        let newest = bundle["key"]["kid"].as_str().unwrap().rsplit_once('/').unwrap().1.to_owned();
        assert_ne!(newest, before);
        let followed = owner.until("the new version is followed", rotated, PATIENCE, |shown| {
            let rewrap = &shown["data_encryption"]["rewrap"];
            version_of(shown) == newest && rewrap.is_null()
        });
        assert_eq!(owner.show().unwrap()["state"], "Ready");
        times.push(followed);
    }
    let output = load.wait_with_output().unwrap();
    assert_code(&output, 0);
    let report = String::from_utf8(output.stdout).unwrap();
    let line = |word: &str| report.lines().find(|line| line.contains(word)).unwrap_or_default();
    // Both lines are of PostgreSQL 15 and later; a client that broke off fails the exit code.
    let failed = line("number of failed transactions");
    assert!(failed.contains(": 0 ("), "{report}");
    let processed = line("number of transactions actually processed");
    let n: u64 = processed.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(n > 100, "{report}");
    println!("cmk rotation: followed after {times:.2?}; {n} transactions, {failed}");

    // The old versions are not needed any more, also not after a restart.
    let versions = owner.key(&["list-versions"], KEY, &[]);
    let newest = version_of(&owner.show().unwrap());
    let mut disabled = 0;
    for item in versions.as_array().unwrap() {
        let version = item["kid"].as_str().unwrap().rsplit_once('/').unwrap().1;
        if version != newest {
            owner.key(&["set-attributes"], KEY, &["--version", version, "--enabled", "false"]);
            disabled += 1;
        }
    }
    assert_eq!(disabled, ROTATIONS);
    assert_eq!(owner.it.json(&["server", "restart", "-n", "hr"])["state"], "Ready");
    assert_eq!(owner.sql("select count(*) from pgbench_branches"), "2");
}

#[test]
fn a_version_in_the_address_is_never_left() {
    let owner = Owner::with_key();
    let bundle = owner.key(&["show"], KEY, &[]);
    let pinned = bundle["key"]["kid"].as_str().unwrap().to_owned();
    let shown = owner.create(&pinned);
    let version = version_of(&shown);
    assert_eq!(shown["data_encryption"]["pinned"], true, "{shown:#}");
    owner.key(&["rotate"], KEY, &[]);
    let looked = |since: Instant| {
        let began = jiff::Timestamp::now();
        owner.until("the key is looked at", since, Duration::from_secs(30), |shown| {
            let at = shown["data_encryption"]["checked_at"].as_str();
            at.is_some_and(|at| at.parse::<jiff::Timestamp>().unwrap() > began)
        })
    };
    looked(Instant::now());
    looked(Instant::now());
    let shown = owner.show().unwrap();
    assert_eq!((version_of(&shown), shown["state"].as_str()), (version, Some("Ready")));
}
