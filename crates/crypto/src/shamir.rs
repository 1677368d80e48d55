//! Sharing a secret so that any `threshold` of its shares give it back and fewer say nothing
//! (Shamir 1979), byte by byte over GF(2^8).
//!
//! A share carries the number of its set and a checksum against mistyping; the shared secret
//! carries a digest of itself, so that shares that do not belong together are noticed and never
//! give a wrong secret.

use aws_lc_rs::rand;
use base::Secret;

use crate::gf256::{invert, multiply};
use crate::hash::{Sha256, constant_time_eq};
use crate::{Error, hextext};

/// Longest secret in bytes.
pub const MAX_SHARED_SECRET_BYTES: usize = 1024;

const VERSION: u8 = 1;
const SET_BYTES: usize = 4;
/// `version ‖ set ‖ threshold ‖ index`.
const HEADER_BYTES: usize = 1 + SET_BYTES + 2;
const CHECKSUM_BYTES: usize = 4;
const DIGEST_BYTES: usize = 16;

/// One share of a secret.
pub struct Share {
    set: [u8; SET_BYTES],
    threshold: u8,
    index: u8,
    values: Secret<Vec<u8>>,
}

impl Share {
    /// Which share of its set this is, from 1.
    pub fn index(&self) -> u8 {
        self.index
    }

    /// How many shares of the set give the secret.
    pub fn threshold(&self) -> u8 {
        self.threshold
    }

    /// Random number of the set; not secret.
    pub fn set(&self) -> [u8; SET_BYTES] {
        self.set
    }

    /// Whether both come from the same split.
    pub fn belongs_with(&self, other: &Self) -> bool {
        self.set == other.set
            && self.threshold == other.threshold
            && self.values.expose().len() == other.values.expose().len()
    }

    /// The share for a person to keep: hexadecimal digits.
    ///
    /// `version ‖ set (4) ‖ threshold ‖ index ‖ values ‖ checksum (4)`
    pub fn to_text(&self) -> Secret<String> {
        let mut bytes = Secret::new(Vec::with_capacity(
            HEADER_BYTES + self.values.expose().len() + CHECKSUM_BYTES,
        ));
        let body = bytes.expose_mut();
        body.push(VERSION);
        body.extend(self.set);
        body.extend([self.threshold, self.index]);
        body.extend_from_slice(self.values.expose());
        let checksum = checksum(body);
        body.extend(checksum);
        hextext::encode(bytes.expose())
    }

    /// Reads what [`Share::to_text`] wrote; spaces, line ends, hyphens and the case of digits
    /// do not matter. A mistyped digit is noticed but for one in 2^32.
    pub fn from_text(text: &str) -> Result<Self, Error> {
        let longest = HEADER_BYTES + MAX_SHARED_SECRET_BYTES + DIGEST_BYTES + CHECKSUM_BYTES;
        if text.len() > 4 * longest {
            return Err(Error::MalformedShare);
        }
        let bytes = hextext::decode_spaced(text).ok_or(Error::MalformedShare)?;
        let body = bytes.expose();
        let split = body.len().checked_sub(CHECKSUM_BYTES).ok_or(Error::MalformedShare)?;
        let (body, given) = body.split_at(split);
        let (header, values) =
            body.split_first_chunk::<HEADER_BYTES>().ok_or(Error::MalformedShare)?;
        let &[VERSION, s0, s1, s2, s3, threshold, index] = header else {
            return Err(Error::MalformedShare);
        };
        let sensible = given == checksum(body)
            && threshold >= 2
            && index >= 1
            && values.len() > DIGEST_BYTES
            && values.len() <= MAX_SHARED_SECRET_BYTES + DIGEST_BYTES;
        if !sensible {
            return Err(Error::MalformedShare);
        }
        let values = Secret::new(values.to_vec());
        Ok(Self { set: [s0, s1, s2, s3], threshold, index, values })
    }
}

impl std::fmt::Debug for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Share({} of a set, any {} suffice, …)", self.index, self.threshold)
    }
}

/// Splits a secret into `n_shares`, any `threshold` of which give it back.
///
/// `2 ≤ threshold ≤ n_shares ≤ 255`; the secret has 1 to 1,024 bytes. With a threshold of one
/// each share would be the secret.
pub fn split(secret: &[u8], threshold: u8, n_shares: u8) -> Result<Vec<Share>, Error> {
    if threshold < 2 || threshold > n_shares {
        return Err(Error::Parameters);
    }
    if secret.is_empty() || secret.len() > MAX_SHARED_SECRET_BYTES {
        return Err(Error::Length);
    }
    let mut set = [0; SET_BYTES];
    rand::fill(&mut set).map_err(|_| Error::Library)?;
    let mut shared = Secret::new(Vec::with_capacity(secret.len() + DIGEST_BYTES));
    shared.expose_mut().extend_from_slice(secret);
    shared.expose_mut().extend(digest(set, threshold, secret));
    let n = shared.expose().len();
    // Coefficients of degree 1 and up, one row of `n` a degree.
    let mut coefficients = Secret::new(vec![0; n * (usize::from(threshold) - 1)]);
    rand::fill(coefficients.expose_mut()).map_err(|_| Error::Library)?;
    let value_at = |x: u8| {
        let mut values = Secret::new(vec![0; n]);
        // Horner's rule, from the highest degree down to the secret itself.
        let rows = coefficients.expose().chunks_exact(n).rev().chain([shared.expose().as_slice()]);
        for row in rows {
            for (value, coefficient) in values.expose_mut().iter_mut().zip(row) {
                *value = multiply(*value, x) ^ coefficient;
            }
        }
        values
    };
    Ok((1..=n_shares)
        .map(|index| Share { set, threshold, index, values: value_at(index) })
        .collect())
}

/// Gives the secret back from any `threshold` different shares of one set. More than enough
/// shares must agree too.
pub fn combine(shares: &[Share]) -> Result<Secret<Vec<u8>>, Error> {
    let first = shares.first().ok_or(Error::TooFewShares)?;
    if shares.iter().any(|share| !share.belongs_with(first)) {
        return Err(Error::ForeignShare);
    }
    let mut different: Vec<&Share> = Vec::new();
    for share in shares {
        match different.iter().find(|known| known.index == share.index) {
            None => different.push(share),
            Some(known) if constant_time_eq(known.values.expose(), share.values.expose()) => {}
            Some(_) => return Err(Error::ForeignShare),
        }
    }
    let needed = usize::from(first.threshold);
    if different.len() < needed {
        return Err(Error::TooFewShares);
    }
    let (base, surplus) = different.split_at(needed);
    for share in surplus {
        let expected = interpolate(base, share.index);
        if !constant_time_eq(expected.expose(), share.values.expose()) {
            return Err(Error::ForeignShare);
        }
    }
    let mut shared = interpolate(base, 0);
    let n = shared.expose().len() - DIGEST_BYTES;
    let (secret, given) = shared.expose().split_at(n);
    if !constant_time_eq(&digest(first.set, first.threshold, secret), given) {
        return Err(Error::ForeignShare);
    }
    shared.expose_mut().truncate(n);
    Ok(shared)
}

/// The polynomial through `shares` at `x` (Lagrange); indices differ and are not zero.
fn interpolate(shares: &[&Share], x: u8) -> Secret<Vec<u8>> {
    let mut sum = Secret::new(vec![0; shares[0].values.expose().len()]);
    for share in shares {
        let others = shares.iter().map(|other| other.index).filter(|other| *other != share.index);
        let weight = others.fold(1, |weight, other| {
            let fraction = multiply(x ^ other, invert(share.index ^ other));
            multiply(weight, fraction)
        });
        for (sum, value) in sum.expose_mut().iter_mut().zip(share.values.expose()) {
            *sum ^= multiply(*value, weight);
        }
    }
    sum
}

/// What travels inside the shared bytes and tells a right secret from a wrong one.
fn digest(set: [u8; SET_BYTES], threshold: u8, secret: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut hash = Sha256::new();
    hash.update(b"pgkeep shared secret 1");
    hash.update(&set);
    hash.update(&[threshold]);
    hash.update(secret);
    let mut digest = [0; DIGEST_BYTES];
    digest.copy_from_slice(&hash.finish()[..DIGEST_BYTES]);
    digest
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hash = Sha256::new();
    hash.update(b"pgkeep share 1");
    hash.update(body);
    let mut checksum = [0; CHECKSUM_BYTES];
    checksum.copy_from_slice(&hash.finish()[..CHECKSUM_BYTES]);
    checksum
}

#[cfg(test)]
#[path = "shamir_tests.rs"]
mod tests;
