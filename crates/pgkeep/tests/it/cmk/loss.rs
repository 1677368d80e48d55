//! The owner takes the key away and gives it back, in every way there is.

use std::process::Stdio;
use std::time::Instant;

use serde_json::Value;

use super::owner::{IDENTITY, KEY, Owner, PATIENCE, PROMISED, median, psql};
use crate::installation::{Installation, assert_code, is_root};

type Act = fn(&Owner);

/// What takes the key away, what gives it back, and the cause that must be told.
const WAYS: [(&str, Act, Act, &str); 5] = [
    ("disabled", |o| o.enable(false), |o| o.enable(true), "disabled"),
    (
        "deleted",
        |o| drop(o.key(&["delete"], KEY, &[])),
        |o| drop(o.key(&["recover"], KEY, &[])),
        "not_found",
    ),
    ("role removed", |o| o.revoke(IDENTITY), |o| o.grant(IDENTITY), "forbidden"),
    (
        "expired",
        |o| drop(o.key(&["set-attributes"], KEY, &["--expires", "2020-01-01T00:00:00Z"])),
        |o| drop(o.key(&["set-attributes"], KEY, &["--expires", "2099-01-01T00:00:00Z"])),
        "expired",
    ),
    (
        "identity disabled",
        |o| o.let_in(IDENTITY, false),
        |o| o.let_in(IDENTITY, true),
        "identity_unknown",
    ),
];

#[test]
fn a_server_closes_without_its_key_and_opens_again_with_it() {
    let owner = Owner::with_server();
    owner.sql("create table kept as select 42 as n");
    for (way, take, give, cause) in WAYS {
        let dsn = owner.dsn();
        let mut session = psql(&dsn, "select pg_sleep(300)")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let asleep = "select count(*) from pg_stat_activity where query ~ '^select pg_sleep'";
        let began = Instant::now();
        while owner.sql(asleep) != "1" {
            assert!(began.elapsed() < PATIENCE, "the session does not begin");
        }

        let revoked = Instant::now();
        take(&owner);
        let closed = owner.until_closed(revoked);
        let shown = owner.show().unwrap();
        let key = &shown["data_encryption"];
        assert_eq!(key["health"], "lost", "{way}: {shown:#}");
        assert_eq!(key["failure"]["cause"], cause, "{way}: {shown:#}");
        assert!(!shown["state_reason"].as_str().unwrap().is_empty());
        // A client that was connected is told so in PostgreSQL's own words.
        assert!(!session.wait().unwrap().success());
        let mut said = String::new();
        let mut errors = session.stderr.take().unwrap();
        std::io::Read::read_to_string(&mut errors, &mut said).unwrap();
        assert!(said.contains("terminating connection"), "{way}: {said}");
        assert!(!psql(&dsn, "select 1").output().unwrap().status.success(), "{way}");
        // Neither a start nor a restart by a person opens it.
        assert_ne!(owner.it.run(&["server", "start", "-n", "hr"]).status.code(), Some(0));
        assert_eq!(owner.show().unwrap()["state"], "Inaccessible", "{way}");

        let given = Instant::now();
        give(&owner);
        let opened = owner.until_state("Ready", given, PROMISED);
        assert_eq!(owner.sql("select n from kept"), "42", "{way}");
        println!("cmk {way}: closed after {closed:.2?}, Ready after {opened:.2?}");
    }
    // Each transition is kept with cause, status and identity.
    let history = owner.it.json(&["server", "key", "history", "-s", "hr"]);
    let lost: Vec<&Value> =
        history.as_array().unwrap().iter().filter(|entry| entry["to"] == "lost").collect();
    assert_eq!(lost.len(), WAYS.len(), "{history:#}");
    for ((way, _, _, cause), entry) in WAYS.iter().zip(lost.into_iter().rev()) {
        assert_eq!(entry["failure"]["cause"], *cause, "{way}: {entry:#}");
        assert_eq!(entry["identity"], IDENTITY, "{way}");
        let told = ["disabled", "not_found", "forbidden"].contains(cause);
        assert_eq!(entry["failure"]["http_status"].is_u64(), told, "{way}: {entry:#}");
    }
    // Also those that were over before the plane looked.
    let states = owner.it.json(&["server", "history", "-n", "hr"]);
    let states = states.as_array().unwrap();
    let closing = states.iter().filter(|row| row["state"] == "Stopping");
    assert_eq!(closing.count(), WAYS.len(), "{states:#?}");
    for pair in states.windows(2) {
        assert_ne!(pair[0], pair[1], "nothing is told twice");
    }
}

#[test]
fn a_loss_and_a_return_are_quick() {
    let owner = Owner::with_server();
    let (mut losses, mut returns) = (Vec::new(), Vec::new());
    // A further loss within ten minutes would be answered with a pause on purpose.
    for _ in 0..3 {
        let revoked = Instant::now();
        owner.enable(false);
        losses.push(owner.until_closed(revoked));
        let given = Instant::now();
        owner.enable(true);
        returns.push(owner.until_state("Ready", given, PROMISED));
    }
    println!(
        "cmk figures: revoke to Inaccessible {losses:.2?}, enable to Ready {returns:.2?}, \
         medians {:.2?} and {:.2?}",
        median(losses.clone()),
        median(returns.clone()),
    );
}

#[test]
fn an_ordinary_user_has_the_same() {
    if !is_root() {
        // Then the other tests have shown it already.
        println!("not root: cannot become another user");
        return;
    }
    let owner = Owner::on(Installation::of_ordinary_user());
    owner.create(&owner.key_uri);
    let revoked = Instant::now();
    owner.enable(false);
    owner.until_closed(revoked);
    let given = Instant::now();
    owner.enable(true);
    owner.until_state("Ready", given, PROMISED);
}

#[test]
fn a_restart_while_revoked_changes_nothing() {
    let owner = Owner::with_server();
    owner.sql("create table kept as select 42 as n");
    let revoked = Instant::now();
    owner.enable(false);
    owner.until_closed(revoked);
    let since = owner.show().unwrap()["state_since"].clone();
    assert_code(&owner.it.run(&["down"]), 0);
    let up = owner.it.up();
    assert_code(&up, 6);
    let status: Value = serde_json::from_slice(&up.stdout).unwrap();
    let of = |name: &str| {
        let servers = status["servers"].as_array().unwrap();
        servers.iter().find(|server| server["name"] == name).unwrap().clone()
    };
    assert_eq!(of("demo")["state"], "Ready", "the others are up");
    assert_eq!(of("hr")["state"], "Inaccessible", "{status:#}");
    let moment = |value: &Value| value.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(moment(&of("hr")["state_since"]) <= moment(&since), "it has been so all the time");
    assert!(!owner.is_mounted());
    let given = Instant::now();
    owner.enable(true);
    let opened = owner.until_state("Ready", given, PROMISED);
    assert_eq!(owner.sql("select n from kept"), "42");
    println!("cmk restart while revoked: Ready after {opened:.2?}");
}

#[test]
fn what_a_person_wants_counts_also_without_the_key() {
    let owner = Owner::with_server();
    let revoked = Instant::now();
    owner.enable(false);
    owner.until_closed(revoked);
    assert_eq!(owner.it.json(&["server", "stop", "-n", "hr"])["state"], "Stopped");
    // The key comes back, the wish stays.
    owner.enable(true);
    let usable = |shown: &Value| shown["data_encryption"]["health"] == "usable";
    owner.until("the key is usable", Instant::now(), PROMISED, usable);
    assert_eq!(owner.show().unwrap()["state"], "Stopped");
    assert_eq!(owner.it.json(&["server", "start", "-n", "hr"])["state"], "Ready");
    owner.enable(false);
    owner.until_closed(Instant::now());
    // Without its key a server can still be given up.
    assert_code(&owner.it.run(&["server", "delete", "-n", "hr", "--yes"]), 0);
    assert_code(&owner.it.run(&["server", "show", "-n", "hr"]), 3);
}
