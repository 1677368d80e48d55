//! A limit for what anybody may try: a bucket of tries that fills by one a second.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// The bucket.
pub(super) struct Bucket {
    max: u32,
    left: Mutex<(u32, Timestamp)>,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(max: u32, now: Timestamp) -> Self {
        Self { max, left: Mutex::new((max, now)) }
    }

    /// Takes a try, or says after how many seconds there is one.
    pub(super) fn take(&self, now: Timestamp) -> Result<(), u64> {
        let mut state = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, filled_at) = *state;
        let seconds = now.duration_since(filled_at).as_secs();
        // A clock that was set back begins anew.
        let (left, filled_at) = match u32::try_from(seconds) {
            Ok(0) => (left, filled_at),
            Ok(more) => (left.saturating_add(more).min(self.max), now),
            Err(_) => (if seconds < 0 { left } else { self.max }, now),
        };
        *state = (left.saturating_sub(1), filled_at);
        if left == 0 { Err(1) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fills_with_time_and_never_over() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let bucket = Bucket::new(2, at(100));
        assert_eq!((bucket.take(at(100)), bucket.take(at(100))), (Ok(()), Ok(())));
        assert_eq!(bucket.take(at(100)), Err(1));
        assert_eq!(bucket.take(at(101)), Ok(()));
        assert_eq!(bucket.take(at(101)), Err(1));
        assert_eq!(bucket.take(at(50)), Err(1), "a clock set back gives nothing");
        for _ in 0..2 {
            assert_eq!(bucket.take(at(1_000)), Ok(()));
        }
        assert_eq!(bucket.take(at(1_000)), Err(1));
    }
}
