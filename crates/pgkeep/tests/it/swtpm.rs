//! A TPM 2.0 in software (swtpm) behind the PKCS #11 library of the TPM2 software stack.

use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::installation::{assert_code, free_port, is_root};

pub(crate) const KEY: &str = "vault seal";
const TOKEN: &str = "pgkeep tpm";
const PIN: &str = "24680";
const OFFICER: &str = "13579";
const NEEDED: [&str; 2] = ["swtpm", "pkcs11-tool"];
const MODULES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/libtpm2_pkcs11.so.1",
    "/usr/lib/aarch64-linux-gnu/libtpm2_pkcs11.so.1",
    "/usr/lib64/libtpm2_pkcs11.so.1",
];
const STARTS_WITHIN: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(5);

/// A TPM with one RSA key, for one OS user.
pub(crate) struct SoftTpm {
    folder: tempfile::TempDir,
    module: PathBuf,
    port: u16,
    user: String,
    running: Option<Child>,
}

impl SoftTpm {
    /// None where something is not installed, which is said aloud.
    pub(crate) fn of(user: &str) -> Option<Self> {
        let module = MODULES.into_iter().map(PathBuf::from).find(|path| path.exists());
        let is_there = |program: &str| {
            let path = std::env::var_os("PATH").unwrap_or_default();
            std::env::split_paths(&path).any(|folder| folder.join(program).exists())
        };
        let (Some(module), true) = (module, NEEDED.into_iter().all(is_there)) else {
            let words = "NOT RUN: no TPM in software (swtpm, opensc, libtpm2-pkcs11-1)";
            assert!(std::env::var_os("CI").is_none(), "{words}");
            println!("{words}");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("pgktpm").tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let user = user.to_owned();
        let mut it = Self { folder, module, port: two_ports(), user, running: None };
        for name in ["state", "store"] {
            std::fs::create_dir(it.folder.path().join(name)).unwrap();
        }
        it.plug_in();
        let of_token = ["--token-label", TOKEN, "--login"];
        it.tool(&["--init-token", "--slot-index", "0", "--label", TOKEN, "--so-pin", OFFICER]);
        let init = ["--login-type", "so", "--so-pin", OFFICER, "--init-pin", "--new-pin", PIN];
        it.tool(&[&of_token[..], &init].concat());
        let pair = ["--keypairgen", "--key-type", "rsa:2048", "--label", KEY, "--id", "01"];
        it.tool(&[&of_token[..], &["--pin", PIN], &pair].concat());
        std::fs::write(it.pin_file(), PIN).unwrap();
        std::fs::set_permissions(it.pin_file(), PermissionsExt::from_mode(0o600)).unwrap();
        if is_root() {
            let mut command = Command::new("chown");
            command.args(["-R", &it.user]).arg(it.folder.path().join("store")).arg(it.pin_file());
            assert_code(&command.output().unwrap(), 0);
        }
        Some(it)
    }

    /// What `config.toml` says of it.
    pub(crate) fn config(&self) -> String {
        let variables = self.environment().map(|(name, value)| format!("{name} = {value:?}\n"));
        format!(
            "\n[pkcs11.seal]\nmodule = {:?}\ntoken = {TOKEN:?}\nkey = {KEY:?}\npin_file = {:?}\n\
             \n[pkcs11.environment]\n{}",
            self.module,
            self.pin_file(),
            variables.concat()
        )
    }

    /// The TPM starts as after a cold start of its machine.
    pub(crate) fn plug_in(&mut self) {
        let place = |port: u16| format!("type=tcp,bindaddr=127.0.0.1,port={port}");
        let state = format!("dir={}", self.folder.path().join("state").display());
        let child = Command::new("swtpm")
            .args(["socket", "--tpm2", "--tpmstate", &state])
            .args(["--server", &place(self.port), "--ctrl", &place(self.port + 1)])
            .args(["--flags", "not-need-init,startup-clear"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.running = Some(child);
        self.wait_until_it_listens();
    }

    fn wait_until_it_listens(&self) {
        let begun = Instant::now();
        // The control port takes several callers one after the other.
        while TcpStream::connect(("127.0.0.1", self.port + 1)).is_err() {
            assert!(begun.elapsed() < STARTS_WITHIN, "swtpm does not start");
            std::thread::sleep(POLL);
        }
    }

    /// The TPM is gone.
    pub(crate) fn pull_out(&mut self) {
        if let Some(mut child) = self.running.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    fn environment(&self) -> [(&'static str, String); 3] {
        [
            ("TPM2_PKCS11_STORE", self.folder.path().join("store").display().to_string()),
            ("TPM2_PKCS11_TCTI", format!("swtpm:host=127.0.0.1,port={}", self.port)),
            ("TSS2_LOG", "all+none".to_owned()),
        ]
    }

    fn pin_file(&self) -> PathBuf {
        self.folder.path().join("pin")
    }

    fn tool(&self, words: &[&str]) {
        let mut command = Command::new("pkcs11-tool");
        command.arg("--module").arg(&self.module).args(words).envs(self.environment());
        assert_code(&command.output().unwrap(), 0);
    }
}

impl Drop for SoftTpm {
    fn drop(&mut self) {
        self.pull_out();
    }
}

/// A port whose successor is free too: swtpm is driven by the one and controlled by the other.
fn two_ports() -> u16 {
    loop {
        let port = free_port();
        if TcpListener::bind(("127.0.0.1", port + 1)).is_ok() {
            return port;
        }
    }
}
