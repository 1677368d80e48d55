//! What every long-running process of ours does first, and how it learns that it shall end.

use base::Fault;
use rustix::mm::MlockAllFlags;
use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

use crate::otlp::BoxedLayer;

/// Names the supervisor's pid for its children, so that one that was orphaned at birth notices.
pub(crate) const SUPERVISOR_VAR: &str = "PGKEEP_SUPERVISOR";
/// Chooses what is logged, for example `debug` or `pgkeep=trace`.
const LOG_VAR: &str = "PGKEEP_LOG";

/// Prepares a process that may hold keys: no core dumps, no attaching, files for its user only,
/// JSON lines on standard error; ends with its supervisor.
pub(crate) fn harden(export: Option<BoxedLayer>) -> Result<(), Fault> {
    private();
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let failed =
        |e: rustix::io::Errno| Fault::from_error("harden", "could not switch core dumps off", &e);
    rustix::process::setrlimit(Resource::Core, none).map_err(failed)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(failed)?;
    log(export);
    end_with_supervisor()
}

/// Files that this process makes are for its user only.
pub(crate) fn private() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
}

/// JSON lines on standard error; a panic too is one line and not a screenful.
pub(crate) fn log_to_stderr() {
    log(None);
}

fn log(export: Option<BoxedLayer>) {
    let filter = EnvFilter::try_from_env(LOG_VAR).unwrap_or_else(|_| EnvFilter::new("info"));
    // Fails only when a subscriber is there already, which does as well.
    let lines = tracing_subscriber::fmt::layer()
        .json()
        // A line says by itself what it is about; spans are for the export.
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(std::io::stderr);
    let _ = Registry::default().with(export).with(filter).with(lines).try_init();
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        // The payload may quote values: only where it happened is safe to write down.
        tracing::error!(place, "a thread panicked");
    }));
}

fn end_with_supervisor() -> Result<(), Fault> {
    let Some(expected) = std::env::var(SUPERVISOR_VAR).ok().and_then(|pid| pid.parse().ok()) else {
        return Ok(());
    };
    rustix::process::set_parent_process_death_signal(Some(Signal::TERM))
        .map_err(|e| Fault::from_error("harden", "could not bind to the supervisor", &e))?;
    let parent = rustix::process::getppid().map(rustix::process::Pid::as_raw_pid);
    if parent == Some(expected) {
        Ok(())
    } else {
        Err(Fault::new("orphaned", "the supervisor ended before this process began"))
    }
}

/// Does work that waits for the disk, where that holds up nobody else.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Fault::from_error("internal", "work failed where it must not", &e))
}

/// Waits for SIGTERM or SIGINT.
pub(crate) async fn told_to_end() -> Result<(), Fault> {
    let failed =
        |e: std::io::Error| Fault::from_error("signal", "could not listen for signals", &e);
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Raises the descriptor and locked-memory limits as far as allowed, for this process and its
/// children. Root may exceed the hard limits, others may not; what is refused stays as it was.
pub(crate) fn raise_limits() {
    const DESCRIPTORS: u64 = 1 << 20;
    for (resource, wanted) in [(Resource::Nofile, Some(DESCRIPTORS)), (Resource::Memlock, None)] {
        let now = rustix::process::getrlimit(resource);
        let least = |limit: Option<u64>| limit.unwrap_or(u64::MAX) >= wanted.unwrap_or(u64::MAX);
        if least(now.current) {
            continue;
        }
        let hard = if least(now.maximum) { now.maximum } else { wanted };
        let raised = Rlimit { current: wanted, maximum: hard };
        let to_hard = Rlimit { current: now.maximum, maximum: now.maximum };
        // Both are wishes; the doctor says what is too low.
        let _ = rustix::process::setrlimit(resource, raised)
            .or_else(|_| rustix::process::setrlimit(resource, to_hard));
    }
}

/// Gives way to others on a busy machine: what this process does can wait, what PostgreSQL does
/// cannot. Answers what the kernel refused.
///
/// Where the kernel divides cores among sessions first (sched(7), "The autogroup feature"), a
/// process counts within its session only: so this one gets a session of its own, which gives way
/// as a whole. To be called before there are other threads, which inherit the priority, and before
/// [`harden`], which closes the files of `/proc/self` to other users than root.
pub(crate) fn give_way() -> Option<String> {
    const NICE: i32 = 10;
    let session = rustix::process::setsid().map_err(std::io::Error::from);
    let session = session.and_then(|_| session_gives_way());
    let process = rustix::process::nice(NICE).map_err(std::io::Error::from);
    let failed = session.err().map(|e| format!("of its session: {e}"));
    failed.into_iter().chain(process.err().map(|e| e.to_string())).reduce(|a, b| a + "; " + &b)
}

/// Gives way with what the calling thread does, also to others of its process.
pub(crate) fn thread_gives_way() {
    const NICE: i32 = 19;
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::debug!(%error, "the priority of a thread stays as it is");
    }
}

fn session_gives_way() -> std::io::Result<()> {
    const NICE: &str = "5";
    const FILE: &str = "/proc/self/autogroup";
    // The kernel takes ten changes a second from all users together.
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(50);
    for _ in 0..10 {
        match std::fs::write(FILE, NICE) {
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => std::thread::sleep(PAUSE),
            // A kernel without it divides cores among processes.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            done => return done,
        }
    }
    Err(std::io::ErrorKind::WouldBlock.into())
}

/// Keeps all memory of this process out of swap, where nothing limits that: under a limit later
/// allocations would fail.
pub(crate) fn lock_memory() {
    if rustix::process::getrlimit(Resource::Memlock).current.is_some() {
        return;
    }
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    if let Err(error) = rustix::mm::mlockall(flags) {
        tracing::warn!(%error, "memory is not locked: keys could reach swap");
    }
}
