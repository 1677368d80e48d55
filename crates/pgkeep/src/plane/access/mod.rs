//! What access remembers, in the plane's database: accounts, tokens, sessions, links, activity.
//! Secrets lie there hashed; the client secret of OpenID Connect as it is.

mod activity;
mod door;
mod people;
mod row;
mod sessions;
#[cfg(test)]
mod tests;
mod tokens;

pub(crate) use door::tls_to_others;

use std::sync::Arc;

use api::access::principal::Kind;
use api::access::store::{AccessStore, Act, ActFilter, Failures, Hash, Session, Token, User};
use api::access::{Access, AccessParts};
use base::{Fault, SystemClock};
use crypto::{Argon2Params, OsRandom};
use jiff::Timestamp;
use rusqlite::Connection;
use serde_json::{Value, json};

use super::store::SqliteStore;

/// Tables of access; part of the plane's schema since version 2.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS access_user (
        name            TEXT    PRIMARY KEY,
        enabled         INTEGER NOT NULL,
        password        TEXT,
        assignments     TEXT    NOT NULL,
        created_at      TEXT    NOT NULL,
        password_set_at TEXT,
        signed_in_at    TEXT,
        version         INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS access_token (
        id          TEXT PRIMARY KEY,
        name        TEXT NOT NULL,
        hash        BLOB NOT NULL CHECK (length(hash) = 32),
        assignments TEXT NOT NULL,
        made_by     TEXT NOT NULL,
        maker       TEXT NOT NULL,
        created_at  TEXT NOT NULL,
        expires_at  TEXT NOT NULL,
        used_at     TEXT
    ) STRICT;
    CREATE INDEX IF NOT EXISTS access_token_made_by ON access_token (made_by);
    CREATE TABLE IF NOT EXISTS access_session (
        hash        BLOB PRIMARY KEY CHECK (length(hash) = 32),
        name        TEXT    NOT NULL,
        kind        TEXT    NOT NULL,
        assignments TEXT    NOT NULL,
        created_at  INTEGER NOT NULL,
        seen_at     INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS access_session_name ON access_session (kind, name);
    CREATE TABLE IF NOT EXISTS access_link (
        hash       BLOB PRIMARY KEY CHECK (length(hash) = 32),
        user       TEXT    NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS access_failure (
        name         TEXT PRIMARY KEY,
        n            INTEGER NOT NULL,
        locked_until INTEGER,
        at           INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS access_setting (
        key   TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT;
    CREATE TABLE IF NOT EXISTS access_act (
        id         INTEGER PRIMARY KEY AUTOINCREMENT,
        at         TEXT    NOT NULL,
        principal  TEXT    NOT NULL,
        kind       TEXT    NOT NULL,
        operation  TEXT    NOT NULL,
        target     TEXT    NOT NULL,
        status     INTEGER NOT NULL,
        request_id TEXT    NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS access_act_principal ON access_act (principal, id);
    CREATE INDEX IF NOT EXISTS access_act_operation ON access_act (operation, id);
";

/// Access of this installation: remembered in `store`, with the portal on `https_port`.
pub(super) fn open(store: Arc<SqliteStore>, https_port: u16) -> Result<Arc<Access>, Fault> {
    Access::new(AccessParts {
        store,
        clock: Arc::new(SystemClock),
        random: Arc::new(OsRandom),
        door: Arc::new(door::Network),
        origin: format!("https://localhost:{https_port}"),
        password_cost: Argon2Params::default(),
    })
}

impl SqliteStore {
    /// Runs one transaction.
    fn access<T>(&self, act: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, Fault> {
        let mut connection = self.connection();
        let run = || {
            let transaction = connection.transaction()?;
            let outcome = act(&transaction)?;
            transaction.commit()?;
            Ok(outcome)
        };
        run().map_err(|e| super::store::failed(&e))
    }
}

impl SqliteStore {
    /// Lines of the activity log behind the one of this number, oldest first, as the parser
    /// `pgkeep-activity` reads them.
    pub(super) fn acts_after(&self, id: u64, limit: u32) -> Result<Vec<(u64, Value)>, Fault> {
        let acts = self.access(|connection| activity::acts_after(connection, id, limit))?;
        let line = |(id, act): (u64, Act)| {
            let line = json!({
                "id": id,
                "at": act.at.to_string(),
                "principal": act.principal,
                "kind": act.kind.map(Kind::as_str),
                "operation": act.operation,
                "target": act.target,
                "status": act.status,
                "request_id": act.request_id,
            });
            (id, line)
        };
        Ok(acts.into_iter().map(line).collect())
    }
}

impl AccessStore for SqliteStore {
    fn users(&self) -> Result<Vec<User>, Fault> {
        self.access(people::all)
    }

    fn user(&self, name: &str) -> Result<Option<User>, Fault> {
        self.access(|connection| people::one(connection, name))
    }

    fn add_user(&self, user: &User) -> Result<bool, Fault> {
        self.access(|connection| people::add(connection, user))
    }

    fn set_user(&self, user: &User, end_sessions: bool) -> Result<bool, Fault> {
        self.access(|connection| {
            let set = people::set(connection, user)?;
            if set && end_sessions {
                sessions::remove_of(connection, &user.name)?;
            }
            Ok(set)
        })
    }

    fn remove_user(&self, name: &str) -> Result<bool, Fault> {
        self.access(|connection| {
            sessions::remove_of(connection, name)?;
            tokens::remove_of(connection, name)?;
            people::remove(connection, name)
        })
    }

    fn note_sign_in(&self, name: &str, at: Timestamp) -> Result<(), Fault> {
        self.access(|connection| people::note_sign_in(connection, name, at))
    }

    fn tokens(&self) -> Result<Vec<Token>, Fault> {
        self.access(tokens::all)
    }

    fn token(&self, id: &str) -> Result<Option<Token>, Fault> {
        self.access(|connection| tokens::one(connection, id))
    }

    fn add_token(&self, token: &Token) -> Result<(), Fault> {
        self.access(|connection| tokens::add(connection, token))
    }

    fn remove_token(&self, id: &str) -> Result<bool, Fault> {
        self.access(|connection| tokens::remove(connection, id))
    }

    fn note_token(&self, id: &str, at: Timestamp) -> Result<(), Fault> {
        self.access(|connection| tokens::note(connection, id, at))
    }

    fn session(&self, hash: &Hash) -> Result<Option<Session>, Fault> {
        self.access(|connection| sessions::one(connection, hash))
    }

    fn add_session(
        &self,
        session: &Session,
        created_before: Timestamp,
        seen_before: Timestamp,
    ) -> Result<(), Fault> {
        self.access(|connection| {
            sessions::sweep(connection, created_before, seen_before)?;
            sessions::add(connection, session)
        })
    }

    fn remove_session(&self, hash: &Hash) -> Result<bool, Fault> {
        self.access(|connection| sessions::remove(connection, hash))
    }

    fn remove_sessions(&self, kind: Kind) -> Result<(), Fault> {
        self.access(|connection| sessions::remove_kind(connection, kind))
    }

    fn note_session(&self, hash: &Hash, at: Timestamp) -> Result<(), Fault> {
        self.access(|connection| sessions::note(connection, hash, at))
    }

    fn add_link(
        &self,
        hash: &Hash,
        user: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), Fault> {
        self.access(|connection| sessions::add_link(connection, hash, user, expires_at, now))
    }

    fn take_link(&self, hash: &Hash, now: Timestamp) -> Result<Option<String>, Fault> {
        self.access(|connection| sessions::take_link(connection, hash, now))
    }

    fn count_failure(
        &self,
        name: &str,
        now: Timestamp,
        lock: &dyn Fn(u32) -> Option<Timestamp>,
    ) -> Result<Failures, Fault> {
        self.access(|connection| people::count_failure(connection, name, now, lock))
    }

    fn clear_failures(&self, name: &str) -> Result<(), Fault> {
        self.access(|connection| people::clear_failures(connection, name))
    }

    fn setting(&self, key: &str) -> Result<Option<String>, Fault> {
        self.access(|connection| activity::setting(connection, key))
    }

    fn set_setting(&self, key: &str, value: &str) -> Result<(), Fault> {
        self.access(|connection| activity::set_setting(connection, key, value))
    }

    fn note_act(&self, act: &Act) -> Result<(), Fault> {
        self.access(|connection| activity::note(connection, act))
    }

    fn acts(&self, filter: &ActFilter) -> Result<Vec<(u64, Act)>, Fault> {
        self.access(|connection| activity::acts(connection, filter))
    }
}
