//! Who asks, and which roles they have where.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How somebody proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A local account, by password or one-time link.
    User,
    /// An API token.
    Token,
    /// The unix socket: root, the starter or the plane's own OS user, named by the kernel.
    Local,
    /// The provider of the sign-in settings.
    Oidc,
}

impl Kind {
    /// The word in JSON and in policies.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Token => "token",
            Self::Local => "local",
            Self::Oidc => "oidc",
        }
    }
}

/// The part of an installation that a role is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// `/`: everything.
    All,
    /// `/servers/NAME`
    Server(String),
    /// `/keyvaults/NAME`
    Keyvault(String),
}

/// Why a text is no scope.
#[derive(Debug, thiserror::Error)]
#[error("a scope is /, /servers/NAME or /keyvaults/NAME")]
pub struct NotAScope;

/// Longest name in a scope, in bytes.
const NAME_MAX: usize = 64;

impl FromStr for Scope {
    type Err = NotAScope;

    fn from_str(text: &str) -> Result<Self, NotAScope> {
        let named = |name: &str| {
            let fits = (1..=NAME_MAX).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            fits.then(|| name.to_owned()).ok_or(NotAScope)
        };
        match (text, text.strip_prefix("/servers/"), text.strip_prefix("/keyvaults/")) {
            ("/", ..) => Ok(Self::All),
            (_, Some(name), _) => named(name).map(Self::Server),
            (.., Some(name)) => named(name).map(Self::Keyvault),
            _ => Err(NotAScope),
        }
    }
}

impl Scope {
    /// Whether `target`, a path, is this or lies below it.
    pub fn covers(&self, target: &str) -> bool {
        let own = self.to_string();
        let rest = target.strip_prefix(own.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl TryFrom<String> for Scope {
    type Error = NotAScope;

    fn try_from(text: String) -> Result<Self, NotAScope> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("/"),
            Self::Server(name) => write!(f, "/servers/{name}"),
            Self::Keyvault(name) => write!(f, "/keyvaults/{name}"),
        }
    }
}

/// A role at a scope.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// A role of `GET /roles`.
    #[schema(example = "reader", max_length = 64)]
    pub role: String,
    /// `/`, `/servers/NAME` or `/keyvaults/NAME`.
    #[schema(value_type = String, example = "/", max_length = 80)]
    pub scope: Scope,
}

/// Somebody who has proved who they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Principal {
    /// `anna`, `token:backup-script`, `oidc:anna@example.org`, `local`.
    pub name: String,
    /// How they proved it.
    pub kind: Kind,
    /// What they were given. What a role may do stands in `content/access/policy.cedar`.
    pub assignments: Vec<Assignment>,
}

impl Principal {
    /// Whoever comes over the unix socket; an owner of everything.
    pub fn local(name: impl Into<String>) -> Self {
        let owner = Assignment { role: "owner".to_owned(), scope: Scope::All };
        Self { name: name.into(), kind: Kind::Local, assignments: vec![owner] }
    }

    /// Whether any of its roles is about `target`, for example `/servers/demo`, or a part of it:
    /// lists hold only that. What a role then allows is another question.
    pub fn reaches(&self, target: &str) -> bool {
        self.assignments.iter().any(|assignment| assignment.scope.covers(target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_covers_itself_and_what_lies_below() {
        for (scope, target, expected) in [
            ("/", "/servers/demo", true),
            ("/", "/", true),
            ("/servers/demo", "/servers/demo", true),
            ("/servers/demo", "/servers/demo/networking", true),
            ("/servers/demo", "/servers/demo2", false),
            ("/servers/demo", "/", false),
            ("/keyvaults/demo", "/servers/demo", false),
        ] {
            let scope: Scope = scope.parse().unwrap();
            assert_eq!(scope.covers(target), expected, "{scope} {target}");
        }
    }

    #[test]
    fn scopes_are_paths_of_three_kinds() {
        for text in ["/", "/servers/demo", "/keyvaults/Shop-1"] {
            assert_eq!(text.parse::<Scope>().unwrap().to_string(), text);
        }
        let long = format!("/servers/{}", "a".repeat(65));
        for bad in ["", "servers", "/servers", "/servers/", "/servers/a/b", "/users/a", "//", &long]
        {
            assert!(bad.parse::<Scope>().is_err(), "{bad}");
        }
    }
}
