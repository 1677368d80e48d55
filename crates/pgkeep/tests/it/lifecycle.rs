//! `up`, `status`, `down` end to end: real processes, real PostgreSQL, real FUSE.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::installation::{Installation, assert_code, is_root, said};

/// Asks `condition` until it holds; a machine under load gets its time.
#[track_caller]
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

fn psql(dsn: &str, sql: &str) -> String {
    let output = Command::new("psql").args([dsn, "-XAtc", sql]).output().unwrap();
    assert_code(&output, 0);
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Processes that name this home in their command line.
fn processes_of(home: &Path) -> Vec<(u32, String)> {
    let home = home.to_str().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            let words = std::fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&words).replace('\0', " ");
            line.contains(home).then_some((pid, line))
        })
        .collect()
}

fn is_mounted(home: &Path) -> bool {
    std::fs::read_to_string("/proc/mounts").unwrap().contains(home.to_str().unwrap())
}

fn whole_life(it: &Installation) {
    let output = it.up();
    assert_code(&output, 0);
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["vault"]["state"], "unsealed");
    let url = format!("https://localhost:{}/", it.https_port());
    assert_eq!(status["plane"]["url"], url.as_str());
    let server = &status["servers"][0];
    assert_eq!((server["name"].as_str(), server["state"].as_str()), (Some("demo"), Some("Ready")));
    assert_eq!(server["port"], it.port());
    // A second one finds everything up and says the same.
    let again = it.up();
    assert_code(&again, 0);
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["servers"][0]["dsn"], server["dsn"]);
    assert_eq!(it.json(&["status"])["plane"]["url"], url.as_str());

    let output = it.run(&["server", "show-connection-string", "-s", "demo"]);
    assert_code(&output, 0);
    assert_eq!(it.json(&["server", "list"])[0]["state"], "Ready");
    assert_eq!(it.json(&["server", "show", "-n", "demo"])["storage"]["engine"], "cryptfs");
    let missing = it.run(&["server", "show", "-n", "nope"]);
    assert_code(&missing, 3);

    let output = it.run(&["down"]);
    assert_code(&output, 0);
    assert_eq!(processes_of(&it.home()), [], "nothing is left running");
    assert!(!is_mounted(&it.home()), "nothing is left mounted");
    assert_code(&it.run(&["down"]), 0);
    assert_code(&it.run(&["status"]), 1);
}

#[test]
fn lives_and_ends_in_order() {
    let it = Installation::new();
    whole_life(&it);
}

#[test]
fn lives_and_ends_in_order_for_an_ordinary_user() {
    if !is_root() {
        // Then `lives_and_ends_in_order` has shown it already.
        println!("not root: cannot become another user");
        return;
    }
    let it = Installation::of_ordinary_user();
    whole_life(&it);
}

#[test]
fn data_outlives_down_and_up() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let dsn = it.json(&["server", "show", "-n", "demo"])["dsn"].as_str().unwrap().to_owned();
    assert_eq!(psql(&dsn, "create table t as select 42 as n; select n from t"), "SELECT 1\n42");
    assert_eq!(psql(&dsn, "select ssl from pg_stat_ssl where pid = pg_backend_pid()"), "t");
    assert_code(&it.run(&["down"]), 0);
    assert_code(&it.up(), 0);
    assert_eq!(psql(&dsn, "select n from t"), "42");
}

#[test]
fn a_second_server_is_made_used_and_deleted() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let shown = it.json(&["server", "create", "-n", "web"]);
    assert_eq!(shown["state"], "Ready");
    let dsn = shown["dsn"].as_str().unwrap().to_owned();
    assert_eq!(psql(&dsn, "select 1"), "1");
    assert_code(&it.run(&["server", "create", "-n", "web"]), 5);
    let taken = it.port().to_string();
    assert_code(&it.run(&["server", "create", "-n", "other", "--port", &taken]), 5);
    assert_eq!(it.json(&["server", "list"]).as_array().unwrap().len(), 2);
    assert_eq!(it.json(&["server", "stop", "-n", "web"])["state"], "Stopped");
    // Stopped on purpose stays stopped, and is no failure of `up`.
    assert_code(&it.run(&["down"]), 0);
    assert_code(&it.up(), 0);
    assert_eq!(it.json(&["server", "show", "-n", "web"])["state"], "Stopped");
    assert_eq!(it.json(&["server", "start", "-n", "web"])["state"], "Ready");
    assert_code(&it.run(&["server", "delete", "-n", "web"]), 2);
    assert_code(&it.run(&["server", "delete", "-n", "web", "--yes"]), 0);
    assert_code(&it.run(&["server", "show", "-n", "web"]), 3);
    assert!(!it.home().join("servers/web").exists());
}

#[test]
fn a_sealed_vault_is_exit_code_8_until_unsealed() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    assert_code(&it.run(&["vault", "status"]), 0);
    assert_code(&it.run(&["vault", "seal"]), 0);
    assert_code(&it.run(&["vault", "status"]), 8);
    assert_code(&it.run(&["server", "create", "-n", "x"]), 8);
    assert_eq!(it.json(&["server", "list"]).as_array().unwrap().len(), 1, "x left nothing");
    assert_code(&it.run(&["down"]), 0);
    let output = it.up();
    assert_code(&output, 8);
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["vault"]["state"], "sealed");
    assert_eq!(status["servers"][0]["state"], "Inaccessible");
    assert_code(&it.run(&["vault", "unseal"]), 0);
    assert_eq!(it.json(&["server", "start", "-n", "demo"])["state"], "Ready");
    // A lost seal key seals as well, and no new one is made over the old data.
    assert_code(&it.run(&["down"]), 0);
    let key = it.home().join("vault/seal.key");
    std::fs::rename(&key, it.home().join("vault/aside")).unwrap();
    let output = it.up();
    assert_code(&output, 8);
    assert!(said(&output).contains("seal.key"), "{}", said(&output));
    assert!(!key.exists());
}

#[test]
fn what_dies_is_started_again() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    for word in [" plane serve ", " vault serve ", " agent serve "] {
        let found = processes_of(&it.home());
        let (pid, _) = found.iter().find(|(_, line)| line.contains(word)).unwrap();
        let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
        assert!(killed.success());
        eventually("everything is up again", || {
            let status = it.run(&["status", "-o", "json"]);
            let status: Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
            let others = processes_of(&it.home());
            status["vault"]["state"] == "unsealed"
                && status["servers"][0]["state"] == "Ready"
                && others.iter().any(|(other, line)| other != pid && line.contains(word))
        });
    }
}

#[test]
fn a_taken_port_leaves_the_server_stopped_with_the_reason() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    assert_code(&it.run(&["down"]), 0);
    let guest = std::net::TcpListener::bind(("127.0.0.1", it.port())).unwrap();
    let output = it.up();
    assert_code(&output, 6);
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["servers"][0]["state"], "Stopped");
    let reason = status["servers"][0]["state_reason"].as_str().unwrap();
    assert!(reason.contains(&it.port().to_string()), "{reason}");
    assert!(status["plane"]["url"].is_string(), "the rest is up");
    drop(guest);
    assert_eq!(it.json(&["server", "start", "-n", "demo"])["state"], "Ready");
}

#[test]
fn folders_have_the_owners_and_modes_of_the_map() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let meta = |path: &str| std::fs::metadata(it.home().join(path)).unwrap();
    for (path, mode) in [
        ("", 0o711),
        ("run", 0o711),
        ("log", 0o711),
        ("vault", 0o700),
        ("plane", 0o700),
        ("servers/demo", 0o700),
        ("ca.pem", 0o644),
        ("config.toml", 0o644),
        ("servers/demo/pgpass", 0o600),
        ("vault/seal.key", 0o600),
    ] {
        assert_eq!(meta(path).permissions().mode() & 0o777, mode, "{path}");
    }
    let me = meta("").uid();
    assert_eq!(meta("servers/demo/pgpass").uid(), me);
    if is_root() {
        let mut owners = vec![me, meta("vault").uid(), meta("plane").uid()];
        owners.push(meta("servers/demo").uid());
        owners.sort_unstable();
        owners.dedup();
        assert_eq!(owners.len(), 4, "four OS users");
        for (_, line) in processes_of(&it.home()) {
            assert!(!line.contains("secret") && !line.contains("password"), "{line}");
        }
    }
}

#[test]
fn a_home_that_others_cannot_enter_is_refused() {
    if !is_root() {
        println!("not root: there are no others");
        return;
    }
    let it = Installation::new();
    let closed = it.home();
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let inner = closed.join("inner");
    let output = Command::new(env!("CARGO_BIN_EXE_pgkeep"))
        .args(["up", "--detach", "--home", inner.to_str().unwrap()])
        .output()
        .unwrap();
    assert_code(&output, 4);
    assert!(said(&output).contains(closed.to_str().unwrap()), "{}", said(&output));
    assert!(said(&output).contains("chmod o+x"), "{}", said(&output));
    assert!(!inner.exists(), "nothing was made");
}

#[test]
fn a_first_start_that_was_killed_is_taken_up_again() {
    let it = Installation::new();
    let mut child = it
        .command(&["up", "--no-sample"])
        .args(it.port_flags())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let steps = BufReader::new(child.stderr.take().unwrap());
    let reached = steps.lines().any(|line| line.unwrap().contains("running bootstrap"));
    assert!(reached, "it ended before PostgreSQL was made");
    child.kill().unwrap();
    child.wait().unwrap();
    let output = it.up();
    assert_code(&output, 0);
    let shown = it.json(&["server", "show", "-n", "demo"]);
    assert_eq!(shown["state"], "Ready");
    assert_eq!(psql(shown["dsn"].as_str().unwrap(), "select 1"), "1");
    // A demo server that was deleted on purpose is not made again.
    assert_code(&it.run(&["server", "delete", "-n", "demo", "--yes"]), 0);
    assert_code(&it.run(&["down"]), 0);
    assert_code(&it.up(), 0);
    assert_eq!(it.json(&["server", "list"]), serde_json::json!([]));
}

#[test]
fn the_foreground_ends_in_order_on_a_signal() {
    let it = Installation::new();
    let mut child = it
        .command(&["up", "--no-sample"])
        .args(it.port_flags())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    eventually("it is up", || {
        let status = it.run(&["status", "-o", "json"]);
        let status: Value = serde_json::from_slice(&status.stdout).unwrap_or_default();
        status["servers"][0]["state"] == "Ready"
    });
    let told = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert!(child.wait().unwrap().success());
    assert_eq!(processes_of(&it.home()), []);
    assert!(!is_mounted(&it.home()));
}
