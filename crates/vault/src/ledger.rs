//! The one way into the store: sealed, counted, and never without its audit record.
//!
//! A change is made in this order, each step durable before the next:
//! 1. one transaction of the store with the sealed records, the book (below) and, as an *outbox*
//!    record, what the audit will say;
//! 2. the counter beside the store;
//! 3. the audit's line.
//!
//! Only then is the change visible and the caller answered. A crash before 1 leaves nothing; after
//! it, the change is taken up with the line that its outbox record holds, before anything else is
//! answered. Changes that come at the same time share all three steps.
//!
//! The store is not trusted. The *book* holds the number of the newest change and a digest of the
//! set of all records, `XOR of HKDF(system key, kind ‖ name ‖ version ‖ generation)`, so records
//! that were removed, added or put back one by one are noticed; the counter and the audit remember
//! the number, so an older copy of the whole store is too.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, OnceLock};

use base::Secret;
use crypto::Aead;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::audit::{AuditLog, Event, Head};
use crate::group::Group;
use crate::ring::{self, Domain};
use crate::store::{Address, Change, Counter, Record, Store};
use crate::{Error, SLOT_MAX_BYTES};

const BOOK: &str = "book";
const OUTBOX: &str = "outbox";
const COUNTER_CONTEXT: &[u8] = b"pgkeep/vault/counter/v2";
/// Nonce, number, tag.
const COUNTER_BYTES: usize = 12 + 8 + 16;
const _: () = assert!(COUNTER_BYTES <= SLOT_MAX_BYTES, "the counter fits its slot");

/// One record to be sealed or removed.
pub(crate) enum Draft {
    /// Seals and keeps a record.
    Put {
        /// What names it.
        at: Address,
        /// What seals it.
        aead: Arc<Aead>,
        /// What may be read without a key.
        clear: Vec<u8>,
        /// What may not.
        plain: Secret<Vec<u8>>,
    },
    /// Removes a record.
    Remove(Address),
}

impl Draft {
    /// Seals and keeps a record of a domain.
    pub(crate) fn put(at: Address, domain: &Domain, plain: Secret<Vec<u8>>) -> Self {
        Self::Put { at, aead: Arc::clone(domain.aead()), clear: Vec::new(), plain }
    }
}

struct Submission {
    drafts: Vec<Draft>,
    /// JSON of the audit event.
    event: Vec<u8>,
    /// Set once the line is queued.
    ticket: Arc<OnceLock<u64>>,
}

/// The store with its counter.
pub(crate) struct Ledger {
    store: Box<dyn Store>,
    counter: Box<dyn Counter>,
    audit: Arc<AuditLog>,
    group: Group<Submission>,
    progress: Mutex<Progress>,
    failure: OnceLock<String>,
}

/// What is known of the store while the vault is unsealed.
#[derive(Default)]
struct Progress {
    system: Option<Arc<Domain>>,
    generation: u64,
    digest: [u8; 32],
    index: HashMap<Address, u64>,
    /// Outbox records still in the store, with the ticket of their line.
    outbox: VecDeque<(Address, Option<u64>)>,
    slot: usize,
}

/// What stands in the book.
#[derive(Serialize, Deserialize)]
struct Book {
    generation: u64,
    /// The number before the transaction: where the counter may still stand after a crash.
    previous: u64,
    digest: String,
    /// The audit's end at the time.
    audit: Head,
}

/// What taking up a store found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TakenUp {
    /// Audit lines that a crash had kept from being written.
    pub(crate) n_lines: usize,
    /// The audit is shorter than, or not the one that, the book remembers.
    pub(crate) audit_was_cut: bool,
}

impl Ledger {
    /// Puts the parts together; nothing is read yet.
    pub(crate) fn new(
        store: Box<dyn Store>,
        counter: Box<dyn Counter>,
        audit: Arc<AuditLog>,
    ) -> Self {
        let (group, progress) = (Group::new(), Mutex::new(Progress::default()));
        Self { store, counter, audit, group, progress, failure: OnceLock::new() }
    }

    /// Every record, still sealed.
    pub(crate) fn read(&self) -> Result<Vec<Record>, Error> {
        self.store.read()
    }

    /// Begins an empty store.
    pub(crate) fn begin(&self, system: Arc<Domain>) {
        *self.progress.lock() = Progress { system: Some(system), ..Progress::default() };
    }

    /// Forgets the keys.
    pub(crate) fn forget(&self) {
        *self.progress.lock() = Progress::default();
    }

    /// Why nothing more can be written, if so.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.failure.get().map(String::as_str)
    }

    /// Checks `records` against book, counter and audit, and writes the audit lines that a crash
    /// left in the outbox.
    ///
    /// # Errors
    /// `Tampered` or `RolledBack` when the store is not what was written last.
    pub(crate) fn take_up(
        &self,
        records: &[Record],
        system: &Arc<Domain>,
    ) -> Result<TakenUp, Error> {
        let book = read_book(records, system)?;
        let mut progress = Progress {
            system: Some(Arc::clone(system)),
            generation: book.generation,
            ..Progress::default()
        };
        for record in records.iter().filter(|r| r.address.kind != BOOK) {
            toggle(&mut progress.digest, system, &record.address, record.generation);
            progress.index.insert(record.address.clone(), record.generation);
        }
        if hex::encode(progress.digest) != book.digest {
            let what = "records are missing or are not those that were written last";
            return Err(Error::RolledBack(what.to_owned()));
        }
        self.check_counter(&book, system, &mut progress)?;
        let audited = self.audit.generation();
        if audited > book.generation {
            let what = "it is older than the audit (were vault.db and the audit put back?)";
            return Err(Error::RolledBack(what.to_owned()));
        }
        let audit_was_cut = self.audit.head().seq < book.audit.seq;
        let n_lines = self.empty_outbox(records, system, audited, &mut progress)?;
        *self.progress.lock() = progress;
        Ok(TakenUp { n_lines, audit_was_cut })
    }

    fn check_counter(
        &self,
        book: &Book,
        system: &Domain,
        progress: &mut Progress,
    ) -> Result<(), Error> {
        let slots = self.counter.read()?;
        let value = |slot: &Vec<u8>| {
            let plain = system.aead().open(COUNTER_CONTEXT, slot).ok()?;
            Some(u64::from_be_bytes(plain.expose().as_slice().try_into().ok()?))
        };
        let values = slots.each_ref().map(value);
        let newest = values.iter().flatten().max().copied();
        match newest {
            Some(value) if value == book.generation => {
                progress.slot = usize::from(values[0] == newest);
                Ok(())
            }
            // A crash between the store and the counter.
            Some(value) if value == book.previous => {
                progress.slot = usize::from(values[0] == newest);
                self.count(progress, system)
            }
            None if book.previous == 0 => self.count(progress, system),
            Some(value) if value > book.generation => Err(Error::RolledBack(format!(
                "it is at change {}, the counter beside it at {value}; put the newest vault.db \
                 back",
                book.generation
            ))),
            Some(value) => Err(Error::RolledBack(format!(
                "it is at change {}, the counter beside it at {value} only",
                book.generation
            ))),
            None => {
                Err(Error::RolledBack("the counter beside it is missing or damaged".to_owned()))
            }
        }
    }

    /// Writes the counter into the slot that is not the newest.
    fn count(&self, progress: &mut Progress, system: &Domain) -> Result<(), Error> {
        let sealed = system
            .aead()
            .seal(COUNTER_CONTEXT, &progress.generation.to_be_bytes())
            .map_err(|source| Error::Crypto { doing: "seal the counter", source })?;
        self.counter.write(progress.slot, &sealed)?;
        progress.slot = 1 - progress.slot;
        Ok(())
    }

    fn empty_outbox(
        &self,
        records: &[Record],
        system: &Domain,
        audited: u64,
        progress: &mut Progress,
    ) -> Result<usize, Error> {
        let mut waiting: Vec<&Record> =
            records.iter().filter(|r| r.address.kind == OUTBOX).collect();
        waiting.sort_by_key(|record| record.generation);
        let mut last = None;
        let mut n_lines = 0;
        for record in waiting {
            let mut ticket = None;
            if record.generation > audited {
                let json = ring::open(system.aead(), record)?;
                ticket = Some(self.audit.enqueue(json.expose().clone(), Some(record.generation)));
                n_lines += 1;
                last = ticket;
            }
            progress.outbox.push_back((record.address.clone(), ticket));
        }
        last.map_or(Ok(()), |ticket| self.audit.wait(ticket)).map_err(Error::Audit)?;
        Ok(n_lines)
    }

    /// Makes `drafts` and the record of `event` durable, all or nothing.
    ///
    /// # Errors
    /// `StoreBroken` or `Audit`; from then on nothing more is written. Whether the change was made
    /// shows after a restart.
    pub(crate) fn commit(&self, drafts: Vec<Draft>, event: &Event) -> Result<(), Error> {
        let ticket = Arc::new(OnceLock::new());
        let submission = Submission { drafts, event: event.to_json(), ticket: Arc::clone(&ticket) };
        let place = self.group.enqueue(submission);
        self.group
            .wait(place, |batch| match self.write(batch) {
                Ok(()) => true,
                Err(e) => {
                    let _ = self.failure.set(e.to_string());
                    false
                }
            })
            .map_err(|_| Error::StoreBroken)?;
        let line = ticket.get().ok_or(Error::StoreBroken)?;
        self.audit.wait(*line).map_err(Error::Audit)
    }

    fn write(&self, batch: Vec<Submission>) -> Result<(), Error> {
        if batch.is_empty() {
            return Ok(());
        }
        let mut progress = self.progress.lock();
        let progress = &mut *progress;
        let system = Arc::clone(progress.system.as_ref().ok_or(Error::Uninitialized)?);
        let previous = progress.generation;
        let mut changes = Vec::new();
        while let Some((at, ticket)) = progress.outbox.front() {
            if ticket.is_some_and(|ticket| !self.audit.is_durable(ticket)) {
                break;
            }
            progress.drop_record(&system, at.clone(), &mut changes);
            progress.outbox.pop_front();
        }
        let mut lines = Vec::with_capacity(batch.len());
        for Submission { drafts, event, ticket } in batch {
            progress.generation += 1;
            for draft in drafts {
                progress.add(&system, draft, &mut changes)?;
            }
            let at = Address::new(OUTBOX, &progress.generation.to_string(), "");
            let plain = Secret::new(event.clone());
            progress.add(&system, Draft::put(at.clone(), &system, plain), &mut changes)?;
            lines.push((at, progress.generation, event, ticket));
        }
        changes.push(progress.book(&system, previous, self.audit.head())?);
        self.store.apply(&changes)?;
        self.count(progress, &system)?;
        for (at, generation, event, ticket) in lines {
            let line = self.audit.enqueue(event, Some(generation));
            progress.outbox.push_back((at, Some(line)));
            let _ = ticket.set(line);
        }
        Ok(())
    }
}

impl Progress {
    fn add(
        &mut self,
        system: &Domain,
        draft: Draft,
        changes: &mut Vec<Change>,
    ) -> Result<(), Error> {
        match draft {
            Draft::Put { at, aead, clear, plain } => {
                let record = ring::seal(&aead, &at, self.generation, &clear, plain.expose())?;
                toggle(&mut self.digest, system, &at, self.generation);
                if let Some(replaced) = self.index.insert(at.clone(), self.generation) {
                    toggle(&mut self.digest, system, &at, replaced);
                }
                changes.push(Change::Put(record));
            }
            Draft::Remove(at) => self.drop_record(system, at, changes),
        }
        Ok(())
    }

    fn drop_record(&mut self, system: &Domain, at: Address, changes: &mut Vec<Change>) {
        if let Some(generation) = self.index.remove(&at) {
            toggle(&mut self.digest, system, &at, generation);
            changes.push(Change::Remove(at));
        }
    }

    fn book(&self, system: &Domain, previous: u64, audit: Head) -> Result<Change, Error> {
        let digest = hex::encode(self.digest);
        let book = Book { generation: self.generation, previous, digest, audit };
        let plain = serde_json::to_vec(&book).expect("because a book is plain data");
        let at = Address::new(BOOK, BOOK, "");
        Ok(Change::Put(ring::seal(system.aead(), &at, self.generation, &[], &plain)?))
    }
}

fn read_book(records: &[Record], system: &Domain) -> Result<Book, Error> {
    let missing = || Error::Tampered(BOOK.to_owned());
    let record = records.iter().find(|r| r.address.kind == BOOK).ok_or_else(missing)?;
    let plain = ring::open(system.aead(), record)?;
    serde_json::from_slice(plain.expose()).map_err(|_| missing())
}

/// Adds a record to the digest, or takes it out again.
fn toggle(digest: &mut [u8; 32], system: &Domain, at: &Address, generation: u64) {
    let element = system.derive("pgkeep/vault/set/v2", &ring::identify(at, generation));
    for (byte, with) in digest.iter_mut().zip(element.iter()) {
        *byte ^= with;
    }
}
