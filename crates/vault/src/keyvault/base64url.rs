//! base64url without padding (RFC 4648, section 5), as binary travels in JSON.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// Bytes as text.
pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Text as bytes; padding at the end is let pass. The bytes are wiped when dropped.
pub(crate) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let text = text.trim_end_matches('=');
    // Into a buffer of its final size: no copies of a key are left behind.
    let mut buffer = Zeroizing::new(vec![0; text.len() / 4 * 3 + 3]);
    let n = URL_SAFE_NO_PAD.decode_slice(text, &mut buffer).ok()?;
    buffer.truncate(n);
    Some(buffer)
}
