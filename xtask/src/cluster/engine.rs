//! Where the cluster's files lie: a plain folder, pgkeep's file system, or gocryptfs.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::events::Listener;
use super::{Account, Tally, WorkDir, signal, wait_until};
use crate::failure::{Doing, Failure, Outcome};
use crate::{proc, rng};

/// Recovery after a crash may take its time before a mount answers.
const MOUNT_LIMIT: Duration = Duration::from_secs(600);
const UNMOUNT_LIMIT: Duration = Duration::from_secs(120);

/// What carries the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EngineKind {
    /// The host's own file system.
    Plain,
    /// `pgkeep fs serve`.
    Pgkeep,
    /// Debian's gocryptfs, as it comes.
    Gocryptfs,
}

impl EngineKind {
    /// The name used on the command line and in tables.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Pgkeep => "pgkeep",
            Self::Gocryptfs => "gocryptfs",
        }
    }

    /// Reads a name.
    pub(crate) fn parse(name: &str) -> Outcome<Self> {
        [Self::Plain, Self::Pgkeep, Self::Gocryptfs]
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| Failure::usage(format!("unknown engine \"{name}\"")))
    }
}

/// One store and how to mount it.
#[derive(Debug)]
pub(crate) struct Engine {
    kind: EngineKind,
    account: Account,
    store: PathBuf,
    mountpoint: PathBuf,
    program: PathBuf,
    /// A throw-away key: 64 hex digits. Given through a pipe, or a file of mode 0600.
    key: String,
    /// More words for `fs serve`.
    options: Vec<String>,
    /// What the file system says beside its events.
    log: PathBuf,
}

impl Engine {
    /// Makes an empty store below `work`; `pgkeep` is the binary, already runnable by `account`.
    pub(crate) fn make(
        kind: EngineKind,
        work: &WorkDir,
        account: &Account,
        pgkeep: Option<&Path>,
    ) -> Outcome<Self> {
        let name = kind.name();
        let program = match (kind, pgkeep) {
            (EngineKind::Pgkeep, Some(program)) => program.to_path_buf(),
            (EngineKind::Pgkeep, None) => return Err(Failure::new("no pgkeep binary was given")),
            (EngineKind::Gocryptfs, _) => {
                proc::find("gocryptfs").ok_or_else(|| Failure::new("gocryptfs is not installed"))?
            }
            (EngineKind::Plain, _) => PathBuf::new(),
        };
        let key: String =
            rng::random_bytes::<32>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let engine = Self {
            kind,
            account: account.clone(),
            store: work.folder(&format!("{name}-store"), account)?,
            mountpoint: work.folder(&format!("{name}-mount"), account)?,
            program,
            key,
            options: vec![],
            log: work.path().join(format!("{name}.log")),
        };
        if kind == EngineKind::Gocryptfs {
            engine.init_gocryptfs()?;
        }
        Ok(engine)
    }

    /// Adds words for `pgkeep fs serve`.
    pub(crate) fn with_options(mut self, options: &[&str]) -> Self {
        self.options = options.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Mounts the store and waits until it answers.
    pub(crate) fn mount(&self) -> Outcome<Mount> {
        let mut mount = Mount {
            kind: self.kind,
            account: self.account.clone(),
            dir: match self.kind {
                EngineKind::Plain => self.store.clone(),
                _ => self.mountpoint.clone(),
            },
            process: None,
        };
        match self.kind {
            EngineKind::Plain => {}
            EngineKind::Pgkeep => mount.process = Some(self.start_pgkeep()?),
            EngineKind::Gocryptfs => mount.process = Some(self.start_gocryptfs()?),
        }
        mount.wait_ready().map_err(|failure| {
            let log = std::fs::read(&self.log).unwrap_or_default();
            let log = proc::tail(&String::from_utf8_lossy(&log), 10);
            let detail = format!("{}\n{log}", failure.detail.clone().unwrap_or_default());
            failure.detail(detail.trim())
        })?;
        mount.raise_limits();
        Ok(mount)
    }

    /// Whether the store can be verified offline.
    pub(crate) fn is_checkable(&self) -> bool {
        self.kind == EngineKind::Pgkeep
    }

    /// Runs `pgkeep fs check` on the unmounted store.
    pub(crate) fn check(&self) -> Outcome<String> {
        let key_file = self.key_file()?;
        let mut command = self.account.command(&self.program);
        command.args(["fs", "check", "-o", "json"]).arg(&self.store);
        proc::capture(command.arg("--key-file").arg(key_file))
    }

    fn start_pgkeep(&self) -> Outcome<(Child, Option<Listener>)> {
        let mut command = self.account.command(&self.program);
        command.args(["fs", "serve"]).args(&self.options).arg(&self.store).arg(&self.mountpoint);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(self.open_log()?)
            .spawn()
            .doing(|| "start pgkeep fs serve".to_owned())?;
        let output = child.stdout.take().expect("because stdout is piped");
        let mut input = child.stdin.take().expect("because stdin is piped");
        writeln!(input, "{}", self.key).doing(|| "hand over the key".to_owned())?;
        Ok((child, Some(Listener::start(output))))
    }

    fn init_gocryptfs(&self) -> Outcome {
        let key_file = self.key_file()?;
        let mut command = self.account.command(&self.program);
        command.args(["-init", "-q", "-passfile"]).arg(key_file).arg(&self.store);
        proc::capture(&mut command).map(drop)
    }

    fn start_gocryptfs(&self) -> Outcome<(Child, Option<Listener>)> {
        let mut command = self.account.command(&self.program);
        command.args(["-fg", "-q", "-passfile"]).arg(self.key_file()?);
        let child = command
            .arg(&self.store)
            .arg(&self.mountpoint)
            .stdin(Stdio::null())
            .stdout(self.open_log()?)
            .stderr(self.open_log()?)
            .spawn()
            .doing(|| "start gocryptfs".to_owned())?;
        Ok((child, None))
    }

    fn open_log(&self) -> Outcome<File> {
        let file = File::options().create(true).append(true).open(&self.log);
        file.doing(|| format!("open \"{}\"", self.log.display()))
    }

    /// Writes the throw-away key beside the store, readable by its user only.
    fn key_file(&self) -> Outcome<PathBuf> {
        use std::os::unix::fs::OpenOptionsExt;
        let path = self.store.with_extension("key");
        let writing = || format!("write \"{}\"", path.display());
        if !path.exists() {
            let mut options = std::fs::OpenOptions::new();
            let mut file =
                options.write(true).create_new(true).mode(0o600).open(&path).doing(writing)?;
            writeln!(file, "{}", self.key).doing(writing)?;
            self.account.own(&path)?;
        }
        Ok(path)
    }
}

/// A mounted store.
#[derive(Debug)]
pub(crate) struct Mount {
    kind: EngineKind,
    account: Account,
    dir: PathBuf,
    process: Option<(Child, Option<Listener>)>,
}

impl Mount {
    /// Where files are seen in clear.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// What the file system told so far.
    pub(crate) fn tally(&self) -> Tally {
        let listener = self.process.as_ref().and_then(|(_, listener)| listener.as_ref());
        listener.map(Listener::tally).unwrap_or_default()
    }

    /// Unmounts in order and waits for the file system to end; answers what it told.
    pub(crate) fn unmount(mut self) -> Outcome<Tally> {
        let Some((mut child, listener)) = self.process.take() else { return Ok(Tally::default()) };
        let unmounted = fusermount(&self.account, "-u", &self.dir);
        if let Err(failure) = unmounted {
            self.process = Some((child, listener));
            return Err(failure);
        }
        let mut status = None;
        wait_until("the file system to end", UNMOUNT_LIMIT, || {
            status = child.try_wait().doing(|| "wait for the file system".to_owned())?;
            Ok(status.is_some())
        })?;
        let tally = listener.map(Listener::finish).unwrap_or_default();
        match status {
            Some(status) if status.success() => Ok(tally),
            Some(status) => Err(Failure::new("the file system did not end well")
                .detail(format!("{status}; {}", tally.trouble.join("\n")))),
            None => Ok(tally),
        }
    }

    /// SIGKILL to the file system; the dead mount stays.
    pub(crate) fn kill(&mut self) {
        if let Some((child, _)) = &mut self.process {
            let _ = child.kill();
        }
    }

    /// Takes a dead mount away and answers what its process told before it died.
    pub(crate) fn clear(mut self) -> Outcome<Tally> {
        let Some((mut child, listener)) = self.process.take() else { return Ok(Tally::default()) };
        let _ = child.kill();
        child.wait().doing(|| "wait for the file system".to_owned())?;
        if is_mounted(&self.dir) {
            fusermount(&self.account, "-uz", &self.dir)?;
        }
        Ok(listener.map(Listener::finish).unwrap_or_default())
    }

    fn wait_ready(&mut self) -> Outcome {
        let Some((child, listener)) = &mut self.process else { return Ok(()) };
        let (kind, dir) = (self.kind, &self.dir);
        wait_until("the mount to answer", MOUNT_LIMIT, || {
            let told = listener.as_ref().map(Listener::tally);
            if !signal::child_is_alive(child) {
                let trouble = told.map(|tally| tally.trouble.join("\n")).unwrap_or_default();
                return Err(
                    Failure::new(format!("{} could not mount", kind.name())).detail(trouble)
                );
            }
            Ok(told.is_none_or(|tally| tally.ready) && is_mounted(dir))
        })
    }
}

/// The kernel's limits on unwritten data of a mount, as pgkeep's supervisor sets them as root.
const BDI_LIMITS: &[(&str, &str)] =
    &[("max_ratio", "40"), ("strict_limit", "0"), ("read_ahead_kb", "1024")];

impl Mount {
    /// Does for an unprivileged mount what the supervisor does; without root, nothing.
    fn raise_limits(&self) {
        let tally = self.tally();
        let Some(device) = tally.device.filter(|_| self.kind == EngineKind::Pgkeep) else { return };
        for (name, value) in BDI_LIMITS {
            let _ = std::fs::write(format!("/sys/class/bdi/{device}/{name}"), value);
        }
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.process {
            let _ = child.kill();
            let _ = child.wait();
            let _ = fusermount(&self.account, "-uz", &self.dir);
        }
    }
}

fn fusermount(account: &Account, how: &str, dir: &Path) -> Outcome {
    let program = proc::find("fusermount3")
        .ok_or_else(|| Failure::new("fusermount3 is not installed").hint("`cargo xtask deps`"))?;
    let mut command: Command = account.command(&program);
    proc::capture(command.arg(how).arg(dir)).map(drop)
}

/// Whether something is mounted exactly here, dead or alive.
fn is_mounted(dir: &Path) -> bool {
    mounts_below(dir).iter().any(|mountpoint| mountpoint == dir)
}

/// The mountpoints at or below a folder, innermost first.
pub(super) fn mounts_below(dir: &Path) -> Vec<PathBuf> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let mut found = mountpoints(&table, dir);
    found.sort_by_key(|path| std::cmp::Reverse(path.components().count()));
    found
}

/// Reads the fifth field of each line (proc(5)); only spaces are unescaped.
fn mountpoints(table: &str, dir: &Path) -> Vec<PathBuf> {
    table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(|path| PathBuf::from(path.replace("\\040", " ")))
        .filter(|path| path.starts_with(dir))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{EngineKind, mountpoints};

    #[test]
    fn reads_the_mount_table() {
        let table = "36 35 98:0 / /a/b rw - fuse x rw\n37 35 98:0 / /a/bc rw - ext4 y rw\n";
        assert_eq!(mountpoints(table, Path::new("/a/b")), [PathBuf::from("/a/b")]);
        assert_eq!(mountpoints(table, Path::new("/a")).len(), 2);
    }

    #[test]
    fn names_go_both_ways() {
        for kind in [EngineKind::Plain, EngineKind::Pgkeep, EngineKind::Gocryptfs] {
            assert_eq!(EngineKind::parse(kind.name()).unwrap(), kind);
        }
        assert!(EngineKind::parse("zfs").is_err());
    }
}
