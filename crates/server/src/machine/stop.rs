//! From Ready to nothing: PostgreSQL, mount, file system, proof. The reverse of the start.

use std::time::Duration;

use base::{Fault, ServerState};

use super::Machine;
use super::start::TAKE_DOWN_DEADLINE;
use crate::database::{Database, StopMode};
use crate::doors::{Doors, Mount, Mounter, Progress};

/// Sessions get so long to end before PostgreSQL is stopped at once.
const FAST_DEADLINE: Duration = Duration::from_secs(300);
/// PostgreSQL has so long to end at once.
const IMMEDIATE_DEADLINE: Duration = Duration::from_secs(30);

impl<D: Doors> Machine<D> {
    /// Stops and enters Stopped with `reason`.
    pub(super) async fn stop(&mut self, reason: &str, progress: &Progress) -> Result<(), Fault> {
        self.retry_at = None;
        self.policy.reset();
        if self.database_up || self.mount.is_some() {
            self.enter(ServerState::Stopping, reason);
        }
        match self.take_down(StopMode::Fast, progress).await {
            Ok(()) => {
                self.enter(ServerState::Stopped, reason);
                Ok(())
            }
            Err(fault) => {
                let said = super::start::sentence(&fault);
                self.enter(ServerState::Stopped, format!("not stopped completely: {said}"));
                Err(fault)
            }
        }
    }

    /// Stops for the end of the agent; the record keeps what is wanted.
    pub(super) async fn shut_down(&mut self, progress: &Progress) {
        if let Err(fault) = self.stop("the agent is ending", progress).await {
            tracing::error!(%fault, detail = fault.detail, "could not stop in order");
        }
    }

    /// Takes down whatever is up and proves that it is gone. Goes as far as it can: a failure
    /// of one step does not leave the next one undone.
    pub(super) async fn take_down(
        &mut self,
        mode: StopMode,
        progress: &Progress,
    ) -> Result<(), Fault> {
        let _ = self.watch.no_longer_ready();
        let stopped = self.stop_database(mode, progress).await;
        let unmounted = self.unmount(progress).await;
        stopped.and(unmounted)
    }

    pub(super) async fn stop_database(
        &mut self,
        mode: StopMode,
        progress: &Progress,
    ) -> Result<(), Fault> {
        let Some(database) = self.database.as_ref() else { return Ok(()) };
        if !self.database_up {
            return Ok(());
        }
        progress("stopping PostgreSQL");
        let gentle = match mode {
            StopMode::Fast => database.stop(StopMode::Fast, FAST_DEADLINE).await,
            StopMode::Immediate => Err(Fault::new("immediate", "an immediate stop is wanted")),
        };
        let outcome = match gentle {
            Ok(()) => Ok(()),
            Err(fault) => {
                if mode == StopMode::Fast {
                    tracing::warn!(%fault, detail = fault.detail, "stopping PostgreSQL at once");
                }
                database.stop(StopMode::Immediate, IMMEDIATE_DEADLINE).await
            }
        };
        if outcome.is_ok() {
            self.database_up = false;
        }
        outcome
    }

    async fn unmount(&mut self, progress: &Progress) -> Result<(), Fault> {
        if let Some(mount) = self.mount.as_mut() {
            progress("unmounting the encrypted storage");
            let clean = if mount.is_alive() {
                mount.unmount(TAKE_DOWN_DEADLINE).await
            } else {
                Err(Fault::new("mount_dead", "the file system process has ended"))
            };
            if let Err(fault) = clean {
                tracing::warn!(%fault, detail = fault.detail, "the mount is taken away by force");
                mount.kill().await?;
            }
        }
        self.prove_unmounted()?;
        self.mount = None;
        Ok(())
    }

    /// The proof of a stop: nothing is mounted and the data directory cannot be reached.
    fn prove_unmounted(&self) -> Result<(), Fault> {
        let still = |detail: String| {
            Err(Fault::new("still_mounted", "the encrypted storage is still mounted")
                .detail(detail)
                .hint("end the programs that use it, then stop the server again"))
        };
        if self.doors.mounter().is_mounted(&self.layout)? {
            return still(format!("at \"{}\"", self.layout.mountpoint().display()));
        }
        let pgdata = self.layout.pgdata();
        if pgdata.symlink_metadata().is_ok() {
            return still(format!("\"{}\" can be reached", pgdata.display()));
        }
        Ok(())
    }
}
