//! Repeatable pseudo-randomness for harnesses; not for secrets (those read the kernel's source).

use std::fs::File;
use std::io::Read;
use std::ops::Range;

use crate::failure::{Doing, Outcome};

/// SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): 64 bits of state, printed as the seed.
#[derive(Debug, Clone)]
pub(crate) struct Rng {
    state: u64,
}

impl Rng {
    /// The same seed gives the same numbers.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64 bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number in `range`, which must not be empty; the bias is far below anything seen here.
    pub(crate) fn within(&mut self, range: Range<u64>) -> u64 {
        range.start + self.next() % (range.end - range.start)
    }

    /// One of `choices`, which must not be empty.
    pub(crate) fn choose<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        let n = u64::try_from(choices.len()).expect("because a slice is shorter than 2^64");
        let at = usize::try_from(self.within(0..n)).expect("because it indexes a slice");
        &choices[at]
    }
}

/// A seed nobody chose, small enough to be typed again.
pub(crate) fn fresh_seed() -> Outcome<u64> {
    Ok(u64::from(u32::from_le_bytes(random_bytes()?)))
}

/// Bytes from the kernel, fit for a throw-away key.
pub(crate) fn random_bytes<const N: usize>() -> Outcome<[u8; N]> {
    let mut bytes = [0; N];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .doing(|| "read random bytes".to_owned())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::Rng;

    #[test]
    fn is_repeatable_and_in_range() {
        let (mut a, mut b) = (Rng::new(7), Rng::new(7));
        for _ in 0..1000 {
            let n = a.within(10..20);
            assert_eq!(n, b.within(10..20));
            assert!((10..20).contains(&n));
        }
        assert_ne!(Rng::new(1).next(), Rng::new(2).next());
    }
}
