//! `pgkeep fs`: its exit codes, its events, and what it survives.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde_json::Value;

/// How long anything may take before a test fails.
const DEADLINE: Duration = Duration::from_secs(60);
const KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const OTHER_KEY: &str = "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// Folders of one store. Whatever is still mounted at the end is unmounted.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(place.mountpoint()).unwrap();
        place.write_key("key", KEY);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn mountpoint(&self) -> PathBuf {
        self.path("mnt")
    }

    fn write_key(&self, name: &str, key: &str) {
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = std::fs::File::options();
        let mut file = options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(self.path(name))
            .unwrap();
        writeln!(file, "{key}").unwrap();
    }

    /// Runs `pgkeep fs …` with the store and the mountpoint filled in.
    fn run(&self, words: &[&str]) -> Output {
        let filled = words.iter().map(|word| match *word {
            "BACKING" | "key" | "other" | "nothing" => self.path(&word.to_lowercase()),
            "MOUNT" => self.mountpoint(),
            word => word.into(),
        });
        Command::new(env!("CARGO_BIN_EXE_pgkeep")).arg("fs").args(filled).output().unwrap()
    }

    /// Runs it and checks the exit code and that the message holds `text`.
    fn check(&self, words: &[&str], code: i32, text: &str) -> Output {
        let output = self.run(words);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert!(said.contains(text), "{words:?}: {said}");
        output
    }

    fn mount(&self) {
        self.check(&["mount", "--key-file", "key", "BACKING", "MOUNT"], 0, "");
    }

    fn unmount(&self) {
        self.check(&["unmount", "MOUNT"], 0, "");
    }

    fn figures(&self) -> Value {
        let output = self.check(&["stat", "MOUNT", "-o", "json"], 0, "");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// `fs serve` as an agent runs it.
    fn serve(&self, key: &str) -> (Child, BufReader<ChildStdout>) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pgkeep"))
            .args(["fs", "serve"])
            .args([self.path("backing"), self.mountpoint()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{key}").unwrap();
        let events = BufReader::new(child.stdout.take().unwrap());
        (child, events)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        if mounts.contains(&*self.mountpoint().to_string_lossy()) {
            // A failed test left it; its own message is the one that counts.
            drop(Command::new("umount").arg("-l").arg(self.mountpoint()).output());
        }
    }
}

fn event(events: &mut BufReader<ChildStdout>) -> Value {
    let mut line = String::new();
    events.read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

/// Waits until a process that is not ours has ended.
fn wait_for_end(pid: Pid) {
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return };
    let timeout = Timespec { tv_sec: DEADLINE.as_secs() as i64, tv_nsec: 0 };
    let n = poll(&mut [PollFd::new(&process.as_fd(), PollFlags::IN)], Some(&timeout)).unwrap();
    assert_eq!(n, 1, "process {pid} goes on");
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_child(child)
}

fn write_and_read(folder: &Path) {
    std::fs::write(folder.join("f"), "contents").unwrap();
    std::fs::File::open(folder.join("f")).unwrap().sync_all().unwrap();
    assert_eq!(std::fs::read_to_string(folder.join("f")).unwrap(), "contents");
}

#[test]
fn mount_use_unmount_check() {
    let place = Place::new();
    place.mount();
    write_and_read(&place.mountpoint());
    assert!(place.figures()["written_bytes"].as_u64() >= Some(8));
    let mount = ["mount", "--key-file", "key", "BACKING", "MOUNT"];
    place.check(&mount, 5, "already mounted");
    place.check(&["check", "BACKING", "--key-file", "key"], 5, "in use");
    let inside = std::fs::File::open(place.mountpoint().join("f")).unwrap();
    place.check(&["unmount", "MOUNT"], 5, "in use");
    drop(inside);
    place.unmount();
    place.check(&["unmount", "MOUNT"], 3, "no store is mounted");
    place.check(&["stat", "MOUNT"], 3, "could not read the figures");

    let check = ["check", "BACKING", "--key-file", "key", "-o", "json"];
    let output = place.check(&check, 0, "");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["ok"], &report["n_files"]), (&true.into(), &1.into()));
    assert_eq!(report["unclean"], false);
    place.mount();
    assert_eq!(std::fs::read_to_string(place.mountpoint().join("f")).unwrap(), "contents");
    place.unmount();
}

#[test]
fn a_changed_byte_fails_the_check_and_the_read() {
    let place = Place::new();
    place.mount();
    write_and_read(&place.mountpoint());
    place.unmount();
    let file = place.path("backing/tree/f");
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let output = place.check(&["check", "BACKING", "--key-file", "key"], 6, "");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("f unit 0: "));
    place.mount();
    assert!(std::fs::read(place.mountpoint().join("f")).is_err());
    place.unmount();
}

#[test]
fn refusals_say_why_and_change_nothing() {
    let place = Place::new();
    place.write_key("other", OTHER_KEY);
    place.mount();
    place.unmount();
    place.check(&["mount", "--key-file", "other", "BACKING", "MOUNT"], 1, "does not open");
    place.check(&["mount", "--key-file", "nothing", "BACKING", "MOUNT"], 3, "key file");
    place.check(&["mount", "--key-file", "key", "BACKING", "nothing"], 3, "could not mount");
    place.check(&["mount", "--key-file", "key", "/usr", "MOUNT"], 1, "not a usable store");
    place.check(&["check", "nothing", "--key-file", "key"], 3, "no folder");
    place.write_key("key", "not a key");
    place.check(&["mount", "--key-file", "key", "BACKING", "MOUNT"], 2, "no usable key");
    place.write_key("key", KEY);
    place.mount();
    place.unmount();
}

#[test]
fn a_failure_is_an_event_too() {
    let place = Place::new();
    place.mount();
    place.unmount();
    let (mut child, mut events) = place.serve(OTHER_KEY);
    let failed = event(&mut events);
    assert_eq!((&failed["event"], &failed["code"]), (&"failed".into(), &"wrong_key".into()));
    assert!(failed["hint"].is_string());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn serving_goes_on_when_nobody_listens() {
    let place = Place::new();
    let (mut child, mut events) = place.serve(KEY);
    assert_eq!(event(&mut events)["event"], "ready");
    drop(events);
    write_and_read(&place.mountpoint());
    // An event for which there is no reader any more.
    let held = std::fs::File::open(place.mountpoint().join("f")).unwrap();
    kill_process(pid_of(&child), Signal::TERM).unwrap();
    write_and_read(&place.mountpoint());
    drop(held);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    place.check(&["check", "BACKING", "--key-file", "key"], 0, "");
}

#[test]
fn asked_once_it_waits_for_its_users_asked_twice_it_leaves() {
    let place = Place::new();
    let (mut child, mut events) = place.serve(KEY);
    assert_eq!(event(&mut events)["event"], "ready");
    let mut held = std::fs::File::create(place.mountpoint().join("held")).unwrap();
    kill_process(pid_of(&child), Signal::TERM).unwrap();
    assert_eq!(event(&mut events)["event"], "busy");
    write_and_read(&place.mountpoint());
    kill_process(pid_of(&child), Signal::TERM).unwrap();
    let until = std::time::Instant::now() + DEADLINE;
    while place.mountpoint().join("f").exists() {
        assert!(std::time::Instant::now() < until, "still mounted");
        std::thread::yield_now();
    }
    held.write_all(b"late").unwrap();
    held.sync_all().unwrap();
    drop(held);
    let last = event(&mut events);
    assert_eq!(last["event"], "closed", "{last}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    place.mount();
    assert_eq!(std::fs::read_to_string(place.mountpoint().join("held")).unwrap(), "late");
    place.unmount();
}

#[test]
fn a_killed_process_leaves_a_mount_that_can_be_cleared() {
    let place = Place::new();
    place.mount();
    write_and_read(&place.mountpoint());
    let pid = place.figures()["pid"].as_i64().unwrap();
    let pid = Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    wait_for_end(pid);
    assert!(std::fs::File::open(place.mountpoint().join("f")).is_err());
    let mount = ["mount", "--key-file", "key", "BACKING", "MOUNT"];
    place.check(&mount, 5, "already mounted");
    place.check(&["unmount", "MOUNT"], 0, "had died");
    place.check(&mount, 0, "recovered");
    assert_eq!(std::fs::read_to_string(place.mountpoint().join("f")).unwrap(), "contents");
    place.unmount();
}
