//! Random names and passwords.

use base::{Random, Secret};

/// Letters and digits: no character that libpq's password file or a URI would have to escape.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
/// 32 of 62 characters: 190 bits.
const PASSWORD_LENGTH: usize = 32;

/// A new password.
pub(crate) fn password(random: &dyn Random) -> Secret<String> {
    let mut text = Secret::new(String::with_capacity(PASSWORD_LENGTH));
    let mut bytes = Secret::new([0_u8; 64]);
    while text.expose().len() < PASSWORD_LENGTH {
        random.fill(bytes.expose_mut());
        for byte in bytes.expose() {
            // Only the bytes below 4 * 62, so that each character is equally likely.
            if usize::from(*byte) < 4 * ALPHABET.len() && text.expose().len() < PASSWORD_LENGTH {
                text.expose_mut().push(char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
            }
        }
    }
    text
}

/// A random identifier in the shape of a UUID version 4 (RFC 9562).
pub(crate) fn identifier(random: &dyn Random) -> String {
    let mut bytes = [0; 16];
    random.fill(&mut bytes);
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex::encode(bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// The line of libpq's password file (manual section "The Password File") for the bootstrap
/// role. Host and port are wildcards: the file holds one server's password only.
pub(crate) fn pgpass_line(password: &Secret<String>) -> Secret<String> {
    Secret::new(format!("*:*:*:postgres:{}\n", password.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_plain_and_differ() {
        let one = password(&crypto::OsRandom);
        let two = password(&crypto::OsRandom);
        assert_eq!(one.expose().len(), PASSWORD_LENGTH);
        assert!(one.expose().bytes().all(|b| b.is_ascii_alphanumeric()));
        assert_ne!(one.expose(), two.expose());
    }

    #[test]
    fn identifiers_have_the_shape_of_uuids() {
        let id = identifier(&crypto::OsRandom);
        assert_eq!(id.len(), 36);
        assert_eq!(id.as_bytes()[14], b'4');
        assert!(matches!(id.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }
}
