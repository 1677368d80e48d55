//! From nothing to Ready: key, mount, certificate, PostgreSQL, proof. Each step fails closed.

use std::time::Duration;

use base::{Fault, ServerState};

use super::{Machine, within};
use crate::ballast;
use crate::custody;
use crate::database::{Database, StopMode};
use crate::doors::{Doors, KeySource, Mount, Mounter, Progress};
use crate::space::Limits;

/// The vault answers within this time or counts as not answering.
pub(super) const KEY_DEADLINE: Duration = Duration::from_secs(30);
/// How long a start under way may take to be taken back.
pub(super) const TAKE_DOWN_DEADLINE: Duration = Duration::from_secs(600);
/// How often the key of an inaccessible server is tried.
pub(super) const KEY_RETRY: Duration = Duration::from_secs(10);

/// A start that did not reach Ready.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) fault: Fault,
    /// True when the key is what is missing.
    pub(super) inaccessible: bool,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self { fault, inaccessible: false }
    }
}

impl<D: Doors> Machine<D> {
    /// Starts and enters the state that came of it: Ready, Stopped or Inaccessible.
    pub(super) async fn start_and_settle(&mut self, progress: &Progress) -> Result<(), Fault> {
        self.retry_at = None;
        match self.bring_up(progress).await {
            Ok(()) => {
                self.enter(ServerState::Ready, "");
                Ok(())
            }
            Err(failure) => {
                self.settle_failure(&failure);
                Err(failure.fault)
            }
        }
    }

    /// Enters the state that a failed start ends in.
    pub(super) fn settle_failure(&mut self, failure: &Failure) {
        let reason = sentence(&failure.fault);
        if failure.inaccessible {
            self.enter(ServerState::Inaccessible, reason);
            if !self.is_customer_managed() {
                "the key came back".clone_into(&mut self.retry_cause);
                self.retry_at = Some(tokio::time::Instant::now() + KEY_RETRY);
            }
        } else {
            self.enter(ServerState::Stopped, reason);
        }
    }

    /// Brings everything up that is not up; takes everything down again when a step fails or a
    /// stop is asked for meanwhile.
    pub(super) async fn bring_up(&mut self, progress: &Progress) -> Result<(), Failure> {
        let mut stops = self.stops.subscribe();
        let mut outcome = tokio::select! {
            biased;
            outcome = self.key_ready() => outcome,
            _ = stops.wait_for(|n| *n > 0) => Err(interrupted()),
        };
        if outcome.is_ok() {
            let alarm = self.custody.alarm();
            outcome = tokio::select! {
                biased;
                outcome = self.steps(progress) => outcome,
                _ = stops.wait_for(|n| *n > 0) => Err(interrupted()),
                failure = alarm => Err(self.inaccessible(&failure)),
            };
        }
        if let Err(failure) = &outcome {
            tracing::warn!(fault = %failure.fault, detail = failure.fault.detail, "start failed");
            if let Err(fault) = self.take_down(StopMode::Immediate, progress).await {
                tracing::error!(%fault, detail = fault.detail, "could not clear up");
                self.facts.warn("leftovers", vec![sentence(&fault)]);
            }
        }
        outcome
    }

    async fn steps(&mut self, progress: &Progress) -> Result<(), Failure> {
        if self.mount.is_none() {
            self.clear_leftovers(progress).await;
            self.mount_storage(progress).await?;
        }
        let record = self.record()?.clone();
        if self.database.is_none() {
            self.database = Some(self.doors.database(&record).await?);
        }
        self.ensure_certificate(progress).await?;
        progress("starting PostgreSQL");
        self.database_up = true;
        let database = self.database.as_ref().expect("because it was just made");
        database.start(progress).await?;
        progress("checking TLS from outside");
        self.prove_tls().await?;
        self.refresh_settings().await?;
        self.police().await;
        self.watch.became_ready(self.doors.clock().now());
        Ok(())
    }

    /// Unwraps the key and mounts.
    async fn mount_storage(&mut self, progress: &Progress) -> Result<(), Failure> {
        self.check_backing()?;
        self.make_room()?;
        progress("unwrapping the data key");
        let key = self.data_key().await?;
        let now = self.now();
        // The time of the proof is worth keeping, but not worth failing for.
        let _ = self.amend(|record| record.data_encryption.last_validated_at = now);
        self.facts.warn("key-memory", unlocked_warning(&key));
        progress("mounting the encrypted storage");
        let mounted = self.doors.mounter().mount(&self.layout, key, progress).await;
        self.judge_wrapping(mounted.as_ref().err());
        let mount =
            mounted.map_err(|fault| Failure { inaccessible: fault.code == "wrong_key", fault })?;
        self.facts.device = Some(mount.device());
        self.mount = Some(mount);
        Ok(())
    }

    /// Unwraps the data key, wherever the key for it lies.
    pub(super) async fn data_key(&self) -> Result<crypto::DataKey, Failure> {
        let encryption = &self.record()?.data_encryption;
        match encryption.wrapping().zip(encryption.customer.as_ref()) {
            Some((wrapping, customer)) => {
                custody::unwrap(&*self.doors, &wrapping, &customer.policy)
                    .await
                    .map_err(|failure| self.inaccessible(&failure))
            }
            None => {
                let wrapped = &encryption.wrapped_key;
                within(KEY_DEADLINE, "the vault", self.doors.keys().unwrap(wrapped))
                    .await
                    .map_err(|fault| Failure { fault: key_fault(fault), inaccessible: true })
            }
        }
    }

    /// A missing or empty folder is damage; a fresh store there would hide that data is gone.
    fn check_backing(&self) -> Result<(), Fault> {
        let backing = self.layout.backing();
        let what = match std::fs::read_dir(&backing).map(|mut entries| entries.next().is_none()) {
            Ok(false) => return Ok(()),
            Ok(true) => "is empty".to_owned(),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => "is missing".to_owned(),
            Err(e) => format!("cannot be read: {e}"),
        };
        let message = format!("the backing folder \"{}\" {what}", backing.display());
        Err(Fault::new("backing_damaged", message)
            .hint("restore it from a backup, or mount the disk that holds it; nothing was changed"))
    }

    /// Gives the ballast up when recovery would otherwise have no room.
    pub(super) fn make_room(&mut self) -> Result<(), Fault> {
        let soft = self.record()?.space_soft_limit_bytes;
        let space = self.doors.host().space(&self.layout.dir())?;
        let limits = Limits::of(space.size_bytes, soft);
        self.facts.space = Some(space);
        self.facts.soft_limit_bytes = Some(limits.soft_bytes);
        if space.free_bytes < limits.hard_bytes {
            ballast::remove(&self.layout.ballast())?;
        }
        Ok(())
    }

    /// Ends what an earlier agent left behind; answers what was done, in sentences.
    pub(super) async fn clear_leftovers(&mut self, progress: &Progress) -> Vec<String> {
        match self.doors.mounter().clear_leftovers(&self.layout, progress).await {
            Ok(done) => {
                for text in &done {
                    tracing::warn!(text, "cleared what was left behind");
                    self.note(crate::history::Event::Note { text: text.clone() });
                }
                self.facts.warn("leftovers", Vec::new());
                done
            }
            Err(fault) => {
                self.facts.warn("leftovers", vec![sentence(&fault)]);
                Vec::new()
            }
        }
    }
}

fn interrupted() -> Failure {
    Fault::new("interrupted", "the start was interrupted by a stop").into()
}

/// A fault as one sentence: message, then detail.
pub(super) fn sentence(fault: &Fault) -> String {
    match &fault.detail {
        Some(detail) => format!("{}: {detail}", fault.message),
        None => fault.message.clone(),
    }
}

fn key_fault(fault: Fault) -> Fault {
    let reason = sentence(&fault);
    let exit = fault.exit;
    let inner = Fault::new(&fault.code, "the data key could not be unwrapped").detail(reason);
    match fault.hint {
        Some(hint) => inner.hint(hint).exit(exit),
        None => inner.exit(exit),
    }
}

fn unlocked_warning(key: &crypto::DataKey) -> Vec<String> {
    if key.is_locked() {
        return Vec::new();
    }
    vec!["memory for the data key could not be locked: raise the limit for locked memory".into()]
}
