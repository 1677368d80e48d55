//! Access as one thing: the store, the policies, what is remembered of who is signed in.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use base::{Clock, Fault, Random};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use crypto::Argon2Params;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;

use super::bucket::Bucket;
use super::judge::Judge;
use super::oidc::{Door, Pending};
use super::policy::Policies;
use super::principal::Principal;
use super::settings::Settings;
use super::store::{AccessStore, Act, Hash};

/// What access is made of.
pub struct AccessParts {
    /// Where it remembers.
    pub store: Arc<dyn AccessStore>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where secrets come from.
    pub random: Arc<dyn Random>,
    /// How providers of OpenID Connect are reached.
    pub door: Arc<dyn Door>,
    /// Where browsers find the portal: `https://localhost:PORT`.
    pub origin: String,
    /// What one guess at a password costs.
    pub password_cost: Argon2Params,
}

/// Sessions, users, tokens and permissions of one installation.
pub struct Access {
    pub(super) store: Arc<dyn AccessStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) random: Arc<dyn Random>,
    pub(super) door: Arc<dyn Door>,
    pub(super) origin: String,
    pub(super) password_cost: Argon2Params,
    /// What a password is compared with when there is none, so that it takes as long.
    pub(super) nobodys_password: String,
    /// Hashing takes memory and time: so many at once.
    pub(super) hashing: Arc<Semaphore>,
    /// Guesses at passwords, whoever's.
    pub(super) guesses: Bucket,
    /// Lines of the activity log by nobody.
    pub(super) knocks: Bucket,
    /// Sign-ins at the provider that have begun.
    pub(super) pending: Mutex<HashMap<Hash, Pending>>,
    policies: Arc<Policies>,
    guest: Arc<Judge>,
    settings: RwLock<Arc<Settings>>,
    known: Mutex<HashMap<Credential, Known>>,
    /// Counts changes of anything that `known` was computed from.
    generation: AtomicU64,
}

/// What proves who somebody is, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Credential {
    Session(Hash),
    Token(Hash),
}

#[derive(Clone)]
struct Known {
    judge: Arc<Judge>,
    until: Timestamp,
}

/// What was found out is believed for so long, also when only time would change it.
const KNOWN_FOR: SignedDuration = SignedDuration::from_secs(30);
const KNOWN_MAX: usize = 4096;

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("origin", &self.origin).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Access {
    /// Reads policies and settings.
    pub fn new(parts: AccessParts) -> Result<Arc<Self>, Fault> {
        let AccessParts { store, clock, random, door, origin, password_cost } = parts;
        let broken = |e: &dyn fmt::Display| {
            Fault::new("access", "access could not be set up").detail(e.to_string())
        };
        let policies = Policies::embedded().map_err(|e| broken(&e))?;
        let guest = Arc::new(Judge::new(&policies, None).map_err(|e| broken(&e))?);
        let settings = Settings::load(&*store)?;
        let mut nobody = [0; 32];
        random.fill(&mut nobody);
        let nobodys_password =
            crypto::hash_password(&nobody, &password_cost, &*random).map_err(|e| broken(&e))?;
        let now = clock.now();
        Ok(Arc::new(Self {
            store,
            clock,
            random,
            door,
            origin,
            password_cost,
            nobodys_password,
            hashing: Arc::new(Semaphore::new(2)),
            guesses: Bucket::new(30, now),
            knocks: Bucket::new(60, now),
            pending: Mutex::default(),
            policies,
            guest,
            settings: RwLock::new(Arc::new(settings)),
            known: Mutex::default(),
            generation: AtomicU64::new(0),
        }))
    }

    /// The rules.
    pub fn policies(&self) -> &Arc<Policies> {
        &self.policies
    }

    /// Who is not signed in.
    pub(super) fn guest(&self) -> Arc<Judge> {
        Arc::clone(&self.guest)
    }

    /// The rules as they are for `who`. A principal that they cannot be linked to may nothing.
    pub fn judge(&self, who: &Principal) -> Arc<Judge> {
        match Judge::new(&self.policies, Some(who.clone())) {
            Ok(judge) => Arc::new(judge),
            Err(e) => {
                tracing::error!(error = %e, who.name, "roles could not be linked");
                self.guest()
            }
        }
    }

    pub(super) fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.settings.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn set_settings(&self, settings: Settings) {
        let new = Arc::new(settings);
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = new;
        self.forget();
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// 256 random bits as text.
    pub(super) fn secret(&self) -> String {
        let mut bytes = [0; 32];
        self.random.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Asks the store on a thread that may wait.
    pub(super) async fn stored<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn AccessStore) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let store = Arc::clone(&self.store);
        let asked = tokio::task::spawn_blocking(move || ask(&*store)).await;
        asked.map_err(|e| Fault::from_error("access", "the store of access failed", &e))?
    }

    /// Changes the store; whoever is known is looked at anew from the next request on.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&dyn AccessStore) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let outcome = self.stored(change).await;
        self.forget();
        outcome
    }

    /// Before a look: what it finds may be remembered if nothing has changed since.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    pub(super) fn known(&self, credential: Credential) -> Option<Arc<Judge>> {
        let known = lock(&self.known);
        let found = known.get(&credential).filter(|known| known.until > self.now());
        found.map(|known| Arc::clone(&known.judge))
    }

    /// Remembers a finding until `expires_at` at most.
    pub(super) fn remember(
        &self,
        credential: Credential,
        judge: &Arc<Judge>,
        expires_at: Timestamp,
        generation: u64,
    ) {
        let now = self.now();
        let until = now.saturating_add(KNOWN_FOR).map_or(expires_at, |at| at.min(expires_at));
        let mut known = lock(&self.known);
        // Asked inside the lock, in which a change forgets.
        if self.generation() != generation {
            return;
        }
        if known.len() >= KNOWN_MAX {
            known.retain(|_, known| known.until > now);
        }
        if known.len() < KNOWN_MAX {
            known.insert(credential, Known { judge: Arc::clone(judge), until });
        }
    }

    fn forget(&self) {
        let mut known = lock(&self.known);
        self.generation.fetch_add(1, Ordering::SeqCst);
        known.clear();
    }

    /// Adds a line to the activity log. What is done is done: a log that fails is an error in
    /// the other log.
    pub(super) async fn note(&self, act: Act) {
        if act.principal.is_empty() && self.knocks.take(self.now()).is_err() {
            return;
        }
        if let Err(fault) = self.stored(move |store| store.note_act(&act)).await {
            tracing::error!(fault.message, fault.detail, "the activity log was not written");
        }
    }
}

/// The hash under which a secret is kept.
pub(super) fn hash_of(secret: &str) -> Hash {
    crypto::sha256(secret.as_bytes())
}
