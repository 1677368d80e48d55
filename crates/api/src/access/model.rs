//! What the operations of access take and answer. Secrets come in, and go out only where they are
//! made.

use base::Secret;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::principal::{Assignment, Kind, Scope};
use super::settings::GroupRole;
use super::store::{self, Act};

fn secret<'de, D: Deserializer<'de>>(from: D) -> Result<Secret<String>, D::Error> {
    String::deserialize(from).map(Secret::new)
}

fn secret_if_any<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Secret<String>>, D::Error> {
    Ok(Option::<String>::deserialize(from)?.map(Secret::new))
}

/// Who is signed in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionView {
    /// Their name.
    pub name: String,
    /// How they proved it.
    pub kind: Kind,
    /// What they were given.
    pub assignments: Vec<Assignment>,
    /// When the session ends at the latest; null where it is none.
    #[schema(required)]
    pub expires_at: Option<Timestamp>,
    /// What they may do somewhere; the policies decide where.
    pub operations: Vec<String>,
}

/// A name and a password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordSignIn {
    /// Name of the account.
    #[schema(max_length = 64)]
    pub username: String,
    /// Its password.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, format = Password, max_length = 1024)]
    pub password: Secret<String>,
}

/// A one-time link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkSignIn {
    /// What stands behind `#link=` in the address.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, format = Password, max_length = 64)]
    pub link: Secret<String>,
}

/// Ways to sign in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SignInWays {
    /// Whether accounts with passwords are there; always.
    pub password: bool,
    /// Providers.
    pub oidc: Vec<SignInWay>,
}

/// One provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SignInWay {
    /// What its button says.
    pub title: String,
    /// Where the way begins.
    pub start: String,
}

/// An account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserView {
    /// Its name.
    pub name: String,
    /// Whether it may sign in.
    pub enabled: bool,
    /// Its roles.
    pub assignments: Vec<Assignment>,
    /// Without one: by one-time link only.
    pub has_password: bool,
    /// Since when it exists.
    pub created_at: Timestamp,
    /// When its password was set.
    #[schema(required)]
    pub password_set_at: Option<Timestamp>,
    /// When it signed in last.
    #[schema(required)]
    pub signed_in_at: Option<Timestamp>,
}

impl From<store::User> for UserView {
    fn from(user: store::User) -> Self {
        Self {
            has_password: user.password.is_some(),
            name: user.name,
            enabled: user.enabled,
            assignments: user.assignments,
            created_at: user.created_at,
            password_set_at: user.password_set_at,
            signed_in_at: user.signed_in_at,
        }
    }
}

/// A new account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserCreate {
    /// 1 to 64 of `a-z`, `0-9`, `.`, `_`, `-`, beginning with a letter.
    #[schema(max_length = 64)]
    pub name: String,
    /// Its roles.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub assignments: Vec<Assignment>,
    /// Its password, of 12 characters at least; none: by one-time link only.
    #[serde(default, deserialize_with = "secret_if_any")]
    #[schema(value_type = Option<String>, format = Password, max_length = 1024)]
    pub password: Option<Secret<String>>,
}

/// What of an account is to change.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserUpdate {
    /// Whether it may sign in. Sessions of one that may not end at once.
    #[serde(default)]
    pub enabled: Option<bool>,
}

/// A new password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordSet {
    /// 12 characters at least.
    #[serde(deserialize_with = "secret")]
    #[schema(value_type = String, format = Password, max_length = 1024)]
    pub password: Secret<String>,
    /// The one before; who may not set those of others has to know it.
    #[serde(default, deserialize_with = "secret_if_any")]
    #[schema(value_type = Option<String>, format = Password, max_length = 1024)]
    pub current_password: Option<Secret<String>>,
}

/// All roles of somebody.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolesSet {
    /// They take the place of all before.
    #[schema(max_items = 64)]
    pub assignments: Vec<Assignment>,
}

/// A role, as the policies have it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RoleView {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// What it allows within its scope; a few of them for some parameters only.
    pub operations: Vec<String>,
}

/// A token. Its secret was shown once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokenView {
    /// Its id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What it may, as far as its maker still may.
    pub assignments: Vec<Assignment>,
    /// Who made it.
    pub made_by: String,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// When it was used last, to the minute.
    #[schema(required)]
    pub used_at: Option<Timestamp>,
}

impl From<store::Token> for TokenView {
    fn from(token: store::Token) -> Self {
        Self {
            id: token.id,
            name: token.name,
            assignments: token.assignments,
            made_by: token.made_by,
            created_at: token.created_at,
            expires_at: token.expires_at,
            used_at: token.used_at,
        }
    }
}

/// A new token.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenCreate {
    /// What it is for: 1 to 64 printable characters without spaces at the ends; made up where
    /// none is given.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub name: Option<String>,
    /// What it may; no more than its maker.
    #[schema(min_items = 1, max_items = 64)]
    pub assignments: Vec<Assignment>,
    /// Until when; in 90 days where nothing is said, in 366 at most.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// A new token with its secret, which is shown this once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TokenMade {
    /// The token.
    pub token: String,
    /// What is known of it from now on.
    #[serde(flatten)]
    pub shown: TokenView,
}

/// For whom a one-time link is.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkCreate {
    /// The account; `admin`, an owner, where nothing is said.
    #[serde(default)]
    #[schema(max_length = 64)]
    pub user: Option<String>,
}

/// A one-time link.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LinkMade {
    /// Where to go with a browser, once, within 15 minutes.
    pub url: String,
}

/// How people sign in.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SignInSettings {
    /// A session that is not used ends after so many minutes.
    pub session_idle_minutes: u32,
    /// Every session ends after so many minutes.
    pub session_minutes: u32,
    /// So many failures in a row lock an account.
    pub lock_after: u32,
    /// No lock is longer.
    pub lock_max_seconds: u32,
    /// The provider.
    #[schema(required)]
    pub oidc: Option<OidcView>,
}

/// A provider of OpenID Connect.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OidcView {
    /// What its button says.
    pub label: String,
    /// Its issuer.
    pub issuer: String,
    /// Who pgkeep is there.
    pub client_id: String,
    /// Whether a secret is stored; it is never shown.
    pub has_client_secret: bool,
    /// The claim of the ID token that holds the groups.
    pub groups_claim: String,
    /// What to ask for beside `openid`.
    pub scopes: Vec<String>,
    /// What groups are given.
    pub groups: Vec<GroupRole>,
    /// Certificates to trust for it, beside the machine's.
    #[schema(required)]
    pub ca_pem: Option<String>,
}

/// How people shall sign in; takes the place of all before.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignInSettingsSet {
    /// A session that is not used ends after so many minutes.
    #[schema(minimum = 1, maximum = 1440)]
    pub session_idle_minutes: u32,
    /// Every session ends after so many minutes.
    #[schema(minimum = 5, maximum = 43200)]
    pub session_minutes: u32,
    /// So many failures in a row lock an account.
    #[schema(minimum = 3, maximum = 20)]
    pub lock_after: u32,
    /// No lock is longer.
    #[schema(minimum = 15, maximum = 86400)]
    pub lock_max_seconds: u32,
    /// The provider; none: local accounts only.
    #[serde(default)]
    pub oidc: Option<OidcSet>,
}

/// A provider of OpenID Connect.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcSet {
    /// What its button says.
    #[schema(max_length = 256)]
    pub label: String,
    /// Its issuer: https, or http on this machine.
    #[schema(max_length = 512)]
    pub issuer: String,
    /// Who pgkeep is there.
    #[schema(max_length = 256)]
    pub client_id: String,
    /// The secret of a confidential client; left out: the one that is stored.
    #[serde(default, deserialize_with = "secret_if_any")]
    #[schema(value_type = Option<String>, format = Password, max_length = 256)]
    pub client_secret: Option<Secret<String>>,
    /// The claim of the ID token that holds the groups.
    #[schema(max_length = 256)]
    pub groups_claim: String,
    /// What to ask for beside `openid`.
    #[serde(default)]
    #[schema(max_items = 16)]
    pub scopes: Vec<String>,
    /// What groups are given.
    #[schema(max_items = 256)]
    pub groups: Vec<GroupRole>,
    /// Certificates to trust for it, beside the machine's.
    #[serde(default)]
    #[schema(max_length = 65536)]
    pub ca_pem: Option<String>,
}

/// Which lines of the activity log.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ActivityQuery {
    /// So many at most; 200 where nothing is said, never more than 1000.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default)]
    #[param(max_length = 20)]
    pub after: Option<String>,
    /// Of this principal.
    #[serde(default)]
    #[param(max_length = 256)]
    pub principal: Option<String>,
    /// Of this operation.
    #[serde(default)]
    #[param(max_length = 64)]
    pub operation: Option<String>,
}

/// Who did what, or was refused.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ActView {
    /// Counts up.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// Who; empty: not signed in.
    pub principal: String,
    /// What they are.
    #[schema(required)]
    pub kind: Option<Kind>,
    /// The operationId.
    pub operation: String,
    /// The path that was asked for.
    pub target: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// Finds the request in the logs.
    pub request_id: String,
}

impl From<(u64, Act)> for ActView {
    fn from((id, act): (u64, Act)) -> Self {
        let Act { at, principal, kind, operation, target, status, request_id } = act;
        Self { id, at, principal, kind, operation, target, status, request_id }
    }
}

/// The whole installation.
pub(super) const ALL: Scope = Scope::All;
