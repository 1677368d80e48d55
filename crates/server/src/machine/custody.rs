//! What the machine does about the owner's key: notes what is known, loses it, gets it back.

use std::time::Duration;

use base::{Fault, ServerState};
use jiff::Timestamp;
use tokio::time::Instant;

use super::Machine;
use super::start::{Failure, sentence};
use crate::custody::{Standing, Subject, Verdict, examine, judge_state};
use crate::customer::KeyFailure;
use crate::doors::Doors;
use crate::history::{Event, KeyTransition};
use crate::record::{DesiredState, KeyLoss};
use crate::status::health;

/// A validity that ends within this time is worth a warning.
const WARN_BEFORE_DAYS: i64 = 30;
/// Clocks that differ by more are worth a warning.
const CLOCKS_DIFFER_S: i64 = 60;
/// What could not be taken down is tried again after this time.
const AGAIN: Duration = Duration::from_secs(1);

impl<D: Doors> Machine<D> {
    /// Has the key of the record watched, if its owner holds one.
    pub(super) fn watch_key(&mut self) {
        let encryption = match &self.record {
            Ok(Some(record)) => &record.data_encryption,
            Ok(None) | Err(_) => return self.custody.watch(None),
        };
        let subject =
            encryption.wrapping().zip(encryption.customer.as_ref()).map(|(wrapping, customer)| {
                Subject { wrapping, policy: customer.policy, loss: customer.lost.clone() }
            });
        self.custody.watch(subject);
    }

    /// True for a server whose owner holds the key.
    pub(super) fn is_customer_managed(&self) -> bool {
        matches!(&self.record, Ok(Some(record)) if record.data_encryption.customer.is_some())
    }

    fn wants_running(&self) -> bool {
        matches!(&self.record, Ok(Some(record))
            if record.provisioned && record.desired_state == DesiredState::Running)
    }

    /// True while anything holds the data key.
    pub(super) fn is_up(&self) -> bool {
        self.database_up || self.mount.is_some()
    }

    /// Takes what the watch has found and does what follows from it.
    pub(super) async fn on_verdict(&mut self) {
        let Some(verdict) = self.custody.verdict() else { return };
        let doubted = matches!(
            self.facts.key.as_ref().map(|before| &before.standing),
            Some(Standing::Doubtful { .. })
        );
        self.note_transition(&verdict);
        self.facts.key = Some(verdict.clone());
        self.warn_of_key(&verdict);
        match &verdict.standing {
            Standing::Unwatched | Standing::Unchecked => {}
            Standing::Usable => {
                self.forget_loss();
                self.keep_validated();
                if self.state.state == ServerState::Inaccessible && self.wants_running() {
                    self.regain();
                } else if doubted && self.is_ready() {
                    let reason = self.calm_reason();
                    self.enter(ServerState::Ready, reason);
                }
                self.rewrap_if_due(&verdict);
            }
            Standing::Doubtful { since, until, failure } => {
                if self.is_ready() {
                    let reason = doubt(*since, *until, failure);
                    self.enter(ServerState::Ready, reason);
                }
            }
            Standing::Lost { since, failure } => self.lose(*since, failure).await,
        }
    }

    /// The key is lost: everything that holds the data key ends, now.
    async fn lose(&mut self, since: Timestamp, failure: &KeyFailure) {
        let reason = self.lost_reason(failure);
        self.drop_rewrap(&failure.fault("the key was lost meanwhile"));
        self.remember_loss(KeyLoss { since, reason: reason.clone(), failure: failure.clone() });
        if self.is_up() {
            self.retry_at = None;
            // A further attempt keeps what the last one said.
            if self.state.state != ServerState::Stopping {
                self.enter(ServerState::Stopping, reason.clone());
            }
            if let Err(fault) = self.take_down_at_once().await {
                let said = sentence(&fault);
                tracing::error!(%fault, detail = fault.detail, "not everything is down");
                self.facts.warn("leftovers", vec![said.clone()]);
                self.enter(ServerState::Stopping, format!("{reason}; not down yet: {said}"));
                self.retry_at = Some(Instant::now() + AGAIN);
                return;
            }
            self.losses.lost(Instant::now());
            self.facts.warn("leftovers", Vec::new());
            let state = match self.wants_running() {
                true => ServerState::Inaccessible,
                false => ServerState::Stopped,
            };
            self.enter(state, reason);
        } else if self.wants_running() && self.state.state != ServerState::Stopped {
            // A server that stands still for another reason keeps that one.
            self.retry_at = self.salvageable().then(Instant::now);
            self.enter(ServerState::Inaccessible, reason);
        }
    }

    /// Takes down what an earlier attempt could not; false when there is nothing of that kind.
    pub(super) async fn lose_again(&mut self) -> bool {
        let lost = self.facts.key.as_ref().and_then(Verdict::loss);
        let Some((since, failure)) = lost.map(|(since, failure)| (since, failure.clone())) else {
            return false;
        };
        if self.is_up() {
            self.lose(since, &failure).await;
            return true;
        }
        false
    }

    /// The key is usable again: the server starts, later when this happens too often.
    fn regain(&mut self) {
        if self.retry_at.is_some() {
            return;
        }
        let now = Instant::now();
        let pause = self.losses.pause(now);
        "the key is usable again".clone_into(&mut self.retry_cause);
        self.retry_at = Some(now + pause);
        if !pause.is_zero() {
            let seconds = pause.as_secs();
            let reason =
                format!("the key is usable again but comes and goes; next start in {seconds} s");
            self.enter(ServerState::Inaccessible, reason);
        }
    }

    /// Looks at the key before a start. A running mount goes on while the key is not lost.
    pub(super) async fn key_ready(&mut self) -> Result<(), Failure> {
        if !self.is_customer_managed() {
            return Ok(());
        }
        let known = self.custody.verdict();
        if self.mount.is_some() && known.is_some_and(|verdict| verdict.loss().is_none()) {
            return Ok(());
        }
        let mut failure = match self.look().await? {
            None => return Ok(()),
            Some(failure) => failure,
        };
        if self.salvage(&failure).await {
            failure = match self.look().await? {
                None => return Ok(()),
                Some(failure) => failure,
            };
        }
        Err(self.inaccessible(&failure))
    }

    /// One look now; `None`: the key is usable.
    async fn look(&mut self) -> Result<Option<KeyFailure>, Failure> {
        let look = self.custody.check();
        let verdict = look
            .await
            .ok_or_else(|| Fault::new("internal", "nobody watches the key of the server"))?;
        Ok(match verdict.standing {
            Standing::Usable => None,
            Standing::Lost { failure, .. } | Standing::Doubtful { failure, .. } => Some(failure),
            Standing::Unwatched | Standing::Unchecked => {
                return Err(Fault::new("internal", "the key of the server was not checked").into());
            }
        })
    }

    /// True when a crash left a newer wrapping of which nothing is proved yet.
    fn salvageable(&self) -> bool {
        let Ok(record) = self.record() else { return false };
        record
            .data_encryption
            .wrapping()
            .zip(record.data_encryption.candidate())
            .is_some_and(|(current, candidate)| candidate.wrapped_at >= current.wrapped_at)
    }

    /// The old key went after a new wrapping was durable and before that was proved: changes the
    /// two if the new one is usable. The storage itself is the proof then, see `mounted`.
    async fn salvage(&mut self, failure: &KeyFailure) -> bool {
        if !failure.cause.is_denial() || !self.salvageable() {
            return false;
        }
        let Ok(record) = self.record() else { return false };
        let (Some(candidate), Some(customer)) =
            (record.data_encryption.candidate().cloned(), record.data_encryption.customer.as_ref())
        else {
            return false;
        };
        let policy = customer.policy;
        if let Err(failure) = examine(self.doors.clone(), candidate, policy).await {
            tracing::warn!(failure = failure.sentence(), "the newer wrapping does not help");
            return false;
        }
        let exchanged = self.amend(|record| record.data_encryption.exchange());
        self.watch_key();
        exchanged.is_ok()
    }

    /// After a salvage the storage has the last word: when it opens, the old wrapping is worth
    /// nothing any more; when it does not, the new one is.
    pub(super) fn judge_wrapping(&mut self, refused: Option<&Fault>) {
        let Ok(record) = self.record() else { return };
        let encryption = &record.data_encryption;
        let Some((current, other)) = encryption.wrapping().zip(encryption.candidate()) else {
            return;
        };
        if other.wrapped_at >= current.wrapped_at {
            return;
        }
        let wrong = match refused {
            None => false,
            Some(fault) if fault.code == "wrong_key" => true,
            // A mount that failed for another reason has proved nothing.
            Some(_) => return,
        };
        let text = match wrong {
            true => "the newer wrapping of the data key does not open the storage; forgotten",
            false => "the newer wrapping of the data key opens the storage; the old is forgotten",
        };
        self.note(Event::Note { text: text.to_owned() });
        let _ = self.amend(|record| {
            if wrong {
                record.data_encryption.exchange();
            }
            if let Some(customer) = &mut record.data_encryption.customer {
                customer.candidate = None;
            }
        });
        if wrong {
            self.watch_key();
        }
    }

    /// The failure of a start without its key.
    pub(super) fn inaccessible(&self, failure: &KeyFailure) -> Failure {
        let message = match self.record().ok().and_then(|r| r.data_encryption.wrapping()) {
            Some(wrapping) => {
                let reference = &wrapping.reference;
                let (uri, identity) = (&reference.key_uri, &reference.identity);
                format!("the key {uri} cannot be used by identity \"{identity}\"")
            }
            None => "the key cannot be used".to_owned(),
        };
        Failure {
            fault: failure
                .fault(&message)
                .hint("make the key usable again; the server then starts by itself within seconds"),
            inaccessible: true,
        }
    }

    fn lost_reason(&self, failure: &KeyFailure) -> String {
        sentence(&self.inaccessible(failure).fault)
    }

    /// Remembers for the next agent that the key is lost.
    fn remember_loss(&mut self, loss: KeyLoss) {
        let known = self.record().ok().and_then(|record| record.data_encryption.customer.as_ref());
        if known.is_some_and(|customer| customer.lost.as_ref() != Some(&loss)) {
            // A disk that takes no more keeps no server from being taken down.
            let _ = self.amend(|record| {
                if let Some(customer) = &mut record.data_encryption.customer {
                    customer.lost = Some(loss);
                }
            });
        }
    }

    fn forget_loss(&mut self) {
        let known = self.record().ok().and_then(|record| record.data_encryption.customer.as_ref());
        if known.is_some_and(|customer| customer.lost.is_some()) {
            let _ = self.amend(|record| {
                if let Some(customer) = &mut record.data_encryption.customer {
                    customer.lost = None;
                }
            });
        }
    }

    /// Writes what has changed to the journal.
    fn note_transition(&mut self, verdict: &Verdict) {
        let Some(wrapping) = self.record().ok().and_then(|r| r.data_encryption.wrapping()) else {
            return;
        };
        let (to, failure) = match &verdict.standing {
            Standing::Unwatched | Standing::Unchecked => return,
            Standing::Usable => (health(&verdict.standing), None),
            Standing::Doubtful { failure, .. } | Standing::Lost { failure, .. } => {
                (health(&verdict.standing), Some(failure.clone()))
            }
        };
        let now = (to, failure.as_ref().map(|failure| failure.cause));
        if self.noted_key == now {
            return;
        }
        let from = self.noted_key.0;
        self.noted_key = now;
        let said = failure.as_ref().map(KeyFailure::sentence);
        tracing::warn!(?from, ?to, said, "the owner's key");
        self.note(Event::Key(KeyTransition {
            from,
            to,
            failure,
            reference: wrapping.reference,
            key_version: wrapping.wrapped_key.key_version,
            clock: verdict.seen.as_ref().map(|seen| seen.clock),
        }));
    }

    /// The standing warnings about the key.
    fn warn_of_key(&mut self, verdict: &Verdict) {
        let mut warnings = Vec::new();
        if let Standing::Doubtful { since, until, failure } = &verdict.standing {
            warnings.push(doubt(*since, *until, failure));
        }
        let leeway = match self.record().ok().and_then(|r| r.data_encryption.customer.as_ref()) {
            Some(customer) => customer.policy.leeway(),
            None => Duration::ZERO,
        };
        if let Some(seen) = &verdict.seen {
            let version = &seen.state.version;
            if let Some(ends) = seen.state.expires
                && (ends.as_second() - seen.now.as_second()) < WARN_BEFORE_DAYS * 86_400
            {
                warnings.push(format!(
                    "version {version} of the key ends at {ends:.0}; \
                     the server is Inaccessible from then on"
                ));
            }
            if let Some(ahead) = seen.ahead_s.filter(|ahead| ahead.abs() > CLOCKS_DIFFER_S) {
                warnings.push(format!(
                    "the clock of this machine and that of the vault differ by {} s",
                    ahead.abs()
                ));
            }
            match &seen.newest {
                Some(Err(failure)) => warnings.push(format!(
                    "the newest version of the key could not be read: {}",
                    failure.sentence()
                )),
                Some(Ok(newest)) if newest.version != *version => {
                    if let Err(failure) = judge_state(newest, &newest.version, seen.now, leeway) {
                        warnings.push(format!(
                            "the newest version of the key is not followed: {}",
                            failure.sentence()
                        ));
                    }
                }
                _ => {}
            }
        }
        self.facts.warn("key", warnings);
    }
}

fn doubt(since: Timestamp, until: Timestamp, failure: &KeyFailure) -> String {
    let said = failure.sentence();
    format!(
        "nothing is known of the key since {since:.0}: {said}; \
         the server goes on until {until:.0}"
    )
}
