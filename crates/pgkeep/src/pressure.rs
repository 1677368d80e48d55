//! How much the machine's cores are wanted, as the kernel counts it: what can wait asks this.

use std::fs;
use std::time::{Duration, Instant};

/// Above this share of the time in which somebody waited for a core the machine is busy.
const BUSY: f64 = 0.25;
/// A share is taken over at least so long: shorter ones say little.
const SPAN_LEAST: Duration = Duration::from_millis(100);
/// The kernel's count of time in which at least one task waited for a core
/// (Documentation/accounting/psi.rst).
const PRESSURE: &str = "/proc/pressure/cpu";

/// How long somebody waited for a core, between two looks.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    before: Option<(Instant, u64)>,
    share: Option<f64>,
}

impl Pressure {
    /// Whether others waited for a core since the look before. Where the kernel does not count it
    /// nobody did.
    pub(crate) fn is_busy(&mut self) -> bool {
        self.share(Instant::now()).is_some_and(|share| share > BUSY)
    }

    fn share(&mut self, now: Instant) -> Option<f64> {
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
