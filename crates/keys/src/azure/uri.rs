//! `https://VAULT/keys/NAME[/VERSION]`, as Azure Key Vault names its keys.

use std::fmt;
use std::str::FromStr;

use reqwest::Url;

use crate::KeyError;
use crate::uri::MAX_URI_BYTES;

/// Most characters of a key's name in Azure Key Vault.
const MAX_NAME: usize = 127;
/// Most characters of a version; Azure's have 32 hex digits.
const MAX_VERSION: usize = 64;

/// A key of an Azure Key Vault, with or without a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AzureKeyUri {
    /// Scheme, host and port.
    vault: Url,
    name: String,
    version: Option<String>,
}

impl AzureKeyUri {
    /// The vault, for example `https://contoso.vault.azure.net/`.
    pub fn vault(&self) -> &Url {
        &self.vault
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The pinned version.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// Whether both name the same key of the same vault, whatever the version and the port.
    ///
    /// The port is left out because pgkeep's own vault may move to another one; the name of the
    /// vault is what its certificate proves.
    pub(crate) fn is_same_key(&self, other: &Self) -> bool {
        self.vault.host_str() == other.vault.host_str()
            && self.name.eq_ignore_ascii_case(&other.name)
    }
}

/// Letters, digits and hyphens, as Azure allows in names.
fn is_name(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// Whether the text can be a version.
pub(crate) fn is_version(text: &str) -> bool {
    is_name(text, MAX_VERSION)
}

impl FromStr for AzureKeyUri {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        // The text itself is not repeated: somebody may have put a password into it.
        let wrong = |why: &str| {
            KeyError::configuration(format!(
                "the address is not https://VAULT/keys/NAME[/VERSION]: {why}"
            ))
        };
        if text.len() > MAX_URI_BYTES {
            return Err(wrong("it is too long"));
        }
        let mut url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        if url.scheme() != "https" {
            return Err(wrong("a key vault is reached by https only"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("it names a user"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("nothing may follow the version"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(wrong("it names no vault"));
        }
        let mut parts: Vec<&str> = url.path().split('/').skip(1).collect();
        if parts.last().is_some_and(|last| last.is_empty()) {
            parts.pop();
        }
        let (name, version) = match parts[..] {
            ["keys", name] => (name, None),
            ["keys", name, version] => (name, Some(version)),
            ["secrets" | "certificates", ..] => return Err(wrong("it names no key")),
            _ => return Err(wrong("its path has another shape")),
        };
        if !is_name(name, MAX_NAME) {
            return Err(wrong("a name has 1 to 127 letters, digits and hyphens"));
        }
        if version.is_some_and(|version| !is_version(version)) {
            return Err(wrong("a version has letters and digits only"));
        }
        let (name, version) = (name.to_owned(), version.map(str::to_owned));
        url.set_path("/");
        Ok(Self { vault: url, name, version })
    }
}

impl fmt::Display for AzureKeyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}keys/{}", self.vault, self.name)?;
        match &self.version {
            Some(version) => write!(f, "/{version}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_addresses_of_keys() {
        let uri: AzureKeyUri = "https://a.vault.azure.net/keys/my-key".parse().unwrap();
        assert_eq!((uri.name(), uri.version()), ("my-key", None));
        assert_eq!(uri.to_string(), "https://a.vault.azure.net/keys/my-key");
        let text = "https://a.vault.localhost:8443/keys/K1/0123456789abcdef0123456789abcdef";
        let pinned: AzureKeyUri = text.parse().unwrap();
        assert_eq!(pinned.version(), Some("0123456789abcdef0123456789abcdef"));
        assert_eq!(pinned.to_string(), text);
        assert_eq!(pinned.vault().as_str(), "https://a.vault.localhost:8443/");
        let slash: AzureKeyUri = "https://A.Vault.localhost/keys/k1/".parse().unwrap();
        assert!(slash.is_same_key(&pinned));
        assert!(!uri.is_same_key(&pinned));
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "https://",
            "https:///keys/k",
            "http://a.vault.azure.net/keys/k",
            "https://a.vault.azure.net",
            "https://a.vault.azure.net/keys",
            "https://a.vault.azure.net/keys/",
            "https://a.vault.azure.net/keys//v",
            "https://a.vault.azure.net/keys/k/v/w",
            "https://a.vault.azure.net/keys/k/v?api-version=7.4",
            "https://a.vault.azure.net/keys/k#f",
            "https://u:p@a.vault.azure.net/keys/k",
            "https://a.vault.azure.net/secrets/k",
            "https://a.vault.azure.net/keys/k_1",
            "https://a.vault.azure.net/keys/%2e%2e/v",
            "https://a.vault.azure.net/keys/k/v%2Fw",
        ] {
            assert!(text.parse::<AzureKeyUri>().is_err(), "{text}");
        }
        let error = "https://u:hunter2@v/keys/k".parse::<AzureKeyUri>().unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let long = format!("https://a.vault.azure.net/keys/{}", "k".repeat(128));
        assert!(long.parse::<AzureKeyUri>().is_err());
    }
}
