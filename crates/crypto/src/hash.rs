//! Hashes and comparison.

use aws_lc_rs::digest;

/// `SHA-256(data)` (FIPS 180-4).
pub fn sha256(data: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(data);
    hash.finish()
}

/// `SHA-1(data)` (FIPS 180-4): for functions of query languages, never for trust.
pub fn sha1(data: &[u8]) -> [u8; 20] {
    let mut out = [0; 20];
    out.copy_from_slice(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, data).as_ref());
    out
}

/// `MD5(data)` (RFC 1321): for functions of query languages, never for trust.
pub fn md5(data: &[u8]) -> [u8; 16] {
    crate::sys::md5::md5(data)
}

/// SHA-256 of data that comes in pieces. A clone goes on from the same state.
#[derive(Clone)]
pub struct Sha256 {
    context: digest::Context,
}

impl Sha256 {
    /// The hash of nothing yet.
    pub fn new() -> Self {
        Self { context: digest::Context::new(&digest::SHA256) }
    }

    /// Takes the next piece.
    pub fn update(&mut self, data: &[u8]) {
        self.context.update(data);
    }

    /// The hash of everything so far.
    pub fn finish(self) -> [u8; 32] {
        let mut out = [0; 32];
        out.copy_from_slice(self.context.finish().as_ref());
        out
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sha256(…)")
    }
}

/// Compares in time that depends on the lengths only.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(a, b).is_ok()
}
