//! Names of curves and algorithms as they travel in JSON: RFC 7518, RFC 8812 and, for the
//! symmetric ones, the Azure Key Vault keys API.

use crate::Error;

/// Declares an enum whose variants have one name each on the wire.
macro_rules! named {
    (
        $(#[$about:meta])*
        $name:ident { $($(#[$doc:meta])* $variant:ident = $text:literal,)+ }
    ) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $variant,)+
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = Error;

            /// Takes the exact name; case matters, as it does in JSON.
            fn from_str(text: &str) -> Result<Self, Error> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(Error::UnknownName),
                }
            }
        }
    };
}

named! {
    /// An elliptic curve (`crv`).
    Curve {
        /// NIST P-256, secp256r1.
        P256 = "P-256",
        /// SEC 2 secp256k1; RFC 8812 calls it `secp256k1`, the Azure API `P-256K`.
        P256K = "P-256K",
        /// NIST P-384, secp384r1.
        P384 = "P-384",
        /// NIST P-521, secp521r1.
        P521 = "P-521",
    }
}

impl Curve {
    /// Length of a coordinate in bytes.
    pub const fn field_bytes(self) -> usize {
        match self {
            Self::P256 | Self::P256K => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

named! {
    /// An algorithm of encrypt, decrypt, wrap and unwrap.
    EncryptionAlg {
        /// RSAES-OAEP with SHA-1 and MGF1 with SHA-1 (RFC 8017, 7.1). Not recommended.
        RsaOaep = "RSA-OAEP",
        /// RSAES-OAEP with SHA-256 and MGF1 with SHA-256.
        RsaOaep256 = "RSA-OAEP-256",
        /// RSAES-PKCS1-v1_5 (RFC 8017, 7.2). Not recommended: who sees whether decryption
        /// fails can decrypt other messages (Bleichenbacher 1998).
        Rsa1_5 = "RSA1_5",
        /// AES-128 key wrap (RFC 3394).
        A128Kw = "A128KW",
        /// AES-192 key wrap.
        A192Kw = "A192KW",
        /// AES-256 key wrap.
        A256Kw = "A256KW",
        /// AES-128 key wrap with padding (RFC 5649).
        A128KwPad = "A128KWPAD",
        /// AES-192 key wrap with padding.
        A192KwPad = "A192KWPAD",
        /// AES-256 key wrap with padding.
        A256KwPad = "A256KWPAD",
        /// RFC 3394 with whatever size the key has (PKCS#11 name).
        CkmAesKeyWrap = "CKM_AES_KEY_WRAP",
        /// RFC 5649 with whatever size the key has (PKCS#11 name).
        CkmAesKeyWrapPad = "CKM_AES_KEY_WRAP_PAD",
        /// AES-128-GCM (NIST SP 800-38D), 96-bit iv, 128-bit tag.
        A128Gcm = "A128GCM",
        /// AES-192-GCM.
        A192Gcm = "A192GCM",
        /// AES-256-GCM.
        A256Gcm = "A256GCM",
        /// AES-128-CBC (NIST SP 800-38A) over whole blocks. Not authenticated.
        A128Cbc = "A128CBC",
        /// AES-192-CBC over whole blocks. Not authenticated.
        A192Cbc = "A192CBC",
        /// AES-256-CBC over whole blocks. Not authenticated.
        A256Cbc = "A256CBC",
        /// AES-128-CBC with PKCS #7 padding. Not authenticated.
        A128CbcPad = "A128CBCPAD",
        /// AES-192-CBC with PKCS #7 padding. Not authenticated.
        A192CbcPad = "A192CBCPAD",
        /// AES-256-CBC with PKCS #7 padding. Not authenticated.
        A256CbcPad = "A256CBCPAD",
    }
}

named! {
    /// An algorithm of sign and verify; both take a digest, not the message.
    SignatureAlg {
        /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, 8.2).
        Rs256 = "RS256",
        /// RSASSA-PKCS1-v1_5 with SHA-384.
        Rs384 = "RS384",
        /// RSASSA-PKCS1-v1_5 with SHA-512.
        Rs512 = "RS512",
        /// RSASSA-PSS with SHA-256, a salt as long as the hash (RFC 8017, 8.1; RFC 7518, 3.5).
        Ps256 = "PS256",
        /// RSASSA-PSS with SHA-384.
        Ps384 = "PS384",
        /// RSASSA-PSS with SHA-512.
        Ps512 = "PS512",
        /// ECDSA on P-256 with SHA-256, signature r ‖ s (RFC 7518, 3.4).
        Es256 = "ES256",
        /// ECDSA on secp256k1 with SHA-256 (RFC 8812).
        Es256K = "ES256K",
        /// ECDSA on P-384 with SHA-384.
        Es384 = "ES384",
        /// ECDSA on P-521 with SHA-512.
        Es512 = "ES512",
        /// HMAC with SHA-256 over the digest (FIPS 198-1).
        Hs256 = "HS256",
        /// HMAC with SHA-384 over the digest.
        Hs384 = "HS384",
        /// HMAC with SHA-512 over the digest.
        Hs512 = "HS512",
    }
}

impl SignatureAlg {
    /// Length of the digest in bytes.
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 | Self::Es256K | Self::Hs256 => 32,
            Self::Rs384 | Self::Ps384 | Self::Es384 | Self::Hs384 => 48,
            Self::Rs512 | Self::Ps512 | Self::Es512 | Self::Hs512 => 64,
        }
    }
}
