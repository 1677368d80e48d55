//! One installation of pgkeep in a folder of its own, with one server and no sample data.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::installation::free_port;

/// How long anything may take before a test fails.
pub(super) const DEADLINE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(50);

/// A home that is up; everything is stopped when it is dropped.
pub(super) struct Installation {
    folder: tempfile::TempDir,
    pub(super) port: u16,
}

/// What a command printed and how it ended.
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Said {
    fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        Self { code, out: text(&output.stdout), err: text(&output.stderr) }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }
}

impl Installation {
    /// A home with the server `demo`, Ready.
    pub(super) fn up() -> Self {
        let installation = Self::prepare();
        let said = installation.start();
        assert_eq!(said.code, 0, "{}", said.err);
        installation
    }

    /// A home where nothing runs yet.
    pub(super) fn prepare() -> Self {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::Builder::new().prefix("pk").tempdir().unwrap();
        // Other OS users must get through, as in any home.
        let mode = std::fs::Permissions::from_mode(0o711);
        std::fs::set_permissions(folder.path(), mode).unwrap();
        Self { folder, port: free_port() }
    }

    /// `pgkeep up --detach`.
    pub(super) fn start(&self) -> Said {
        let https = free_port().to_string();
        let port = self.port.to_string();
        let [vault, identity] = [(); 2].map(|()| free_port().to_string());
        let ports = ["--port", &port, "--https-port", &https];
        let ports = [&ports[..], &["--vault-port", &vault, "--identity-port", &identity]].concat();
        self.run(&[&["up", "--no-sample", "--detach"], &ports[..]].concat())
    }

    pub(super) fn home(&self) -> PathBuf {
        self.folder.path().join("h")
    }

    pub(super) fn dir(&self) -> PathBuf {
        self.home().join("servers/demo")
    }

    /// Runs `pgkeep` with this home.
    pub(super) fn run(&self, words: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pgkeep"));
        Said::of(&command.arg("--home").arg(self.home()).args(words).output().unwrap())
    }

    /// Runs it and checks the exit code.
    #[track_caller]
    pub(super) fn check(&self, code: i32, words: &[&str]) -> Said {
        let said = self.run(words);
        assert_eq!(said.code, code, "{words:?}: {}{}", said.out, said.err);
        said
    }

    pub(super) fn show(&self) -> Value {
        self.check(0, &["server", "show", "-n", "demo", "-o", "json"]).json()
    }

    /// Waits until `show` satisfies `wanted`; answers it.
    #[track_caller]
    pub(super) fn wait(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        until(what, || {
            // An agent that is just starting anew may not answer yet.
            let said = self.run(&["server", "show", "-n", "demo", "-o", "json"]);
            last = serde_json::from_str(&said.out).unwrap_or(Value::Null);
            wanted(&last).then(|| last.clone())
        })
    }

    /// Runs SQL as the administrator through the connection string of `show`.
    pub(super) fn sql(&self, sql: &str) -> Said {
        let dsn = self.show()["dsn"].as_str().unwrap().to_owned();
        psql(&dsn, sql)
    }

    #[track_caller]
    pub(super) fn rows(&self, sql: &str) -> String {
        let said = self.sql(sql);
        assert_eq!(said.code, 0, "{sql}: {}", said.err);
        said.out.trim().to_owned()
    }

    /// Calls the agent's socket, as the plane does.
    pub(super) fn agent(&self, op: &str, args: &Value) -> Result<Value, Value> {
        let mut stream = UnixStream::connect(self.home().join("run/agent-demo.sock")).unwrap();
        let call = format!("{}\n", json!({ "op": op, "args": args }));
        stream.write_all(call.as_bytes()).unwrap();
        for line in BufReader::new(stream).lines() {
            let mut answer: Value = serde_json::from_str(&line.unwrap()).unwrap();
            if answer.get("ok").is_some() {
                return Ok(answer["ok"].take());
            }
            if answer.get("error").is_some() {
                return Err(answer["error"].take());
            }
        }
        panic!("the agent hung up");
    }

    /// The file system's process.
    pub(super) fn fs_pid(&self) -> Option<Pid> {
        let mountpoint = self.dir().join("mnt");
        find(|args| args.contains(&"serve") && args.iter().any(|arg| Path::new(arg) == mountpoint))
    }

    /// The postmaster.
    pub(super) fn postmaster(&self) -> Option<Pid> {
        let pgdata = self.dir().join("mnt/pgdata");
        find(|args| args.contains(&"-D") && args.iter().any(|arg| Path::new(arg) == pgdata))
    }

    /// The agent.
    pub(super) fn agent_pid(&self) -> Option<Pid> {
        let home = self.home();
        find(|args| args.contains(&"agent") && args.iter().any(|arg| Path::new(arg) == home))
    }

    /// True while something is mounted in the server's folder.
    pub(super) fn is_mounted(&self) -> bool {
        let dir = self.dir().join("mnt");
        std::fs::read_to_string("/proc/self/mountinfo").unwrap().contains(dir.to_str().unwrap())
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        let said = self.run(&["down"]);
        if said.code != 0 && !std::thread::panicking() {
            panic!("down failed: {}", said.err);
        }
    }
}

/// Runs SQL with any connection string.
pub(super) fn psql(dsn: &str, sql: &str) -> Said {
    let mut command = Command::new("psql");
    command.args([dsn, "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]);
    Said::of(&command.env("PGCONNECT_TIMEOUT", "10").output().unwrap())
}

/// Kills a process as nothing else does.
#[track_caller]
pub(super) fn kill(pid: Option<Pid>) {
    kill_process(pid.expect("the process runs"), Signal::KILL).unwrap();
}

/// Asks until there is an answer, for at most [`DEADLINE`].
#[track_caller]
pub(super) fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(answer) = condition() {
            return answer;
        }
        assert!(Instant::now() < end, "it did not come true that {what}");
        std::thread::sleep(POLL);
    }
}

/// The process whose arguments are meant.
fn find(is_meant: impl Fn(&[&str]) -> bool) -> Option<Pid> {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let mut pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let found = pids.find(|pid| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        is_meant(&line.split('\0').collect::<Vec<_>>())
    });
    found.and_then(Pid::from_raw)
}
