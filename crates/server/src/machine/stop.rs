//! From Ready to nothing: PostgreSQL, mount, file system, proof. The reverse of the start.

use std::time::Duration;

use base::{Fault, ServerState};

use super::start::TAKE_DOWN_DEADLINE;
use super::{Machine, within};
use crate::database::{Database, StopMode};
use crate::doors::{Doors, Mount, Mounter, Progress};

/// Sessions get so long to end before PostgreSQL is stopped at once.
const FAST_DEADLINE: Duration = Duration::from_secs(300);
/// PostgreSQL has so long to end at once.
const IMMEDIATE_DEADLINE: Duration = Duration::from_secs(30);

/// How PostgreSQL is ended when the key is lost. The fast stop ends the sessions at once; what
/// the time bounds is the checkpoint after it.
const LOSS_STEPS: [(StopMode, Duration); 3] = [
    (StopMode::Fast, Duration::from_secs(1)),
    (StopMode::Immediate, Duration::from_secs(2)),
    (StopMode::Kill, Duration::from_secs(5)),
];
/// So much longer may the door take than the limit that it was given.
const LOSS_SLACK: Duration = Duration::from_millis(250);
/// So long may the store take to close when the key is lost.
const LOSS_UNMOUNT: Duration = Duration::from_secs(2);
/// A killed file system process and its mount are gone within this time.
const LOSS_KILL: Duration = Duration::from_secs(40);

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
        self.drop_errand(&Fault::new("interrupted", "the agent is ending"));
        if self.state.state == ServerState::Inaccessible && !self.is_up() {
            return;
        }
        if let Err(fault) = self.stop("the agent is ending", progress).await {
            tracing::error!(%fault, detail = fault.detail, "could not stop in order");
        }
    }

    /// Takes down whatever is up and proves that it is gone. Goes as far as it can: a failure
    /// of one step does not leave the next one undone. When the key is lost meanwhile, patience
    /// ends.
    pub(super) async fn take_down(
        &mut self,
        mode: StopMode,
        progress: &Progress,
    ) -> Result<(), Fault> {
        let alarm = self.alarm();
        let calm = tokio::select! {
            biased;
            outcome = self.take_down_calmly(mode, progress) => Some(outcome),
            _ = alarm => None,
        };
        match calm {
            Some(outcome) => outcome,
            None => self.take_down_at_once().await,
        }
    }

    async fn take_down_calmly(&mut self, mode: StopMode, progress: &Progress) -> Result<(), Fault> {
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
            StopMode::Immediate | StopMode::Kill => {
                Err(Fault::new("immediate", "an immediate stop is wanted"))
            }
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

    /// Takes everything down because the key is lost: politely for a moment, then by force.
    /// PostgreSQL recovers from WAL at the next start, the store as after any kill.
    pub(super) async fn take_down_at_once(&mut self) -> Result<(), Fault> {
        let _ = self.watch.no_longer_ready();
        let ended = self.end_database_at_once().await;
        let unmounted = self.unmount_at_once(ended.is_ok()).await;
        ended.and(unmounted)
    }

    async fn end_database_at_once(&mut self) -> Result<(), Fault> {
        let Some(database) = self.database.as_ref().filter(|_| self.database_up) else {
            return Ok(());
        };
        let mut outcome = Ok(());
        for (mode, limit) in LOSS_STEPS {
            outcome = within(limit + LOSS_SLACK, "PostgreSQL", database.stop(mode, limit)).await;
            match &outcome {
                Ok(()) => break,
                Err(fault) => tracing::warn!(?mode, %fault, "PostgreSQL has not ended yet"),
            }
        }
        if outcome.is_ok() {
            self.database_up = false;
        }
        outcome
    }

    /// `free`: nobody uses the mount any more.
    async fn unmount_at_once(&mut self, free: bool) -> Result<(), Fault> {
        if let Some(mount) = self.mount.as_mut() {
            let clean = free
                && mount.is_alive()
                && within(LOSS_UNMOUNT, "the storage", mount.unmount(LOSS_UNMOUNT)).await.is_ok();
            if !clean {
                within(LOSS_KILL, "the file system process", mount.kill()).await?;
            }
        }
        self.prove_unmounted()?;
        self.mount = None;
        Ok(())
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
