//! `pgkeep fs mount`: starts `pgkeep fs serve` in the background and waits until it answers.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use base::{ExitCode, Fault};
use serde_json::Value;

use super::key;
use super::serve::ServeOptions;
use crate::cli::output::say;

/// Recovery after a crash reads everything that was being written.
const READY_WITHIN: Duration = Duration::from_secs(600);
/// No event is longer.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Arguments of `pgkeep fs mount`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct MountArgs {
    /// File with the key: 64 hexadecimal digits
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// Folder that holds the ciphertext; made on first use
    backing: PathBuf,
    /// Where to mount: an existing folder
    mountpoint: PathBuf,
    #[command(flatten)]
    options: ServeOptions,
}

/// Returns when the mount answers.
pub(super) fn run(args: &MountArgs) -> Result<ExitCode, Fault> {
    let key = key::from_file(&args.key_file)?;
    let mut daemon = start(args)?;
    let mut input = daemon.stdin.take().expect("because it is piped");
    let output = daemon.stdout.take().expect("because it is piped");
    // A daemon that has ended already says why on its output.
    let handed_over = writeln!(input, "{}", key.to_hex().expose());
    drop((input, key));
    let outcome = wait(&listen(output)?);
    match outcome {
        Ok(()) => Ok(ExitCode::Ok),
        Err(End::Failed(fault)) => {
            reap(&mut daemon);
            Err(*fault)
        }
        Err(End::Silent) => {
            reap(&mut daemon);
            let fault = Fault::new("no_answer", "the file system ended without saying why");
            Err(match handed_over {
                Err(error) => fault.detail(format!("the key could not be handed over: {error}")),
                Ok(()) => fault,
            })
        }
        Err(End::Late) => {
            let message = format!("the mount was not ready within {} s", READY_WITHIN.as_secs());
            Err(Fault::new("timeout", message)
                .detail(format!("Process {} goes on recovering the store.", daemon.id()))
                .exit(ExitCode::Timeout))
        }
    }
}

fn start(args: &MountArgs) -> Result<Child, Fault> {
    let absolute = |path: &Path| {
        std::path::absolute(path).map_err(|error| {
            Fault::from_error("path", format!("cannot use {}", path.display()), &error)
        })
    };
    let mut command = Command::new("/proc/self/exe");
    command.args(["fs", "serve", "--own-session"]);
    command.args(words(&args.options)?);
    command.arg("--").arg(absolute(&args.backing)?).arg(absolute(&args.mountpoint)?);
    command
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| Fault::from_error("start", "could not start the file system", &error))
}

/// The options as words for `fs serve`.
fn words(options: &ServeOptions) -> Result<Vec<OsString>, Fault> {
    let ServeOptions { threads, clean_after, read_only, event_log, allow_other } = options;
    let mut words: Vec<OsString> = Vec::new();
    if let Some(n) = threads {
        words.extend(["--threads".into(), n.to_string().into()]);
    }
    if let Some(seconds) = clean_after {
        words.extend(["--clean-after".into(), seconds.to_string().into()]);
    }
    if let Some(path) = event_log {
        let path = std::path::absolute(path)
            .map_err(|error| Fault::from_error("path", "cannot use the event log", &error))?;
        words.extend(["--event-log".into(), path.into()]);
    }
    let switches = [(*read_only, "--read-only"), (*allow_other, "--allow-other")];
    words.extend(switches.iter().filter(|(on, _)| *on).map(|(_, word)| OsString::from(word)));
    Ok(words)
}

enum End {
    Failed(Box<Fault>),
    Silent,
    Late,
}

/// Reads events on a thread, so that waiting for them can have a deadline.
fn listen(output: impl Read + Send + 'static) -> Result<Receiver<Value>, Fault> {
    let (sender, receiver) = sync_channel(16);
    let read = move || {
        let mut output = BufReader::new(output);
        let mut line = String::new();
        while matches!(output.by_ref().take(MAX_LINE_BYTES).read_line(&mut line), Ok(n) if n > 0) {
            if let Ok(event) = serde_json::from_str(&line)
                && sender.send(event).is_err()
            {
                return;
            }
            line.clear();
        }
    };
    std::thread::Builder::new()
        .name("events".to_owned())
        .spawn(read)
        .map_err(|error| Fault::from_error("start", "could not start a thread", &error))?;
    Ok(receiver)
}

/// Waits for the ready event; passes the others on to the person.
fn wait(events: &Receiver<Value>) -> Result<(), End> {
    let until = Instant::now() + READY_WITHIN;
    loop {
        let event = match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(event) => event,
            Err(RecvTimeoutError::Timeout) => return Err(End::Late),
            Err(RecvTimeoutError::Disconnected) => return Err(End::Silent),
        };
        match event["event"].as_str() {
            Some("ready") => return Ok(()),
            Some("failed") => return Err(End::Failed(Box::new(fault_of(&event)))),
            _ => say(&event.to_string()),
        }
    }
}

fn fault_of(event: &Value) -> Fault {
    let text = |name: &str| event[name].as_str().map(str::to_owned);
    let code = text("code").unwrap_or_else(|| "io".to_owned());
    let mut fault = Fault::new(&code, text("message").unwrap_or_default());
    fault.detail = text("detail");
    fault.hint = text("hint");
    fault.exit = match code.as_str() {
        "in_use" | "mounted" => ExitCode::Conflict,
        "not_found" => ExitCode::NotFound,
        _ => ExitCode::Error,
    };
    fault
}

/// Takes the exit status of a daemon that said it failed.
fn reap(daemon: &mut Child) {
    if let Err(error) = daemon.wait() {
        tracing::warn!(%error, "could not wait for the file system");
    }
}
