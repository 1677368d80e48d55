//! What every operation shares: the doors, the keys in memory, and the way from a plan to an
//! answer.
//!
//! The state of an unsealed vault is in memory as a whole ([`World`]); the store is read at unseal
//! only. An operation looks at the world for a moment and does its cryptography without any lock.
//! One that changes something holds the lock of its name from its look at the world until its
//! change is durable and visible, so changes of other names go on beside it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base::{Clock, Random};
use parking_lot::{Condvar, MappedRwLockReadGuard, Mutex, MutexGuard, RwLock, RwLockReadGuard};

use crate::audit::{AuditFolder, AuditLog, Claim, Event};
use crate::identity::{ACTING_MAX_BYTES, Policy};
use crate::keyvault::model::{Context, Refusal};
use crate::ledger::{Draft, Ledger};
use crate::seal::Seals;
use crate::store::{Counter, Store};
use crate::world::World;
use crate::{Caller, Error};

/// Changes of different names go on side by side; names that meet in a stripe wait.
const N_STRIPES: usize = 128;

/// What a vault needs from outside.
pub struct Doors {
    /// Keeps the records.
    pub store: Box<dyn Store>,
    /// Remembers how far the store had come.
    pub counter: Box<dyn Counter>,
    /// Where seal keys come from.
    pub seals: Seals,
    /// Holds the audit's files.
    pub audit: Box<dyn AuditFolder>,
    /// Randomness.
    pub random: Box<dyn Random>,
    /// Time.
    pub clock: Box<dyn Clock>,
    /// OS users that may seal and unseal, and administer key vaults.
    pub operators: Vec<u32>,
    /// OS user of the plane.
    pub plane: u32,
    /// Names that this machine has, the main one first.
    pub hostnames: Vec<String>,
    /// What key vaults' host names end with, port included: `vault.localhost:8443`.
    pub authority: String,
}

/// See the module.
pub(crate) struct Core {
    pub(crate) random: Box<dyn Random>,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) seals: Seals,
    pub(crate) policy: Policy,
    pub(crate) hostnames: Vec<String>,
    pub(crate) authority: String,
    pub(crate) ledger: Ledger,
    pub(crate) audit: Arc<AuditLog>,
    pub(crate) phase: RwLock<Phase>,
    /// Held shared by each change, exclusively while the phase changes.
    pub(crate) gate: RwLock<()>,
    pub(crate) changes: Changes,
    pub(crate) unlocking: Mutex<crate::sealing::Unlocking>,
    pub(crate) tokens: crate::identities::TokenCache,
    pub(crate) installation: OnceLock<String>,
    names: Vec<Mutex<()>>,
}

/// Whether there are keys in memory.
pub(crate) enum Phase {
    Uninitialized,
    Sealed(String),
    Open(Box<World>),
}

impl Core {
    pub(crate) fn new(doors: Doors) -> Result<Self, Error> {
        let audit = Arc::new(AuditLog::open(doors.audit).map_err(Error::Audit)?);
        let now = doors.clock.now();
        Ok(Self {
            random: doors.random,
            clock: doors.clock,
            seals: doors.seals,
            policy: Policy { operators: doors.operators, plane: doors.plane },
            hostnames: doors.hostnames,
            authority: doors.authority,
            ledger: Ledger::new(doors.store, doors.counter, Arc::clone(&audit)),
            audit,
            phase: RwLock::new(Phase::Uninitialized),
            gate: RwLock::new(()),
            changes: Changes::new(now.as_millisecond().unsigned_abs()),
            unlocking: Mutex::default(),
            tokens: crate::identities::TokenCache::default(),
            installation: OnceLock::new(),
            names: std::iter::repeat_with(|| Mutex::new(())).take(N_STRIPES).collect(),
        })
    }

    /// The keys in memory. Let go of it before anything slow.
    pub(crate) fn world(&self) -> Result<MappedRwLockReadGuard<'_, World>, Error> {
        RwLockReadGuard::try_map(self.phase.read(), |phase| match phase {
            Phase::Open(world) => Some(&**world),
            _ => None,
        })
        .map_err(|phase| match &*phase {
            Phase::Sealed(reason) => Error::Sealed(reason.clone()),
            _ => Error::Uninitialized,
        })
    }

    /// The UUID of this installation; zeros until there is one.
    pub(crate) fn installation(&self) -> &str {
        self.installation.get().map_or("00000000-0000-0000-0000-000000000000", String::as_str)
    }

    /// Present time in Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// Keeps other changes of `name` away.
    pub(crate) fn lock_name(&self, name: &str) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        let stripe = usize::try_from(hasher.finish() % N_STRIPES as u64).unwrap_or(0);
        self.names[stripe].lock()
    }

    /// Random bytes as hexadecimal digits.
    pub(crate) fn random_hex<const N: usize>(&self) -> String {
        let mut bytes = [0; N];
        self.random.fill(&mut bytes);
        hex::encode(bytes)
    }

    /// A random UUID (RFC 9562, version 4).
    pub(crate) fn random_uuid(&self) -> String {
        let mut bytes = [0; 16];
        self.random.fill(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let text = hex::encode(bytes);
        [&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]].join("-")
    }

    /// Records how an operation ended, makes its change durable and visible, and only then lets
    /// the answer out. `event` is filled in but for its end.
    pub(crate) fn finish<T, E: Ending>(
        &self,
        mut event: Event,
        outcome: Result<Planned<T>, E>,
    ) -> Result<T, E> {
        let started = event.time;
        event.time = self.clock.now();
        let took = event.time.duration_since(started).as_millis();
        event.duration_ms = u64::try_from(took).unwrap_or(0);
        match outcome {
            Ok(Planned { answer, change: None }) => {
                event.status = event.status.max(200);
                self.audit.record(&event).map_err(|e| E::from(Error::Audit(e)))?;
                Ok(answer)
            }
            Ok(Planned { answer, change: Some(change) }) => {
                event.status = event.status.max(200);
                match self.ledger.commit(change.drafts, &event) {
                    Ok(()) => {}
                    Err(error) => return Err(self.refuse(event, E::from(error))),
                }
                if let Phase::Open(world) = &mut *self.phase.write() {
                    (change.apply)(world);
                }
                self.changes.bump();
                Ok(answer)
            }
            Err(error) => Err(self.refuse(event, error)),
        }
    }

    fn refuse<E: Ending>(&self, mut event: Event, error: E) -> E {
        (event.status, event.description) = error.ending();
        match self.audit.record(&event) {
            Ok(()) => error,
            Err(e) => E::from(Error::Audit(e)),
        }
    }

    /// Runs an operation of a caller on the vault's own socket and records it.
    pub(crate) fn local<T>(
        &self,
        caller: Caller<'_>,
        operation: &'static str,
        resource: &str,
        subject: &str,
        work: impl FnOnce() -> Result<Planned<T>, Error>,
    ) -> Result<T, Error> {
        let mut event = self.event(operation, resource);
        event.caller_address = format!("unix:{}", caller.uid);
        event.claim.uid = Some(caller.uid);
        event.claim.acting = caller.acting.map(acting);
        event.id = subject.to_owned();
        let outcome = work();
        self.finish(event, outcome)
    }

    /// An event with what does not depend on the request.
    pub(crate) fn event(&self, operation: &'static str, resource: &str) -> Event {
        let installation = self.installation();
        Event {
            time: self.clock.now(),
            resource_id: format!(
                "/subscriptions/{installation}/resourceGroups/pgkeep/providers/\
                 Microsoft.KeyVault/vaults/{resource}"
            ),
            operation,
            ..Event::default()
        }
    }

    /// An event of a request that came over HTTP.
    pub(crate) fn request_event(
        &self,
        operation: &'static str,
        vault: &str,
        context: &Context,
        claim: Claim,
    ) -> Event {
        let mut event = self.event(operation, vault);
        event.api_version.clone_from(&context.api_version);
        event.caller_address.clone_from(&context.caller_address);
        event.correlation_id.clone_from(&context.request_id);
        event.client_request_id.clone_from(&context.client_request_id);
        event.client_info.clone_from(&context.client_info);
        event.request_uri.clone_from(&context.request_uri);
        event.claim = claim;
        event
    }
}

/// The name that somebody acts for, as the audit keeps it.
pub(crate) fn acting(name: &str) -> String {
    name[..name.floor_char_boundary(ACTING_MAX_BYTES)].to_owned()
}

/// How a failure reads in the audit.
pub(crate) trait Ending: From<Error> {
    /// HTTP status and description.
    fn ending(&self) -> (u16, String);
}

impl Ending for Error {
    fn ending(&self) -> (u16, String) {
        (self.status(), format!("{}: {self}", self.code()))
    }
}

impl Ending for Refusal {
    fn ending(&self) -> (u16, String) {
        let code = self.inner_code.unwrap_or(self.code);
        (self.status, format!("{code}: {}", self.message))
    }
}

/// An operation that was allowed: its answer, and what it changes.
pub(crate) struct Planned<T> {
    pub(crate) answer: T,
    pub(crate) change: Option<Planning>,
}

/// A change of the store and the same change of the world.
pub(crate) struct Planning {
    pub(crate) drafts: Vec<Draft>,
    pub(crate) apply: Box<dyn FnOnce(&mut World) + Send>,
}

impl<T> Planned<T> {
    /// Nothing changes.
    pub(crate) fn read(answer: T) -> Self {
        Self { answer, change: None }
    }

    /// Something changes.
    pub(crate) fn change(
        answer: T,
        drafts: Vec<Draft>,
        apply: impl FnOnce(&mut World) + Send + 'static,
    ) -> Self {
        Self { answer, change: Some(Planning { drafts, apply: Box::new(apply) }) }
    }

    /// Another answer of the same change.
    pub(crate) fn map<U>(self, with: impl FnOnce(T) -> U) -> Planned<U> {
        Planned { answer: with(self.answer), change: self.change }
    }
}

/// A number that grows with every change of keys, roles, identities and seal.
pub(crate) struct Changes {
    number: Mutex<u64>,
    grown: Condvar,
}

impl Changes {
    fn new(number: u64) -> Self {
        Self { number: Mutex::new(number), grown: Condvar::new() }
    }

    /// Tells everybody that something has changed.
    pub(crate) fn bump(&self) {
        *self.number.lock() += 1;
        self.grown.notify_all();
    }

    /// Returns the number once it is another than `since`, or after `timeout`.
    pub(crate) fn wait(&self, since: u64, timeout: Duration) -> u64 {
        let mut number = self.number.lock();
        self.grown.wait_while_for(&mut number, |number| *number == since, timeout);
        *number
    }
}
