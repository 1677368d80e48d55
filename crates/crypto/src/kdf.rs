//! Key derivation.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// `HKDF-SHA-256[salt, info](secret, out.len())` (RFC 5869).
///
/// `out` takes at most 255 · 32 bytes; longer is a programming error and panics.
pub fn hkdf_sha256(secret: &[u8], salt: &[u8], info: &[&[u8]], out: &mut [u8]) {
    let prk = Salt::new(HKDF_SHA256, salt).extract(secret);
    prk.expand(info, Length(out.len()))
        .and_then(|okm| okm.fill(out))
        .expect("because every caller asks for less than 255 blocks");
}
