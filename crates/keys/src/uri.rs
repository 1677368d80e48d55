//! The address of a customer's key, of whatever kind.

use std::fmt;
use std::str::FromStr;

use crate::azure::AzureKeyUri;
use crate::pkcs11::Pkcs11Uri;
use crate::{KeyError, ProviderKind};

/// Most bytes of a key's address.
pub(crate) const MAX_URI_BYTES: usize = 1024;

/// The address of a key: what `server create --key` takes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyUri {
    /// `https://VAULT/keys/NAME[/VERSION]`.
    Azure(AzureKeyUri),
    /// `pkcs11:token=…;object=…?module-path=…&pin-source=…` (RFC 7512).
    Pkcs11(Pkcs11Uri),
    /// `arn:aws:kms:REGION:ACCOUNT:key/ID` or `…:alias/NAME`.
    #[cfg(feature = "aws")]
    Aws(crate::aws::AwsKeyUri),
    /// `transit+https://HOST/MOUNT/keys/NAME[/VERSION]`.
    #[cfg(feature = "transit")]
    Transit(crate::transit::TransitUri),
}

impl KeyUri {
    /// The kind of provider behind the address.
    pub const fn provider(&self) -> ProviderKind {
        match self {
            Self::Azure(_) => ProviderKind::AzureKeyVault,
            Self::Pkcs11(_) => ProviderKind::Pkcs11,
            #[cfg(feature = "aws")]
            Self::Aws(_) => ProviderKind::AwsKms,
            #[cfg(feature = "transit")]
            Self::Transit(_) => ProviderKind::Transit,
        }
    }

    /// The version that the address pins; none follows the newest.
    pub fn version(&self) -> Option<&str> {
        match self {
            Self::Azure(uri) => uri.version(),
            Self::Pkcs11(uri) => uri.version(),
            #[cfg(feature = "aws")]
            Self::Aws(uri) => uri.version(),
            #[cfg(feature = "transit")]
            Self::Transit(uri) => uri.version(),
        }
    }
}

impl FromStr for KeyUri {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        if text.len() > MAX_URI_BYTES {
            return Err(KeyError::configuration(format!(
                "a key's address has at most {MAX_URI_BYTES} bytes"
            )));
        }
        let scheme = text.split(':').next().unwrap_or_default().to_ascii_lowercase();
        match scheme.as_str() {
            "https" => text.parse().map(Self::Azure),
            "pkcs11" => text.parse().map(Self::Pkcs11),
            #[cfg(feature = "aws")]
            "arn" => text.parse().map(Self::Aws),
            #[cfg(feature = "transit")]
            "transit+https" => text.parse().map(Self::Transit),
            #[cfg(not(feature = "aws"))]
            "arn" => Err(KeyError::configuration("this build has no AWS KMS (feature \"aws\")")),
            #[cfg(not(feature = "transit"))]
            "transit+https" => {
                Err(KeyError::configuration("this build has no transit (feature \"transit\")"))
            }
            "http" => Err(KeyError::configuration("a key vault is reached by https only")),
            _ => Err(KeyError::configuration(
                "this is no key's address: https://VAULT/keys/NAME, pkcs11:…, arn:aws:kms:… \
                 or transit+https://…",
            )),
        }
    }
}

impl fmt::Display for KeyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Azure(uri) => uri.fmt(f),
            Self::Pkcs11(uri) => uri.fmt(f),
            #[cfg(feature = "aws")]
            Self::Aws(uri) => uri.fmt(f),
            #[cfg(feature = "transit")]
            Self::Transit(uri) => uri.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_decides() {
        for (text, kind) in [
            ("https://v.vault.azure.net/keys/k/1", ProviderKind::AzureKeyVault),
            ("pkcs11:token=t;object=o;id=%01?module-path=/m.so", ProviderKind::Pkcs11),
            #[cfg(feature = "aws")]
            ("arn:aws:kms:eu-central-1:111122223333:key/1", ProviderKind::AwsKms),
            #[cfg(feature = "transit")]
            ("transit+https://h/transit/keys/k/1", ProviderKind::Transit),
        ] {
            let uri: KeyUri = text.parse().unwrap();
            assert_eq!(uri.provider(), kind);
            assert!(uri.version().is_some());
            assert_eq!(uri.to_string().parse::<KeyUri>().unwrap(), uri);
        }
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let long = format!("https://v/keys/{}", "k".repeat(MAX_URI_BYTES));
        for text in ["", ":", "http://v/keys/k", "file:///key", "k", &long] {
            assert!(matches!(text.parse::<KeyUri>(), Err(KeyError::Configuration { .. })));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(https://|pkcs11:|arn:|transit\\+https://)?\\PC{0,60}") {
            if let Ok(uri) = text.parse::<KeyUri>() {
                assert_eq!(uri.to_string().parse::<KeyUri>().unwrap(), uri);
            }
        }
    }
}
