//! When a filling disk makes the server read-only, and when it is writable again.
//!
//! Write-back caching hides a full disk until the sync, and a failed sync ends PostgreSQL. So
//! the server stops taking writes while there is still room for a checkpoint to end.

use crate::doors::Space;

const MIB: u64 = 1 << 20;
/// Free space below 5 % is too little, but never less than this is enough on a large disk,
const SOFT_FLOOR_BYTES: u64 = 512 * MIB;
/// and more than this is always enough for the writes that are under way: 5 % of a disk of many
/// terabytes is no reason to stop a server.
const SOFT_ENOUGH_BYTES: u64 = 4096 * MIB;
/// On a small disk never more than one fifth of it.
const SOFT_CEILING_DIVISOR: u64 = 5;
/// Below this part of the soft limit the ballast is given up.
const HARD_DIVISOR: u64 = 4;
/// The ballast on a disk that can afford it.
const BALLAST_BYTES: u64 = 64 * MIB;
/// On a small disk at most this part of it.
const BALLAST_DIVISOR: u64 = 50;

/// The limits that hold for one disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Below: read-only.
    pub(crate) soft_bytes: u64,
    /// Above again: writable. Larger than the soft limit, so that it does not flutter.
    pub(crate) resume_bytes: u64,
    /// Below: the ballast goes too.
    pub(crate) hard_bytes: u64,
    /// How large the ballast is.
    pub(crate) ballast_bytes: u64,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Advice {
    /// `Some(true)`: become read-only; `Some(false)`: become writable; `None`: as it is.
    pub(crate) read_only: Option<bool>,
    /// `Some(true)`: make the ballast; `Some(false)`: give it up; `None`: as it is.
    pub(crate) ballast: Option<bool>,
}

impl Limits {
    /// The limits for a disk of this size; `soft` replaces the soft limit that is chosen here.
    pub(crate) fn of(size_bytes: u64, soft: Option<u64>) -> Self {
        let share = (size_bytes / 20).clamp(SOFT_FLOOR_BYTES, SOFT_ENOUGH_BYTES);
        let chosen = share.min(size_bytes / SOFT_CEILING_DIVISOR);
        let soft_bytes = soft.unwrap_or(chosen);
        Self {
            soft_bytes,
            resume_bytes: soft_bytes + soft_bytes / 4,
            hard_bytes: soft_bytes / HARD_DIVISOR,
            ballast_bytes: BALLAST_BYTES.min(size_bytes / BALLAST_DIVISOR),
        }
    }

    /// What the present space asks for.
    pub(crate) fn advise(&self, space: Space, read_only: bool, ballast: bool) -> Advice {
        let free = space.free_bytes;
        Advice {
            read_only: match read_only {
                false if free < self.soft_bytes => Some(true),
                true if free >= self.resume_bytes => Some(false),
                _ => None,
            },
            ballast: match ballast {
                true if free < self.hard_bytes => Some(false),
                // Making it must not by itself make the server read-only.
                false if free >= self.resume_bytes + self.ballast_bytes => Some(true),
                _ => None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn at(free_bytes: u64) -> Space {
        Space { size_bytes: 0, free_bytes }
    }

    #[test]
    fn limits_fit_large_and_small_disks() {
        assert_eq!(Limits::of(1024 * GIB, None).soft_bytes, 4 * GIB);
        assert_eq!(Limits::of(40 * GIB, None).soft_bytes, 2 * GIB);
        assert_eq!(Limits::of(5 * GIB, None).soft_bytes, 512 * MIB);
        let small = Limits::of(200 * MIB, None);
        assert_eq!(small.soft_bytes, 40 * MIB);
        assert_eq!(small.ballast_bytes, 4 * MIB);
        assert!(small.ballast_bytes <= small.hard_bytes);
        assert_eq!(Limits::of(1024 * GIB, Some(GIB)).soft_bytes, GIB);
    }

    #[test]
    fn goes_read_only_once_and_comes_back_with_room() {
        let limits = Limits::of(1000 * MIB, None);
        let steps = [
            (400, false, None),
            (199, false, Some(true)),
            (199, true, None),
            (201, true, None),
            (249, true, None),
            (250, true, Some(false)),
            (250, false, None),
        ];
        for (free_mib, read_only, expected) in steps {
            let advice = limits.advise(at(free_mib * MIB), read_only, true);
            assert_eq!(advice.read_only, expected, "{free_mib} MiB free, read-only {read_only}");
        }
    }

    #[test]
    fn gives_the_ballast_up_below_the_hard_limit_and_makes_it_again_with_room() {
        let limits = Limits::of(1000 * MIB, None);
        for (free_mib, ballast, expected) in [
            (60, true, None),
            (49, true, Some(false)),
            (49, false, None),
            (260, false, None),
            (280, false, Some(true)),
        ] {
            let advice = limits.advise(at(free_mib * MIB), true, ballast);
            assert_eq!(advice.ballast, expected, "{free_mib} MiB free, ballast {ballast}");
        }
    }
}
