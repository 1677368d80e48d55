//! MD5 through AWS-LC's C interface: the safe crate leaves it out on purpose.

use aws_lc_sys as lc;

/// `MD5(data)` (RFC 1321).
pub(crate) fn md5(data: &[u8]) -> [u8; 16] {
    let mut out = [0; 16];
    // SAFETY: MD5 reads exactly `len` bytes and writes MD5_DIGEST_LENGTH, which is 16.
    unsafe {
        lc::MD5(data.as_ptr(), data.len(), out.as_mut_ptr());
    }
    out
}
