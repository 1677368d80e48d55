//! A throw-away installation: its home, its ports, and an orderly end even when a test panics.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

/// One home below a folder that everyone may enter.
pub(crate) struct Installation {
    dir: tempfile::TempDir,
    port: u16,
    https_port: u16,
    vault_port: u16,
    identity_port: u16,
    /// Run as this OS user instead of the test's own.
    user: Option<(u32, u32)>,
    program: PathBuf,
}

impl Installation {
    /// Nothing is started yet.
    pub(crate) fn new() -> Self {
        // A short path: sockets below it have little room.
        let dir = tempfile::Builder::new().prefix("pgk").tempdir().unwrap();
        open_to_all(dir.path());
        let program = PathBuf::from(env!("CARGO_BIN_EXE_pgkeep"));
        let [port, https_port, vault_port, identity_port] = [(); 4].map(|()| free_port());
        Self { dir, port, https_port, vault_port, identity_port, user: None, program }
    }

    /// The same for an ordinary OS user; only root can make one.
    pub(crate) fn of_ordinary_user() -> Self {
        let mut it = Self::new();
        let (uid, gid) = (65534, 65534);
        std::os::unix::fs::chown(it.dir.path(), Some(uid), Some(gid)).unwrap();
        it.open_program();
        it.user = Some((uid, gid));
        it
    }

    /// Lets other OS users run the program: its own folder may be closed to them.
    pub(crate) fn open_program(&mut self) {
        let program = self.dir.path().join("pgkeep");
        std::fs::copy(&self.program, &program).unwrap();
        self.program = program;
    }

    /// Whom it runs as, unless as the test's own user.
    #[cfg(feature = "otlp")]
    pub(crate) fn user(&self) -> Option<(u32, u32)> {
        self.user
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("h")
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn https_port(&self) -> u16 {
        self.https_port
    }

    pub(crate) fn vault_port(&self) -> u16 {
        self.vault_port
    }

    pub(crate) fn identity_port(&self) -> u16 {
        self.identity_port
    }

    /// The flags of `up` that name the ports of this installation.
    pub(crate) fn port_flags(&self) -> Vec<String> {
        [
            ("port", self.port),
            ("https-port", self.https_port),
            ("vault-port", self.vault_port),
            ("identity-port", self.identity_port),
        ]
        .map(|(flag, port)| format!("--{flag}={port}"))
        .to_vec()
    }

    /// Runs one command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).arg("--home").arg(self.home()).current_dir("/");
        if let Some((uid, gid)) = self.user {
            command.gid(gid).uid(uid);
        }
        command
    }

    /// `up --detach` on the ports of this installation, without sample data.
    pub(crate) fn up(&self) -> Output {
        self.command(&["up", "--detach", "--no-sample", "-o", "json"])
            .args(self.port_flags())
            .output()
            .unwrap()
    }

    /// The JSON document of a command that must succeed.
    #[track_caller]
    pub(crate) fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["-o", "json"]].concat());
        assert_code(&output, 0);
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        // A test that failed left things running; one that passed left nothing to end.
        let _ = self.run(&["down", "--timeout", "120"]);
    }
}

/// Checks an exit code and shows what was said when it is another.
#[track_caller]
pub(crate) fn assert_code(output: &Output, code: i32) {
    assert_eq!(
        output.status.code(),
        Some(code),
        "stdout: {}\nstderr: {}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Standard error as text.
pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// True when the tests run as root.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|meta| {
        use std::os::unix::fs::MetadataExt as _;
        meta.uid() == 0
    })
}

fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// A port that is free and stays so until it is used: below those that the kernel gives to
/// outgoing connections, and each test process searches in a place of its own.
pub(crate) fn free_port() -> u16 {
    const FIRST: u32 = 10_240;
    const PLACES: u32 = 1_300;
    const PLACE_SIZE: u32 = 16;
    static N_TAKEN: AtomicU32 = AtomicU32::new(0);
    let place = std::process::id() % PLACES * PLACE_SIZE;
    loop {
        let n = N_TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (place + n) % (PLACES * PLACE_SIZE);
        let port = u16::try_from(port).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
