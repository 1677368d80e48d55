//! Names that become parts of paths, sockets and OS commands: checked once, here.

use serde::{Deserialize, Serialize};

/// The name of a server: 1 to 40 characters, `a-z`, `0-9`, `-`, starting with a letter,
/// not ending in `-`. Safe as a path component.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerName(String);

/// Why a text is not a server name.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "\"{0}\" is not a server name: use 1 to 40 of a-z, 0-9 and -, \
     beginning with a letter, not ending with -"
)]
pub struct NameError(String);

impl ServerName {
    /// Checks and takes a name.
    pub fn new(name: &str) -> Result<Self, NameError> {
        let bytes = name.as_bytes();
        let ok = (1..=40).contains(&bytes.len())
            && bytes[0].is_ascii_lowercase()
            && !name.ends_with('-')
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-');
        if ok { Ok(Self(name.to_owned())) } else { Err(NameError(name.chars().take(60).collect())) }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ServerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for ServerName {
    type Err = NameError;

    fn from_str(s: &str) -> Result<Self, NameError> {
        Self::new(s)
    }
}

impl TryFrom<String> for ServerName {
    type Error = NameError;

    fn try_from(s: String) -> Result<Self, NameError> {
        Self::new(&s)
    }
}

impl From<ServerName> for String {
    fn from(name: ServerName) -> String {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::ServerName;

    #[test]
    fn accepts_plain_names_only() {
        for good in ["demo", "a", "db-1", "x9"] {
            assert!(ServerName::new(good).is_ok(), "{good}");
        }
        let long = "a".repeat(41);
        for bad in ["", "-a", "a-", "A", "a/b", "..", "a.b", "9a", "a b", "ä", &long] {
            assert!(ServerName::new(bad).is_err(), "{bad}");
        }
    }
}
