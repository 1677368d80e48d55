//! The log lake of a real installation: what comes in by itself, and what clients send.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::installation::{Installation, assert_code};

/// The rows of a query, each a list of cells.
#[track_caller]
pub(crate) fn rows(it: &Installation, query: &str) -> Vec<Value> {
    let answer = it.json(&["logs", "query", query]);
    answer["rows"].as_array().unwrap().clone()
}

/// Asks until there are so many rows.
#[track_caller]
pub(crate) fn wait_for(it: &Installation, query: &str, n: usize) -> Vec<Value> {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let found = rows(it, query);
        if found.len() >= n {
            return found;
        }
        assert!(Instant::now() < deadline, "{query}: {found:?}");
        std::thread::park_timeout(Duration::from_millis(100));
    }
}

/// Process id of the plane.
fn plane_pid(it: &Installation) -> u32 {
    let home = it.home().display().to_string();
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let is_plane = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        line.contains(&home) && line.contains(" plane serve")
    };
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(is_plane).last().unwrap()
}

#[test]
fn what_pgkeep_does_can_be_asked_once_each() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    // Each of them: the plane's activity, the vault's audit, the states of servers.
    let components = "PgkeepActivity | summarize n = count() by Component | sort by Component asc";
    let found = wait_for(&it, components, 3);
    let names: Vec<&str> = found.iter().map(|row| row[0].as_str().unwrap()).collect();
    assert_eq!(names, ["agent", "plane", "vault"]);
    // An act is there within two seconds and some for a machine under load.
    let output =
        it.run(&["server", "parameter", "set", "-s", "demo", "-n", "work_mem", "-v", "8MB"]);
    assert_code(&output, 0);
    let begun = Instant::now();
    let act = "PgkeepActivity | where Component == 'plane' and Operation == 'parameter_set'";
    let found = wait_for(&it, &format!("{act} | project Actor, ServerName, Result"), 1);
    assert_eq!((&found[0][1], &found[0][2]), (&"demo".into(), &"Success".into()));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    // Whatever dies, each record is there once.
    for _ in 0..3 {
        let pid = killed(plane_pid(&it));
        let deadline = Instant::now() + Duration::from_secs(60);
        while it.run(&["logs", "tables"]).status.code() != Some(0) || plane_pid(&it) == pid {
            assert!(Instant::now() < deadline, "the plane does not come back");
            std::thread::park_timeout(Duration::from_millis(100));
        }
        assert_code(&it.run(&["keyvault", "list"]), 0);
    }
    let listed = "PgkeepActivity | where Component == 'vault' and Operation == 'VaultList'";
    let _ = wait_for(&it, listed, 3);
    let twice = "PgkeepActivity | where Component in ('vault', 'plane')
        | summarize n = count() by Component, Sequence | where n > 1";
    assert_eq!(rows(&it, twice), [] as [Value; 0]);
    let gaps = "PgkeepActivity | where Component == 'vault'
        | summarize n = count(), last = max(Sequence) | where n != last";
    assert_eq!(rows(&it, gaps), [] as [Value; 0]);
    let own = it.json(&["logs", "connectors"]);
    let own = own.as_array().unwrap().iter().filter(|source| source["kind"] == "pgkeep");
    let names: Vec<&str> = own.map(|source| source["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["pgkeep/plane", "pgkeep/servers", "pgkeep/vault"]);
}

#[test]
fn servers_are_sampled() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let of_demo = "where LogicalServerName == 'demo' and _ResourceId == '/servers/demo'";
    for (table, column) in [
        ("PGSQLPgStatActivitySessions", "BackendType == 'client backend'"),
        ("PGSQLDbTransactionsStats", "DatabaseName == 'postgres' and RemainingTransactionIds > 0"),
        ("PgkeepSettings", "Name == 'server_version' and isnotempty(Setting)"),
    ] {
        let query = format!("{table} | {of_demo} and {column} and TimeGenerated > ago(1h)");
        assert!(!wait_for(&it, &query, 1).is_empty(), "{table}");
    }
    let dead = rows(&it, "PgkeepDeadLetters | where Source startswith 'server/demo/samples'");
    assert_eq!(dead, [] as [Value; 0]);
}

/// Kills a process the hard way; answers its id.
fn killed(pid: u32) -> u32 {
    let id = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
    pid
}
