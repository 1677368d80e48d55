//! When what waits in the log is sent: at once on a machine that has time, in larger pieces while
//! others wait for its cores. Each piece costs a call, a sync of the lake's log and work for every
//! column, however small it is.

use std::fs;
use std::time::{Duration, Instant};

/// So long an event is held back at most.
const HOLD_MAX: Duration = Duration::from_secs(1);
/// Above this share of the time in which somebody waited for a core the machine is busy.
const BUSY: f64 = 0.25;
/// A share is taken over at least so long: shorter ones say little.
const SPAN_LEAST: Duration = Duration::from_millis(100);
/// The kernel's count of time in which at least one task waited for a core
/// (Documentation/accounting/psi.rst).
const PRESSURE: &str = "/proc/pressure/cpu";

/// What a look at the log finds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Bytes that wait.
    pub(super) waiting: u64,
    /// Bytes of the largest piece.
    pub(super) piece: u64,
    /// How long the first of them has waited, at most.
    pub(super) waited: Duration,
    /// Share of the time in which somebody waited for a core, from 0 to 1; unknown where the
    /// kernel does not count it.
    pub(super) pressure: Option<f64>,
}

/// Whether what waits is sent now.
pub(super) fn is_due(seen: &Seen) -> bool {
    let is_busy = seen.pressure.is_some_and(|share| share > BUSY);
    seen.waiting > 0 && (!is_busy || seen.waiting >= seen.piece || seen.waited >= HOLD_MAX)
}

/// How long somebody waited for a core, between two looks.
#[derive(Debug, Default)]
pub(super) struct Pressure {
    before: Option<(Instant, u64)>,
    share: Option<f64>,
}

impl Pressure {
    /// The share of the time since the look before.
    pub(super) fn share(&mut self, now: Instant) -> Option<f64> {
        let before = self.before.filter(|(at, _)| now.duration_since(*at) < SPAN_LEAST);
        if before.is_some() {
            return self.share;
        }
        // A kernel that does not count has no such file, or does not let it be read.
        let total = fs::read_to_string(PRESSURE).ok().and_then(|text| total(&text));
        self.share = match (self.before, total) {
            (Some((at, before)), Some(total)) => Some(share(before, total, now - at)),
            _ => None,
        };
        self.before = total.map(|total| (now, total));
        self.share
    }
}

/// Microseconds on the line `some avg10=… avg60=… avg300=… total=…`.
fn total(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.starts_with("some "))?;
    line.rsplit_once("total=")?.1.trim().parse().ok()
}

fn share(before: u64, total: u64, span: Duration) -> f64 {
    let waited = Duration::from_micros(total.saturating_sub(before));
    (waited.as_secs_f64() / span.as_secs_f64().max(f64::MIN_POSITIVE)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_sent_at_once_or_held_back_for_a_while() {
        let piece = 1000;
        for (waiting, waited_ms, pressure, due) in [
            // Nothing to send.
            (0, 5000, Some(0.0), false),
            (0, 5000, Some(1.0), false),
            // A machine that has time, or does not say.
            (1, 0, Some(0.0), true),
            (1, 0, Some(0.25), true),
            (1, 0, None, true),
            (5000, 0, None, true),
            // A busy one: a whole piece, or one that has waited long enough.
            (1, 0, Some(0.26), false),
            (999, 999, Some(1.0), false),
            (1000, 0, Some(1.0), true),
            (1, 1000, Some(1.0), true),
            (1, 60_000, Some(1.0), true),
        ] {
            let waited = Duration::from_millis(waited_ms);
            let seen = Seen { waiting, piece, waited, pressure };
            assert_eq!(is_due(&seen), due, "{seen:?}");
        }
    }

    #[test]
    fn the_kernels_count_as_a_share() {
        let text = "some avg10=7.16 avg60=5.97 avg300=3.83 total=18855157\n\
                    full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
        assert_eq!(total(text), Some(18_855_157));
        for odd in ["", "full avg10=0.00 total=1\n", "some avg10=0.00\n", "some total=x\n"] {
            assert_eq!(total(odd), None, "{odd}");
        }
        for (before, after, span_ms, expected) in [
            (0, 125_000, 250, 0.5),
            (7, 7, 250, 0.0),
            (0, 900_000, 250, 1.0),
            // It never goes back; if it does, nobody waited.
            (9, 3, 250, 0.0),
        ] {
            let span = Duration::from_millis(span_ms);
            assert!((share(before, after, span) - expected).abs() < 1e-9);
        }
    }
}
