//! An installation with a key vault, an identity, a key and a server that uses it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::installation::{Installation, assert_code};

/// What issue and reference promise at most for a loss and for a return.
pub(super) const PROMISED: Duration = Duration::from_secs(15);
/// How long anything else may take before a test fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(90);
const POLL: Duration = Duration::from_millis(5);

/// The names that every test uses.
pub(super) const SERVER: &str = "hr";
pub(super) const VAULT: &str = "hrkeys";
pub(super) const KEY: &str = "tde";
pub(super) const IDENTITY: &str = "hrserver";
const ROLE: &str = "Key Vault Crypto Service Encryption User";

/// A home that is up, and its owner's key.
pub(super) struct Owner {
    pub(super) it: Installation,
    /// The address of the key without a version.
    pub(super) key_uri: String,
}

impl Owner {
    /// Vault, identity, role and key, and no server yet that uses them.
    pub(super) fn with_key() -> Self {
        Self::on(Installation::new())
    }

    /// The same in an installation that is not up yet.
    pub(super) fn on(it: Installation) -> Self {
        assert_code(&it.up(), 0);
        let mut owner = Self { it, key_uri: String::new() };
        owner.make_identity(IDENTITY);
        owner.it.json(&["keyvault", "create", "-n", VAULT]);
        owner.grant(IDENTITY);
        owner.key_uri = owner.make_key(KEY);
        owner
    }

    /// The same with a server that is Ready by that key.
    pub(super) fn with_server() -> Self {
        let owner = Self::with_key();
        owner.create(&owner.key_uri);
        owner
    }

    /// Makes the server with this key; it must be Ready.
    pub(super) fn create(&self, key: &str) -> Value {
        // Tests run side by side: each brings its port.
        let port = testkit::free_port().to_string();
        let words = ["server", "create", "-n", SERVER, "--port", &port];
        let shown = self.it.json(&[&words[..], &["--key", key, "--identity", IDENTITY]].concat());
        assert_eq!(shown["state"], "Ready", "{shown}");
        shown
    }

    /// An identity that the servers of this home may use: whoever says nothing else gets that.
    pub(super) fn make_identity(&self, name: &str) {
        self.it.json(&["identity", "create", "-n", name]);
    }

    /// Lets an identity in, or keeps it out.
    pub(super) fn let_in(&self, name: &str, enabled: bool) {
        let value = if enabled { "true" } else { "false" };
        self.it.json(&["identity", "update", "-n", name, "--enabled", value]);
    }

    pub(super) fn grant(&self, identity: &str) {
        self.role("create", identity);
    }

    pub(super) fn revoke(&self, identity: &str) {
        self.role("delete", identity);
    }

    fn role(&self, verb: &str, identity: &str) {
        let words = ["keyvault", "role-assignment", verb, "--vault-name", VAULT];
        let rest = ["--role", ROLE, "--assignee", identity];
        assert_code(&self.it.run(&[&words[..], &rest].concat()), 0);
    }

    /// Makes a key; answers its address without a version.
    pub(super) fn make_key(&self, name: &str) -> String {
        let bundle = self.key(&["create"], name, &["--kty", "RSA", "--size", "2048"]);
        let (uri, version) = bundle["key"]["kid"].as_str().unwrap().rsplit_once('/').unwrap();
        assert_eq!(version.len(), 32);
        uri.to_owned()
    }

    /// `keyvault key VERB … -n NAME …`, which must succeed; answers the key bundle.
    pub(super) fn key(&self, verb: &[&str], name: &str, rest: &[&str]) -> Value {
        let words = [&["keyvault", "key"], verb, &["--vault-name", VAULT, "-n", name], rest];
        self.it.json(&words.concat())
    }

    pub(super) fn enable(&self, enabled: bool) {
        let value = if enabled { "true" } else { "false" };
        self.key(&["set-attributes"], KEY, &["--enabled", value]);
    }

    /// What the server's agent shows, asked without the detour over the command line.
    pub(super) fn show(&self) -> Option<Value> {
        let socket = self.it.home().join(format!("run/agent-{SERVER}.sock"));
        call(socket, "show", &Value::Null).ok()
    }

    /// Waits until the server's state is `state`; answers how long that took since `since`.
    #[track_caller]
    pub(super) fn until_state(&self, state: &str, since: Instant, limit: Duration) -> Duration {
        self.until(&format!("the server is {state}"), since, limit, |shown| shown["state"] == state)
    }

    /// Waits until what is shown satisfies `wanted`; answers how long that took since `since`.
    #[track_caller]
    pub(super) fn until(
        &self,
        what: &str,
        since: Instant,
        limit: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Duration {
        let mut last = Value::Null;
        poll(since, limit, || {
            // An agent that starts anew does not answer at once.
            last = self.show()?;
            wanted(&last).then_some(())
        })
        .unwrap_or_else(|| panic!("not within {limit:?}: {what}; shown at last: {last:#}"))
    }

    /// Waits until the server is as closed as it must be without its key.
    #[track_caller]
    pub(super) fn until_closed(&self, since: Instant) -> Duration {
        self.until_state("Inaccessible", since, PROMISED);
        let closed = poll(since, PROMISED, || {
            let refused = TcpStream::connect(("127.0.0.1", self.port())).is_err();
            (refused && !self.is_mounted() && !self.holds_key()).then_some(())
        });
        closed.unwrap_or_else(|| panic!("Inaccessible, but not closed within {PROMISED:?}"))
    }

    pub(super) fn port(&self) -> u16 {
        u16::try_from(self.show().unwrap()["port"].as_u64().unwrap()).unwrap()
    }

    pub(super) fn dsn(&self) -> String {
        self.show().unwrap()["dsn"].as_str().unwrap().to_owned()
    }

    pub(super) fn sql(&self, sql: &str) -> String {
        let output = psql(&self.dsn(), sql).output().unwrap();
        assert_code(&output, 0);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// True while something is mounted in the server's folder.
    pub(super) fn is_mounted(&self) -> bool {
        let folder = self.folder().join("mnt");
        std::fs::read_to_string("/proc/self/mountinfo").unwrap().contains(folder.to_str().unwrap())
    }

    /// True while the process lives that holds the data key.
    fn holds_key(&self) -> bool {
        let mount = self.folder().join("mnt");
        self.processes().any(|(_, line)| {
            line.contains(" fs serve ") && line.trim_end().ends_with(mount.to_str().unwrap())
        })
    }

    /// The process of this home whose command line holds `words`.
    pub(super) fn process(&self, words: &str) -> Pid {
        let found = self.processes().find(|(_, line)| line.contains(words));
        found.unwrap_or_else(|| panic!("no process has{words}in its command line")).0
    }

    fn processes(&self) -> impl Iterator<Item = (Pid, String)> {
        let home = self.it.home().to_str().unwrap().to_owned();
        std::fs::read_dir("/proc").unwrap().flatten().filter_map(move |entry| {
            let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
            let words = std::fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&words).replace('\0', " ");
            line.contains(&home).then_some((pid, line))
        })
    }

    fn folder(&self) -> PathBuf {
        self.it.home().join("servers").join(SERVER)
    }
}

/// `psql` that runs one statement and says errors in full.
pub(crate) fn psql(dsn: &str, sql: &str) -> Command {
    let mut command = Command::new("psql");
    command.args([dsn, "-XAt", "-v", "ON_ERROR_STOP=1", "-c", sql]);
    command.env("PGCONNECT_TIMEOUT", "10").env("LC_ALL", "C");
    command
}

/// One call to a socket of the home.
pub(super) fn call(socket: PathBuf, op: &str, args: &Value) -> Result<Value, Value> {
    let failed = |e: std::io::Error| json!({ "message": e.to_string() });
    let mut stream = UnixStream::connect(socket).map_err(failed)?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).map_err(failed)?;
    let line = format!("{}\n", json!({ "op": op, "args": args }));
    stream.write_all(line.as_bytes()).map_err(failed)?;
    for line in BufReader::new(stream).lines() {
        let mut answer: Value = serde_json::from_str(&line.map_err(failed)?).unwrap();
        if answer.get("ok").is_some() {
            return Ok(answer["ok"].take());
        }
        if answer.get("error").is_some() {
            return Err(answer["error"].take());
        }
    }
    Err(json!({ "message": "hung up" }))
}

/// Asks until there is an answer; `None` when there is none within `limit` of `since`.
pub(crate) fn poll(
    since: Instant,
    limit: Duration,
    mut ask: impl FnMut() -> Option<()>,
) -> Option<Duration> {
    loop {
        if ask().is_some() {
            return Some(since.elapsed());
        }
        if since.elapsed() > limit {
            return None;
        }
        std::thread::sleep(POLL);
    }
}

/// A process that is stopped until this is dropped: it neither answers nor hangs up.
pub(super) struct Stopped(Pid);

impl Stopped {
    pub(super) fn now(pid: Pid) -> Self {
        kill_process(pid, Signal::STOP).unwrap();
        Self(pid)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        // One that was killed meanwhile needs no waking.
        let _ = kill_process(self.0, Signal::CONT);
    }
}

/// Standard error of a command that must have failed with `code`.
#[track_caller]
pub(super) fn refused(output: &Output, code: i32) -> String {
    assert_code(output, code);
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The middle one.
pub(super) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
