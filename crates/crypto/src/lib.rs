//! The only crate that names an algorithm: XTS, unit MAC, AEAD, KDFs, hashes, secret sharing,
//! and the keys of a vault.
//!
//! One cryptographic library stands behind it: AWS-LC (`aws-lc-rs`; XTS and AES key wrap
//! through `aws-lc-sys`, because the safe crate lacks them or half of them). Only Argon2 comes
//! from elsewhere. Nothing here reads files or the clock.

mod aead;
mod error;
mod gf256;
mod hash;
mod hextext;
mod kdf;
mod key;
mod mac;
mod password;
mod random;
mod rsa;
mod shamir;
mod stored_password;
mod sys;
mod vaultkey;
mod xts;

pub use aead::Aead;
pub use error::Error;
pub use hash::{Sha256, constant_time_eq, md5, sha1, sha256};
pub use kdf::hkdf_sha256;
pub use key::DataKey;
pub use mac::{MAC_BYTES, MacSuite, UnitMac};
pub use password::{Argon2Params, MAX_PASSPHRASE_BYTES, argon2id};
pub use random::OsRandom;
pub use rsa::{RsaKey, RsaPublicKey};
pub use shamir::{MAX_SHARED_SECRET_BYTES, Share, combine, split};
pub use stored_password::{hash_password, verify_password};
pub use vaultkey::{
    Ciphertext, Curve, EncryptionAlg, KeySpec, PrivateParts, PublicKey, PublicParts,
    RSA_PUBLIC_EXPONENT, SignatureAlg, VaultKey,
};
pub use xts::{UNIT_BYTES, Xts};

#[cfg(test)]
mod tests;
