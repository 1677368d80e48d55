//! What a vault key is made of, seen from outside: what to make, what may be shown, what comes
//! in with an import. Integers are unsigned and big-endian (RFC 7518, section 6).

use super::names::Curve;

/// The public exponent of every RSA key made here (F4).
pub const RSA_PUBLIC_EXPONENT: u32 = 65_537;

/// Type and size of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeySpec {
    /// An RSA key pair.
    Rsa {
        /// Length of the modulus: 2048, 3072 or 4096.
        bits: u32,
        /// Only [`RSA_PUBLIC_EXPONENT`] can be generated; an import may bring another one.
        public_exponent: u32,
    },
    /// A key pair on an elliptic curve.
    Ec(Curve),
    /// A symmetric key.
    Oct {
        /// Length of the key: 128, 192 or 256.
        bits: u32,
    },
}

/// What encrypt makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ciphertext {
    /// The encrypted message.
    pub value: Vec<u8>,
    /// The initialisation vector, for GCM and CBC.
    pub iv: Option<Vec<u8>>,
    /// The authentication tag, for GCM.
    pub tag: Option<Vec<u8>>,
}

/// What anyone may know of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicParts {
    /// An RSA public key.
    Rsa {
        /// The modulus, without leading zeros.
        n: Vec<u8>,
        /// The public exponent, without leading zeros.
        e: Vec<u8>,
    },
    /// A point on a curve.
    Ec {
        /// The curve.
        curve: Curve,
        /// The x coordinate, padded to the length of the field.
        x: Vec<u8>,
        /// The y coordinate, padded to the length of the field.
        y: Vec<u8>,
    },
    /// A symmetric key shows only its length.
    Oct {
        /// Length of the key.
        bits: u32,
    },
}

/// A whole key from outside, to be imported. Leading zeros are accepted everywhere but in `k`.
///
/// No Debug: a value of this type holds private parts.
#[derive(Clone, Copy)]
pub enum PrivateParts<'a> {
    /// An RSA key with all its parts (RFC 7518, 6.3). One that lacks the factors is refused by
    /// its reader: everything that exports keys writes them.
    Rsa {
        /// Modulus.
        n: &'a [u8],
        /// Public exponent.
        e: &'a [u8],
        /// Private exponent.
        d: &'a [u8],
        /// First factor.
        p: &'a [u8],
        /// Second factor.
        q: &'a [u8],
        /// `d mod (p - 1)`.
        dp: &'a [u8],
        /// `d mod (q - 1)`.
        dq: &'a [u8],
        /// `q⁻¹ mod p`.
        qi: &'a [u8],
    },
    /// A key pair on a curve.
    Ec {
        /// The curve.
        curve: Curve,
        /// The x coordinate of the public point.
        x: &'a [u8],
        /// The y coordinate of the public point.
        y: &'a [u8],
        /// The private scalar.
        d: &'a [u8],
    },
    /// A symmetric key.
    Oct {
        /// The key itself.
        k: &'a [u8],
    },
}
