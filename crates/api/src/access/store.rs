//! What access remembers, and the door to where it does.
//!
//! Secrets come here hashed only. Every call is one transaction and durable when it returns.

use base::Fault;
use jiff::Timestamp;

use super::principal::{Assignment, Kind};

/// A hash of a secret of 256 bits: SHA-256 is enough for what nobody can guess.
pub type Hash = [u8; 32];

/// A local account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its name.
    pub name: String,
    /// Whether it may sign in and its tokens work.
    pub enabled: bool,
    /// Hash of its password in PHC form; none: by one-time link only.
    pub password: Option<String>,
    /// Its roles.
    pub assignments: Vec<Assignment>,
    /// Since when it exists.
    pub created_at: Timestamp,
    /// When the password was set.
    pub password_set_at: Option<Timestamp>,
    /// When somebody signed in last.
    pub signed_in_at: Option<Timestamp>,
    /// Counts changes; the entity tag.
    pub version: u64,
}

/// An API token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The part of the token that is no secret.
    pub id: String,
    /// What it is for; a person's word.
    pub name: String,
    /// Hash of the secret part.
    pub hash: Hash,
    /// What it may do, as far as its maker still may.
    pub assignments: Vec<Assignment>,
    /// Who made it.
    pub made_by: String,
    /// What its maker is.
    pub maker: Kind,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// When it was used last, to the minute.
    pub used_at: Option<Timestamp>,
}

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Hash of what the cookie holds.
    pub hash: Hash,
    /// Who.
    pub name: String,
    /// [`Kind::User`] or [`Kind::Oidc`].
    pub kind: Kind,
    /// Roles of whoever has no account here; those of an account are looked up.
    pub assignments: Vec<Assignment>,
    /// Since when.
    pub created_at: Timestamp,
    /// Last use, to the minute.
    pub seen_at: Timestamp,
}

/// How often an account was tried in vain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// In a row.
    pub n: u32,
    /// Not to be tried before.
    pub locked_until: Option<Timestamp>,
}

/// One line of the activity log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// When.
    pub at: Timestamp,
    /// Who; empty: not signed in.
    pub principal: String,
    /// What they are.
    pub kind: Option<Kind>,
    /// The operationId.
    pub operation: String,
    /// The path that was asked for, without its query.
    pub target: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// Finds the request in the logs.
    pub request_id: String,
}

/// What a reader of the activity log looks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActFilter {
    /// Lines older than this one.
    pub before: Option<u64>,
    /// At most so many.
    pub limit: u32,
    /// Of this principal.
    pub principal: Option<String>,
    /// Of this operation.
    pub operation: Option<String>,
}

/// The door to the store. One process writes.
pub trait AccessStore: Send + Sync {
    /// All accounts by name.
    fn users(&self) -> Result<Vec<User>, Fault>;
    /// One account.
    fn user(&self, name: &str) -> Result<Option<User>, Fault>;
    /// Adds an account; false when the name is taken.
    fn add_user(&self, user: &User) -> Result<bool, Fault>;
    /// Replaces an account whose version is still `user.version`, and counts the version up;
    /// false when it is not. With `end_sessions` those of the account end in the same moment.
    fn set_user(&self, user: &User, end_sessions: bool) -> Result<bool, Fault>;
    /// Forgets an account with its sessions, tokens, links and failures.
    fn remove_user(&self, name: &str) -> Result<bool, Fault>;
    /// Notes that somebody signed in.
    fn note_sign_in(&self, name: &str, at: Timestamp) -> Result<(), Fault>;

    /// All tokens, newest first.
    fn tokens(&self) -> Result<Vec<Token>, Fault>;
    /// One token.
    fn token(&self, id: &str) -> Result<Option<Token>, Fault>;
    /// Adds a token.
    fn add_token(&self, token: &Token) -> Result<(), Fault>;
    /// Forgets a token.
    fn remove_token(&self, id: &str) -> Result<bool, Fault>;
    /// Notes its use.
    fn note_token(&self, id: &str, at: Timestamp) -> Result<(), Fault>;

    /// One session.
    fn session(&self, hash: &Hash) -> Result<Option<Session>, Fault>;
    /// Adds a session; those created or seen before the moments named are dropped.
    fn add_session(
        &self,
        session: &Session,
        created_before: Timestamp,
        seen_before: Timestamp,
    ) -> Result<(), Fault>;
    /// Ends a session.
    fn remove_session(&self, hash: &Hash) -> Result<bool, Fault>;
    /// Ends all sessions of a kind.
    fn remove_sessions(&self, kind: Kind) -> Result<(), Fault>;
    /// Notes its use.
    fn note_session(&self, hash: &Hash, at: Timestamp) -> Result<(), Fault>;

    /// Adds a one-time link for an account; links that ended before `now` are dropped.
    fn add_link(
        &self,
        hash: &Hash,
        user: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Fault>;
    /// Uses a link up: the account it is for, when it had not ended at `now`. Never twice.
    fn take_link(&self, hash: &Hash, now: Timestamp) -> Result<Option<String>, Fault>;

    /// Counts an attempt as failed before it is made, so that many at once count as many, and
    /// locks the account until `lock(n)`. Answers what stood there before; a locked account's
    /// attempt does not count.
    fn count_failure(
        &self,
        name: &str,
        now: Timestamp,
        lock: &dyn Fn(u32) -> Option<Timestamp>,
    ) -> Result<Failures, Fault>;
    /// Forgets the failures of an account.
    fn clear_failures(&self, name: &str) -> Result<(), Fault>;

    /// A remembered document.
    fn setting(&self, key: &str) -> Result<Option<String>, Fault>;
    /// Remembers a document.
    fn set_setting(&self, key: &str, value: &str) -> Result<(), Fault>;

    /// Adds a line to the activity log.
    fn note_act(&self, act: &Act) -> Result<(), Fault>;
    /// Lines of the activity log, newest first, with their numbers.
    fn acts(&self, filter: &ActFilter) -> Result<Vec<(u64, Act)>, Fault>;
}
