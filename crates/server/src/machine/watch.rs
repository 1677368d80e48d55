//! What is looked at while the server runs: disk space, figures, key, certificate, plain paths.

use std::time::Duration;

use base::Fault;
use jiff::Timestamp;

use super::start::sentence;
use super::{Machine, within};
use crate::ballast;
use crate::database::Database;
use crate::doors::{Doors, KeySource, Mount, MountEvent};
use crate::space::Limits;

/// Every so many ticks the figures of the store are read.
const STATS_EVERY: u64 = 5;
/// Every so many ticks the key and the certificate are looked at.
const KEY_EVERY: u64 = 300;
/// Every so many ticks the settings that may lead out of the mount are looked at.
const POLICE_EVERY: u64 = 600;
/// None of these may hold the machine up for longer.
const WATCH_DEADLINE: Duration = Duration::from_secs(5);
/// Making a server read-only waits for sessions to end.
const READ_ONLY_DEADLINE: Duration = Duration::from_secs(30);
/// `last_validated_at` is written to disk when it is older than this many seconds.
const VALIDATED_WRITE_SECONDS: i64 = 3600;

/// Counters of the watch.
#[derive(Debug, Default)]
pub(super) struct Watch {
    n_ticks: u64,
    ready_since: Option<Timestamp>,
    postponed: Option<MountEvent>,
}

impl Watch {
    pub(super) fn became_ready(&mut self, now: Timestamp) {
        self.ready_since = Some(now);
        self.n_ticks = 0;
    }

    pub(super) fn ready_since(&self) -> Option<Timestamp> {
        self.ready_since
    }

    /// Deaths are expected or known from now on, until the server is Ready again.
    pub(super) fn no_longer_ready(&mut self) -> Option<Timestamp> {
        self.ready_since.take()
    }

    /// The event that was kept for this turn.
    pub(super) fn postponed(&mut self) -> Option<MountEvent> {
        self.postponed.take()
    }

    /// Keeps an event for the next turn.
    pub(super) fn postpone(&mut self, event: MountEvent) {
        self.postponed = Some(event);
    }
}

impl<D: Doors> Machine<D> {
    pub(super) async fn on_tick(&mut self) {
        if !matches!(&self.record, Ok(Some(record)) if record.provisioned) {
            return;
        }
        self.watch_space().await;
        if !self.is_ready() {
            return;
        }
        self.watch.n_ticks += 1;
        let n = self.watch.n_ticks;
        if n % STATS_EVERY == 1 {
            self.read_stats().await;
        }
        if n.is_multiple_of(KEY_EVERY) {
            self.validate_key().await;
            self.renew_if_due().await;
        }
        if n.is_multiple_of(POLICE_EVERY) {
            self.police().await;
            let swap = self.doors.host().swap_warnings();
            self.facts.warn("swap", swap);
        }
    }

    /// Looks at the disk; makes the server read-only or writable, gives the ballast up or back.
    async fn watch_space(&mut self) {
        let space = match self.doors.host().space(&self.layout.dir()) {
            Ok(space) => space,
            Err(fault) => {
                self.facts.warn("space", vec![sentence(&fault)]);
                return;
            }
        };
        let Ok(record) = self.record() else { return };
        let limits = Limits::of(space.size_bytes, record.space_soft_limit_bytes);
        let read_only = record.read_only_since.is_some();
        let has_ballast = ballast::exists(&self.layout.ballast());
        self.facts.space = Some(space);
        self.facts.soft_limit_bytes = Some(limits.soft_bytes);
        let advice = limits.advise(space, read_only, has_ballast);
        let ballast = match advice.ballast {
            Some(true) => ballast::make(&self.layout.ballast(), limits.ballast_bytes),
            Some(false) => {
                tracing::warn!(free_bytes = space.free_bytes, "disk nearly full: ballast given up");
                ballast::remove(&self.layout.ballast())
            }
            None => Ok(()),
        };
        let mut trouble: Vec<String> =
            ballast.err().map(|error| sentence(&Fault::from(error))).into_iter().collect();
        if let Some(on) = advice.read_only
            && self.is_ready()
            && let Err(fault) = self.set_read_only(on).await
        {
            trouble.push(sentence(&fault));
        }
        self.facts.warn("space", trouble);
    }

    async fn set_read_only(&mut self, on: bool) -> Result<(), Fault> {
        let database = self.database.as_ref().expect("because the server is Ready");
        within(READ_ONLY_DEADLINE, "PostgreSQL", database.read_only(on)).await?;
        let now = self.now();
        // A full disk may keep this from being written; memory knows, and a warning says so.
        let _ = self.amend(|record| record.read_only_since = on.then_some(now));
        let reason = if on {
            format!("storage nearly full: read-only since {now:.0}")
        } else {
            format!("storage has room again: writable since {now:.0}")
        };
        tracing::warn!(reason, "disk space");
        self.enter(base::ServerState::Ready, reason);
        Ok(())
    }

    async fn read_stats(&mut self) {
        let Some(mount) = self.mount.as_ref() else { return };
        let stats = tokio::time::timeout(WATCH_DEADLINE, mount.stats()).await;
        self.facts.stats = stats.ok().flatten();
    }

    /// Keeps that the key was just seen to open; on disk only now and then.
    pub(super) fn keep_validated(&mut self) {
        let now = self.now();
        let Ok(Some(record)) = &mut self.record else { return };
        let before = record.data_encryption.last_validated_at;
        if now.as_second() - before.as_second() >= VALIDATED_WRITE_SECONDS {
            let _ = self.amend(|record| record.data_encryption.last_validated_at = now);
        } else {
            record.data_encryption.last_validated_at = now;
        }
    }

    /// Asks the vault again whether the key still opens. A failure is a warning: the key that
    /// the file system holds goes on working, and the owner must hear before the next start.
    /// A key that the owner holds is watched more closely, see `custody`.
    async fn validate_key(&mut self) {
        if self.is_customer_managed() {
            return;
        }
        let Ok(record) = self.record() else { return };
        let wrapped = record.data_encryption.wrapped_key.clone();
        let before = record.data_encryption.last_validated_at;
        let outcome = within(WATCH_DEADLINE, "the vault", self.doors.keys().unwrap(&wrapped)).await;
        match outcome {
            Ok(_key) => {
                self.keep_validated();
                self.facts.warn("key", Vec::new());
            }
            Err(fault) => {
                let said = sentence(&fault);
                let warning = format!(
                    "the data key could not be validated since {before:.0}; \
                     the server would not start again now: {said}"
                );
                self.facts.warn("key", vec![warning]);
            }
        }
    }

    /// Lists what leads out of the mount in clear; each is a standing warning.
    pub(super) async fn police(&mut self) {
        let Some(database) = self.database.as_ref() else { return };
        let found = match within(WATCH_DEADLINE, "PostgreSQL", database.police()).await {
            Ok(found) => found,
            Err(fault) => vec![format!("settings were not checked: {}", sentence(&fault))],
        };
        self.facts.warn("outside", found);
    }
}
