//! When to try again after a failure, and when to give up.
//!
//! What counts as a failure: a start that did not reach Ready, or a death within [`SETTLED`] of
//! Ready. A server that came up, settled and was then killed from outside is healthy: it starts
//! again at once, however often that happens.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// So many failures within [`WINDOW`] and the server stays stopped.
const MAX_FAILURES: usize = 5;
/// Failures older than this are forgotten.
const WINDOW: Duration = Duration::from_secs(600);
/// A server that was Ready for so long came up well.
const SETTLED: Duration = Duration::from_secs(1);
/// The first pause; doubles with each failure in the window.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Try again after this pause.
    Retry(Duration),
    /// Stay stopped; so many failures were counted.
    GiveUp(usize),
}

/// The failures of the recent past.
#[derive(Debug, Default)]
pub(crate) struct RestartPolicy {
    failures: VecDeque<Timestamp>,
}

impl RestartPolicy {
    /// Counts a start that failed.
    pub(crate) fn start_failed(&mut self, now: Timestamp) -> Verdict {
        self.failures.push_back(now);
        self.failures.retain(|at| seconds_between(*at, now) < WINDOW.as_secs());
        let n = self.failures.len();
        if n >= MAX_FAILURES {
            return Verdict::GiveUp(n);
        }
        let doublings = u32::try_from(n - 1).expect("because it is below MAX_FAILURES");
        Verdict::Retry(FIRST_PAUSE * 2_u32.pow(doublings))
    }

    /// Judges a death of a server that was Ready since `ready_since`.
    pub(crate) fn died(&mut self, ready_since: Timestamp, now: Timestamp) -> Verdict {
        if seconds_between(ready_since, now) >= SETTLED.as_secs() {
            Verdict::Retry(Duration::ZERO)
        } else {
            self.start_failed(now)
        }
    }

    /// Forgets everything; for a start that a person asked for.
    pub(crate) fn reset(&mut self) {
        self.failures.clear();
    }
}

/// So many losses of the key within [`WINDOW`] cost the server no time when the key comes back;
/// each further one doubles the pause, so that a key that comes and goes does not wear it out.
const FREE_LOSSES: usize = 3;
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The losses of a key in the recent past.
#[derive(Debug, Default)]
pub(crate) struct KeyLosses(VecDeque<Instant>);

impl KeyLosses {
    /// Counts a loss.
    pub(crate) fn lost(&mut self, now: Instant) {
        self.0.push_back(now);
        self.0.retain(|at| now.saturating_duration_since(*at) < WINDOW);
        while self.0.len() > FREE_LOSSES + 8 {
            self.0.pop_front();
        }
    }

    /// How long to wait before a start, once the key is back.
    pub(crate) fn pause(&self, now: Instant) -> Duration {
        let recent = self.0.iter().filter(|at| now.saturating_duration_since(**at) < WINDOW);
        match u32::try_from(recent.count().saturating_sub(FREE_LOSSES)).unwrap_or(u32::MAX) {
            0 => Duration::ZERO,
            n => (FIRST_PAUSE * 2_u32.pow(n.min(8))).min(LONGEST_PAUSE),
        }
    }
}

/// Whole seconds from `earlier` to `later`; 0 when the clock went backwards.
fn seconds_between(earlier: Timestamp, later: Timestamp) -> u64 {
    u64::try_from(later.as_second() - earlier.as_second()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn backs_off_and_gives_up_at_the_fifth_failure() {
        let mut policy = RestartPolicy::default();
        let seen: Vec<_> = (0..5).map(|n| policy.start_failed(at(n * 20))).collect();
        let pauses = [1, 2, 4, 8].map(|s| Verdict::Retry(Duration::from_secs(s)));
        assert_eq!(seen[..4], pauses);
        assert_eq!(seen[4], Verdict::GiveUp(5));
    }

    #[test]
    fn forgets_failures_after_the_window() {
        let mut policy = RestartPolicy::default();
        for n in 0..20 {
            let verdict = policy.start_failed(at(n * 200));
            assert!(matches!(verdict, Verdict::Retry(_)), "failure {n}: {verdict:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_that_comes_and_goes_costs_more_and_more_time_for_a_while() {
        let mut losses = KeyLosses::default();
        let seen: Vec<_> = (0..12)
            .map(|_| {
                losses.lost(Instant::now());
                losses.pause(Instant::now()).as_secs()
            })
            .collect();
        assert_eq!(seen, [0, 0, 0, 2, 4, 8, 16, 32, 60, 60, 60, 60]);
        tokio::time::advance(WINDOW).await;
        assert_eq!(losses.pause(Instant::now()), Duration::ZERO);
    }

    #[test]
    fn a_settled_server_starts_again_however_often_it_is_killed() {
        let mut policy = RestartPolicy::default();
        for n in 0..200 {
            assert_eq!(policy.died(at(n * 3), at(n * 3 + 2)), Verdict::Retry(Duration::ZERO));
        }
        let unsettled: Vec<_> = (0..5).map(|n| policy.died(at(n), at(n))).collect();
        assert_eq!(unsettled[4], Verdict::GiveUp(5));
    }
}
