//! The vault cannot be asked: nothing is known of the key, and the server goes on for a while.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::owner::{Owner, PATIENCE, PROMISED, Stopped};
use crate::installation::assert_code;

fn doubtful(shown: &Value) -> bool {
    shown["data_encryption"]["health"] == "doubtful"
}

fn usable(shown: &Value) -> bool {
    shown["data_encryption"]["health"] == "usable"
}

#[test]
fn a_vault_that_is_silent_costs_nothing_within_the_grace() {
    let owner = Owner::with_server();
    let silent = Instant::now();
    let stopped = Stopped::now(owner.process(" vault serve "));
    let noticed = owner.until("there is doubt", silent, Duration::from_secs(30), doubtful);
    let shown = owner.show().unwrap();
    assert_eq!(shown["state"], "Ready", "{shown:#}");
    assert!(shown["data_encryption"]["grace_until"].is_string(), "{shown:#}");
    let warnings = shown["warnings"].as_array().unwrap();
    assert!(!warnings.is_empty(), "the first failure warns");
    assert_eq!(owner.sql("select 1"), "1", "it goes on");
    drop(stopped);
    let back = owner.until("the doubt is over", Instant::now(), PROMISED, usable);
    assert_eq!(owner.show().unwrap()["warnings"], serde_json::json!([]));
    assert_eq!(owner.show().unwrap()["restarts"]["n_restarts"], 0);
    println!("cmk silent vault: noticed after {noticed:.2?}, over after {back:.2?}");
}

#[test]
fn a_vault_that_is_killed_or_sealed_costs_nothing_within_the_grace() {
    let owner = Owner::with_server();
    let pid = owner.process(" vault serve ");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    // The supervisor starts it again; whether the watch meets the gap is a matter of chance.
    let killed = Instant::now();
    let checked = |shown: &Value| {
        let at: Option<jiff::Timestamp> =
            shown["data_encryption"]["checked_at"].as_str().and_then(|text| text.parse().ok());
        let after = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(1);
        usable(shown)
            && at.is_some_and(|at| at > after)
            && killed.elapsed() > Duration::from_secs(1)
    };
    owner.until("a later check succeeds", killed, PATIENCE, checked);

    assert_code(&owner.it.run(&["vault", "seal"]), 0);
    let sealed = |shown: &Value| shown["data_encryption"]["failure"]["cause"] == "sealed";
    let noticed = owner.until("the seal is noticed", Instant::now(), PROMISED, sealed);
    let shown = owner.show().unwrap();
    assert_eq!((shown["state"].as_str(), doubtful(&shown)), (Some("Ready"), true), "{shown:#}");
    assert_code(&owner.it.run(&["vault", "unseal"]), 0);
    let back = owner.until("the doubt is over", Instant::now(), PROMISED, usable);
    assert_eq!(owner.show().unwrap()["restarts"]["n_restarts"], 0);
    println!("cmk sealed vault: noticed after {noticed:.2?}, over after {back:.2?}");
}

#[test]
fn after_the_grace_the_server_closes_and_opens_again_with_the_vault() {
    let owner = Owner::with_server();
    let set = ["server", "key", "set", "-s", "hr", "--grace", "3", "--check-interval", "2"];
    let answer = owner.it.json(&set);
    assert_eq!(answer["data_encryption"]["policy"]["grace_s"], 3, "{answer:#}");
    assert_eq!(answer["data_encryption"]["policy"]["call_timeout_s"], 5, "the rest stays");
    let silent = Instant::now();
    let stopped = Stopped::now(owner.process(" vault serve "));
    owner.until("there is doubt", silent, Duration::from_secs(30), doubtful);
    let doubt = Instant::now();
    let closed = owner.until_closed(doubt);
    assert!(closed >= Duration::from_secs(2), "not before the grace is over: {closed:?}");
    drop(stopped);
    let back = owner.until_state("Ready", Instant::now(), PROMISED);
    assert_eq!(owner.sql("select 1"), "1");
    println!("cmk end of a grace of 3 s: closed {closed:.2?} after the doubt, back in {back:.2?}");
}
