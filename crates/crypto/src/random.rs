//! The operating system's randomness behind the `base::Random` door.

use aws_lc_rs::rand;

/// Cryptographically secure random bytes from AWS-LC, seeded by the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl base::Random for OsRandom {
    fn fill(&self, out: &mut [u8]) {
        rand::fill(out).expect("because a machine without randomness must not go on");
    }
}
