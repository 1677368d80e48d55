//! `pgkeep keyvault`, `identity` and `vault` end to end: a real vault, driven by the real binary.

use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::installation::{Installation, assert_code, is_root, said};

const SERVICE_USER: &str = "Key Vault Crypto Service Encryption User";

/// Runs a command with text on standard input.
fn given(it: &Installation, args: &[&str], input: &str) -> Output {
    let mut command = it.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that wants no input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// A command on a key of vault `pay`.
fn on_key<'a>(verb: &'a str, name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["keyvault", "key", verb, "--vault-name", "pay", "-n", name], more].concat()
}

fn made(it: &Installation) {
    assert_code(&it.up(), 0);
    assert_eq!(it.json(&["keyvault", "create", "-n", "pay"])["changed"], "changed");
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer}: {value}"))
}

#[test]
fn usage_errors_and_nothing_running() {
    let it = Installation::new();
    let key = &["keyvault", "key", "create", "--vault-name", "pay", "-n", "k"];
    for args in [
        &["keyvault"][..],
        &["keyvault", "create"],
        &["keyvault", "create", "-n", "pay", "--retention-days", "6"],
        &["keyvault", "update", "-n", "pay"],
        &["keyvault", "key", "create", "-n", "k"],
        &[key, &["--kty", "DSA"][..]].concat(),
        &[key, &["--kty", "EC", "--size", "2048"][..]].concat(),
        &[key, &["--expires", "tomorrow"][..]].concat(),
        &on_key("set-attributes", "k", &[]),
        &on_key("set-attributes", "k", &["--enabled", "maybe"]),
        &["keyvault", "role-assignment", "create", "--vault-name", "pay", "--role", "Owner"],
        &["keyvault", "role-assignment", "delete"],
        &["identity", "create"],
        &["identity", "update", "-n", "app"],
        &["identity", "create", "-n", "app", "--no-process", "--uid", "1"],
        &["vault", "rekey"],
        &["vault", "rekey", "--seal", "file", "--shares", "3"],
    ] {
        let output = it.run(args);
        assert_code(&output, 2);
        assert!(output.stdout.is_empty(), "{args:?}");
    }
    for args in [&["keyvault", "list"][..], &["identity", "list"], &on_key("show", "k", &[])] {
        let output = it.run(args);
        assert_code(&output, 1);
        assert!(said(&output).contains("pgkeep up"), "{}", said(&output));
    }
}

#[test]
fn the_whole_life_of_a_key() {
    let it = Installation::new();
    made(&it);
    let vault = it.json(&["keyvault", "show", "-n", "pay"]);
    let uri = text(&vault, "/uri").to_owned();
    assert!(uri.starts_with("https://pay.vault.localhost:") && uri.ends_with('/'), "{uri}");
    assert_eq!(text(&vault, "/ca_file"), it.home().join("ca.pem").to_str().unwrap());
    assert_eq!(it.json(&["keyvault", "create", "-n", "PAY"])["changed"], "unchanged");
    assert_code(&it.run(&["keyvault", "create", "-n", "pay", "--retention-days", "7"]), 5);
    assert_code(&it.run(&["keyvault", "show", "-n", "nope"]), 3);
    assert_eq!(it.json(&["keyvault", "list"])[0]["name"], "pay");

    let first = it.json(&on_key("create", "tde", &["--tags", "for=test"]));
    let kid = text(&first, "/key/kid").to_owned();
    assert!(kid.starts_with(&format!("{uri}keys/tde/")), "{kid}");
    assert_eq!(
        (&first["key"]["kty"], &first["attributes"]["key_size"]),
        (&"RSA".into(), &2048.into())
    );
    assert_eq!(
        (&first["tags"]["for"], &first["attributes"]["enabled"]),
        (&"test".into(), &true.into())
    );
    let old_version = kid.rsplit('/').next().unwrap();

    let second = it.json(&on_key("rotate", "tde", &[]));
    assert_ne!(second["key"]["kid"], first["key"]["kid"]);
    assert_eq!(it.json(&on_key("show", "tde", &[]))["key"]["kid"], second["key"]["kid"]);
    let old = it.json(&on_key("show", "tde", &["--version", old_version]));
    assert_eq!(old["key"], first["key"]);
    let versions = it.json(&on_key("list-versions", "tde", &[]));
    assert_eq!(versions.as_array().unwrap().len(), 2);

    let change =
        ["--version", old_version, "--enabled", "false", "--expires", "2100-01-01T00:00:00Z"];
    let changed = it.json(&on_key("set-attributes", "tde", &change));
    assert_eq!(changed["attributes"]["enabled"], false);
    assert_eq!(changed["attributes"]["exp"], 4_102_444_800_i64);
    assert_eq!(it.json(&on_key("show", "tde", &[]))["attributes"]["enabled"], true);

    let backup = it.home().with_file_name("backup");
    let file = backup.to_str().unwrap();
    it.json(&on_key("backup", "tde", &["--file", file]));
    assert_code(&it.run(&on_key("backup", "tde", &["--file", file])), 5);
    let restore = ["keyvault", "key", "restore", "--vault-name", "pay", "--file", file];
    assert_code(&it.run(&restore), 5);

    let deleted = it.json(&on_key("delete", "tde", &[]));
    assert!(text(&deleted, "/recoveryId").ends_with("/deletedkeys/tde"));
    assert_code(&it.run(&on_key("show", "tde", &[])), 3);
    assert_code(&it.run(&on_key("create", "tde", &[])), 5);
    let list = ["keyvault", "key", "list-deleted", "--vault-name", "pay"];
    assert_eq!(it.json(&list).as_array().unwrap().len(), 1);
    assert_eq!(it.json(&on_key("recover", "tde", &[]))["key"]["kid"], second["key"]["kid"]);
    assert_code(&it.run(&on_key("purge", "tde", &[])), 3);
    it.json(&on_key("delete", "tde", &[]));
    assert_eq!(it.json(&on_key("purge", "tde", &[]))["state"], "purged");
    assert_eq!(it.json(&list), Value::Array(Vec::new()));
    assert_eq!(it.json(&restore)["key"]["kid"], second["key"]["kid"], "versions keep their ids");

    // Addresses stay when everything starts anew.
    assert_code(&it.run(&["down"]), 0);
    assert_code(&it.up(), 0);
    assert_eq!(it.json(&["keyvault", "show", "-n", "pay"])["uri"], vault["uri"]);
    assert_eq!(it.json(&on_key("show", "tde", &["--version", old_version]))["key"], first["key"]);
}

#[test]
fn kinds_of_keys_imports_pages_and_policies() {
    let it = Installation::new();
    made(&it);
    let ec = it.json(&on_key("create", "sign", &["--kty", "ec", "--curve", "p-384"]));
    assert_eq!((&ec["key"]["kty"], &ec["key"]["crv"]), (&"EC".into(), &"P-384".into()));
    let oct = it.json(&on_key("create", "sym", &["--kty", "oct", "--size", "128", "--disabled"]));
    assert_eq!(oct["attributes"]["enabled"], false);
    assert!(oct["key"].get("k").is_none(), "{oct}");

    let words = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let pem = Command::new("openssl").args(words).output().unwrap();
    let pem = String::from_utf8(pem.stdout).unwrap();
    let import = on_key("import", "mine", &["--file", "-", "-o", "json", "--ops", "sign"]);
    let imported = given(&it, &import, &pem);
    assert_code(&imported, 0);
    let imported: Value = serde_json::from_slice(&imported.stdout).unwrap();
    assert_eq!(
        (&imported["key"]["crv"], &imported["key"]["key_ops"][0]),
        (&"P-256".into(), &"sign".into())
    );
    assert!(imported["key"].get("d").is_none(), "{imported}");
    let bad = given(&it, &import, "no key at all");
    assert_code(&bad, 2);
    assert_code(&it.run(&on_key("import", "mine", &["--file", "/nowhere/key.pem"])), 3);

    // More than a page.
    for n in 0..26 {
        it.json(&on_key("create", &format!("k{n}"), &["--kty", "EC"]));
    }
    let all = it.json(&["keyvault", "key", "list", "--vault-name", "pay"]);
    assert_eq!(all.as_array().unwrap().len(), 29);
    let table = it.run(&["keyvault", "key", "list", "--vault-name", "pay"]);
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(table.starts_with(" NAME") && table.lines().count() == 30, "{table}");

    let policy = |verb: &'static str, more: &[&'static str]| {
        let words =
            ["keyvault", "key", "rotation-policy", verb, "--vault-name", "pay", "-n", "sign"];
        [&words[..], more].concat()
    };
    let none = it.json(&policy("show", &[]));
    assert_eq!(none["lifetimeActions"].as_array().unwrap().len(), 1, "{none}");
    let set = it.json(&policy("set", &["--rotate-before", "P30D", "--expires-in", "P1Y"]));
    assert_eq!(text(&set, "/attributes/expiryTime"), "P1Y");
    let shown = String::from_utf8(it.run(&policy("show", &[])).stdout).unwrap();
    assert!(shown.contains("rotate before  P30D"), "{shown}");
    assert_code(&it.run(&policy("set", &["--rotate-after", "P1D"])), 2);
    let rotated = it.json(&on_key("rotate", "sign", &[]));
    assert!(rotated["attributes"]["exp"].is_i64(), "{rotated}");

    // What nobody may destroy.
    let protect = ["keyvault", "update", "-n", "pay", "--purge-protection"];
    assert_eq!(it.json(&protect)["changed"], "changed");
    assert_eq!(it.json(&protect)["changed"], "unchanged");
    it.json(&on_key("delete", "sym", &[]));
    assert_code(&it.run(&on_key("purge", "sym", &[])), 4);
}

/// A token of the identity that `env` speaks for.
fn token(env: &Value, resource: &str) -> Output {
    let endpoint = text(env, "/IDENTITY_ENDPOINT");
    let url = format!("{endpoint}?api-version=2019-08-01&resource={resource}");
    let header = format!("X-IDENTITY-HEADER: {}", text(env, "/IDENTITY_HEADER"));
    Command::new("curl").args(["-sSf", "--max-time", "20", "-H", &header, &url]).output().unwrap()
}

/// The HTTP status of a look at a key.
fn status_of(vault: &Value, key: &str, token: &str) -> String {
    let uri = text(vault, "/uri");
    let authority = uri.trim_start_matches("https://").trim_end_matches('/');
    let resolve = format!("{authority}:127.0.0.1");
    let url = format!("{uri}keys/{key}?api-version=2025-07-01");
    let bearer = format!("Authorization: Bearer {token}");
    let words = ["-sS", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code}"];
    let output = Command::new("curl")
        .args(words)
        .args(["--cacert", text(vault, "/ca_file"), "--resolve", &resolve, "-H", &bearer, &url])
        .output()
        .unwrap();
    assert_code(&output, 0);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn identities_and_roles_decide_at_once() {
    let it = Installation::new();
    made(&it);
    let vault = it.json(&["keyvault", "show", "-n", "pay"]);
    it.json(&on_key("create", "tde", &["--kty", "EC"]));
    it.json(&on_key("create", "other", &["--kty", "EC"]));
    let app = it.json(&["identity", "create", "-n", "app", "--no-process"]);
    assert_eq!((&app["changed"], &app["uids"]), (&"changed".into(), &Value::Array(Vec::new())));
    let again = it.json(&["identity", "create", "-n", "app", "--no-process"]);
    assert_eq!((&again["changed"], &again["client_id"]), (&"unchanged".into(), &app["client_id"]));
    assert_code(&it.run(&["identity", "create", "-n", "app", "--uid", "root"]), 5);
    assert_code(&it.run(&["identity", "show", "-n", "nobody"]), 3);

    let env = it.json(&["identity", "env", "-n", "app"]);
    assert_eq!(env["AZURE_CLIENT_ID"], app["client_id"]);
    let lines = String::from_utf8(it.run(&["identity", "env", "-n", "app"]).stdout).unwrap();
    for name in ["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_CLIENT_ID"] {
        assert!(lines.contains(&format!("{name}={}\n", text(&env, &format!("/{name}")))), "{name}");
    }
    let resource = text(&vault, "/uri").replace("pay.", "");
    let resource = resource.trim_end_matches('/');
    let answer = token(&env, resource);
    assert_code(&answer, 0);
    let answer: Value = serde_json::from_slice(&answer.stdout).unwrap();
    let bearer = text(&answer, "/access_token");
    let status = |key| status_of(&vault, key, bearer);

    assert_eq!(status("tde"), "403", "no role, no right");
    let role = |verb: &'static str| {
        let words = ["keyvault", "role-assignment", verb, "--vault-name", "pay"];
        [&words[..], &["--role", SERVICE_USER, "--assignee", "app", "--key", "tde"]].concat()
    };
    let assigned = it.json(&role("create"));
    assert_eq!((text(&assigned, "/role"), text(&assigned, "/key")), (SERVICE_USER, "tde"));
    assert_eq!(it.json(&role("create"))["changed"], "unchanged");
    assert_eq!(it.json(&["keyvault", "role-assignment", "list"]).as_array().unwrap().len(), 1);
    assert_eq!((status("tde"), status("other")), ("200".to_owned(), "403".to_owned()));
    assert_eq!(it.json(&role("delete"))["changed"], "changed");
    assert_eq!(status("tde"), "403", "from the next request on");
    assert_eq!(it.json(&role("delete"))["changed"], "unchanged");

    let id = it.json(&role("create"));
    let update =
        |more: &[&'static str]| it.json(&[&["identity", "update", "-n", "app"], more].concat());
    assert_eq!(status("tde"), "200");
    assert_eq!(update(&["--enabled", "false"])["changed"], "changed");
    assert_eq!(status("tde"), "403");
    assert_ne!(token(&env, resource).status.code(), Some(0), "a disabled one gets no tokens");
    assert_eq!(update(&["--enabled", "true"])["enabled"], true);
    assert_eq!(status("tde"), "200");
    assert_eq!(update(&["--rotate-header"])["changed"], "changed");
    assert_ne!(token(&env, resource).status.code(), Some(0), "the old secret is no secret");
    let by_id = ["keyvault", "role-assignment", "delete", "--id", text(&id, "/id")];
    assert_eq!(it.json(&by_id)["changed"], "changed");
    for (name, assignee, code) in [("pay", "nobody", 3), ("nope", "app", 3), ("nope", "nobody", 3)]
    {
        for verb in ["create", "delete"] {
            let words = ["keyvault", "role-assignment", verb, "--vault-name", name];
            let words = [&words[..], &["--role", "reader", "--assignee", assignee]].concat();
            assert_code(&it.run(&words), code);
        }
    }
    assert_eq!(it.json(&["identity", "delete", "-n", "app"])["changed"], "changed");
    assert_eq!(it.json(&["identity", "delete", "-n", "app"])["changed"], "unchanged");

    // Secrets of identities are printed, never kept elsewhere in clear.
    assert!(found_below(&it, "IdentityEnvironmentGet"), "the search finds what is there");
    let header = text(&env, "/IDENTITY_HEADER");
    assert!(!found_below(&it, header), "the header secret is in a log or in the store");
}

/// Whether a text stands in a file of the home: logs, audit, store.
fn found_below(it: &Installation, needle: &str) -> bool {
    let found = Command::new("grep")
        .args(["-rlaF", "--devices=skip", "--", needle])
        .args([it.home().join("log"), it.home().join("vault")])
        .output()
        .unwrap();
    !found.stdout.is_empty()
}

#[test]
fn others_may_not_administer() {
    if !is_root() {
        println!("not root: cannot become another user");
        return;
    }
    let mut it = Installation::new();
    it.open_program();
    made(&it);
    it.json(&on_key("create", "tde", &["--kty", "EC"]));
    for user in ["postgres", "pgkeep", "nobody"] {
        let uid = Command::new("id").args(["-u", user]).output().unwrap();
        let uid: u32 = String::from_utf8(uid.stdout).unwrap().trim().parse().unwrap();
        for args in [
            &["keyvault", "create", "-n", "theirs"][..],
            &["keyvault", "list"],
            &["keyvault", "role-assignment", "list"],
            &["identity", "create", "-n", "theirs"],
            &["identity", "env", "-n", "theirs"],
            &["vault", "seal"],
            &["vault", "unseal"],
            &["vault", "rekey", "--seal", "file"],
            &on_key("show", "tde", &[]),
            &on_key("set-attributes", "tde", &["--enabled", "false"]),
            &on_key("create", "new", &[]),
        ] {
            let output = it.command(args).uid(uid).gid(uid).output().unwrap();
            assert_code(&output, 4);
        }
    }
    assert_eq!(it.json(&on_key("show", "tde", &[]))["attributes"]["enabled"], true);
}

#[test]
fn seals_open_by_what_people_know() {
    const PASSPHRASE: &str = "a long and winding passphrase";
    let it = Installation::new();
    made(&it);
    let rekey = |args: &[&str], input: &str| {
        given(&it, &[&["vault", "rekey", "-o", "json", "--seal"], args].concat(), input)
    };
    let unseal = |input: &str| given(&it, &["vault", "unseal", "-o", "json"], input);
    let seal = || it.json(&["vault", "seal"]);
    let state = |output: &Output| -> Value { serde_json::from_slice(&output.stdout).unwrap() };

    assert_eq!(seal()["changed"], "changed");
    assert_eq!(seal()["changed"], "unchanged");
    for args in [
        &["vault", "status"][..],
        &["keyvault", "list"],
        &["identity", "list"],
        &on_key("create", "tde", &[]),
        &["vault", "rekey", "--seal", "file"],
    ] {
        assert_code(&it.run(args), 8);
    }
    assert_eq!(it.json(&["vault", "unseal"])["changed"], "changed");
    assert_eq!(it.json(&["vault", "unseal"])["changed"], "unchanged");

    assert_code(&rekey(&["passphrase"], "too short\n"), 2);
    assert_code(&rekey(&["passphrase"], ""), 2);
    assert_code(&rekey(&["passphrase"], &format!("{PASSPHRASE}\n")), 0);
    seal();
    assert_code(&unseal("another long passphrase\n"), 8);
    assert_code(&it.run(&["vault", "status"]), 8);
    assert_code(&unseal(&format!("{PASSPHRASE}\n")), 0);

    let shares = rekey(&["shamir", "--shares", "3", "--threshold", "2"], "");
    assert_code(&shares, 0);
    let shares = state(&shares);
    let share = |n: usize| text(&shares, &format!("/shares/{n}")).to_owned();
    seal();
    assert_code(&unseal("no share\n"), 2);
    let one = unseal(&share(0));
    assert_code(&one, 8);
    assert_eq!(
        (&state(&one)["shares"]["given"], &state(&one)["shares"]["needed"]),
        (&1.into(), &2.into())
    );
    assert_code(&unseal(&share(0)), 8);
    assert_code(&unseal(&share(2)), 0);
    seal();
    assert_code(&it.run(&["vault", "unseal", "--forget-shares"]), 0);
    assert_code(&unseal(&format!("{}\n{}\n", share(1), share(0))), 0);
    assert_eq!(it.json(&["vault", "status"])["seal"], "shares");
    assert_code(&rekey(&["file"], ""), 0);
    assert_eq!(it.json(&["vault", "status"])["seal"], "file");
    assert_eq!(it.json(&["keyvault", "list"])[0]["name"], "pay");
    for secret in [PASSPHRASE, &share(0)] {
        assert!(!found_below(&it, secret), "a secret is in a log or in the store");
    }
}
