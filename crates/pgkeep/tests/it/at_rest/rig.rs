//! A store with its mount in a folder of its own, owned by a user without privileges.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pg::RunAs;
use serde_json::Value;

/// The store, its mountpoint and its key. Taken down on drop, whatever happened before.
pub(crate) struct Rig {
    folder: tempfile::TempDir,
    program: PathBuf,
    /// Who owns the store and runs PostgreSQL; not root.
    pub(crate) user: RunAs,
    /// The data key as text: 64 hex digits that stand for 32 printable bytes.
    pub(crate) key: String,
}

impl Rig {
    /// Makes the folder and the key; nothing is mounted yet.
    pub(crate) fn new() -> Self {
        let user = testkit::server_user();
        let folder = tempfile::Builder::new().prefix("pgk-rest-").tempdir().unwrap();
        std::os::unix::fs::chown(folder.path(), Some(user.uid), Some(user.gid)).unwrap();
        // The build folder may lie where that user cannot go.
        let program = folder.path().join("pgkeep");
        let built = Path::new(env!("CARGO_BIN_EXE_pgkeep"));
        if std::fs::hard_link(built, &program).is_err() {
            std::fs::copy(built, &program).unwrap();
        }
        let key = Random::unpredictable().word(32);
        let rig = Self {
            folder,
            program,
            user,
            key: key.bytes().map(|byte| format!("{byte:02x}")).collect(),
        };
        for name in ["backing", "mnt", "sock"] {
            rig.succeed(rig.command("mkdir").args(["-m", "0700"]).arg(rig.path(name)));
        }
        let mut key_file = rig.command("sh");
        key_file.args(["-c", "umask 077; cat > \"$0\""]).arg(rig.path("key"));
        feed(&mut key_file, &rig.key);
        rig
    }

    /// A path inside the rig's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What an attacker holds: the whole backing folder.
    pub(crate) fn backing(&self) -> PathBuf {
        self.path("backing")
    }

    /// The encrypted files themselves, under the names that the mount shows.
    pub(crate) fn tree(&self) -> PathBuf {
        self.path("backing/tree")
    }

    /// PostgreSQL's data directory, inside the mount.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("mnt/pgdata")
    }

    /// A command that runs as the store's owner with an empty environment.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        use std::os::unix::process::CommandExt;
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::null());
        if !self.user.is_current() {
            command.uid(self.user.uid).gid(self.user.gid);
        }
        command
    }

    /// Runs a command that must succeed.
    pub(crate) fn succeed(&self, command: &mut Command) -> Output {
        let output = command.output().unwrap();
        assert!(
            output.status.success(),
            "{command:?} ended with {}: {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }

    /// `pgkeep fs mount`, which makes the store on first use.
    pub(crate) fn mount(&self) {
        let mut command = self.command(&self.program);
        command.args(["fs", "mount", "--key-file"]).arg(self.path("key"));
        command.arg(self.backing()).arg(self.path("mnt"));
        // The daemon outlives the command, so its output must not be a pipe that we wait for.
        let log = std::fs::File::create(self.path("mount.log")).unwrap();
        command.stdout(Stdio::null()).stderr(log);
        let status = command.status().unwrap();
        let said = std::fs::read_to_string(self.path("mount.log")).unwrap();
        assert!(status.success(), "fs mount ended with {status}: {said}");
        assert!(self.is_mounted(), "fs mount succeeded and mounted nothing: {said}");
    }

    /// `pgkeep fs unmount`; returns when the store is closed.
    pub(crate) fn unmount(&self) {
        let mut command = self.command(&self.program);
        self.succeed(command.args(["fs", "unmount"]).arg(self.path("mnt")));
        assert!(!self.is_mounted(), "fs unmount succeeded and left the mount");
    }

    /// Makes everything that was written through the mount reach the backing folder.
    pub(crate) fn flush(&self) {
        self.succeed(self.command("sync").arg("-f").arg(self.path("mnt")));
    }

    /// `pgkeep fs check -o json`: the exit code and the report.
    pub(crate) fn check(&self) -> (i32, Value) {
        let mut command = self.command(&self.program);
        command.args(["fs", "check"]).arg(self.backing());
        command.arg("--key-file").arg(self.path("key")).args(["-o", "json"]);
        let output = command.output().unwrap();
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            let said = String::from_utf8_lossy(&output.stderr);
            panic!("fs check ended with {} and no report ({error}): {said}", output.status)
        });
        (output.status.code().expect("because nothing kills the check"), report)
    }

    /// `pgkeep fs stat -o json`: figures of the mount.
    pub(crate) fn stat(&self) -> Value {
        let mut command = self.command(&self.program);
        command.args(["fs", "stat"]).arg(self.path("mnt")).args(["-o", "json"]);
        serde_json::from_slice(&self.succeed(&mut command).stdout).unwrap()
    }

    fn is_mounted(&self) -> bool {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
        let place = self.path("mnt");
        mounts.lines().any(|line| line.split(' ').nth(1).map(Path::new) == Some(&place))
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if self.is_mounted() {
            // A test failed half way: let go of the mount even if it is still in use.
            let mut command = self.command("fusermount3");
            let _ = command.args(["-u", "-z", "--"]).arg(self.path("mnt")).status();
        }
    }
}

/// Runs a command with `input` on its standard input; it must succeed.
pub(crate) fn feed(command: &mut Command, input: &str) -> Output {
    use std::io::Write;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// A small generator for tests (`SplitMix64`): one seed, one sequence.
pub(crate) struct Random {
    /// Printed by the tests that must be repeatable.
    pub(crate) seed: u64,
    state: u64,
}

impl Random {
    /// From the seed in `PGKEEP_TEST_SEED`, else from a fresh one.
    pub(crate) fn seeded() -> Self {
        match std::env::var("PGKEEP_TEST_SEED") {
            Ok(text) => Self::from(text.parse().expect("because PGKEEP_TEST_SEED is a number")),
            Err(_) => Self::unpredictable(),
        }
    }

    /// From the operating system.
    pub(crate) fn unpredictable() -> Self {
        use std::hash::{BuildHasher, Hasher};
        Self::from(std::hash::RandomState::new().build_hasher().finish())
    }

    fn from(seed: u64) -> Self {
        Self { seed, state: seed }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// A word of lower-case letters and digits that begins with a letter.
    pub(crate) fn word(&mut self, length: usize) -> String {
        const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        (0..length)
            .map(|at| LETTERS[self.below(if at == 0 { 26 } else { 36 }) as usize] as char)
            .collect()
    }
}
