//! Where tables lie in an object store, by URL.

use object_store::path::Path;
use url::Url;

use crate::error::{Error, Result};

/// Nobody's URL is longer.
const URL_BYTES: usize = 1024;

/// Whose store it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    S3,
    Azure,
    Google,
}

/// A bucket (Azure: a container) and a folder in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) kind: Kind,
    pub(super) bucket: String,
    /// Of Azure, where the URL names it
    pub(super) account: Option<String>,
    pub(super) prefix: Path,
    /// The URL without what may be written in several ways
    pub(super) text: String,
}

impl Address {
    /// Of `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix` or
    /// `abfss://container@account.dfs.core.windows.net/prefix`; a prefix may be absent.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            // What is more than a place may be a secret.
            let is_bare = !text.contains(['@', '?', '#']);
            let shown: String = text.chars().take(100).filter(|_| is_bare).collect();
            Error::Place(format!("{shown:?} is no URL of tables: {why}"))
        };
        if text.len() > URL_BYTES {
            return Err(wrong("it is too long"));
        }
        let url = Url::parse(text).map_err(|e| wrong(&e.to_string()))?;
        let kind = match url.scheme() {
            "s3" | "s3a" => Kind::S3,
            "gs" => Kind::Google,
            "az" | "azure" | "abfs" | "abfss" => Kind::Azure,
            _ => return Err(wrong("it begins with none of s3://, gs://, az:// and abfss://")),
        };
        let is_bare = url.query().is_none() && url.fragment().is_none() && url.port().is_none();
        if !is_bare || url.password().is_some() {
            // Keys have a file of their own.
            return Err(wrong("it says more than where"));
        }
        let host = url.host_str().unwrap_or_default();
        let (bucket, account) = match (url.username(), url.scheme()) {
            ("", _) => (host, None),
            (container, "abfs" | "abfss") => {
                (container, Some(host.split('.').next().unwrap_or_default()))
            }
            _ => return Err(wrong("it says more than where")),
        };
        let is_plain = |name: &str| {
            let is_fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            (1..=255).contains(&name.len()) && name.chars().all(|c| is_fine(c) || "-_.".contains(c))
        };
        if !is_plain(bucket) || !account.is_none_or(is_plain) {
            return Err(wrong("its bucket has no name that one can have"));
        }
        let path = url.path().trim_matches('/');
        let is_fine = |c: char| c.is_ascii_alphanumeric() || "-_.=".contains(c);
        let is_part = |part: &str| !matches!(part, "" | "." | "..") && part.chars().all(is_fine);
        if !path.is_empty() && !path.split('/').all(is_part) {
            return Err(wrong("its path is not of letters, digits, - _ . and ="));
        }
        let prefix = Path::parse(path).map_err(|e| wrong(&e.to_string()))?;
        let scheme = kind.scheme();
        let place = account.map_or(bucket.to_owned(), |account| format!("{bucket}@{account}"));
        let text = format!("{scheme}://{place}/{path}").trim_end_matches('/').to_owned();
        let (bucket, account) = (bucket.to_owned(), account.map(str::to_owned));
        Ok(Self { kind, bucket, account, prefix, text })
    }

    /// The URL of the bucket alone, by which the engine knows it.
    pub(super) fn of_bucket(&self) -> String {
        format!("{}://{}", self.kind.scheme(), self.bucket)
    }

    /// The path in the bucket of one below the tables.
    pub(super) fn inside(&self, path: &str) -> Result<Path, object_store::path::Error> {
        let between = if self.prefix.as_ref().is_empty() || path.is_empty() { "" } else { "/" };
        Path::parse(format!("{}{between}{path}", self.prefix))
    }
}

impl Kind {
    fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Azure => "az",
            Self::Google => "gs",
        }
    }
}
