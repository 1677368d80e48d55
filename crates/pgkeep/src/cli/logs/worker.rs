//! `pgkeep logs worker`.

use base::{ExitCode, Fault};
use lake::store::Place;
use tokio::signal::unix::{SignalKind, signal};

use super::super::output;
use crate::objects::LakeSettings;
use crate::process;
use crate::workers::{IdentityFiles, Listener, dialler, incoming};

/// Arguments of `pgkeep logs worker`.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct WorkerCommand {
    /// Where to listen: unix:///path/of/socket or https://host:port
    #[arg(long, value_name = "ADDRESS")]
    listen: String,
    #[command(flatten)]
    identity: IdentityFiles,
    #[command(flatten)]
    tables: LakeSettings,
    /// Memory that all queries together may use, in MiB; larger sorts and groups go to disk
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    memory: usize,
    /// Threads; all cores where absent
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Folder for what does not fit into memory; the system's where absent
    #[arg(long, value_name = "FOLDER")]
    spill_dir: Option<std::path::PathBuf>,
}

pub(super) fn run(command: &WorkerCommand) -> Result<ExitCode, Fault> {
    process::private();
    process::log_to_stderr();
    let identity = command.identity.identity()?;
    let place = command.tables.place()?;
    let place = place.as_ref().map(|place| place as &dyn Place);
    let listener = Listener::bind(&command.listen, identity.as_ref())?;
    let mut limits = lake::Limits {
        memory_bytes: command.memory.saturating_mul(1 << 20),
        spill_dir: command.spill_dir.clone(),
        ..lake::Limits::default()
    };
    if let Some(threads) = command.threads {
        limits.threads = threads;
    }
    output::say(&format!("Listening on {}; end with Ctrl-C", command.listen));
    let dial = dialler(identity.as_ref());
    lake::beyond::serve(&limits, place, dial, || incoming(&listener), stopped())
        .map_err(|e| Fault::from_error("worker", "the worker ended", &e))?;
    Ok(ExitCode::Ok)
}

/// Until somebody interrupts or terminates the process.
async fn stopped() {
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        (Err(error), _) | (_, Err(error)) => {
            tracing::warn!(%error, "signals end this process at once");
            std::future::pending().await
        }
    }
}
