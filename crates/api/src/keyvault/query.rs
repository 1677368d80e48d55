//! Query strings: names may be percent-encoded and in any case, as real clients send them.

use percent_encoding::percent_decode_str;

/// The longest query that is looked at, in bytes.
const MAX_BYTES: usize = 8 * 1024;
/// The most parameters a query may have.
const MAX_PARAMETERS: usize = 32;

/// Decoded parameters, names in lower case.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

/// Why a query cannot be used; the text is for the caller.
pub(crate) type QueryError = &'static str;

impl Query {
    /// Reads a query; a parameter without a name is left out.
    pub(crate) fn parse(raw: Option<&str>) -> Result<Self, QueryError> {
        let raw = raw.unwrap_or("");
        if raw.len() > MAX_BYTES {
            return Err("the query of the request is too long");
        }
        let mut parameters: Vec<(String, String)> = Vec::new();
        for part in raw.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decode(name)?.to_ascii_lowercase();
            if name.is_empty() {
                continue;
            }
            if parameters.iter().any(|(known, _)| *known == name) {
                return Err("a query parameter is given twice");
            }
            if parameters.len() == MAX_PARAMETERS {
                return Err("the query has too many parameters");
            }
            parameters.push((name, decode(value)?));
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter (name in lower case); an empty one counts as absent.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

fn decode(text: &str) -> Result<String, QueryError> {
    let decoded = percent_decode_str(text)
        .decode_utf8()
        .map_err(|_| "the query of the request is not UTF-8")?;
    if decoded.chars().any(char::is_control) {
        return Err("the query of the request contains a control character");
    }
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_names_and_values() {
        let query = Query::parse(Some("api%2Dversion=7.5&%24skiptoken=a%3Db&&x&=y")).unwrap();
        assert_eq!(query.value("api-version"), Some("7.5"));
        assert_eq!(query.value("$skiptoken"), Some("a=b"));
        assert_eq!(query.value("x"), None);
        let upper = Query::parse(Some("API-Version=7.5")).unwrap();
        assert_eq!(upper.value("api-version"), Some("7.5"));
    }

    #[test]
    fn refuses_what_is_ambiguous_or_too_much() {
        assert!(Query::parse(Some("a=1&A=2")).is_err());
        assert!(Query::parse(Some("a=%ff")).is_err());
        assert!(Query::parse(Some("a=%0a")).is_err());
        assert!(Query::parse(Some(&"a".repeat(9000))).is_err());
        let many: String = (0..33).map(|n| format!("p{n}=1&")).collect();
        assert!(Query::parse(Some(&many)).is_err());
        assert_eq!(Query::parse(None), Ok(Query::default()));
    }
}
