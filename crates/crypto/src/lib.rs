//! The only crate that names an algorithm: AEAD, XTS, MAC, KDF, key wrap, hashes.

mod key;

pub use key::DataKey;
