//! Every process is killed once; no acknowledged row is lost and the server is Ready again.

use serde_json::Value;

use super::installation::{Installation, kill, until};

fn is_ready_after(restarts: u64) -> impl Fn(&Value) -> bool {
    move |show| show["state"] == "Ready" && show["restarts"]["n_restarts"] == restarts
}

#[test]
fn a_server_survives_the_death_of_each_of_its_processes() {
    let pk = Installation::up();
    pk.rows("create table t (a int primary key, b text)");
    let mut n_rows = 0;
    let mut more = || {
        let from = n_rows + 1;
        n_rows += 1000;
        pk.rows(&format!(
            "insert into t select g, md5(g::text) from generate_series({from}, {n_rows}) g"
        ));
        n_rows
    };

    let n = more();
    kill(pk.fs_pid());
    let show = pk.wait("the file system is back", is_ready_after(1));
    let reason = show["state_reason"].as_str().unwrap();
    assert!(reason.contains("the file system process ended (signal 9)"), "{reason}");
    assert!(show["storage"]["last_recovery"]["n_groups"].as_u64().unwrap() > 0, "{show}");
    assert_eq!(pk.rows("select count(*) from t"), n.to_string());

    let n = more();
    let mount_before = pk.fs_pid();
    kill(pk.postmaster());
    let show = pk.wait("PostgreSQL is back", is_ready_after(2));
    let reason = show["state_reason"].as_str().unwrap();
    assert!(reason.contains("PostgreSQL ended (signal 9)"), "{reason}");
    assert_eq!(pk.fs_pid(), mount_before, "the mount was not kept");
    assert_eq!(pk.rows("select count(*) from t"), n.to_string());

    let n = more();
    kill(pk.fs_pid());
    kill(pk.postmaster());
    pk.wait("both are back", |show| {
        show["state"] == "Ready" && show["restarts"]["n_restarts"].as_u64() > Some(2)
    });
    assert_eq!(pk.rows("select count(*) from t"), n.to_string());

    let n = more();
    let agent = pk.agent_pid();
    let orphans = (pk.postmaster(), pk.fs_pid());
    kill(agent);
    let show = pk.wait("the next agent is Ready", |show| {
        show["state"] == "Ready"
            && show["state_reason"]
                .as_str()
                .is_some_and(|r| r.contains("after one that was killed"))
    });
    assert_ne!(pk.agent_pid(), agent);
    assert_ne!((pk.postmaster(), pk.fs_pid()), orphans, "orphans were left running: {show}");
    assert_eq!(pk.rows("select count(*) from t"), n.to_string());

    // The worst case: all three at once, so that the next agent finds a dead mount.
    let n = more();
    kill(pk.agent_pid());
    kill(pk.fs_pid());
    kill(pk.postmaster());
    pk.wait("all are back", |show| show["state"] == "Ready");
    until("all rows can be read", || {
        let said = pk.sql("select count(*) from t");
        (said.code == 0).then(|| assert_eq!(said.out.trim(), n.to_string()))
    });

    let history = pk.check(0, &["server", "history", "-n", "demo", "-o", "json"]);
    assert!(history.out.contains("Restarting"), "{}", history.out);
}

#[test]
fn stop_leaves_nothing_mounted_or_running_and_delete_leaves_no_files() {
    let pk = Installation::up();
    let shown = pk.check(0, &["server", "stop", "-n", "demo", "-o", "json"]).json();
    assert_eq!(shown["state"], "Stopped");
    assert!(!pk.is_mounted() && pk.fs_pid().is_none() && pk.postmaster().is_none());
    let clean = pk.check(0, &["server", "storage", "verify", "-s", "demo", "-o", "json"]).json();
    assert_eq!((&clean["intact"], &clean["unclean"]), (&true.into(), &false.into()), "{clean}");

    // One changed byte in the largest file is found.
    let victim = largest(&pk.dir().join("data"));
    let mut bytes = std::fs::read(&victim).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&victim, &bytes).unwrap();
    let bad = pk.check(6, &["server", "storage", "verify", "-s", "demo", "-o", "json"]).json();
    assert_eq!(bad["tampered"].as_array().map(Vec::len), Some(1), "{bad}");
    assert_eq!(pk.show()["storage"]["n_tampers"], 1);
    bytes[at] ^= 1;
    std::fs::write(&victim, &bytes).unwrap();

    pk.check(0, &["server", "start", "-n", "demo"]);
    pk.check(5, &["server", "storage", "verify", "-s", "demo"]);
    pk.check(0, &["server", "delete", "-n", "demo", "--yes"]);
    assert!(!pk.dir().exists() || std::fs::read_dir(pk.dir()).unwrap().next().is_none());
    assert!(!pk.is_mounted() && pk.fs_pid().is_none() && pk.postmaster().is_none());
    pk.check(3, &["server", "show", "-n", "demo"]);
}

fn largest(folder: &std::path::Path) -> std::path::PathBuf {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() {
                folders.push(entry.path());
            } else if entry.path().to_str().unwrap().contains("/base/") {
                files.push((meta.len(), entry.path()));
            }
        }
    }
    files.into_iter().max().unwrap().1
}
