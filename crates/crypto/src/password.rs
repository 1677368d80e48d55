//! Keys from passphrases.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use crate::Error;

/// Longest passphrase in bytes.
pub const MAX_PASSPHRASE_BYTES: usize = 1024;

/// What one guess costs. Stored beside the salt, so that it can grow later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Params {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes; they are computed one after the other.
    pub lanes: u32,
}

impl Default for Argon2Params {
    /// 64 MiB, three passes, one lane: the memory of RFC 9106's second recommendation, where
    /// four lanes would give an attacker with many cores more than the one who unseals.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 1 }
    }
}

impl Argon2Params {
    const MAX_MEMORY_KIB: u32 = 1024 * 1024;
    const MAX_PASSES: u32 = 64;
    const MAX_LANES: u32 = 16;
    const SALT_BYTES: std::ops::RangeInclusive<usize> = 16..=64;
    const OUT_BYTES: std::ops::RangeInclusive<usize> = 16..=64;
}

/// `out = Argon2id(passphrase, salt, memory, passes, lanes)`, version 0x13 (RFC 9106).
///
/// The passphrase has 1 to 1,024 bytes, salt and `out` 16 to 64. Memory is at most 1 GiB,
/// passes at most 64, lanes at most 16: parameters read from a file cannot stall the process
/// for ever.
pub fn argon2id(
    passphrase: &[u8],
    salt: &[u8],
    params: &Argon2Params,
    out: &mut [u8],
) -> Result<(), Error> {
    let &Argon2Params { memory_kib, passes, lanes } = params;
    let costs_fit = memory_kib <= Argon2Params::MAX_MEMORY_KIB
        && passes <= Argon2Params::MAX_PASSES
        && lanes <= Argon2Params::MAX_LANES;
    let lengths_fit = Argon2Params::SALT_BYTES.contains(&salt.len())
        && Argon2Params::OUT_BYTES.contains(&out.len());
    if !costs_fit || !lengths_fit {
        return Err(Error::Parameters);
    }
    if passphrase.is_empty() || passphrase.len() > MAX_PASSPHRASE_BYTES {
        return Err(Error::Length);
    }
    // Refuses too small costs too.
    let params =
        Params::new(memory_kib, passes, lanes, Some(out.len())).map_err(|_| Error::Parameters)?;
    // The crate frees its own memory without wiping it, so it works in ours.
    let n_blocks = params.block_count();
    let mut memory = Zeroizing::new(Vec::new());
    memory.try_reserve_exact(n_blocks).map_err(|_| Error::Library)?;
    memory.resize_with(n_blocks, Block::new);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(passphrase, salt, out, memory.as_mut_slice())
        .map_err(|_| Error::Library)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &[u8; 16] = b"sixteen byte sal";

    /// Answers of the reference implementation in C, release 20190702.
    #[test]
    fn known_answers() {
        let params = |memory_kib, passes, lanes| Argon2Params { memory_kib, passes, lanes };
        for (params, expected) in [
            (
                Argon2Params::default(),
                "2c4ea0b023f69c7a27769412f53575e97ed04cea60e5d952796c274c5a65d840",
            ),
            (params(64, 1, 1), "3991d597ed243308858673b496b8a7d55021baa43f229152d01676754ee7521f"),
            (params(256, 2, 4), "cdd2f07b2363238e298afe4726e9bb5237c05dae0243edb161c9f02e42f2c513"),
        ] {
            let mut key = [0; 32];
            argon2id(b"correct horse", SALT, &params, &mut key).unwrap();
            assert_eq!(hex::encode(key), expected, "{params:?}");
        }
    }

    #[test]
    fn everything_counts() {
        let small = Argon2Params { memory_kib: 64, passes: 1, lanes: 1 };
        let hash = |passphrase: &[u8], salt: &[u8], params: &Argon2Params| {
            let mut key = [0; 32];
            argon2id(passphrase, salt, params, &mut key).unwrap();
            key
        };
        let key = hash(b"a", SALT, &small);
        assert_ne!(key, hash(b"b", SALT, &small));
        assert_ne!(key, hash(b"a", &[7; 16], &small));
        assert_ne!(key, hash(b"a", SALT, &Argon2Params { memory_kib: 72, ..small }));
        assert_ne!(key, hash(b"a", SALT, &Argon2Params { passes: 2, ..small }));
    }

    #[test]
    fn refuses_what_is_outside_the_limits() {
        let ok = Argon2Params { memory_kib: 64, passes: 1, lanes: 1 };
        let long = vec![b'x'; MAX_PASSPHRASE_BYTES + 1];
        for passphrase in [&b""[..], &long] {
            let refused = argon2id(passphrase, SALT, &ok, &mut [0; 32]);
            assert_eq!(refused.unwrap_err(), Error::Length);
        }
        for params in [
            Argon2Params { memory_kib: 7, ..ok },
            Argon2Params { memory_kib: 2 * 1024 * 1024, ..ok },
            Argon2Params { passes: 0, ..ok },
            Argon2Params { passes: 65, ..ok },
            Argon2Params { lanes: 0, ..ok },
            Argon2Params { lanes: 17, memory_kib: 1024, ..ok },
        ] {
            let refused = argon2id(b"a", SALT, &params, &mut [0; 32]);
            assert_eq!(refused.unwrap_err(), Error::Parameters, "{params:?}");
        }
        for (n_salt, n_out) in [(15, 32), (65, 32), (16, 15), (16, 65)] {
            let refused = argon2id(b"a", &vec![1; n_salt], &ok, &mut vec![0; n_out]);
            assert_eq!(refused.unwrap_err(), Error::Parameters, "{n_salt} {n_out}");
        }
    }
}
