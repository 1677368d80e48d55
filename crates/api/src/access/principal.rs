//! Whoever asks, and what they were given.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of caller it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// A person with an account here.
    User,
    /// A program with a token.
    Token,
    /// An OS user of this machine that may use the plane's socket.
    Local,
    /// A person whom an OpenID Connect provider knows.
    Oidc,
}

/// What a principal may do, in one word.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sees names and states; the lowest.
    Reader,
    /// Keeps keys and identities.
    KeyOfficer,
    /// Sees everything that an audit needs.
    Auditor,
    /// Keeps the data.
    DataSteward,
    /// Sees everything that concerns security.
    SecurityReader,
    /// Changes everything that concerns security.
    SecurityAdmin,
    /// Does everything.
    Owner,
}

/// A role, and where it holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct Assignment {
    /// The role.
    pub role: Role,
    /// `/`, `/servers/NAME` or `/keyvaults/NAME`.
    pub scope: String,
}

/// Whoever asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Principal {
    /// A name that is unique within its kind.
    pub name: String,
    /// What kind of caller.
    pub kind: PrincipalKind,
    /// What was given to it.
    pub assignments: Vec<Assignment>,
}

impl Principal {
    /// An OS user of this machine that may use the plane's socket; an owner of everything.
    pub fn local(name: impl Into<String>) -> Self {
        let everything = Assignment { role: Role::Owner, scope: "/".to_owned() };
        Self { name: name.into(), kind: PrincipalKind::Local, assignments: vec![everything] }
    }

    /// Whether any of its roles reaches `target`, for example `/servers/demo`: lists show only
    /// what it reaches.
    pub fn reaches(&self, target: &str) -> bool {
        self.assignments.iter().any(|assignment| covers(&assignment.scope, target))
    }
}

/// Whether `target` is `scope` or lies below it.
pub fn covers(scope: &str, target: &str) -> bool {
    let scope = scope.trim_end_matches('/');
    target.strip_prefix(scope).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_scope_covers_itself_and_what_lies_below() {
        assert!(covers("/", "/servers/demo"));
        assert!(covers("/", "/"));
        assert!(covers("/servers/demo", "/servers/demo"));
        assert!(!covers("/servers/demo", "/servers/demo2"));
        assert!(!covers("/servers/demo", "/"));
        assert!(!covers("/keyvaults/demo", "/servers/demo"));
    }
}
