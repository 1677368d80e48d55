//! The authentication code of one stored unit.
//!
//! The pair (file, unit) repeats with every overwrite, so a MAC whose nonce must be unique
//! (GMAC, Poly1305) would give its key away. AES-GCM-SIV over associated data only is a
//! deterministic MAC that is built for repeated nonces (RFC 8452, section 9) and about three
//! times as fast as HMAC-SHA-256 here; HMAC stays for installations that need FIPS 198-1.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;

/// Length of a unit's code in bytes.
pub const MAC_BYTES: usize = 16;

/// Which function makes the codes; the number stands in each file's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum MacSuite {
    /// `AES-256-GCM-SIV(key, nonce = number ‖ kind, plaintext = "", aad = data)`, its tag.
    GcmSiv = 1,
    /// `HMAC-SHA-256(key, number ‖ kind ‖ data)` cut to 16 bytes (FIPS 198-1, RFC 2104).
    HmacSha256 = 2,
}

enum Key {
    GcmSiv(Box<LessSafeKey>),
    HmacSha256(Box<hmac::Key>),
}

/// Makes the codes of one file's units.
pub struct UnitMac {
    key: Key,
}

impl UnitMac {
    /// Takes the file's 32-byte MAC key.
    pub fn new(suite: MacSuite, key: &[u8; 32]) -> Self {
        let key = match suite {
            MacSuite::GcmSiv => Key::GcmSiv(Box::new(LessSafeKey::new(
                UnboundKey::new(&AES_256_GCM_SIV, key)
                    .expect("because the length is fixed by the type"),
            ))),
            MacSuite::HmacSha256 => {
                Key::HmacSha256(Box::new(hmac::Key::new(hmac::HMAC_SHA256, key)))
            }
        };
        Self { key }
    }

    /// The code of `data`, bound to its `number` and `kind` (4 bytes that say what it is).
    pub fn code(&self, number: u64, kind: [u8; 4], data: &[u8]) -> [u8; MAC_BYTES] {
        let mut context = [0u8; 12];
        context[..8].copy_from_slice(&number.to_le_bytes());
        context[8..].copy_from_slice(&kind);
        let mut code = [0u8; MAC_BYTES];
        match &self.key {
            Key::GcmSiv(key) => {
                let nonce = Nonce::assume_unique_for_key(context);
                let tag = key
                    .seal_in_place_separate_tag(nonce, Aad::from(data), &mut [])
                    .expect("because a unit is far below the length limit");
                code.copy_from_slice(tag.as_ref());
            }
            Key::HmacSha256(key) => {
                let mut hmac = hmac::Context::with_key(key);
                hmac.update(&context);
                hmac.update(data);
                code.copy_from_slice(&hmac.sign().as_ref()[..MAC_BYTES]);
            }
        }
        code
    }
}

impl std::fmt::Debug for UnitMac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UnitMac(…)")
    }
}
