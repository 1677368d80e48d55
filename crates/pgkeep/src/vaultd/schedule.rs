//! The thread that does what comes due: rotations, purges, records of keys about to expire.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use base::{Changed, Fault};
use tokio::sync::Notify;
use vault::{DueReport, State, Vault};

/// How often it is looked at what is due.
const PERIOD: Duration = Duration::from_secs(5);

/// The running thread; ends when dropped, after the run it is in.
#[derive(Debug)]
pub(super) struct Schedule {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Schedule {
    /// Starts the thread. `restart` is told once only a restart helps the vault.
    pub(super) fn start(vault: Vault, restart: Arc<Notify>) -> Result<Self, Fault> {
        let (stop, stopped) = channel();
        let thread = std::thread::Builder::new()
            .name("vault-schedule".to_owned())
            .spawn(move || run(&vault, &restart, &stopped))
            .map_err(|e| Fault::from_error("thread", "could not start the scheduler", &e))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It catches its own panics.
            let _ = thread.join();
        }
    }
}

fn run(vault: &Vault, restart: &Notify, stopped: &Receiver<()>) {
    let vaults = vault.key_vaults();
    let mut said = Vec::new();
    let mut missing = String::new();
    while matches!(stopped.recv_timeout(PERIOD), Err(RecvTimeoutError::Timeout)) {
        // A panic is in the log already; what is due stays due.
        let ran = std::panic::catch_unwind(AssertUnwindSafe(|| vaults.run_due()));
        if let Ok(report) = ran {
            tell(&report, &mut said);
        }
        if vault.status().0 == State::Sealed {
            try_again(vault, &mut missing);
        }
        // A restart that needs a person would only make things worse.
        if vault.needs_restart() && vault.seal_status().opens_itself {
            restart.notify_one();
        }
    }
}

/// Unseals once a token is back; says why not when the reason is another than before.
fn try_again(vault: &Vault, said: &mut String) {
    match std::panic::catch_unwind(AssertUnwindSafe(|| vault.try_again())) {
        Ok(Ok(Changed::Changed)) => {
            said.clear();
            tracing::info!("the key of the seal can be used again: the vault is unsealed");
        }
        Ok(Err(_)) if vault.status().1 != *said => {
            vault.status().1.clone_into(said);
            tracing::warn!(reason = said, "the vault stays sealed; it is tried again");
        }
        // Nothing to try, the same as before, or a panic that is in the log already.
        _ => {}
    }
}

/// Logs what was done, and what failed unless it failed just so the last time.
fn tell(report: &DueReport, said: &mut Vec<String>) {
    let DueReport { n_rotated, n_purged, n_noted, token_key_rotated, failures } = report;
    if n_rotated + n_purged + n_noted > 0 || *token_key_rotated {
        tracing::info!(n_rotated, n_purged, n_noted, token_key_rotated, "did what was due");
    }
    for failure in failures.iter().filter(|failure| !said.contains(failure)) {
        tracing::warn!(failure, "could not do what is due; it is tried again");
    }
    said.clone_from(failures);
}
