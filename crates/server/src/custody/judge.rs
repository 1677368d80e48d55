//! What follows from the looks at a key: usable, doubtful for a while, lost. No IO, no clock.
//!
//! A denial counts at once. When nothing is known the server goes on for the grace time, which
//! runs on the monotonic clock: setting the machine's clock neither shortens nor prolongs it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::examine::{Seen, signed};
use crate::customer::{KeyCause, KeyFailure};
use crate::record::{KeyLoss, KeyPolicy};

/// The pause after the first look that failed; doubles up to the regular interval.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// A moment by both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) instant: Instant,
    pub(crate) wall: Timestamp,
}

/// What holds for a key now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// There is nothing to watch.
    Unwatched,
    /// Nobody has looked yet.
    Unchecked,
    /// It may be used and opens.
    Usable,
    /// Nothing is known; the server goes on until then.
    Doubtful { since: Timestamp, until: Timestamp, failure: KeyFailure },
    /// It may not be used, or nothing was known for too long.
    Lost { since: Timestamp, failure: KeyFailure },
}

/// Judges the looks at one key.
#[derive(Debug)]
pub(crate) struct Judge {
    policy: KeyPolicy,
    standing: Standing,
    /// The last good look.
    seen: Option<Seen>,
    /// The last failure, until a good look.
    failure: Option<KeyFailure>,
    /// Looks since the last one that told anything.
    n_silent: u32,
    grace_ends: Option<Instant>,
    /// When the version that was seen expires.
    expires: Option<Instant>,
}

impl Judge {
    /// Begins without knowing anything, or with the loss that an earlier agent knew of.
    pub(crate) fn new(policy: KeyPolicy, loss: Option<KeyLoss>) -> Self {
        let standing = match loss {
            Some(loss) => Standing::Lost { since: loss.since, failure: loss.failure },
            None => Standing::Unchecked,
        };
        Self {
            policy,
            standing,
            seen: None,
            failure: None,
            n_silent: 0,
            grace_ends: None,
            expires: None,
        }
    }

    /// Another wrapping or policy is watched from now on; what holds goes on until the next look.
    pub(crate) fn follow(&mut self, policy: KeyPolicy) {
        self.policy = policy;
        self.seen = None;
        self.expires = None;
    }

    pub(crate) fn standing(&self) -> &Standing {
        &self.standing
    }

    pub(crate) fn seen(&self) -> Option<&Seen> {
        self.seen.as_ref()
    }

    pub(crate) fn failure(&self) -> Option<&KeyFailure> {
        self.failure.as_ref()
    }

    /// Takes what a look has shown.
    pub(crate) fn take(&mut self, found: Result<Seen, KeyFailure>, at: Moment) {
        match found {
            Ok(seen) => self.usable(seen, at),
            Err(failure) => {
                self.failure = Some(failure.clone());
                if failure.cause.is_denial() {
                    self.n_silent = 0;
                    self.lose(failure, at);
                } else {
                    self.n_silent = self.n_silent.saturating_add(1);
                    self.doubt(failure, at);
                }
            }
        }
    }

    /// Ends what time ends: the grace, or a validity that was known.
    pub(crate) fn pass(&mut self, at: Moment) {
        if let Standing::Doubtful { failure, .. } = &self.standing {
            let failure = failure.clone();
            self.doubt(failure, at);
        }
    }

    /// When [`Judge::pass`] has something to do.
    pub(crate) fn next_end(&self) -> Option<Instant> {
        match &self.standing {
            Standing::Doubtful { .. } => self.grace_ends.into_iter().chain(self.expires).min(),
            _ => None,
        }
    }

    /// How long to wait before the next look.
    pub(crate) fn pause(&self, now: Instant) -> Duration {
        let interval = self.policy.check_interval();
        match (&self.standing, self.n_silent) {
            (Standing::Unwatched | Standing::Unchecked, _) => Duration::ZERO,
            (Standing::Usable, _) => {
                // An end that is known is looked at when it comes, not at the next round.
                let ends = self.expires.map(|at| at.saturating_duration_since(now));
                let ends = ends.filter(|left| !left.is_zero());
                ends.map_or(interval, |left| left.min(interval))
            }
            (_, 0) => interval,
            (_, n) => (FIRST_PAUSE * 2_u32.pow((n - 1).min(10))).min(interval),
        }
    }

    fn usable(&mut self, seen: Seen, at: Moment) {
        let leeway = match seen.clock {
            super::ClockUsed::Vault => Duration::ZERO,
            super::ClockUsed::Own => self.policy.leeway(),
        };
        // A far end needs no alarm: every look renews this.
        self.expires = seen.state.expires.and_then(|ends| {
            let left = ends.duration_since(seen.now).saturating_add(signed(leeway));
            at.instant.checked_add(Duration::try_from(left).unwrap_or(Duration::ZERO))
        });
        self.standing = Standing::Usable;
        self.seen = Some(seen);
        self.failure = None;
        self.n_silent = 0;
        self.grace_ends = None;
    }

    fn doubt(&mut self, failure: KeyFailure, at: Moment) {
        if let Some(expired) = self.known_to_have_expired(at) {
            return self.lose(expired, at);
        }
        let since = match &self.standing {
            Standing::Usable => {
                self.grace_ends = at.instant.checked_add(self.policy.grace());
                at.wall
            }
            Standing::Doubtful { since, .. } => *since,
            // A denial stands until the vault says otherwise; of silences the newest is told.
            Standing::Lost { failure, .. } if failure.cause.is_denial() => return,
            Standing::Unwatched | Standing::Unchecked | Standing::Lost { .. } => {
                return self.lose(failure, at);
            }
        };
        match self.grace_ends {
            Some(ends) if at.instant < ends => {
                let left = signed(ends.duration_since(at.instant));
                let until = match &self.standing {
                    Standing::Doubtful { until, .. } => *until,
                    _ => at.wall.saturating_add(left).unwrap_or(at.wall),
                };
                let failure = self.same_words(failure);
                self.standing = Standing::Doubtful { since, until, failure };
            }
            _ => self.lose(failure, at),
        }
    }

    /// A failure of the cause that is known keeps its words: some vaults number their answers.
    fn same_words(&self, failure: KeyFailure) -> KeyFailure {
        match &self.standing {
            Standing::Doubtful { failure: known, .. } | Standing::Lost { failure: known, .. }
                if known.cause == failure.cause && known.inner_code == failure.inner_code =>
            {
                known.clone()
            }
            _ => failure,
        }
    }

    fn lose(&mut self, failure: KeyFailure, at: Moment) {
        let failure = self.same_words(failure);
        let since = match &self.standing {
            Standing::Lost { since, .. } => *since,
            _ => at.wall,
        };
        self.grace_ends = None;
        self.standing = Standing::Lost { since, failure };
    }

    /// Silence does not prolong a validity whose end was seen.
    fn known_to_have_expired(&self, at: Moment) -> Option<KeyFailure> {
        let state = &self.seen.as_ref()?.state;
        let ends = state.expires.filter(|_| self.expires.is_some_and(|end| at.instant >= end))?;
        Some(KeyFailure::new(
            KeyCause::Expired,
            format!("version {} ended at {ends:.0}, as the vault said before", state.version),
        ))
    }
}

#[cfg(test)]
mod tests;
