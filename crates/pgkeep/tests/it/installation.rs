//! A throw-away installation: its home, its ports, and an orderly end even when a test panics.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// One home below a folder that everyone may enter.
pub(crate) struct Installation {
    dir: tempfile::TempDir,
    port: u16,
    https_port: u16,
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
        Self { dir, port: free_port(), https_port: free_port(), user: None, program }
    }

    /// The same for an ordinary OS user; only root can make one.
    pub(crate) fn of_ordinary_user() -> Self {
        let mut it = Self::new();
        let (uid, gid) = (65534, 65534);
        std::os::unix::fs::chown(it.dir.path(), Some(uid), Some(gid)).unwrap();
        // Its own folder may be closed to that user.
        let program = it.dir.path().join("pgkeep");
        std::fs::copy(&it.program, &program).unwrap();
        it.program = program;
        it.user = Some((uid, gid));
        it
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
        let (port, https_port) = (self.port.to_string(), self.https_port.to_string());
        let ports = ["--port", &port, "--https-port", &https_port];
        self.run(&[&["up", "--detach", "--no-sample", "-o", "json"], &ports[..]].concat())
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

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
