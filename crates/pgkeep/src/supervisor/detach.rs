//! `up --detach`: a supervisor in a session of its own, watched until all is up.

use std::os::unix::fs::OpenOptionsExt as _;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use base::{Changed, Fault};
use serde_json::{Value, json};
use tokio::io::BufReader;
use tokio::process::Command;

use super::{Outcome, Report, UpArgs, run, status_of};
use crate::home::{self, Accounts, Home};
use crate::{process, rpc};

/// Starts the supervisor in the background and waits until it says how it went.
pub(crate) async fn up_detached(
    home: &Home,
    args: &UpArgs,
    on_progress: impl FnMut(&str),
) -> Result<Outcome, Fault> {
    let failed = |e: &std::io::Error| {
        Fault::from_error("spawn", "could not start the supervisor in the background", e)
    };
    // Here, where a person reads: the folder of the log is part of the home.
    let mut on_progress = on_progress;
    let accounts = Accounts::find(true, &mut on_progress)?;
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    home::prepare(home, &accounts)?;
    let log = std::fs::File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(home.log("supervisor"))
        .map_err(|e| failed(&e))?;
    let mut command = Command::new("/proc/self/exe");
    command.arg0("pgkeep").args(["supervisor", "serve", "--home"]).arg(home.root());
    for (flag, port) in [
        ("--port", args.port),
        ("--https-port", args.https_port),
        ("--vault-port", args.vault_port),
        ("--identity-port", args.identity_port),
    ] {
        command.args(port.map(|port| format!("{flag}={port}")));
    }
    if args.no_sample {
        command.arg("--no-sample");
    }
    let mut child = command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::from(log))
        .kill_on_drop(false)
        .spawn()
        .map_err(|e| failed(&e))?;
    let stdout = child.stdout.take().expect("because it is a pipe");
    let mut lines = BufReader::new(stdout);
    let answer = rpc::read_answer(&mut lines, "the supervisor", on_progress).await?;
    if answer["changed"] == json!(Changed::Unchanged) {
        return unchanged(home).await;
    }
    let faults = serde_json::from_value(answer["faults"].clone())
        .map_err(|e| Fault::from_error("up", "the supervisor's answer is not understood", &e))?;
    Ok(Outcome { changed: Changed::Changed, status: answer["status"].clone(), faults })
}

/// The outcome when another supervisor has the home.
pub(crate) async fn unchanged(home: &Home) -> Result<Outcome, Fault> {
    let status = status_of(home).await?;
    Ok(Outcome { changed: Changed::Unchanged, status, faults: Vec::new() })
}

/// The background side: reports on standard output until all is up, then goes on in silence.
pub(crate) async fn serve(home: &Home, args: &UpArgs) -> Result<(), Fault> {
    // A new session has no terminal that could end it.
    rustix::process::setsid()
        .map_err(|e| Fault::from_error("spawn", "could not leave the terminal's session", &e))?;
    process::log_to_stderr();
    let out = Arc::new(Mutex::new(Some(std::io::stdout())));
    let steps = Arc::clone(&out);
    let report = Report::new(move |message| {
        write(&steps, &json!({ "progress": { "message": message } }));
    });
    let beating = async {
        loop {
            tokio::time::sleep(std::time::Duration::from_secs(5)).await;
            write(&out, &json!({ "progress": { "message": "" } }));
        }
    };
    let ready = async |outcome: Outcome| {
        let Outcome { changed, status, faults } = outcome;
        write(&out, &json!({ "ok": { "changed": changed, "status": status, "faults": faults } }));
        close(&out)
    };
    let outcome = tokio::select! {
        outcome = run(home, args, &report, ready) => outcome,
        () = beating => Ok(None),
    };
    match outcome {
        Ok(Some(())) => Ok(()),
        Ok(None) => {
            write(&out, &json!({ "ok": { "changed": Changed::Unchanged } }));
            Ok(())
        }
        Err(fault) => {
            tracing::error!(fault.message, fault.detail, "ended");
            write(&out, &json!({ "error": fault }));
            Err(fault)
        }
    }
}

type Out = Mutex<Option<std::io::Stdout>>;

/// Whoever waited may have gone: that ends nothing.
fn write(out: &Out, message: &Value) {
    use std::io::Write as _;
    let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(stdout) = out.as_mut()
        && writeln!(stdout, "{message}").and_then(|()| stdout.flush()).is_err()
    {
        *out = None;
    }
}

/// Lets go of the pipe, so that whoever reads it to its end is not kept waiting.
fn close(out: &Out) -> Result<(), Fault> {
    *out.lock().unwrap_or_else(PoisonError::into_inner) = None;
    let failed =
        |e: &std::io::Error| Fault::from_error("spawn", "could not let go of the terminal", e);
    let null = std::fs::File::options().write(true).open("/dev/null").map_err(|e| failed(&e))?;
    rustix::stdio::dup2_stdout(null).map_err(|e| failed(&e.into()))
}
