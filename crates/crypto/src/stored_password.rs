//! Passwords of people as they are stored: a PHC string of Argon2id.

use base::Random;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use crate::{Argon2Params, Error, argon2id, constant_time_eq};

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;
/// A PHC string of ours is shorter.
const TEXT_MAX: usize = 512;

/// `$argon2id$v=19$m=…,t=…,p=…$salt$hash` of a password with a fresh salt of 16 bytes; salt and
/// hash in base64 without padding. Errors as [`argon2id`].
pub fn hash_password(
    password: &[u8],
    params: &Argon2Params,
    random: &dyn Random,
) -> Result<String, Error> {
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt);
    let mut hash = [0; HASH_BYTES];
    argon2id(password, &salt, params, &mut hash)?;
    let Argon2Params { memory_kib, passes, lanes } = params;
    Ok(format!(
        "$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${}${}",
        STANDARD_NO_PAD.encode(salt),
        STANDARD_NO_PAD.encode(hash),
    ))
}

/// Whether `password` gives what [`hash_password`] stored. The costs come from the stored text, so
/// that they can grow; an error when it is no such text.
pub fn verify_password(password: &[u8], stored: &str) -> Result<bool, Error> {
    let (params, salt, hash) = parse(stored).ok_or(Error::Parameters)?;
    let mut computed = vec![0; hash.len()];
    argon2id(password, &salt, &params, &mut computed)?;
    Ok(constant_time_eq(&computed, &hash))
}

fn parse(stored: &str) -> Option<(Argon2Params, Vec<u8>, Vec<u8>)> {
    if stored.len() > TEXT_MAX {
        return None;
    }
    let rest = stored.strip_prefix("$argon2id$v=19$m=")?;
    let (memory, rest) = rest.split_once(",t=")?;
    let (passes, rest) = rest.split_once(",p=")?;
    let (lanes, rest) = rest.split_once('$')?;
    let (salt, hash) = rest.split_once('$')?;
    let params = Argon2Params {
        memory_kib: memory.parse().ok()?,
        passes: passes.parse().ok()?,
        lanes: lanes.parse().ok()?,
    };
    let bytes = |text: &str| STANDARD_NO_PAD.decode(text).ok();
    Some((params, bytes(salt)?, bytes(hash)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OsRandom;

    const CHEAP: Argon2Params = Argon2Params { memory_kib: 64, passes: 1, lanes: 1 };

    /// The same password and salt as in the table of `argon2id`, as the PHC string that the
    /// reference implementation prints.
    #[test]
    fn reads_the_common_form() {
        let stored = "$argon2id$v=19$m=64,t=1,p=1$c2l4dGVlbiBieXRlIHNhbA$\
                      OZHVl+7bMwiIWGc7SW2Lj3pVAhuqQ/IpFS0BZ2dU7nUh";
        assert!(matches!(verify_password(b"correct horse", stored), Ok(false)), "33 bytes");
        let hash = "3991d597ed243308858673b496b8a7d55021baa43f229152d01676754ee7521f";
        let hash = STANDARD_NO_PAD.encode(hex::decode(hash).unwrap());
        let stored = format!("$argon2id$v=19$m=64,t=1,p=1$c2l4dGVlbiBieXRlIHNhbA${hash}");
        assert!(verify_password(b"correct horse", &stored).unwrap());
        assert!(!verify_password(b"correct horsf", &stored).unwrap());
    }

    #[test]
    fn comes_back_and_never_twice_the_same() {
        let first = hash_password(b"swordfish", &CHEAP, &OsRandom).unwrap();
        let second = hash_password(b"swordfish", &CHEAP, &OsRandom).unwrap();
        assert_ne!(first, second);
        assert!(verify_password(b"swordfish", &first).unwrap());
        assert!(!verify_password(b"Swordfish", &second).unwrap());
        assert!(!first.contains("swordfish"));
    }

    #[test]
    fn what_is_no_hash_is_an_error_not_a_match() {
        let good = hash_password(b"x", &CHEAP, &OsRandom).unwrap();
        let huge = good.replace("m=64", "m=4294967295");
        for bad in ["", "x", "$argon2i$v=19$m=64,t=1,p=1$AA$AA", &good[..good.len() - 30], &huge] {
            assert!(verify_password(b"x", bad).is_err(), "{bad}");
        }
    }
}
