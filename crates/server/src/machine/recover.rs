//! What happens when something dies: the file system's process, PostgreSQL, or a backing file.

use base::{Fault, ServerState};
use cryptfs::Event as StoreEvent;
use tokio::time::Instant;

use super::start::{Failure, sentence};
use super::{Machine, silent};
use crate::database::StopMode;
use crate::doors::{Doors, Mount, MountEvent};
use crate::history::Event;
use crate::policy::Verdict;
use crate::status::{Recovery, Tamper};

/// What may be kept over a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    /// The mount works; only PostgreSQL starts again.
    Mount,
    /// The mount goes as well.
    Nothing,
}

impl<D: Doors> Machine<D> {
    pub(super) async fn on_mount_event(&mut self, event: MountEvent) {
        match event {
            MountEvent::Died(how) => {
                let cause = format!("the file system process ended ({how})");
                self.recover(cause, Keep::Nothing).await;
            }
            MountEvent::Reported(StoreEvent::Poisoned { file, reason }) => {
                let cause = format!("writing the backing file of \"{file}\" failed ({reason})");
                self.note(Event::Poisoned { file, reason });
                self.recover(cause, Keep::Nothing).await;
            }
            MountEvent::Reported(StoreEvent::Tamper { file, unit, reason }) => {
                let tamper = Tamper { found_at: self.now(), file, unit, reason };
                tracing::error!(file = tamper.file, unit, reason = tamper.reason, "tamper found");
                if self.facts.add_tamper(tamper.clone()) {
                    self.note(Event::Tamper(tamper));
                }
            }
            MountEvent::Reported(StoreEvent::Recovered {
                n_groups,
                n_accepted,
                files,
                duration_ms,
            }) => {
                let recovered_at = self.now();
                let recovery = Recovery { recovered_at, n_groups, n_accepted, files, duration_ms };
                tracing::warn!(n_groups, n_accepted, "storage recovered after an unclean stop");
                self.facts.last_recovery = Some(recovery.clone());
                self.note(Event::Recovery(recovery));
            }
            MountEvent::Reported(StoreEvent::Ready { device, .. }) => {
                self.facts.device = Some(device);
            }
        }
    }

    pub(super) async fn on_postgres_death(&mut self, how: String) {
        let mount_works = self.mount.as_mut().is_some_and(Mount::is_alive);
        let keep = if mount_works { Keep::Mount } else { Keep::Nothing };
        self.recover(format!("PostgreSQL ended ({how})"), keep).await;
    }

    /// Clears away what died and starts again, at once or after a pause.
    async fn recover(&mut self, cause: String, keep: Keep) {
        let now = self.now();
        let ready_since = self.watch.no_longer_ready().unwrap_or(now);
        tracing::error!(cause, "restarting the server");
        self.enter(ServerState::Restarting, cause.clone());
        self.facts.restarts.n_restarts += 1;
        self.facts.restarts.last_at = Some(now);
        self.facts.restarts.last_cause = Some(cause.clone());
        let cleared = match keep {
            Keep::Mount => {
                let alarm = self.alarm();
                let progress = silent();
                tokio::select! {
                    biased;
                    outcome = self.stop_database(StopMode::Immediate, &progress) => outcome,
                    // The start below takes everything down.
                    failure = alarm => Err(self.inaccessible(&failure).fault),
                }
            }
            Keep::Nothing => self.take_down(StopMode::Immediate, &silent()).await,
        };
        if let Err(fault) = cleared {
            tracing::error!(%fault, detail = fault.detail, "could not clear up");
            self.facts.warn("leftovers", vec![sentence(&fault)]);
        }
        self.retry_cause = cause;
        match self.policy.died(ready_since, now) {
            Verdict::Retry(pause) if pause.is_zero() => self.retry().await,
            verdict => self.obey(verdict, None).await,
        }
    }

    /// One more start after a failure.
    pub(super) async fn retry(&mut self) {
        self.retry_at = None;
        if self.lose_again().await {
            return;
        }
        let cause = self.retry_cause.clone();
        match self.state.state {
            ServerState::Restarting => self.publish(),
            ServerState::Inaccessible if self.is_customer_managed() => {
                self.enter(ServerState::Starting, cause.clone());
            }
            _ => {}
        }
        let before = self.facts.last_recovery.clone();
        match self.bring_up(&silent()).await {
            Ok(()) => {
                self.drain_mount_events().await;
                let reason = self.success_reason(&cause, before.as_ref());
                self.enter(ServerState::Ready, reason);
            }
            Err(failure) if failure.fault.code == "interrupted" => self.settle_failure(&failure),
            Err(failure) if failure.inaccessible => self.settle_failure(&failure),
            Err(failure) => {
                let verdict = self.policy.start_failed(self.now());
                self.obey(verdict, Some(&failure)).await;
            }
        }
    }

    async fn obey(&mut self, verdict: Verdict, failure: Option<&Failure>) {
        let cause = self.retry_cause.clone();
        let last = failure.map_or_else(String::new, |f| format!("; then {}", sentence(&f.fault)));
        match verdict {
            Verdict::Retry(pause) => {
                let seconds = pause.as_secs();
                let reason = format!("{cause}{last}; next try in {seconds} s");
                self.enter(ServerState::Restarting, reason);
                self.retry_at = Some(Instant::now() + pause);
            }
            Verdict::GiveUp(n) => {
                if let Err(fault) = self.take_down(StopMode::Immediate, &silent()).await {
                    self.facts.warn("leftovers", vec![sentence(&fault)]);
                }
                let reason = format!("{cause}{last}; {n} failures within 10 minutes, given up");
                self.enter(ServerState::Stopped, reason);
            }
        }
    }

    /// What the mount reported while it came up, so that the reason can tell of it.
    pub(super) async fn drain_mount_events(&mut self) {
        while let Some(mount) = self.mount.as_mut() {
            let next = tokio::time::timeout(std::time::Duration::ZERO, mount.next_event()).await;
            match next {
                Ok(MountEvent::Reported(
                    event @ (StoreEvent::Recovered { .. }
                    | StoreEvent::Tamper { .. }
                    | StoreEvent::Ready { .. }),
                )) => Box::pin(self.on_mount_event(MountEvent::Reported(event))).await,
                Ok(other) => {
                    // Deaths and poison start a recovery of their own, after this one has ended.
                    self.watch.postpone(other);
                    return;
                }
                Err(_) => return,
            }
        }
    }

    fn success_reason(&self, cause: &str, before: Option<&Recovery>) -> String {
        let now = self.now();
        let mut reason = format!("restarted at {now:.0}: {cause}");
        match &self.facts.last_recovery {
            Some(recovery) if Some(recovery) != before => {
                let (groups, units) = (recovery.n_groups, recovery.n_accepted);
                reason.push_str(&format!(
                    "; storage recovered, {groups} open groups read, {units} units accepted"
                ));
            }
            _ => {}
        }
        reason
    }

    pub(super) fn refuse_while_unstable(&self) -> Result<(), Fault> {
        if self.is_ready() {
            return Ok(());
        }
        let record = self.record()?;
        let message = format!("server \"{}\" is {}", record.name, self.state.state);
        let fault = Fault::new("not_ready", message).exit(base::ExitCode::Conflict);
        let hint = format!("start it: pgkeep server start -n {}", record.name);
        Err(match self.state.reason.as_str() {
            "" => fault.hint(hint),
            reason => fault.detail(reason).hint(hint),
        })
    }
}
