//! From what a request bears to whoever sent it: session cookies and API tokens.
//!
//! Looked up again for every request, or remembered for seconds: roles, passwords and accounts
//! that change do so at once.

use std::sync::Arc;

use base::Fault;
use jiff::{SignedDuration, Timestamp};

use super::judge::Judge;
use super::principal::{Kind, Principal};
use super::service::{Access, Credential, hash_of};
use super::store::{AccessStore, Hash, Token};

/// What every token begins with, so that scanners for leaked secrets know it.
pub(super) const TOKEN_PREFIX: &str = "pgk_";
/// Hex digits of a token's id and of its secret.
pub(super) const TOKEN_ID_CHARS: usize = 16;
const TOKEN_SECRET_CHARS: usize = 64;
/// Uses are noted no more often.
const NOTE_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Id and secret of a token.
pub(super) fn parts_of(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.strip_prefix(TOKEN_PREFIX)?.split_once('_')?;
    let hex = |text: &str, n| {
        text.len() == n && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    (hex(id, TOKEN_ID_CHARS) && hex(secret, TOKEN_SECRET_CHARS)).then_some((id, secret))
}

impl Access {
    /// Whose session it is, and the session; `None` when it is none or has ended.
    pub(super) async fn by_session(
        self: &Arc<Self>,
        cookie: &str,
    ) -> Result<Option<(Arc<Judge>, Hash)>, Fault> {
        let hash = hash_of(cookie);
        let credential = Credential::Session(hash);
        if let Some(judge) = self.known(credential) {
            return Ok(Some((judge, hash)));
        }
        let generation = self.generation();
        let (now, settings) = (self.now(), self.settings());
        let (idle, lifetime) = (settings.idle(), settings.lifetime());
        let found = self
            .stored(move |store| {
                let Some(session) = store.session(&hash)? else { return Ok(None) };
                let ends = [(session.seen_at, idle), (session.created_at, lifetime)]
                    .map(|(from, long)| from.checked_add(long).unwrap_or(Timestamp::MIN));
                let ends_at = ends[0].min(ends[1]);
                if ends_at <= now {
                    store.remove_session(&hash)?;
                    return Ok(None);
                }
                let assignments = match session.kind {
                    Kind::User => match store.user(&session.name)?.filter(|user| user.enabled) {
                        Some(user) => user.assignments,
                        None => return Ok(None),
                    },
                    _ => session.assignments,
                };
                if now.duration_since(session.seen_at) >= NOTE_EVERY {
                    store.note_session(&hash, now)?;
                }
                let name = session.name;
                Ok(Some((Principal { name, kind: session.kind, assignments }, ends_at)))
            })
            .await?;
        let Some((principal, ends_at)) = found else { return Ok(None) };
        let judge = self.judge(&principal);
        self.remember(credential, &judge, ends_at, generation);
        Ok(Some((judge, hash)))
    }

    /// When a session ends at the latest.
    pub(super) async fn ends_at(&self, session: Hash) -> Result<Option<Timestamp>, Fault> {
        let lifetime = self.settings().lifetime();
        let found = self.stored(move |store| store.session(&session)).await?;
        Ok(found.and_then(|session| session.created_at.checked_add(lifetime).ok()))
    }

    /// Whose token it is; `None` when it is none, was revoked or has expired.
    pub(super) async fn by_token(
        self: &Arc<Self>,
        token: &str,
    ) -> Result<Option<Arc<Judge>>, Fault> {
        let Some((id, secret)) = parts_of(token) else { return Ok(None) };
        let credential = Credential::Token(hash_of(token));
        if let Some(judge) = self.known(credential) {
            return Ok(Some(judge));
        }
        let generation = self.generation();
        let now = self.now();
        let (id, hash) = (id.to_owned(), hash_of(secret));
        let access = Arc::clone(self);
        let found = self
            .stored(move |store| {
                let token = store.token(&id)?.filter(|token| {
                    crypto::constant_time_eq(&token.hash, &hash) && token.expires_at > now
                });
                let Some(token) = token else { return Ok(None) };
                let Some(principal) = access.principal_of(store, &token)? else {
                    return Ok(None);
                };
                if token.used_at.is_none_or(|at| now.duration_since(at) >= NOTE_EVERY) {
                    store.note_token(&token.id, now)?;
                }
                Ok(Some((principal, token.expires_at)))
            })
            .await?;
        let Some((principal, expires_at)) = found else { return Ok(None) };
        let judge = self.judge(&principal);
        self.remember(credential, &judge, expires_at, generation);
        Ok(Some(judge))
    }

    /// A token may what its maker may still do, at most.
    fn principal_of(
        &self,
        store: &dyn AccessStore,
        token: &Token,
    ) -> Result<Option<Principal>, Fault> {
        let mut assignments = token.assignments.clone();
        match token.maker {
            Kind::Local => {}
            Kind::User => {
                let Some(user) = store.user(&token.made_by)?.filter(|user| user.enabled) else {
                    return Ok(None);
                };
                let (name, kind) = (user.name, Kind::User);
                let maker = self.judge(&Principal { name, kind, assignments: user.assignments });
                assignments.retain(|given| maker.covers(given));
            }
            // The policies let these make none.
            Kind::Token | Kind::Oidc => return Ok(None),
        }
        let name = token_name(&token.name);
        Ok(Some(Principal { name, kind: Kind::Token, assignments }))
    }
}

/// The principal's name of a token; no account has a colon in its name.
pub(super) fn token_name(name: &str) -> String {
    format!("token:{name}")
}

#[cfg(test)]
mod tests {
    use super::parts_of;

    #[test]
    fn tokens_have_one_shape() {
        let (id, secret) = ("0123456789abcdef", "a".repeat(64));
        let token = format!("pgk_{id}_{secret}");
        assert_eq!(parts_of(&token), Some((id, secret.as_str())));
        for bad in ["", "pgk_", "pgk__", &token[1..], &format!("{token}a"), &token.to_uppercase()] {
            assert_eq!(parts_of(bad), None, "{bad}");
        }
    }
}
