//! Hexadecimal text of secrets: it wipes what it allocates.

use base::Secret;

/// Two lower-case digits a byte.
pub(crate) fn encode(bytes: &[u8]) -> Secret<String> {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).expect("because it is < 16"));
        }
    }
    Secret::new(text)
}

/// Fills `out` from exactly two digits a byte, either case.
pub(crate) fn decode_into(text: &str, out: &mut [u8]) -> Option<()> {
    let text = text.as_bytes();
    if text.len() != 2 * out.len() {
        return None;
    }
    for (out, pair) in out.iter_mut().zip(text.chunks_exact(2)) {
        *out = (nibble(pair[0])? << 4) | nibble(pair[1])?;
    }
    Some(())
}

/// Two digits a byte, with white space and hyphens anywhere.
pub(crate) fn decode_spaced(text: &str) -> Option<Secret<Vec<u8>>> {
    let mut bytes = Secret::new(Vec::with_capacity(text.len() / 2));
    let digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'-');
    let mut high = None;
    for digit in digits {
        let low = nibble(digit)?;
        match high.take() {
            None => high = Some(low),
            Some(high) => bytes.expose_mut().push((high << 4) | low),
        }
    }
    high.is_none().then_some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|nibble| nibble as u8)
}
