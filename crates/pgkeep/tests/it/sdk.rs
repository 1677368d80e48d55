//! The official Azure SDKs, unmodified, as clients of a running key vault: every operation of the
//! keys API, names and certificates checked, tokens from the identity endpoint, no switches.
//!
//! Python and JavaScript come from lock files beside `tests/sdk`; `cargo xtask test` installs them
//! once and says where in the environment. The Rust SDK is an ordinary dependency of the tests.

mod rust;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::installation::{Installation, assert_code};

/// All operations, as the clients name them.
const OPERATIONS: [&str; 25] = [
    "create",
    "import",
    "get",
    "versions",
    "list",
    "update",
    "delete",
    "get deleted",
    "list deleted",
    "recover",
    "purge",
    "backup",
    "restore",
    "rotate",
    "get rotation policy",
    "set rotation policy",
    "encrypt",
    "decrypt",
    "wrapkey",
    "unwrapkey",
    "sign",
    "verify",
    "random",
    "release",
    "attestation",
];

/// An installation with a vault, and an identity that may do everything with its keys.
struct Shop {
    it: Installation,
    uri: String,
    ca_file: String,
    /// What `pgkeep identity env` prints.
    env: Value,
}

impl Shop {
    fn open() -> Self {
        let it = Installation::new();
        assert_code(&it.up(), 0);
        for args in [
            &["keyvault", "create", "-n", "shop"][..],
            &["identity", "create", "-n", "judge"],
            &[
                "keyvault",
                "role-assignment",
                "create",
                "--vault-name=shop",
                "--role=Key Vault Administrator",
                "--assignee=judge",
            ],
        ] {
            assert_code(&it.run(args), 0);
        }
        let shown = it.json(&["keyvault", "show", "-n", "shop"]);
        let text = |name: &str| shown[name].as_str().unwrap().to_owned();
        let (uri, ca_file) = (text("uri"), text("ca_file"));
        let env = it.json(&["identity", "env", "-n", "judge"]);
        Self { it, uri, ca_file, env }
    }

    /// Runs a client as a program that was given nothing but the environment; it must say of
    /// every operation that it held.
    fn judge(&self, mut command: Command, more: &[(&str, &str)]) {
        command.stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap());
        command.env("KEY_VAULT_URI", &self.uri).envs(more.iter().copied());
        for (name, value) in self.env.as_object().unwrap() {
            command.env(name, value.as_str().unwrap());
        }
        let output = command.output().unwrap();
        assert_code(&output, 0);
        let said = String::from_utf8(output.stdout).unwrap();
        let held: Vec<&str> = said.lines().filter_map(|l| l.strip_prefix("held: ")).collect();
        for operation in OPERATIONS {
            // Remarks stand after a colon.
            let mut names = held.iter().filter_map(|line| line.split(':').next());
            assert!(names.any(|name| name == operation), "nothing of {operation}:\n{said}");
        }
        assert_code(&self.it.run(&["down"]), 0);
    }
}

/// Where `cargo xtask test` has put packages. Without them nothing can be judged: that is a
/// failure on a machine of CI, and said aloud elsewhere.
pub(crate) fn installed(variable: &str) -> Option<PathBuf> {
    if let Some(path) = std::env::var_os(variable) {
        return Some(PathBuf::from(path));
    }
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true" || ci == "1");
    assert!(!ci, "{variable} is not set: run the tests with `cargo xtask test`");
    println!("NOT RUN: {variable} is not set. `cargo xtask test` installs the packages.");
    None
}

/// A script beside `tests/sdk`, for its interpreter.
pub(crate) fn script(program: impl AsRef<OsStr>, path: &str) -> Command {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sdk").join(path);
    let mut command = Command::new(program);
    command.arg(script);
    command
}

#[test]
fn the_python_sdk_does_every_operation() {
    let Some(python) = installed("PGKEEP_TEST_PYTHON") else { return };
    let shop = Shop::open();
    let ca = [("REQUESTS_CA_BUNDLE", shop.ca_file.as_str())];
    shop.judge(script(python, "python/operations.py"), &ca);
}

#[test]
fn the_javascript_sdk_does_every_operation() {
    let Some(modules) = installed("PGKEEP_TEST_NPM") else { return };
    let shop = Shop::open();
    let more =
        [("NODE_EXTRA_CA_CERTS", shop.ca_file.as_str()), ("SDK_FOLDER", modules.to_str().unwrap())];
    shop.judge(script("node", "npm/operations.mjs"), &more);
}
