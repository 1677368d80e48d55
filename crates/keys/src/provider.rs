//! The contract of every key provider, and the values that cross it.

use async_trait::async_trait;
use base::Secret;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Cause, KeyError};

/// Most bytes that a provider wraps: a data key, not data.
pub const MAX_KEY_BYTES: usize = 64;

/// Most bytes of a wrapped value that is accepted from a vault or from a record.
pub(crate) const MAX_WRAPPED_BYTES: usize = 8 * 1024;

/// How far this machine's clock may be behind before a new key counts as not yet valid.
pub const NOT_BEFORE_LEEWAY: SignedDuration = SignedDuration::from_mins(5);

/// Wraps and unwraps with one customer-managed key, and says how that key is.
///
/// Each call asks the vault afresh, with a fresh token, and ends within a few seconds.
#[async_trait]
pub trait KeyProvider: Send + Sync + std::fmt::Debug {
    /// What this provider uses, for a person.
    fn describe(&self) -> KeyDescription;

    /// The state of the newest version, or of the one that the address pins.
    async fn newest(&self) -> Result<KeyState, KeyError>;

    /// The state of one version.
    async fn state(&self, version: &str) -> Result<KeyState, KeyError>;

    /// Wraps `key` (at most [`MAX_KEY_BYTES`]) with the newest or the pinned version.
    ///
    /// Success proves nothing about unwrapping: see [`crate::wrap_proved`].
    async fn wrap(&self, key: &Secret<Vec<u8>>) -> Result<Wrapped, KeyError>;

    /// Unwraps with the version that `wrapped` names, never with a newer one.
    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Secret<Vec<u8>>, KeyError>;
}

/// The kind of a key provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ProviderKind {
    /// Azure Key Vault: Microsoft's or pgkeep's own.
    AzureKeyVault,
    /// A PKCS #11 token.
    Pkcs11,
    /// AWS Key Management Service.
    AwsKms,
    /// Transit engine of HashiCorp Vault or OpenBao.
    Transit,
}

/// A key as a person knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KeyDescription {
    /// The kind of provider.
    pub provider: ProviderKind,
    /// Where the vault is: an address, or a token's name.
    pub vault: String,
    /// The key's name.
    pub key: String,
    /// The pinned version; none follows the newest.
    pub version: Option<String>,
    /// As whom the vault is asked.
    pub identity: String,
}

/// How a key was wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Algorithm {
    /// RSA-OAEP with SHA-256 and MGF1 with SHA-256 (RFC 8017, RFC 7518).
    #[serde(rename = "RSA-OAEP-256")]
    RsaOaep256,
    /// RSA-OAEP with SHA-1, for tokens that have no other.
    #[serde(rename = "RSA-OAEP")]
    RsaOaep,
    /// AES key wrap with a 256-bit key (RFC 3394).
    #[serde(rename = "A256KW")]
    A256Kw,
    /// AES-GCM with a 256-bit key: 12 bytes of IV, ciphertext, 16 bytes of tag.
    #[serde(rename = "A256GCM")]
    A256Gcm,
    /// AWS KMS with a symmetric key.
    #[serde(rename = "SYMMETRIC_DEFAULT")]
    AwsSymmetric,
    /// Transit engine, by the type that its key has.
    #[serde(rename = "TRANSIT")]
    Transit,
}

/// A wrapped key with all that is needed to unwrap it again. Not secret; stored as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wrapped {
    /// Who wrapped it.
    pub provider: ProviderKind,
    /// The key, with its version, as the vault names it.
    pub kid: String,
    /// The version.
    pub version: String,
    /// How it was wrapped.
    pub algorithm: Algorithm,
    /// The wrapped bytes.
    #[serde(with = "base64_text")]
    pub value: Vec<u8>,
}

impl Wrapped {
    /// Refuses what this provider cannot have made.
    pub(crate) fn must_be_from(&self, provider: ProviderKind) -> Result<(), KeyError> {
        if self.provider != provider {
            return Err(KeyError::broken("another kind of provider wrapped it"));
        }
        if self.value.is_empty() || self.value.len() > MAX_WRAPPED_BYTES {
            return Err(KeyError::broken("it has an impossible length"));
        }
        Ok(())
    }
}

/// What a vault says about one version of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// The key, with its version, as the vault names it.
    pub kid: String,
    /// The version.
    pub version: String,
    /// Whether it is switched on.
    pub enabled: bool,
    /// First moment of validity.
    pub not_before: Option<Timestamp>,
    /// End of validity.
    pub expires: Option<Timestamp>,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// When its attributes last changed.
    pub updated: Option<Timestamp>,
    /// Whether a deleted key can be brought back; none: the vault does not say.
    pub recoverable: Option<bool>,
}

impl KeyState {
    /// Whether the key may be used at `now`, a moment of the clock that the caller names.
    ///
    /// Vaults still unwrap with an expired key, so this is the only check of the dates. The end
    /// counts from its second; the start has [`NOT_BEFORE_LEEWAY`], because a clock that is a
    /// little behind would refuse a key that was just made.
    pub fn usable_at(&self, now: Timestamp) -> Result<(), KeyError> {
        if !self.enabled {
            return Err(KeyError::denied(
                Cause::Disabled,
                format!("version {} is disabled", self.version),
            ));
        }
        if let Some(expires) = self.expires.filter(|expires| *expires <= now) {
            return Err(KeyError::denied(
                Cause::Expired,
                format!("version {} expired at {expires}", self.version),
            ));
        }
        let latest = now.saturating_add(NOT_BEFORE_LEEWAY).unwrap_or(Timestamp::MAX);
        if let Some(start) = self.not_before.filter(|start| *start > latest) {
            return Err(KeyError::denied(
                Cause::NotYetValid,
                format!("version {} is valid from {start}", self.version),
            ));
        }
        Ok(())
    }
}

/// Refuses keys that are no data keys.
pub(crate) fn check_key_length(key: &Secret<Vec<u8>>) -> Result<(), KeyError> {
    if key.expose().is_empty() || key.expose().len() > MAX_KEY_BYTES {
        return Err(KeyError::configuration(format!("a data key has 1 to {MAX_KEY_BYTES} bytes")));
    }
    Ok(())
}

/// Refuses unwrapped bytes that cannot be a data key.
pub(crate) fn checked_plain(plain: Secret<Vec<u8>>) -> Result<Secret<Vec<u8>>, KeyError> {
    if plain.expose().is_empty() || plain.expose().len() > MAX_KEY_BYTES {
        return Err(KeyError::broken("what came out has an impossible length"));
    }
    Ok(plain)
}

mod base64_text {
    //! Bytes as standard base64 with padding (RFC 4648).

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::MAX_WRAPPED_BYTES;

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(input)?;
        if text.len() > MAX_WRAPPED_BYTES * 2 {
            return Err(D::Error::custom("a wrapped key of this length is none"));
        }
        STANDARD.decode(text).map_err(|_| D::Error::custom("a wrapped key is not base64"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> KeyState {
        KeyState {
            kid: "k".to_owned(),
            version: "1".to_owned(),
            enabled: true,
            not_before: None,
            expires: None,
            created: None,
            updated: None,
            recoverable: None,
        }
    }

    fn cause(state: &KeyState, now: Timestamp) -> Option<Cause> {
        match state.usable_at(now) {
            Ok(()) => None,
            Err(KeyError::Denied { cause, .. }) => Some(cause),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn dates_are_compared_here() {
        let at = |s: i64| Timestamp::from_second(1_000_000 + s).unwrap();
        let dated = KeyState { not_before: Some(at(0)), expires: Some(at(1000)), ..state() };
        let leeway = NOT_BEFORE_LEEWAY.as_secs();
        let cases = [
            (at(-leeway - 1), Some(Cause::NotYetValid)),
            (at(-leeway), None),
            (at(999), None),
            (at(1000), Some(Cause::Expired)),
            (Timestamp::MAX, Some(Cause::Expired)),
            (Timestamp::MIN, Some(Cause::NotYetValid)),
        ];
        for (now, expected) in cases {
            assert_eq!(cause(&dated, now), expected, "at {now}");
        }
        let off = KeyState { enabled: false, ..dated };
        assert_eq!(cause(&off, at(5000)), Some(Cause::Disabled));
    }

    #[test]
    fn a_wrapped_key_survives_its_record() {
        let wrapped = Wrapped {
            provider: ProviderKind::AzureKeyVault,
            kid: "https://v/keys/k/1".to_owned(),
            version: "1".to_owned(),
            algorithm: Algorithm::RsaOaep256,
            value: vec![7; 256],
        };
        let text = serde_json::to_string(&wrapped).unwrap();
        assert!(text.contains(r#""algorithm":"RSA-OAEP-256""#), "{text}");
        assert_eq!(serde_json::from_str::<Wrapped>(&text).unwrap(), wrapped);
        for bad in [
            text.replace("RSA-OAEP-256", "ROT13"),
            text.replace(r#""value":""#, r#""value":"*"#),
            text.replace(r#""kid""#, r#""kit""#),
            text.replace(r#""value":""#, &format!(r#""value":"{}"#, "A".repeat(40_000))),
        ] {
            assert!(serde_json::from_str::<Wrapped>(&bad).is_err(), "{bad}");
        }
    }
}
