//! When what waits in the log is sent: at once on a machine that has time, in larger pieces while
//! others wait for its cores. Each piece costs a call, a sync of the lake's log and work for every
//! column, however small it is.

use std::time::Duration;

/// So long an event is held back at most.
const HOLD_MAX: Duration = Duration::from_secs(1);

/// What a look at the log finds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Bytes that wait.
    pub(super) waiting: u64,
    /// Bytes of the largest piece.
    pub(super) piece: u64,
    /// How long the first of them has waited, at most.
    pub(super) waited: Duration,
    /// Whether others wait for a core.
    pub(super) is_busy: bool,
}

/// Whether what waits is sent now.
pub(super) fn is_due(seen: &Seen) -> bool {
    seen.waiting > 0 && (!seen.is_busy || seen.waiting >= seen.piece || seen.waited >= HOLD_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_sent_at_once_or_held_back_for_a_while() {
        let piece = 1000;
        for (waiting, waited_ms, is_busy, due) in [
            // Nothing to send.
            (0, 5000, false, false),
            (0, 5000, true, false),
            // A machine that has time.
            (1, 0, false, true),
            (5000, 0, false, true),
            // A busy one: a whole piece, or one that has waited long enough.
            (1, 0, true, false),
            (999, 999, true, false),
            (1000, 0, true, true),
            (1, 1000, true, true),
            (1, 60_000, true, true),
        ] {
            let waited = Duration::from_millis(waited_ms);
            let seen = Seen { waiting, piece, waited, is_busy };
            assert_eq!(is_due(&seen), due, "{seen:?}");
        }
    }
}
