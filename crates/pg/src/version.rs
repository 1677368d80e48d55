//! The version of a PostgreSQL server.

use std::fmt;

/// Major and minor version, for example 15.18.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct Version {
    /// The major version.
    pub major: u32,
    /// The minor version; 0 for a development build or a beta.
    pub minor: u32,
}

impl Version {
    /// Reads what `postgres --version` prints, for example
    /// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.split_whitespace().find(|word| word.starts_with(char::is_numeric))?;
        let mut parts = number.split('.');
        let major = leading_number(parts.next()?)?;
        let minor = parts.next().and_then(leading_number).unwrap_or(0);
        Some(Self { major, minor })
    }
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::Version;

    #[test]
    fn reads_what_postgres_prints() {
        let cases = [
            ("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", Some((15, 18))),
            ("postgres (PostgreSQL) 18beta1", Some((18, 0))),
            ("PostgreSQL 13.22", Some((13, 22))),
            ("postgres", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let found = Version::parse(text).map(|v| (v.major, v.minor));
            assert_eq!(found, expected, "{text}");
        }
    }
}
