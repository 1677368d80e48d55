//! A fast hash of whole numbers that nobody outside can foresee.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Makes hashers with one secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mix(u64);

impl Default for Mix {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0))
    }
}

impl BuildHasher for Mix {
    type Hasher = Mixed;

    fn build_hasher(&self) -> Mixed {
        Mixed(self.0)
    }
}

/// The hash of one number (the finaliser of splitmix64 over the number and the secret).
#[derive(Debug)]
pub(super) struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, n: u64) {
        let mut z = self.0 ^ n;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        self.0 = z ^ (z >> 31);
    }

    fn write_i64(&mut self, n: i64) {
        self.write_u64(n as u64);
    }
}
