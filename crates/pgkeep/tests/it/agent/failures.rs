//! What keeps a server from starting: it says so, it destroys nothing, it starts when cured.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use super::installation::{Installation, Said};

/// A start that fails leaves nothing up, and the words are in `show` too.
fn failed_start(pk: &Installation, state: &str, words: &str) -> Said {
    let said = pk.run(&["server", "start", "-n", "demo"]);
    assert_ne!(said.code, 0, "it started: {}", said.out);
    let show = pk.show();
    assert_eq!(show["state"], state, "{show}");
    let reason = show["state_reason"].as_str().unwrap();
    assert!(reason.contains(words), "{reason}");
    assert!(!pk.is_mounted() && pk.fs_pid().is_none() && pk.postmaster().is_none());
    said
}

#[test]
fn a_server_that_cannot_start_says_why_and_starts_when_cured() {
    let pk = Installation::up();
    pk.rows("create table t as select 42 as a");
    pk.check(0, &["server", "stop", "-n", "demo"]);

    let taken = TcpListener::bind(("127.0.0.1", pk.port)).unwrap();
    let said = failed_start(&pk, "Stopped", "in use");
    assert_eq!(said.code, 5, "{}", said.err);
    drop(taken);

    let data = pk.dir().join("data");
    let away = pk.dir().join("away");
    std::fs::rename(&data, &away).unwrap();
    failed_start(&pk, "Stopped", "is missing");
    assert!(!data.exists(), "a fresh store hides that data is gone");

    // Another store under another key in the same place: the right key must not touch it.
    other_store(&pk, &data);
    failed_start(&pk, "Inaccessible", "key");
    std::fs::remove_dir_all(&data).unwrap();
    std::fs::rename(&away, &data).unwrap();

    let header = header_file(&data);
    let whole = std::fs::read(&header).unwrap();
    std::fs::write(&header, vec![0_u8; whole.len()]).unwrap();
    failed_start(&pk, "Stopped", "");
    std::fs::write(&header, &whole).unwrap();

    pk.check(0, &["server", "start", "-n", "demo"]);
    assert_eq!(pk.rows("select a from t"), "42");
}

#[test]
fn a_sealed_vault_makes_a_server_inaccessible_until_it_is_unsealed() {
    let pk = Installation::up();
    pk.check(0, &["server", "stop", "-n", "demo"]);
    pk.check(0, &["vault", "seal"]);
    let said = failed_start(&pk, "Inaccessible", "sealed");
    assert_eq!(said.code, 8, "{}", said.err);
    pk.check(0, &["vault", "unseal"]);
    pk.wait("the server came back by itself", |show| show["state"] == "Ready");
}

/// Makes an empty store under a key of its own, as the owner of the server's folder.
fn other_store(pk: &Installation, data: &Path) {
    let key = pk.dir().join("key");
    std::fs::write(&key, format!("{}\n", "5a".repeat(32))).unwrap();
    let mountpoint = pk.dir().join("mnt");
    let user = testkit::server_user();
    for path in [&key, &pk.dir()] {
        std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid)).unwrap();
    }
    // The build folder may lie where that user cannot go.
    let program = pk.home().join("pgkeep");
    std::fs::copy(env!("CARGO_BIN_EXE_pgkeep"), &program).unwrap();
    let run = |words: &[&Path]| {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(&program);
        command.arg("fs").args(words).current_dir("/");
        if !user.is_current() {
            command.uid(user.uid).gid(user.gid);
        }
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&[Path::new("mount"), Path::new("--key-file"), &key, data, &mountpoint]);
    run(&[Path::new("unmount"), &mountpoint]);
    std::fs::remove_file(key).unwrap();
    std::fs::remove_file(program).unwrap();
}

/// The file that says what the store is.
fn header_file(data: &Path) -> std::path::PathBuf {
    let entries = std::fs::read_dir(data.join("meta")).unwrap().flatten();
    let mut files = entries.map(|entry| entry.path()).filter(|path| path.is_file());
    files.find(|path| path.ends_with("store")).expect("a store has a header")
}
