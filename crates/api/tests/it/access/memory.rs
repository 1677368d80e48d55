//! What access remembers, in memory; the plane's store of files has tests of its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use api::access::oidc::{Door, NoDoor};
use api::access::store::{AccessStore, Act, ActFilter, Failures, Hash, Session, Token, User};
use api::access::{Access, AccessParts, Kind};
use base::{Clock, Fault};
use crypto::{Argon2Params, OsRandom};
use jiff::Timestamp;

/// A clock that stands still until it is set.
#[derive(Debug)]
pub(crate) struct Hand(pub(crate) Mutex<Timestamp>);

impl Hand {
    pub(crate) fn forward(&self, seconds: i64) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap();
    }
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// Access over an empty store, with what moves it.
pub(crate) struct Scene {
    pub(crate) access: Arc<Access>,
    pub(crate) store: Arc<Memory>,
    pub(crate) clock: Arc<Hand>,
}

/// A new one that reaches no provider.
pub(crate) fn scene() -> Scene {
    scene_with(Arc::new(NoDoor))
}

/// A new one. Passwords cost next to nothing.
pub(crate) fn scene_with(door: Arc<dyn Door>) -> Scene {
    let store = Arc::new(Memory::default());
    let clock = Arc::new(Hand(Mutex::new("2026-01-01T00:00:00Z".parse().unwrap())));
    let access = Access::new(AccessParts {
        store: Arc::clone(&store) as Arc<dyn AccessStore>,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        random: Arc::new(OsRandom),
        door,
        origin: "https://localhost:8443".to_owned(),
        password_cost: Argon2Params { memory_kib: 64, passes: 1, lanes: 1 },
    });
    Scene { access: access.unwrap(), store, clock }
}

#[derive(Default)]
struct All {
    users: BTreeMap<String, User>,
    tokens: BTreeMap<String, Token>,
    sessions: BTreeMap<Hash, Session>,
    links: BTreeMap<Hash, (String, Timestamp)>,
    failures: BTreeMap<String, Failures>,
    settings: BTreeMap<String, String>,
    acts: Vec<Act>,
}

/// The store.
#[derive(Default)]
pub(crate) struct Memory(Mutex<All>);

impl Memory {
    fn all(&self) -> MutexGuard<'_, All> {
        self.0.lock().unwrap()
    }
}

impl AccessStore for Memory {
    fn users(&self) -> Result<Vec<User>, Fault> {
        Ok(self.all().users.values().cloned().collect())
    }

    fn user(&self, name: &str) -> Result<Option<User>, Fault> {
        Ok(self.all().users.get(name).cloned())
    }

    fn add_user(&self, user: &User) -> Result<bool, Fault> {
        let mut all = self.all();
        let free = !all.users.contains_key(&user.name);
        all.users.entry(user.name.clone()).or_insert_with(|| user.clone());
        Ok(free)
    }

    fn set_user(&self, user: &User, end_sessions: bool) -> Result<bool, Fault> {
        let mut all = self.all();
        let Some(old) = all.users.get_mut(&user.name) else { return Ok(false) };
        if old.version != user.version {
            return Ok(false);
        }
        *old = User { version: user.version + 1, ..user.clone() };
        if end_sessions {
            all.sessions.retain(|_, session| session.name != user.name);
        }
        Ok(true)
    }

    fn remove_user(&self, name: &str) -> Result<bool, Fault> {
        let mut all = self.all();
        all.sessions.retain(|_, session| session.name != name);
        all.tokens.retain(|_, token| token.made_by != name);
        all.links.retain(|_, (user, _)| user != name);
        Ok(all.users.remove(name).is_some())
    }

    fn note_sign_in(&self, name: &str, at: Timestamp) -> Result<(), Fault> {
        if let Some(user) = self.all().users.get_mut(name) {
            user.signed_in_at = Some(at);
        }
        Ok(())
    }

    fn tokens(&self) -> Result<Vec<Token>, Fault> {
        Ok(self.all().tokens.values().cloned().collect())
    }

    fn token(&self, id: &str) -> Result<Option<Token>, Fault> {
        Ok(self.all().tokens.get(id).cloned())
    }

    fn add_token(&self, token: &Token) -> Result<(), Fault> {
        self.all().tokens.insert(token.id.clone(), token.clone());
        Ok(())
    }

    fn remove_token(&self, id: &str) -> Result<bool, Fault> {
        Ok(self.all().tokens.remove(id).is_some())
    }

    fn note_token(&self, id: &str, at: Timestamp) -> Result<(), Fault> {
        if let Some(token) = self.all().tokens.get_mut(id) {
            token.used_at = Some(at);
        }
        Ok(())
    }

    fn session(&self, hash: &Hash) -> Result<Option<Session>, Fault> {
        Ok(self.all().sessions.get(hash).cloned())
    }

    fn add_session(&self, session: &Session, _: Timestamp, _: Timestamp) -> Result<(), Fault> {
        self.all().sessions.insert(session.hash, session.clone());
        Ok(())
    }

    fn remove_session(&self, hash: &Hash) -> Result<bool, Fault> {
        Ok(self.all().sessions.remove(hash).is_some())
    }

    fn remove_sessions(&self, kind: Kind) -> Result<(), Fault> {
        self.all().sessions.retain(|_, session| session.kind != kind);
        Ok(())
    }

    fn note_session(&self, hash: &Hash, at: Timestamp) -> Result<(), Fault> {
        if let Some(session) = self.all().sessions.get_mut(hash) {
            session.seen_at = at;
        }
        Ok(())
    }

    fn add_link(
        &self,
        hash: &Hash,
        user: &str,
        expires_at: Timestamp,
        _: Timestamp,
    ) -> Result<(), Fault> {
        self.all().links.insert(*hash, (user.to_owned(), expires_at));
        Ok(())
    }

    fn take_link(&self, hash: &Hash, now: Timestamp) -> Result<Option<String>, Fault> {
        let taken = self.all().links.remove(hash).filter(|(_, until)| *until > now);
        Ok(taken.map(|(user, _)| user))
    }

    fn count_failure(
        &self,
        name: &str,
        now: Timestamp,
        lock: &dyn Fn(u32) -> Option<Timestamp>,
    ) -> Result<Failures, Fault> {
        let mut all = self.all();
        let entry = all.failures.entry(name.to_owned()).or_default();
        let before = *entry;
        if before.locked_until.is_none_or(|until| until <= now) {
            *entry = Failures { n: before.n + 1, locked_until: lock(before.n + 1) };
        }
        Ok(before)
    }

    fn clear_failures(&self, name: &str) -> Result<(), Fault> {
        self.all().failures.remove(name);
        Ok(())
    }

    fn setting(&self, key: &str) -> Result<Option<String>, Fault> {
        Ok(self.all().settings.get(key).cloned())
    }

    fn set_setting(&self, key: &str, value: &str) -> Result<(), Fault> {
        self.all().settings.insert(key.to_owned(), value.to_owned());
        Ok(())
    }

    fn note_act(&self, act: &Act) -> Result<(), Fault> {
        self.all().acts.push(act.clone());
        Ok(())
    }

    fn acts(&self, filter: &ActFilter) -> Result<Vec<(u64, Act)>, Fault> {
        let all = self.all();
        let numbered = (1_u64..).zip(all.acts.iter().cloned());
        let wanted = numbered.filter(|(id, act)| {
            filter.before.is_none_or(|before| *id < before)
                && filter.principal.as_ref().is_none_or(|name| *name == act.principal)
                && filter.operation.as_ref().is_none_or(|name| *name == act.operation)
        });
        let mut found: Vec<_> = wanted.collect();
        found.reverse();
        found.truncate(filter.limit as usize);
        Ok(found)
    }
}
