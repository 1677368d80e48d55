//! Wrapping the data key anew while the server runs: a new version is followed, or the owner
//! changes key, version or identity. The data key itself never changes, so nobody notices.
//!
//! The calls to the vaults are made beside the machine; it only writes the record in between.

use std::future::{Future, pending};

use base::{Changed, ExitCode, Fault};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Machine;
use crate::custody::{self, Standing, Verdict, judge_state};
use crate::customer::{KeyFailure, KeyReference};
use crate::doors::{Doors, Progress};
use crate::handle::KeyChange;
use crate::history::{Event, KeyRewrap};
use crate::record::{DesiredState, Wrapping};
use crate::status::{ShownRewrap, health};

/// So long after a new version appeared the old one may still be needed, and no longer.
const OLD_VERSION_NEEDED: SignedDuration = SignedDuration::from_hours(2);

type Reply = oneshot::Sender<Result<Value, Fault>>;
pub(super) type Outcome = Result<Option<Box<Wrapping>>, KeyFailure>;

/// What the vaults are asked for just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// A new wrapping.
    Prepare,
    /// That both wrappings hold the same key.
    Prove,
    /// That another identity may use the key.
    Reassign,
}

/// A wrapping anew that is under way.
pub(super) struct Errand {
    step: Step,
    job: JoinHandle<Outcome>,
    /// Who asked; nobody when a new version is followed.
    asked: Option<(Reply, Progress)>,
}

impl Drop for Errand {
    fn drop(&mut self) {
        self.job.abort();
    }
}

/// Waits for the errand that is under way.
pub(super) async fn done(errand: Option<&mut Errand>) -> Outcome {
    match errand {
        Some(errand) => (&mut errand.job).await.unwrap_or_else(|_| {
            let cause = crate::customer::KeyCause::BadAnswer;
            Err(KeyFailure::new(cause, "the work broke down"))
        }),
        None => pending().await,
    }
}

/// What a change comes down to.
enum Plan {
    Nothing,
    Watch,
    Reassign(Wrapping, String),
    Rewrap(Wrapping, KeyReference),
}

impl<D: Doors> Machine<D> {
    /// Begins what the owner wants changed; answers at once when no vault has to be asked.
    pub(super) fn change_key(&mut self, change: KeyChange, progress: Progress, reply: Reply) {
        let plan = match self.plan(&change) {
            Ok(plan) => plan,
            Err(fault) => return drop(reply.send(Err(fault))),
        };
        let policy = self.policy_of_key();
        match plan {
            Plan::Nothing => drop(reply.send(self.answer(Changed::Unchanged))),
            Plan::Watch => drop(reply.send(self.answer(Changed::Changed))),
            Plan::Reassign(current, identity) => {
                progress("looking at the key as the new identity");
                let doors = self.doors.clone();
                let job = async move {
                    let found = custody::reassign(doors, current, identity, policy).await;
                    found.map(|wrapping| Some(Box::new(wrapping)))
                };
                self.begin(Step::Reassign, job, Some((reply, progress)));
            }
            Plan::Rewrap(current, target) => {
                progress("wrapping the data key by the new key");
                self.begin_rewrap(current, target, Some((reply, progress)));
            }
        }
    }

    /// Checks a change, applies its policy, and says what is left to do.
    fn plan(&mut self, change: &KeyChange) -> Result<Plan, Fault> {
        let record = self.record()?;
        let (name, provisioned) = (record.name.clone(), record.provisioned);
        let Some(current) = record.data_encryption.wrapping() else {
            let message = format!("the key of server \"{name}\" is managed by pgkeep");
            return Err(Fault::new("mode_fixed", message)
                .detail("who holds the key is chosen when a server is created")
                .hint("create another server with --key and --identity, and move the data")
                .exit(ExitCode::Conflict));
        };
        let target = KeyReference {
            key_uri: change.key_uri.clone().unwrap_or_else(|| current.reference.key_uri.clone()),
            identity: change.identity.clone().unwrap_or_else(|| current.reference.identity.clone()),
        };
        target.check()?;
        change.policy.map_or(Ok(()), |policy| policy.check())?;
        let same_key = target.key_uri == current.reference.key_uri;
        // The same name may stand for another identity by now: that is worth a look.
        let asks = change.identity.is_some() || !same_key;
        if asks && change.policy.is_some() {
            let message = "key and watch are changed one after the other";
            return Err(Fault::new("two_changes", message).exit(ExitCode::Usage));
        }
        if asks && self.errand.is_some() {
            return Err(Fault::new("busy", "the data key is being wrapped anew just now")
                .hint("try again in a few seconds")
                .exit(ExitCode::Conflict));
        }
        let usable = matches!(
            self.facts.key.as_ref().map(|verdict| &verdict.standing),
            Some(Standing::Usable)
        );
        if !same_key && (!usable || !provisioned) {
            return Err(Fault::new("key_lost", "the present key must be usable to change it")
                .detail("the data key can be opened only by the key that wraps it")
                .hint(format!(
                    "make it usable again (enable it, extend its validity, give the role back), \
                     wait until server \"{name}\" is Ready, then change the key"
                ))
                .exit(ExitCode::Conflict));
        }
        let changed = change.policy.is_some_and(|policy| policy != self.policy_of_key());
        if let Some(policy) = change.policy.filter(|_| changed) {
            self.amend(|record| {
                if let Some(customer) = &mut record.data_encryption.customer {
                    customer.policy = policy;
                }
            })?;
            self.watch_key();
        }
        Ok(match (asks, same_key) {
            (true, true) => Plan::Reassign(current, target.identity),
            (true, false) => Plan::Rewrap(current, target),
            (false, _) if changed => Plan::Watch,
            (false, _) => Plan::Nothing,
        })
    }

    fn policy_of_key(&self) -> crate::record::KeyPolicy {
        let customer = self.record().ok().and_then(|r| r.data_encryption.customer.as_ref());
        customer.map(|customer| customer.policy).unwrap_or_default()
    }

    fn begin(
        &mut self,
        step: Step,
        job: impl Future<Output = Outcome> + Send + 'static,
        asked: Option<(Reply, Progress)>,
    ) {
        self.errand = Some(Errand { step, job: tokio::spawn(job), asked });
    }

    fn begin_rewrap(
        &mut self,
        current: Wrapping,
        target: KeyReference,
        asked: Option<(Reply, Progress)>,
    ) {
        let (doors, policy) = (self.doors.clone(), self.policy_of_key());
        let job = async move {
            let candidate = custody::prepare(doors, current, target, policy).await;
            candidate.map(|wrapping| Some(Box::new(wrapping)))
        };
        self.begin(Step::Prepare, job, asked);
    }

    fn begin_proof(&mut self, asked: Option<(Reply, Progress)>) {
        let Ok(record) = self.record() else { return };
        let encryption = &record.data_encryption;
        let pair = encryption.wrapping().zip(encryption.candidate().cloned());
        let Some((current, candidate)) = pair else { return };
        let (doors, policy) = (self.doors.clone(), self.policy_of_key());
        let job =
            async move { custody::prove(doors, current, candidate, policy).await.map(|()| None) };
        self.begin(Step::Prove, job, asked);
    }

    /// Follows a newer version of a key without a version in its address, and ends what a crash
    /// cut short. Never out of a loss: the server must be Ready, or stopped on purpose.
    pub(super) fn rewrap_if_due(&mut self, verdict: &Verdict) {
        let Ok(record) = self.record() else { return };
        let stopped = record.desired_state == DesiredState::Stopped && !self.is_up();
        if self.errand.is_some() || !record.provisioned || !(self.is_ready() || stopped) {
            return;
        }
        let Some(current) = record.data_encryption.wrapping() else { return };
        if let Some(candidate) = record.data_encryption.candidate() {
            if candidate.wrapped_at >= current.wrapped_at {
                self.begin_proof(None);
            }
            return;
        }
        let Some(seen) = &verdict.seen else { return };
        let Some(Ok(newest)) = &seen.newest else { return };
        let version = newest.version.clone();
        let leeway = self.policy_of_key().leeway();
        let due = version != current.wrapped_key.key_version
            && judge_state(newest, &version, seen.now, leeway).is_ok();
        if !due {
            self.facts.rewrap = None;
            self.facts.warn("rewrap", Vec::new());
            return;
        }
        self.expect_rewrap(version);
        let target = current.reference.clone();
        self.begin_rewrap(current, target, None);
    }

    /// Shows that a newer version is to be followed, and warns when that takes too long.
    fn expect_rewrap(&mut self, version: String) {
        let now = self.now();
        let known = self.facts.rewrap.take().filter(|r| r.to_version.as_ref() == Some(&version));
        let rewrap = known.unwrap_or_else(|| ShownRewrap {
            to_version: Some(version),
            since: now,
            old_version_needed_until: now.saturating_add(OLD_VERSION_NEEDED).unwrap_or(now),
            failure: None,
        });
        let overdue = now > rewrap.old_version_needed_until;
        let warnings = match &rewrap.failure {
            Some(failure) => {
                let (since, said) = (rewrap.since, failure.sentence());
                let late = if overdue { ", longer than promised" } else { "" };
                vec![format!(
                    "the newer version of the key is not followed since {since:.0}{late}: {said}; \
                     the old one is still needed"
                )]
            }
            None => Vec::new(),
        };
        self.facts.warn("rewrap", warnings);
        self.facts.rewrap = Some(rewrap);
    }

    /// Takes what an errand came to, and goes on.
    pub(super) fn on_errand(&mut self, outcome: Outcome) {
        let Some(mut errand) = self.errand.take() else { return };
        let asked = errand.asked.take();
        match (errand.step, outcome) {
            (Step::Prepare, Ok(Some(candidate))) => {
                // Both wrappings are durable before either is given up.
                let saved = self.put_candidate(Some(*candidate));
                match saved {
                    Ok(()) => {
                        if let Some((_, progress)) = &asked {
                            progress("proving that the new key opens the data key");
                        }
                        self.begin_proof(asked);
                    }
                    Err(fault) => {
                        let _ = self.put_candidate(None);
                        self.reply(asked, Err(fault));
                    }
                }
            }
            (Step::Prove, Ok(_)) => {
                let before = self.record().ok().and_then(|r| r.data_encryption.wrapping());
                // What could not be written is on disk as before: both wrappings, both good.
                let _ = self.amend(|record| {
                    record.data_encryption.exchange();
                    if let Some(customer) = &mut record.data_encryption.customer {
                        customer.candidate = None;
                    }
                });
                self.rewrapped(before);
                let answer = self.answer(Changed::Changed);
                self.reply(asked, answer);
            }
            (Step::Reassign, Ok(Some(wrapping))) => {
                let before = self.record().ok().and_then(|r| r.data_encryption.wrapping());
                if before.as_ref() == Some(&*wrapping) {
                    let answer = self.answer(Changed::Unchanged);
                    return self.reply(asked, answer);
                }
                let saved = self.amend(|record| record.data_encryption.adopt(*wrapping));
                self.rewrapped(before);
                let answer = saved.and_then(|()| self.answer(Changed::Changed));
                self.reply(asked, answer);
            }
            (Step::Prepare | Step::Reassign, Ok(None)) => {
                unreachable!("because both steps make a wrapping")
            }
            (step, Err(failure)) => self.errand_failed(step, failure, asked),
        }
    }

    fn errand_failed(&mut self, step: Step, failure: KeyFailure, asked: Option<(Reply, Progress)>) {
        tracing::warn!(?step, failure = failure.sentence(), "the data key was not wrapped anew");
        // A candidate that only could not be reached is proved later; one that fails, or that
        // somebody was told has failed, is forgotten: the wrapping that counts is in use.
        if step == Step::Prove && (failure.cause.is_denial() || asked.is_some()) {
            let _ = self.put_candidate(None);
        }
        match asked {
            Some(_) => {
                let fault = failure.fault("the key was not changed");
                self.reply(asked, Err(fault));
            }
            None => {
                let Some(rewrap) = &mut self.facts.rewrap else { return };
                rewrap.failure = Some(failure);
                if let Some(version) = rewrap.to_version.clone() {
                    self.expect_rewrap(version);
                }
            }
        }
    }

    fn put_candidate(&mut self, candidate: Option<Wrapping>) -> Result<(), Fault> {
        self.amend(|record| {
            if let Some(customer) = &mut record.data_encryption.customer {
                customer.candidate = candidate;
            }
        })
    }

    /// Another wrapping counts from now on.
    fn rewrapped(&mut self, before: Option<Wrapping>) {
        self.facts.rewrap = None;
        self.facts.warn("rewrap", Vec::new());
        let after = self.record().ok().and_then(|record| record.data_encryption.wrapping());
        if let Some((before, after)) = before.zip(after) {
            tracing::info!(
                from = before.wrapped_key.key_version,
                to = after.wrapped_key.key_version,
                "the data key was wrapped anew"
            );
            self.note(Event::Rewrap(KeyRewrap {
                from: before.reference,
                from_version: before.wrapped_key.key_version,
                to: after.reference,
                to_version: after.wrapped_key.key_version,
            }));
        }
        self.watch_key();
    }

    /// Gives up what needs the key that was lost; another identity may still get it back.
    pub(super) fn drop_rewrap(&mut self, fault: &Fault) {
        if self.errand.as_ref().is_some_and(|errand| errand.step != Step::Reassign) {
            self.drop_errand(fault);
        }
    }

    /// Gives an errand up; whoever asked for it hears why.
    pub(super) fn drop_errand(&mut self, fault: &Fault) {
        let asked = self.errand.take().and_then(|mut errand| errand.asked.take());
        self.reply(asked, Err(fault.clone()));
    }

    fn reply(&mut self, asked: Option<(Reply, Progress)>, answer: Result<Value, Fault>) {
        self.publish();
        if let Some((reply, _)) = asked {
            // Whoever asked may be gone.
            let _ = reply.send(answer);
        }
    }

    /// Answers what a look now finds, without holding the machine up.
    pub(super) fn check_key(&self, reply: Reply) {
        if let Err(fault) = self.record() {
            return drop(reply.send(Err(fault)));
        }
        let look = self.custody.check();
        tokio::spawn(async move {
            let answer = match look.await {
                Some(verdict) => Ok(json!({
                    "health": health(&verdict.standing),
                    "failure": verdict.failure,
                    "checked_at": verdict.checked_at,
                })),
                None => Err(Fault::new("mode_fixed", "the key of the server is managed by pgkeep")
                    .exit(ExitCode::Conflict)),
            };
            let _ = reply.send(answer);
        });
    }
}
