//! AES key wrap through AWS-LC's C interface: the safe crate has it for 128 and 256 bits only.

use std::ptr;

use aws_lc_sys as lc;
use base::Secret;
use zeroize::Zeroize;

use super::Direction;
use crate::Error;

const SEMIBLOCK: usize = 8;

/// Which of the two standards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// RFC 3394, NIST SP 800-38F KW: whole semiblocks, at least two.
    None,
    /// RFC 5649, NIST SP 800-38F KWP: any length from one byte.
    Zeros,
}

/// `KW(kek, key)` or `KWP(kek, key)`; the kek has 16, 24 or 32 bytes.
pub(crate) fn wrap(kek: &[u8], padding: Padding, key: &[u8]) -> Result<Vec<u8>, Error> {
    let fits = match padding {
        Padding::None => key.len() >= 2 * SEMIBLOCK && key.len().is_multiple_of(SEMIBLOCK),
        Padding::Zeros => !key.is_empty(),
    };
    if !fits {
        return Err(Error::Length);
    }
    let schedule = Schedule::new(kek, Direction::Encrypt)?;
    let mut wrapped = vec![0; key.len().next_multiple_of(SEMIBLOCK) + SEMIBLOCK];
    let mut n = 0;
    // SAFETY: the schedule is keyed. KW writes key.len() + 8 bytes, which is wrapped.len()
    // because the key is whole semiblocks; its null iv means the standard one. KWP writes at
    // most the given room. The buffers do not overlap.
    let ok = unsafe {
        match padding {
            Padding::None => {
                let (out, from) = (wrapped.as_mut_ptr(), key.as_ptr());
                let written = lc::AES_wrap_key(&schedule.0, ptr::null(), out, from, key.len());
                n = usize::try_from(written).unwrap_or(0);
                written > 0
            }
            Padding::Zeros => {
                let (out, from) = (wrapped.as_mut_ptr(), key.as_ptr());
                let room = wrapped.len();
                lc::AES_wrap_key_padded(&schedule.0, out, &mut n, room, from, key.len()) == 1
            }
        }
    };
    if ok && n == wrapped.len() { Ok(wrapped) } else { Err(Error::Library) }
}

/// The inverse of [`wrap`]. Says nothing about why it failed.
pub(crate) fn unwrap(
    kek: &[u8],
    padding: Padding,
    wrapped: &[u8],
) -> Result<Secret<Vec<u8>>, Error> {
    let shortest = match padding {
        Padding::None => 3 * SEMIBLOCK,
        Padding::Zeros => 2 * SEMIBLOCK,
    };
    if wrapped.len() < shortest || !wrapped.len().is_multiple_of(SEMIBLOCK) {
        return Err(Error::NotAuthentic);
    }
    let schedule = Schedule::new(kek, Direction::Decrypt)?;
    // One semiblock more than the key can have, because KWP decrypts in place.
    let mut key = Secret::new(vec![0; wrapped.len()]);
    let mut n = 0;
    // SAFETY: the schedule is keyed for decryption. KW writes wrapped.len() - 8 bytes into a
    // buffer of wrapped.len(); its null iv means the standard one. KWP writes at most the
    // given room. The buffers do not overlap.
    let ok = unsafe {
        match padding {
            Padding::None => {
                let (out, from) = (key.expose_mut().as_mut_ptr(), wrapped.as_ptr());
                let (iv, length) = (ptr::null(), wrapped.len());
                let written = lc::AES_unwrap_key(&schedule.0, iv, out, from, length);
                n = usize::try_from(written).unwrap_or(0);
                written > 0
            }
            Padding::Zeros => {
                let (out, from) = (key.expose_mut().as_mut_ptr(), wrapped.as_ptr());
                let length = wrapped.len();
                lc::AES_unwrap_key_padded(&schedule.0, out, &mut n, length, from, length) == 1
            }
        }
    };
    if !ok || n == 0 || n > key.expose().len() {
        return Err(Error::NotAuthentic);
    }
    key.expose_mut().truncate(n);
    Ok(key)
}

/// An AES key schedule, wiped on drop.
struct Schedule(lc::AES_KEY);

impl Schedule {
    fn new(kek: &[u8], direction: Direction) -> Result<Self, Error> {
        let bits = match kek.len() {
            16 => 128,
            24 => 192,
            32 => 256,
            _ => return Err(Error::MalformedKey),
        };
        let mut schedule = Self(lc::AES_KEY { rd_key: [0; 60], rounds: 0 });
        // SAFETY: both read `bits / 8` bytes, which the kek has, and fill the schedule.
        let status = unsafe {
            match direction {
                Direction::Encrypt => lc::AES_set_encrypt_key(kek.as_ptr(), bits, &mut schedule.0),
                Direction::Decrypt => lc::AES_set_decrypt_key(kek.as_ptr(), bits, &mut schedule.0),
            }
        };
        if status == 0 { Ok(schedule) } else { Err(Error::MalformedKey) }
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        self.0.rd_key.zeroize();
    }
}
