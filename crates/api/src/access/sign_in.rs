//! Sign-in by password and by one-time link, and what hangs on it: sessions, lock-out.

use std::sync::Arc;

use base::{ExitCode, Fault, Secret};
use jiff::SignedDuration;

use super::principal::{Assignment, Kind, Principal, Scope};
use super::service::{Access, hash_of};
use super::store::{Hash, Session, User};

/// The account of one-time links that name none; made with the first of them.
pub const ADMIN: &str = "admin";
/// A one-time link is good for so long.
const LINK_FOR: SignedDuration = SignedDuration::from_mins(15);

/// Somebody who has just signed in. The cookie's value is a secret.
#[derive(Debug)]
pub(super) struct SignedIn {
    pub(super) principal: Principal,
    pub(super) cookie: Secret<String>,
}

/// Why nobody came in.
#[derive(Debug)]
pub(super) enum Refused {
    /// Not now; again after so many seconds.
    Later(Fault, u64),
    /// Something else.
    Fault(Fault),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// Names of accounts: 1 to 64 of `a-z`, `0-9`, `.`, `_`, `-`, beginning with a letter.
pub(super) fn is_user_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.as_bytes()[0].is_ascii_lowercase()
        && name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
        && name != "local"
}

fn wrong() -> Fault {
    Fault::new("unauthenticated", "user name or password is wrong").exit(ExitCode::Forbidden)
}

fn later(what: &str, seconds: u64) -> Refused {
    let fault = Fault::new("locked_out", what)
        .detail(format!("the next attempt is heard in {seconds} s"))
        .hint("whoever holds the machine gets in by pgkeep portal login-link")
        .exit(ExitCode::Forbidden);
    Refused::Later(fault, seconds)
}

impl Access {
    /// Signs in by password. An unknown name takes as long as a known one and locks as it does.
    pub(super) async fn by_password(
        self: &Arc<Self>,
        name: &str,
        password: Secret<String>,
        old: Option<Hash>,
    ) -> Result<SignedIn, Refused> {
        // All that cannot be names share a lock.
        let name = if is_user_name(name) { name } else { "?" }.to_owned();
        let user = self.checked(&name, password).await?;
        let (now, of) = (self.now(), name.clone());
        self.stored(move |store| store.note_sign_in(&of, now)).await?;
        let assignments = user.assignments;
        let principal = Principal { name, kind: Kind::User, assignments };
        Ok(self.begin(principal, old).await?)
    }

    /// The account, when the password is its own and it may sign in.
    pub(super) async fn checked(
        self: &Arc<Self>,
        name: &str,
        password: Secret<String>,
    ) -> Result<User, Refused> {
        let now = self.now();
        if let Err(seconds) = self.guesses.take(now) {
            return Err(later("too many passwords are tried here", seconds));
        }
        let settings = self.settings();
        let of = name.to_owned();
        let (before, user) = self
            .stored(move |store| {
                let lock = |n| settings.locked_until(n, now);
                Ok((store.count_failure(&of, now, &lock)?, store.user(&of)?))
            })
            .await?;
        if let Some(until) = before.locked_until.filter(|until| *until > now) {
            let seconds = until.duration_since(now).as_secs().max(0).unsigned_abs() + 1;
            return Err(later("this account was tried in vain too often", seconds));
        }
        let stored = user.as_ref().and_then(|user| user.password.clone());
        let fits = self.fits(password, stored).await?;
        let Some(user) = user.filter(|user| fits && user.enabled) else {
            return Err(wrong().into());
        };
        let of = name.to_owned();
        self.stored(move |store| store.clear_failures(&of)).await?;
        Ok(user)
    }

    /// Compares, in the same time when there is nothing to compare with.
    async fn fits(&self, password: Secret<String>, stored: Option<String>) -> Result<bool, Fault> {
        let known = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.nobodys_password.clone());
        let turn = Arc::clone(&self.hashing).acquire_owned().await;
        let _turn = turn.map_err(|e| Fault::from_error("access", "nothing is hashed", &e))?;
        let hashed = tokio::task::spawn_blocking(move || {
            let text = password.expose().as_bytes();
            // What cannot be a password takes as long, too.
            let possible = (1..=crypto::MAX_PASSPHRASE_BYTES).contains(&text.len());
            let text = if possible { text } else { b"?" };
            crypto::verify_password(text, &stored).map(|fits| fits && possible)
        });
        let fits = hashed
            .await
            .map_err(|e| Fault::from_error("access", "a password could not be compared", &e))?;
        let fits =
            fits.map_err(|e| Fault::from_error("access", "a password could not be compared", &e))?;
        Ok(fits && known)
    }

    /// The stored form of a new password.
    pub(super) async fn hashed(&self, password: Secret<String>) -> Result<String, Fault> {
        let turn = Arc::clone(&self.hashing).acquire_owned().await;
        let _turn = turn.map_err(|e| Fault::from_error("access", "nothing is hashed", &e))?;
        let (cost, random) = (self.password_cost, Arc::clone(&self.random));
        let failed = "the password could not be stored";
        let hashed = tokio::task::spawn_blocking(move || {
            crypto::hash_password(password.expose().as_bytes(), &cost, &*random)
        });
        let hashed = hashed.await.map_err(|e| Fault::from_error("access", failed, &e))?;
        hashed.map_err(|e| Fault::from_error("access", failed, &e))
    }

    /// Begins a session with a new secret; the one that was there ends.
    pub(super) async fn begin(
        &self,
        principal: Principal,
        old: Option<Hash>,
    ) -> Result<SignedIn, Fault> {
        let cookie = self.secret();
        let now = self.now();
        let assignments = match principal.kind {
            Kind::Oidc => principal.assignments.clone(),
            _ => Vec::new(),
        };
        let session = Session {
            hash: hash_of(&cookie),
            name: principal.name.clone(),
            kind: principal.kind,
            assignments,
            created_at: now,
            seen_at: now,
        };
        let settings = self.settings();
        let before = |long| now.checked_sub(long).unwrap_or(now);
        let (created, seen) = (before(settings.lifetime()), before(settings.idle()));
        self.change(move |store| {
            if let Some(old) = old {
                store.remove_session(&old)?;
            }
            store.add_session(&session, created, seen)
        })
        .await?;
        Ok(SignedIn { principal, cookie: Secret::new(cookie) })
    }

    /// Ends a session.
    pub(super) async fn end(&self, session: Hash) -> Result<(), Fault> {
        self.change(move |store| store.remove_session(&session)).await.map(|_| ())
    }

    /// Makes a one-time link for an account. The secret stands in the fragment, which browsers
    /// send to nobody.
    pub async fn login_link(&self, user: Option<&str>) -> Result<Secret<String>, Fault> {
        let name = user.unwrap_or(ADMIN).to_owned();
        let secret = Secret::new(self.secret());
        let (hash, now) = (hash_of(secret.expose()), self.now());
        let expires_at = now.checked_add(LINK_FOR).unwrap_or(now);
        self.change(move |store| {
            if name == ADMIN && store.user(ADMIN)?.is_none() {
                store.add_user(&first_owner(now))?;
            }
            match store.user(&name)? {
                Some(user) if user.enabled => store.add_link(&hash, &name, expires_at, now),
                Some(_) => Err(Fault::new("disabled", format!("user \"{name}\" is disabled"))
                    .hint(format!("pgkeep user enable -n {name}"))
                    .exit(ExitCode::Conflict)),
                None => Err(no_user(&name)),
            }
        })
        .await?;
        Ok(Secret::new(format!("{}/sign-in#link={}", self.origin, secret.expose())))
    }

    /// Signs in by a one-time link, which is used up.
    pub(super) async fn by_link(
        self: &Arc<Self>,
        link: &Secret<String>,
        old: Option<Hash>,
    ) -> Result<SignedIn, Fault> {
        let (hash, now) = (hash_of(link.expose()), self.now());
        let user = self
            .stored(move |store| {
                let Some(name) = store.take_link(&hash, now)? else { return Ok(None) };
                let user = store.user(&name)?.filter(|user| user.enabled);
                if user.is_some() {
                    store.note_sign_in(&name, now)?;
                }
                Ok(user)
            })
            .await?;
        let user = user.ok_or_else(|| {
            Fault::new("unauthenticated", "this link was used, has expired or never was")
                .hint("pgkeep portal login-link makes another")
                .exit(ExitCode::Forbidden)
        })?;
        let (name, assignments) = (user.name, user.assignments);
        self.begin(Principal { name, kind: Kind::User, assignments }, old).await
    }
}

fn first_owner(now: jiff::Timestamp) -> User {
    User {
        name: ADMIN.to_owned(),
        enabled: true,
        password: None,
        assignments: vec![Assignment { role: "owner".to_owned(), scope: Scope::All }],
        created_at: now,
        password_set_at: None,
        signed_in_at: None,
        version: 1,
    }
}

pub(super) fn no_user(name: &str) -> Fault {
    let name: String = name.chars().take(64).collect();
    Fault::new("not_found", format!("there is no user \"{name}\"")).exit(ExitCode::NotFound)
}
