//! A vault that is sealed by a key in a token: made, opened by itself, missed, found again.

use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::installation::{Installation, assert_code, said};
use crate::softhsm::{KEY, SoftHsm, configure};
use crate::swtpm::SoftTpm;

/// The vault looks for its token every five seconds.
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(50);
const SEALED: i32 = 8;

fn status(it: &Installation) -> Value {
    let output = it.run(&["vault", "status", "-o", "json"]);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn up_sealed(it: &Installation, why: &str) {
    let output = it.up();
    assert_code(&output, SEALED);
    assert!(said(&output).contains(why), "{}", said(&output));
    let shown = it.run(&["vault", "status", "-o", "json"]);
    assert_code(&shown, SEALED);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert!(shown["reason"].as_str().unwrap().contains(why), "{shown:#}");
}

/// Waits until the vault is unsealed, and its keys are served, without being told to.
fn until_unsealed(it: &Installation) -> Duration {
    let begun = Instant::now();
    loop {
        let now = status(it);
        if now["state"] == "unsealed" {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < PATIENCE, "it stays sealed: {now:#}");
        std::thread::sleep(POLL);
    }
}

fn doctor(it: &Installation, name: &str) -> Value {
    let output = it.run(&["doctor", "-o", "json"]);
    let checks: Value = serde_json::from_slice(&output.stdout).unwrap();
    let found = checks.as_array().unwrap().iter().find(|check| check["name"] == name);
    found.unwrap_or_else(|| panic!("{name}: {checks:#}")).clone()
}

fn down(it: &Installation) {
    assert_code(&it.run(&["down"]), 0);
}

fn rekey(it: &Installation) -> Output {
    it.run(&["vault", "rekey", "--seal", "pkcs11"])
}

/// As root the vault's own OS user exists once a home was prepared.
fn vault_user(it: &Installation) -> String {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(it.home().join("vault")).unwrap().uid().to_string()
}

#[test]
fn a_token_seals_the_vault_and_its_loss_is_told_and_cured() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let Some(hsm) = SoftHsm::of(&vault_user(&it)) else { return };
    it.json(&["keyvault", "create", "-n", "pay"]);

    // Nothing is configured yet, and the old seal stays.
    let refused = rekey(&it);
    assert_code(&refused, 1);
    assert!(said(&refused).contains("[pkcs11.seal]"), "{}", said(&refused));
    assert_eq!(status(&it)["seal"], "file");
    // The module's surroundings come with the next start, the rest at once.
    configure(&it, &hsm.config(KEY));
    down(&it);
    assert_code(&it.up(), 0);
    let sealed = rekey(&it);
    assert_code(&sealed, 0);
    let now = status(&it);
    assert_eq!((&now["state"], &now["seal"]), (&"unsealed".into(), &"pkcs11".into()), "{now:#}");
    assert_eq!(now["seal_key"], "key \"the key\" of token \"pgkeep test\"");
    assert!(!it.home().join("vault/seal.key").exists(), "the old key file is gone");
    for name in ["seal", "seal-module", "seal-pin", "seal-token", "seal-key"] {
        assert_eq!(doctor(&it, name)["verdict"], "ok", "{name}");
    }

    down(&it);
    assert_code(&it.up(), 0);
    assert_eq!(status(&it)["state"], "unsealed", "it opens by itself");

    // The token is unplugged: what runs goes on, what starts waits and says why.
    hsm.take_away();
    assert_eq!(it.json(&["keyvault", "list"])[0]["name"], "pay");
    assert_eq!(doctor(&it, "seal-token")["verdict"], "fail");
    down(&it);
    up_sealed(&it, "is not there");
    assert_code(&it.run(&["keyvault", "list"]), SEALED);
    let refused = it.run(&["vault", "unseal"]);
    assert_code(&refused, SEALED);
    assert!(said(&refused).contains("plug it in"), "{}", said(&refused));
    hsm.put_back();
    let took = until_unsealed(&it);
    println!("a vault whose token came back: unsealed after {took:.2?}");
    assert_eq!(it.json(&["keyvault", "list"])[0]["name"], "pay");

    // What an operator sealed waits for an operator.
    it.json(&["vault", "seal"]);
    hsm.take_away();
    assert_code(&it.run(&["vault", "unseal"]), SEALED);
    hsm.put_back();
    assert_eq!(it.json(&["vault", "unseal"])["changed"], "changed");

    assert_code(&it.run(&["vault", "rekey", "--seal", "file"]), 0);
    hsm.take_away();
    down(&it);
    assert_code(&it.up(), 0);
    assert_eq!(status(&it)["seal"], "file", "the token is needed no more");
}

#[test]
fn a_wrong_pin_and_a_missing_key_are_told_apart() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let Some(hsm) = SoftHsm::of(&vault_user(&it)) else { return };
    configure(&it, &hsm.config("another key"));
    down(&it);
    assert_code(&it.up(), 0);
    let refused = rekey(&it);
    assert_code(&refused, 1);
    assert!(said(&refused).contains("no key \"another key\""), "{}", said(&refused));
    hsm.add_key("another key", "02");
    // The settings are read at each use.
    assert_code(&rekey(&it), 0);

    hsm.open_pin(0o640);
    let refused = doctor(&it, "seal-pin");
    assert_eq!(refused["verdict"], "fail", "{refused:#}");
    down(&it);
    up_sealed(&it, "is open to a group");
    assert_eq!(doctor(&it, "vault")["verdict"], "fail");
    hsm.open_pin(0o600);
    until_unsealed(&it);

    hsm.write_pin("99999");
    down(&it);
    up_sealed(&it, "PinIncorrect");
    let refused = it.run(&["vault", "unseal"]);
    assert_code(&refused, SEALED);
    // So as not to lock the token.
    assert!(said(&refused).contains("not tried again"), "{}", said(&refused));
    hsm.write_right_pin();
    until_unsealed(&it);

    hsm.take_keys();
    down(&it);
    up_sealed(&it, "with the id 02");
    hsm.put_keys_back();
    until_unsealed(&it);
    let audit = std::process::Command::new("grep")
        .args(["-rhc", "--", "\"VaultUnseal\""])
        .arg(it.home().join("vault/audit"))
        .output()
        .unwrap();
    assert_ne!(String::from_utf8_lossy(&audit.stdout).trim(), "0", "the audit knows of it");
}

#[test]
fn a_tpm_seals_the_vault_to_its_machine() {
    let it = Installation::new();
    assert_code(&it.up(), 0);
    let Some(mut tpm) = SoftTpm::of(&vault_user(&it)) else { return };
    it.json(&["keyvault", "create", "-n", "pay"]);
    configure(&it, &tpm.config());
    down(&it);
    assert_code(&it.up(), 0);
    assert_code(&rekey(&it), 0);
    assert_eq!(status(&it)["seal_key"], "key \"vault seal\" of token \"pgkeep tpm\"");
    for name in ["seal", "seal-module", "seal-pin", "seal-token", "seal-key"] {
        assert_eq!(doctor(&it, name)["verdict"], "ok", "{name}");
    }
    // The machine is started anew.
    down(&it);
    tpm.pull_out();
    tpm.plug_in();
    assert_code(&it.up(), 0);
    assert_eq!(it.json(&["keyvault", "list"])[0]["name"], "pay");
    // The disk is in another machine.
    down(&it);
    tpm.pull_out();
    up_sealed(&it, "does not start");
    tpm.plug_in();
    let took = until_unsealed(&it);
    println!("a vault whose TPM came back: unsealed after {took:.2?}");
    assert_eq!(it.json(&["keyvault", "list"])[0]["name"], "pay");
}
