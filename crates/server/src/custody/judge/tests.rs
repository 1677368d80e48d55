//! Denials count at once, silence after the grace, and a known end however silent the vault is.

use super::*;
use crate::custody::ClockUsed;
use crate::customer::KeyState;

/// A judge on clocks that the test moves, the wall clock apart from the other if it likes.
struct Bench {
    judge: Judge,
    at: Moment,
}

impl Bench {
    fn new(policy: KeyPolicy) -> Self {
        let at = Moment { instant: Instant::now(), wall: "2026-11-21T10:00:00Z".parse().unwrap() };
        Self { judge: Judge::new(policy, None), at }
    }

    fn pass(&mut self, seconds: u64) {
        self.at.instant += Duration::from_secs(seconds);
        self.at.wall += signed(Duration::from_secs(seconds));
    }

    fn usable(&mut self, expires_in_s: Option<i64>) {
        let state = KeyState {
            version: "1".to_owned(),
            enabled: true,
            not_before: None,
            expires: expires_in_s.map(|s| self.at.wall + jiff::SignedDuration::from_secs(s)),
            as_of: None,
        };
        let (now, clock) = (self.at.wall, ClockUsed::Own);
        let seen = Seen { state, newest: None, clock, now, ahead_s: None };
        self.judge.take(Ok(seen), self.at);
    }

    fn fails(&mut self, cause: KeyCause) {
        self.judge.take(Err(KeyFailure::new(cause, "")), self.at);
    }

    fn pause(&self) -> u64 {
        self.judge.pause(self.at.instant).as_secs()
    }

    fn cause_of_loss(&self) -> Option<KeyCause> {
        match self.judge.standing() {
            Standing::Lost { failure, .. } => Some(failure.cause),
            _ => None,
        }
    }

    fn is_doubtful(&self) -> bool {
        matches!(self.judge.standing(), Standing::Doubtful { .. })
    }
}

#[test]
fn every_cause_is_either_a_denial_at_once_or_a_silence_with_grace() {
    use KeyCause::*;
    let denials = [
        Disabled,
        NotFound,
        Expired,
        NotYetValid,
        Forbidden,
        IdentityUnknown,
        Firewall,
        Unauthorized,
        DoesNotOpen,
    ];
    let silences =
        [NameNotResolved, Unreachable, Timeout, Tls, Throttled, Sealed, VaultError, BadAnswer];
    for cause in denials {
        let mut bench = Bench::new(KeyPolicy::default());
        bench.usable(None);
        bench.fails(cause);
        assert_eq!(bench.cause_of_loss(), Some(cause));
        assert_eq!(bench.pause(), 10, "{cause:?}");
    }
    for cause in silences {
        let mut bench = Bench::new(KeyPolicy::default());
        bench.usable(None);
        bench.fails(cause);
        assert!(bench.is_doubtful(), "{cause:?}");
        bench.pass(299);
        bench.fails(cause);
        assert!(bench.is_doubtful(), "{cause:?}");
        bench.pass(1);
        bench.fails(cause);
        assert_eq!(bench.cause_of_loss(), Some(cause));
    }
}

#[test]
fn looks_back_off_within_the_grace_and_return_to_the_regular_pace() {
    let mut bench = Bench::new(KeyPolicy::default());
    bench.usable(None);
    assert_eq!(bench.pause(), 10);
    let mut seen = Vec::new();
    for _ in 0..6 {
        bench.fails(KeyCause::Timeout);
        seen.push(bench.pause());
        bench.pass(1);
    }
    assert_eq!(seen, [1, 2, 4, 8, 10, 10]);
    bench.usable(None);
    assert_eq!(bench.pause(), 10);
}

#[test]
fn the_grace_runs_on_the_monotonic_clock_and_ends_without_a_look() {
    let mut bench = Bench::new(KeyPolicy::default());
    bench.usable(None);
    bench.fails(KeyCause::Unreachable);
    for jump in [1_000_000, -1_000_000] {
        bench.at.wall += jiff::SignedDuration::from_secs(jump);
        bench.fails(KeyCause::Unreachable);
        assert!(bench.is_doubtful());
    }
    let ends = bench.judge.next_end().unwrap();
    assert_eq!(ends, bench.at.instant + Duration::from_secs(300));
    bench.at.instant = ends;
    bench.judge.pass(bench.at);
    assert_eq!(bench.cause_of_loss(), Some(KeyCause::Unreachable));
}

#[test]
fn a_known_end_is_looked_at_when_it_comes_and_silence_does_not_prolong_it() {
    let mut bench = Bench::new(KeyPolicy::default());
    bench.usable(Some(4));
    assert_eq!(bench.pause(), 6, "the end and the leeway");
    bench.pass(3);
    bench.fails(KeyCause::Timeout);
    assert!(bench.is_doubtful());
    assert_eq!(bench.judge.next_end().unwrap(), bench.at.instant + Duration::from_secs(3));
    bench.pass(3);
    bench.judge.pass(bench.at);
    assert_eq!(bench.cause_of_loss(), Some(KeyCause::Expired));
}

#[test]
fn a_denial_stands_through_silence_and_a_first_silence_is_no_permission() {
    let mut bench = Bench::new(KeyPolicy::default());
    bench.fails(KeyCause::Unreachable);
    assert_eq!(bench.cause_of_loss(), Some(KeyCause::Unreachable));
    bench.fails(KeyCause::Disabled);
    bench.fails(KeyCause::Unreachable);
    assert_eq!(bench.cause_of_loss(), Some(KeyCause::Disabled));
    bench.fails(KeyCause::NotFound);
    assert_eq!(bench.cause_of_loss(), Some(KeyCause::NotFound));
    bench.usable(None);
    assert_eq!(bench.judge.standing(), &Standing::Usable);
}

#[test]
fn without_grace_the_first_silence_loses_the_key() {
    let mut bench = Bench::new(KeyPolicy { grace_s: 0, ..KeyPolicy::default() });
    bench.usable(None);
    bench.fails(KeyCause::Timeout);
    assert_eq!(bench.cause_of_loss(), Some(KeyCause::Timeout));
}
