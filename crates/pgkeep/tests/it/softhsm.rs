//! A PKCS #11 token in software (SoftHSM 2) that can be taken away and put back.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::installation::{Installation, assert_code, is_root};

pub(crate) const TOKEN: &str = "pgkeep test";
pub(crate) const KEY: &str = "the key";
const PIN: &str = "24680";
const MODULES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
];

/// Tokens in a folder of their own, with one RSA key, for one OS user.
pub(crate) struct SoftHsm {
    folder: tempfile::TempDir,
    module: PathBuf,
    /// Runs what uses the token.
    user: String,
}

impl SoftHsm {
    /// None where SoftHSM is not installed, which is said aloud.
    pub(crate) fn of(user: &str) -> Option<Self> {
        let Some(module) = MODULES.into_iter().map(PathBuf::from).find(|path| path.exists()) else {
            let words = "NOT RUN: SoftHSM 2 is not installed (Debian package softhsm2)";
            assert!(std::env::var_os("CI").is_none(), "{words}");
            println!("{words}");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("pgkhsm").tempdir().unwrap();
        std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let it = Self { folder, module, user: user.to_owned() };
        std::fs::create_dir(it.tokens()).unwrap();
        let text = format!("directories.tokendir = {}\nlog.level = ERROR\n", it.tokens().display());
        std::fs::write(it.conf(), text).unwrap();
        it.util(&["--init-token", "--free", "--label", TOKEN, "--so-pin", "13579", "--pin", PIN]);
        it.add_key(KEY, "01");
        it.write_pin(PIN);
        Some(it)
    }

    /// What `config.toml` says of the token.
    pub(crate) fn config(&self, key: &str) -> String {
        format!(
            "\n[pkcs11.seal]\nmodule = {:?}\ntoken = {TOKEN:?}\nkey = {key:?}\npin_file = {:?}\n\
             {}",
            self.module,
            self.pin_file(),
            self.environment()
        )
    }

    /// The part of it that tells the library where its tokens lie.
    pub(crate) fn environment(&self) -> String {
        format!("\n[pkcs11.environment]\nSOFTHSM2_CONF = {:?}\n", self.conf())
    }

    /// The address of a key.
    pub(crate) fn uri(&self, key: &str) -> String {
        let encoded = |text: &str| text.replace(' ', "%20");
        format!(
            "pkcs11:token={};object={}?module-path={}&pin-source=file:{}",
            encoded(TOKEN),
            encoded(key),
            self.module.display(),
            self.pin_file().display()
        )
    }

    /// Makes an RSA key.
    pub(crate) fn add_key(&self, label: &str, id: &str) {
        let pem = self.folder.path().join("key.pem");
        let size = "rsa_keygen_bits:2048";
        let words = ["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", size, "-out"];
        let made = Command::new("openssl").args(words).arg(&pem).output().unwrap();
        assert_code(&made, 0);
        let file = pem.to_str().unwrap();
        let key = ["--import", file, "--label", label, "--id", id];
        self.util(&[&key[..], &["--token", TOKEN, "--pin", PIN]].concat());
        std::fs::remove_file(pem).unwrap();
        self.give_away();
    }

    pub(crate) fn write_pin(&self, pin: &str) {
        std::fs::write(self.pin_file(), pin).unwrap();
        self.open_pin(0o600);
    }

    pub(crate) fn write_right_pin(&self) {
        self.write_pin(PIN);
    }

    /// Gives the PIN's file another mode.
    pub(crate) fn open_pin(&self, mode: u32) {
        std::fs::set_permissions(self.pin_file(), PermissionsExt::from_mode(mode)).unwrap();
        self.give_away();
    }

    /// The token is unplugged.
    pub(crate) fn take_away(&self) {
        std::fs::rename(self.tokens(), self.folder.path().join("drawer")).unwrap();
        std::fs::create_dir(self.tokens()).unwrap();
        self.give_away();
    }

    /// It is plugged in again.
    pub(crate) fn put_back(&self) {
        std::fs::remove_dir_all(self.tokens()).unwrap();
        std::fs::rename(self.folder.path().join("drawer"), self.tokens()).unwrap();
    }

    /// The keys are gone from the token, which itself stays.
    pub(crate) fn take_keys(&self) {
        self.move_keys(&self.only_token(), &self.folder.path().join("keys"));
    }

    pub(crate) fn put_keys_back(&self) {
        self.move_keys(&self.folder.path().join("keys"), &self.only_token());
    }

    fn move_keys(&self, from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap().flatten() {
            let name = entry.file_name();
            let name = name.to_str().unwrap();
            // The token itself is described in token.object.
            if name.ends_with(".object") && name != "token.object" {
                std::fs::rename(entry.path(), to.join(name)).unwrap();
            }
        }
    }

    fn only_token(&self) -> PathBuf {
        std::fs::read_dir(self.tokens()).unwrap().next().unwrap().unwrap().path()
    }

    fn tokens(&self) -> PathBuf {
        self.folder.path().join("tokens")
    }

    fn conf(&self) -> PathBuf {
        self.folder.path().join("softhsm2.conf")
    }

    pub(crate) fn pin_file(&self) -> PathBuf {
        self.folder.path().join("pin")
    }

    fn util(&self, words: &[&str]) {
        let conf = self.conf();
        let ran = Command::new("softhsm2-util").args(words).env("SOFTHSM2_CONF", conf).output();
        assert_code(&ran.unwrap(), 0);
    }

    /// Lets whoever uses the token have it: root made it.
    fn give_away(&self) {
        if is_root() {
            let mut command = Command::new("chown");
            command.args(["-R", &self.user]).args([self.tokens()]);
            let pin = self.pin_file();
            command.args(pin.exists().then_some(pin));
            assert_code(&command.output().unwrap(), 0);
        }
    }
}

/// Adds text to the configuration of an installation.
pub(crate) fn configure(it: &Installation, text: &str) {
    let path = it.home().join("config.toml");
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    std::fs::write(path, format!("{old}{text}")).unwrap();
}
