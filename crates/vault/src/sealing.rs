//! Opening, sealing and re-keying the whole vault.

use std::sync::Arc;

use base::{Changed, Secret};
use crypto::RsaKey;

use crate::audit::Damage;
use crate::authority::Authority;
use crate::core::{Core, Doors, Phase, Planned};
use crate::ledger::Draft;
use crate::ring::Domain;
use crate::seal::{Kind, Made, SealStatus, Shares};
use crate::store::{Address, Record};
use crate::world::{self, CA_CERTIFICATE, CA_KEY, Domains, Header, RSA_KEY, SYSTEM, World, kind};
use crate::{Caller, Error, NewSeal, SealKey, State, Unlock, Vault};

/// Name under which the audit knows what belongs to no key vault.
pub(crate) const SERVICE_RESOURCE: &str = "service";
const SEALED_BY_OPERATOR: &str = "sealed by an operator";

/// What is known of the seal while it is being opened, and what was noticed.
#[derive(Default)]
pub(crate) struct Unlocking {
    shares: Shares,
    seal: Option<Kind>,
    warnings: Vec<String>,
}

/// A world that was read but is not yet in use.
struct Loaded {
    world: Box<World>,
    marked: bool,
}

impl Vault {
    /// Opens the vault, and unseals it where its seal opens itself, unless it was sealed on
    /// purpose.
    ///
    /// A vault that cannot be unsealed is opened nevertheless and says why in its status.
    ///
    /// # Errors
    /// `Store`, `File` or `Audit` when the state cannot even be read.
    pub fn open(doors: Doors) -> Result<Self, Error> {
        let core = Core::new(doors)?;
        let records = core.ledger.read()?;
        let vault = Self { core: Arc::new(core) };
        let core = &vault.core;
        let reason = match world::header(&records) {
            Err(e) => Some(e.to_string()),
            Ok(None) => None,
            Ok(Some((header, _))) => {
                let _ = core.installation.set(header.installation.clone());
                let waits = match header.seal {
                    Kind::Passphrase { .. } => Some("it waits for its passphrase".to_owned()),
                    Kind::Shares { .. } => Some("it waits for shares of its seal key".to_owned()),
                    _ => None,
                };
                core.unlocking.lock().seal = Some(header.seal);
                if is_marked(&records) { Some(SEALED_BY_OPERATOR.to_owned()) } else { waits }
            }
        };
        if let Some(damage) = vault.core.audit.damage() {
            vault.note_damage(damage)?;
        }
        let phase = match reason {
            Some(reason) => Phase::Sealed(reason),
            None => match vault.load(&Unlock::Own) {
                Ok(loaded) => Phase::Open(loaded.world),
                Err(Error::Uninitialized) => Phase::Uninitialized,
                Err(e @ (Error::Store { .. } | Error::File { .. } | Error::Audit(_))) => {
                    return Err(e);
                }
                Err(e) => Phase::Sealed(reason_of(&e)),
            },
        };
        *core.phase.write() = phase;
        Ok(vault)
    }

    /// Makes a vault sealed by a key file; see [`Self::initialize_with`].
    pub fn initialize(&self, caller: Caller<'_>) -> Result<Changed, Error> {
        self.initialize_with(caller, &NewSeal::File).map(|(changed, _)| changed)
    }

    /// Makes the seal, root key, wrapping key and authority of an empty vault. `caller` is
    /// whoever runs the vault; the audit names it. Returns the shares of a seal of shares: they
    /// are nowhere else.
    ///
    /// # Errors
    /// `Sealed` when there is something in it already; nothing is ever made over old data.
    pub fn initialize_with(
        &self,
        caller: Caller<'_>,
        seal: &NewSeal,
    ) -> Result<(Changed, Vec<Secret<String>>), Error> {
        let core = &self.core;
        let _gate = core.gate.write();
        match &*core.phase.read() {
            Phase::Open(_) => return Ok((Changed::Unchanged, Vec::new())),
            Phase::Sealed(reason) => return Err(Error::Sealed(reason.clone())),
            Phase::Uninitialized => {}
        }
        let installation = core.random_uuid();
        let rsa = RsaKey::generate_3072()
            .and_then(|key| key.to_pkcs8())
            .map_err(|source| Error::Crypto { doing: "make the service-managed key", source })?;
        let hostname = core.hostnames.first().map(String::as_str);
        let ca = Authority::generate(&*core.random, core.clock.now(), hostname)?;
        let Made { kind: seal, key, shares } = core.seals.make(&*core.random, seal)?;
        let header = Header { format: world::FORMAT, installation, seal };
        let (root, system) =
            (Domain::generate(&*core.random), Arc::new(Domain::generate(&*core.random)));
        let record =
            |name, plain| Draft::put(Address::new(kind::SERVICE, name, "1"), &system, plain);
        let mut drafts = seal_drafts(&header, &key, &root, &[(SYSTEM, &system)]);
        drafts.extend([
            record(RSA_KEY, rsa),
            record(CA_KEY, ca.key),
            record(CA_CERTIFICATE, Secret::new(ca.certificate)),
        ]);
        let _ = core.installation.set(header.installation.clone());
        core.ledger.begin(Arc::clone(&system));
        core.local(caller, "VaultInitialize", SERVICE_RESOURCE, header.seal.name(), || {
            Ok(Planned::change((), drafts, |_| {}))
        })?;
        core.seals.settle(&header.seal, false)?;
        let records = core.ledger.read()?;
        let (header, root, domains) = World::domains(&records, &key)?;
        let world = World::load(&records, header, root, &domains)?;
        self.open_phase(Box::new(world));
        Ok((Changed::Changed, shares))
    }

    /// Whether it can work, and why not.
    pub fn status(&self) -> (State, String) {
        match &*self.core.phase.read() {
            Phase::Open(_) => (State::Unsealed, String::new()),
            Phase::Sealed(reason) => (State::Sealed, reason.clone()),
            Phase::Uninitialized => (State::Uninitialized, String::new()),
        }
    }

    /// All that is known of the seal.
    pub fn seal_status(&self) -> SealStatus {
        let (state, reason) = self.status();
        let unlocking = self.core.unlocking.lock();
        let mut warnings = unlocking.warnings.clone();
        if let Some(failure) = self.core.ledger.failure() {
            warnings.push(format!("changes are refused until a restart: {failure}"));
        }
        if self.core.audit.is_broken() {
            warnings.push("the audit cannot be written; every request is refused".to_owned());
        }
        SealStatus {
            state,
            reason,
            seal: unlocking.seal.as_ref().map(|kind| kind.name().to_owned()),
            opens_itself: unlocking.seal.as_ref().is_some_and(Kind::opens_itself),
            shares: match unlocking.seal {
                Some(Kind::Shares { threshold, .. }) => Some((unlocking.shares.count(), threshold)),
                _ => None,
            },
            warnings,
        }
    }

    /// Whether only a restart helps: a write to the store or to the audit has failed.
    pub fn needs_restart(&self) -> bool {
        self.core.audit.is_broken() || self.core.ledger.failure().is_some()
    }

    /// Drops every key from memory and stays so, also after a restart, until it is unsealed.
    pub fn seal(&self, caller: Caller<'_>) -> Result<Changed, Error> {
        let core = &self.core;
        let _gate = core.gate.write();
        let changed = core.local(caller, "VaultSeal", SERVICE_RESOURCE, "", || {
            core.policy.as_administrator(caller)?;
            match &*core.phase.read() {
                Phase::Uninitialized => Err(Error::Uninitialized),
                Phase::Sealed(reason)
                    if is_marked(&core.ledger.read()?) || !self.opens_itself() =>
                {
                    let _ = reason;
                    Ok(Planned::read(Changed::Unchanged))
                }
                Phase::Sealed(reason) => Err(Error::Sealed(reason.clone())),
                Phase::Open(world) => {
                    let mark = Draft::put(mark(), &world.system, Secret::new(Vec::new()));
                    Ok(Planned::change(Changed::Changed, vec![mark], |_| {}))
                }
            }
        })?;
        if changed == Changed::Changed {
            *core.phase.write() = Phase::Sealed(SEALED_BY_OPERATOR.to_owned());
            core.ledger.forget();
            core.tokens.clear();
            core.changes.bump();
        }
        Ok(changed)
    }

    /// Brings the keys back into memory where the seal opens itself.
    pub fn unseal(&self, caller: Caller<'_>) -> Result<Changed, Error> {
        self.unseal_with(caller, &Unlock::Own)
    }

    /// Brings the keys back into memory. `Unchanged` when they were there, or when more shares
    /// are needed; [`Self::seal_status`] says how many.
    pub fn unseal_with(&self, caller: Caller<'_>, unlock: &Unlock) -> Result<Changed, Error> {
        let core = &self.core;
        let _gate = core.gate.write();
        let mut loaded = None;
        let outcome = core.local(caller, "VaultUnseal", SERVICE_RESOURCE, "", || {
            core.policy.as_administrator(caller)?;
            if matches!(*core.phase.read(), Phase::Open(_)) {
                return Ok(Planned::read(Changed::Unchanged));
            }
            if !self.take_share(unlock)? {
                return Ok(Planned::read(Changed::Unchanged));
            }
            let Loaded { world, marked } = self.load(unlock)?;
            loaded = Some(world);
            // Only now: a vault that did not open stays sealed.
            let drafts = if marked { vec![Draft::Remove(mark())] } else { Vec::new() };
            Ok(Planned::change(Changed::Changed, drafts, |_| {}))
        });
        match (outcome, loaded) {
            (Ok(changed), Some(world)) => {
                self.open_phase(world);
                Ok(changed)
            }
            (Ok(changed), None) => Ok(changed),
            (Err(error), loaded) => {
                if loaded.is_some() {
                    core.ledger.forget();
                }
                let phase = &mut *core.phase.write();
                if let Phase::Sealed(reason) = phase
                    && !matches!(error, Error::Forbidden(_) | Error::BadRequest(_))
                {
                    *reason = reason_of(&error);
                }
                Err(error)
            }
        }
    }

    /// Tries a key outside of the vault again, unless an operator sealed the vault: a token may be
    /// back. The audit hears of it only when it opened. `Unchanged` when there is nothing to try.
    pub fn try_again(&self) -> Result<Changed, Error> {
        let core = &self.core;
        let _gate = core.gate.write();
        let waits = matches!(core.unlocking.lock().seal, Some(Kind::External { .. }))
            && matches!(*core.phase.read(), Phase::Sealed(_))
            && !is_marked(&core.ledger.read()?);
        if !waits {
            return Ok(Changed::Unchanged);
        }
        let opened = self.load(&Unlock::Own).and_then(|Loaded { world, .. }| {
            self.note("VaultUnseal", 200, "the key of its seal can be used again", None)
                .inspect_err(|_| core.ledger.forget())
                .map(|()| world)
        });
        match opened {
            Ok(world) => {
                self.open_phase(world);
                Ok(Changed::Changed)
            }
            Err(error) => {
                *core.phase.write() = Phase::Sealed(reason_of(&error));
                Err(error)
            }
        }
    }

    /// Seals everything anew: another seal, another root key. The keys of the vaults stay, so the
    /// few records that hold them are written and no others. Returns the shares of a seal of
    /// shares: they are nowhere else.
    ///
    /// A crash leaves the old seal or the new one, whole.
    pub fn rekey(&self, caller: Caller<'_>, seal: &NewSeal) -> Result<Vec<Secret<String>>, Error> {
        let core = &self.core;
        let _gate = core.gate.write();
        let mut kind = None;
        let shares = core.local(caller, "VaultRekey", SERVICE_RESOURCE, "", || {
            core.policy.as_operator(caller)?;
            let world = core.world()?;
            let Made { kind: seal, key, shares } = core.seals.make(&*core.random, seal)?;
            kind = Some(seal.clone());
            let header = Header { seal, ..world.header.clone() };
            let root = Arc::new(Domain::generate(&*core.random));
            let mut domains = vec![(SYSTEM, &world.system)];
            domains.extend(world.vaults.iter().map(|(name, v)| (name.as_str(), &v.domain)));
            let drafts = seal_drafts(&header, &key, &root, &domains);
            drop(world);
            Ok(Planned::change(shares, drafts, move |world| {
                world.header = header;
                world.root = root;
            }))
        })?;
        let mut unlocking = core.unlocking.lock();
        unlocking.seal = kind;
        // The new seal is in force; what is left behind opens nothing.
        if let Some(seal) = &unlocking.seal
            && let Err(e) = core.seals.settle(seal, false)
        {
            unlocking.warnings.push(format!("the old seal key could not be removed: {e}"));
        }
        Ok(shares)
    }

    fn open_phase(&self, world: Box<World>) {
        let mut unlocking = self.core.unlocking.lock();
        unlocking.shares = Shares::default();
        unlocking.seal = Some(world.header.seal.clone());
        drop(unlocking);
        *self.core.phase.write() = Phase::Open(world);
        self.core.changes.bump();
    }

    fn opens_itself(&self) -> bool {
        self.core.unlocking.lock().seal.as_ref().is_some_and(Kind::opens_itself)
    }

    /// Takes a share, if one was given. False while more are needed.
    fn take_share(&self, unlock: &Unlock) -> Result<bool, Error> {
        let mut unlocking = self.core.unlocking.lock();
        let (threshold, set) = match &unlocking.seal {
            Some(Kind::Shares { threshold, set, .. }) => (*threshold, set.clone()),
            _ => return Ok(true),
        };
        match unlock {
            Unlock::Share(text) => unlocking.shares.add(text, &set)?,
            Unlock::ForgetShares => unlocking.shares = Shares::default(),
            Unlock::Own | Unlock::Passphrase(_) => {
                return Err(Error::BadRequest("this vault is unsealed by shares".to_owned()));
            }
        }
        Ok(unlocking.shares.count() >= threshold)
    }

    /// Reads and checks everything; changes nothing that is in use.
    fn load(&self, unlock: &Unlock) -> Result<Loaded, Error> {
        let core = &self.core;
        let records = core.ledger.read()?;
        let Some((header, _)) = world::header(&records)? else {
            return Err(match (records.is_empty(), core.seals.has_key_file()?) {
                (true, false) => Error::Uninitialized,
                (true, true) => Error::Sealed(
                    "there is a seal key but vault.db is missing or empty; put it back".to_owned(),
                ),
                (false, _) => Error::Tampered(kind::ROOT.to_owned()),
            });
        };
        let _ = core.installation.set(header.installation.clone());
        // Without the lock: a token may take its time, and the status is asked for meanwhile.
        let mut shares = std::mem::take(&mut core.unlocking.lock().shares);
        let keys = core.seals.keys(&header.seal, unlock, &mut shares);
        core.unlocking.lock().shares = shares;
        let keys = keys?;
        let (pending, header, root, domains) = first_that_opens(&records, &keys)?;
        let system = domains.get(SYSTEM).ok_or_else(|| Error::Tampered(SYSTEM.to_owned()))?;
        let taken = core.ledger.take_up(&records, system)?;
        let world = World::load(&records, header, root, &domains).inspect_err(|_| {
            core.ledger.forget();
        })?;
        core.seals.settle(&world.header.seal, !pending)?;
        if taken.n_lines > 0 {
            let details = serde_json::json!({ "lines": taken.n_lines });
            self.note("AuditRecovered", 200, "records of a crash were written", Some(details))?;
        }
        if taken.audit_was_cut {
            let what = "records at the end of the audit are missing";
            core.unlocking.lock().warnings.push(what.to_owned());
            self.note("AuditTruncated", 500, what, None)?;
        }
        Ok(Loaded { world: Box::new(world), marked: is_marked(&records) })
    }

    fn note_damage(&self, damage: Damage) -> Result<(), Error> {
        match damage {
            Damage::TornLine { n_bytes } => {
                let details = serde_json::json!({ "bytes": n_bytes });
                let what = "half a line that a crash left was cut off";
                self.note("AuditRepaired", 200, what, Some(details))
            }
            Damage::Broken => {
                let what = "the newest file of the audit was changed";
                self.core.unlocking.lock().warnings.push(what.to_owned());
                self.note("AuditDamaged", 500, what, None)
            }
        }
    }

    /// Records what the vault noticed by itself.
    fn note(
        &self,
        operation: &'static str,
        status: u16,
        description: &str,
        details: Option<serde_json::Value>,
    ) -> Result<(), Error> {
        let mut event = self.core.event(operation, SERVICE_RESOURCE);
        event.status = status;
        event.description = description.to_owned();
        event.details = details;
        self.core.audit.record(&event).map_err(Error::Audit)
    }
}

type Opened = (bool, Header, Arc<Domain>, Domains);

/// Tries the key in use, then one that a crash left pending; says whether it was the latter.
fn first_that_opens(records: &[Record], keys: &[(SealKey, bool)]) -> Result<Opened, Error> {
    let mut failure = Error::Sealed("there is no seal key".to_owned());
    for (key, pending) in keys {
        match World::domains(records, key) {
            Ok((header, root, domains)) => return Ok((*pending, header, root, domains)),
            Err(e) => failure = e,
        }
    }
    Err(failure)
}

fn seal_drafts(
    header: &Header,
    key: &SealKey,
    root: &Domain,
    domains: &[(&str, &Arc<Domain>)],
) -> Vec<Draft> {
    let mut drafts = vec![Draft::Put {
        at: world::root_address(),
        aead: Domain::of_seal(key),
        clear: serde_json::to_vec(header).expect("because a header is plain data"),
        plain: root.plain(),
    }];
    drafts.extend(domains.iter().map(|(name, domain)| {
        Draft::put(Address::new(kind::DOMAIN, name, ""), root, domain.plain())
    }));
    drafts
}

fn mark() -> Address {
    Address::new(kind::MARK, "sealed", "")
}

fn is_marked(records: &[Record]) -> bool {
    records.iter().any(|record| record.address == mark())
}

/// The reason without the words that every message of a sealed vault begins with.
fn reason_of(error: &Error) -> String {
    match error {
        Error::Sealed(reason) => reason.clone(),
        Error::SealKey { reason, remedy } => format!("{reason}; {remedy}"),
        other => other.to_string(),
    }
}
