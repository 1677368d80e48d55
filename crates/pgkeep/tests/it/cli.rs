//! The command line with nothing running: usage errors, exit codes, shapes of output.

use std::process::Command;

use serde_json::Value;

/// What a command printed and how it ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

fn pgkeep(args: &[&str]) -> Ended {
    let output = Command::new(env!("CARGO_BIN_EXE_pgkeep"))
        .args(args)
        .env_remove("PGKEEP_HOME")
        .output()
        .expect("because the binary was built");
    Ended {
        code: output.status.code().expect("because no signal ended it"),
        stdout: String::from_utf8(output.stdout).expect("because we print UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("because we print UTF-8"),
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

#[test]
fn usage_errors_are_2_and_go_to_standard_error() {
    for args in [
        &["nope"][..],
        &[],
        &["server"],
        &["server", "create"],
        &["server", "create", "-n", "Bad_Name"],
        &["server", "create", "-n", "x", "--port", "0"],
        &["server", "create", "-n", "x", "--port", "65536"],
        &["up", "--https-port", "x"],
        &["up", "--vault-port", "0"],
        &["up", "--identity-port", "65536"],
        &["status", "-o", "xml"],
        &["completion", "tcsh-ish"],
    ] {
        let ended = pgkeep(args);
        assert_eq!(ended.code, 2, "{args:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "", "{args:?}");
        assert_ne!(ended.stderr, "", "{args:?}");
    }
}

#[test]
fn errors_are_json_when_asked_for() {
    let ended = pgkeep(&["-o", "json", "server", "create"]);
    let error = &json(&ended.stderr)["error"];
    assert_eq!((ended.code, error["exit"].as_u64()), (2, Some(2)));
    assert_eq!(error["code"], "usage");
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().to_str().unwrap();
    let ended = pgkeep(&["status", "-o", "json", "--home", home]);
    let error = &json(&ended.stderr)["error"];
    assert_eq!(ended.code, 1);
    assert_eq!(error["code"], "not_running");
    assert!(error["hint"].as_str().unwrap().contains("pgkeep up"), "{error}");
    assert_eq!(ended.stdout, "");
}

#[test]
fn commands_without_an_installation_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().to_str().unwrap();
    for args in [&["server", "list"][..], &["vault", "status"], &["server", "show", "-n", "x"]] {
        let ended = pgkeep(&[args, &["--home", home]].concat());
        assert_eq!(ended.code, 1, "{args:?}");
        assert!(ended.stderr.starts_with("pgkeep: "), "{}", ended.stderr);
        assert!(ended.stderr.contains("\nhint: "), "{}", ended.stderr);
    }
    let ended = pgkeep(&["down", "--home", home]);
    assert_eq!(ended.code, 0, "down is a wish, not a deed: {}", ended.stderr);
    assert_eq!(std::fs::read_dir(home).unwrap().count(), 0, "looking makes nothing");
}

#[test]
fn version_has_both_shapes() {
    let text = pgkeep(&["version"]);
    assert_eq!((text.code, text.stdout.as_str()), (0, "pgkeep 0.1.0\n"));
    let value = json(&pgkeep(&["version", "-o", "json"]).stdout);
    assert_eq!(value["version"], "0.1.0");
}

#[test]
fn exit_codes_are_listed() {
    let help = pgkeep(&["help", "exit-codes"]);
    assert_eq!(help.code, 0);
    for line in ["0  it worked", "6  a gate failed", "8  the vault is sealed"] {
        assert!(help.stdout.contains(line), "{}", help.stdout);
    }
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = pgkeep(&["completion", shell]);
        assert_eq!(script.code, 0, "{shell}");
        for word in ["doctor", "show-connection-string", "unseal"] {
            assert!(script.stdout.contains(word), "{shell} misses {word}");
        }
    }
}

#[test]
fn doctor_gives_a_verdict_for_each_check() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("h");
    let ended = pgkeep(&["doctor", "-o", "json", "--home", home.to_str().unwrap()]);
    let checks = json(&ended.stdout);
    let checks = checks.as_array().unwrap();
    assert!(checks.len() > 15, "{checks:?}");
    for check in checks {
        let verdict = check["verdict"].as_str().unwrap();
        assert!(["ok", "warn", "fail", "cannot-tell"].contains(&verdict), "{check}");
        assert!(!check["message"].as_str().unwrap().is_empty(), "{check}");
        let cured = check["fix"].is_string();
        assert_eq!(cured, matches!(verdict, "warn" | "fail"), "{check}");
    }
    let failed = checks.iter().any(|check| check["verdict"] == "fail");
    assert_eq!(ended.code, if failed { 6 } else { 0 });
    assert!(!home.exists(), "looking makes nothing");
}

#[test]
fn a_home_with_too_long_a_path_is_refused() {
    let home = format!("/{}", "x".repeat(100));
    let ended = pgkeep(&["status", "--home", &home]);
    assert_eq!(ended.code, 2);
    assert!(ended.stderr.contains("too long"), "{}", ended.stderr);
}
