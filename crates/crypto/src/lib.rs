//! The only crate that names an algorithm: XTS, unit MAC, AEAD, KDF, RSA key wrap, hashes.
//!
//! One cryptographic library stands behind all of it: AWS-LC (`aws-lc-rs`; XTS through
//! `aws-lc-sys`, because the safe crate has none). Nothing here reads files or the clock.

mod aead;
mod error;
mod hash;
mod kdf;
mod key;
mod mac;
mod random;
mod rsa;
mod sys;
mod xts;

pub use aead::Aead;
pub use error::Error;
pub use hash::{constant_time_eq, sha256};
pub use kdf::hkdf_sha256;
pub use key::DataKey;
pub use mac::{MAC_BYTES, MacSuite, UnitMac};
pub use random::OsRandom;
pub use rsa::{RsaKey, RsaPublicKey};
pub use xts::{UNIT_BYTES, Xts};

#[cfg(test)]
mod tests;
