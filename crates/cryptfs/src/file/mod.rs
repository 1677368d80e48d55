//! One encrypted file.
//!
//! Locks, in the order in which they are taken: `state` (shared for reads and for writes of whole
//! units, exclusive for whatever cuts the file or changes part of a unit), then `reserved`, then
//! one group's codes, then `marks`. The cleaner takes the same locks in the same order.

mod groups;
mod read;
mod resize;
#[cfg(test)]
mod tests;
mod write;

use std::collections::HashMap;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::doors::Backing;
use crate::engine::codes::Group;
use crate::engine::dirty::DirtySet;
use crate::engine::header::{Found, HEADER_BYTES, Header, Size};
use crate::engine::keys::FileKeys;
use crate::engine::layout::{UNIT, units_for, units_in};
use crate::engine::log::Record;
use crate::engine::shared::Shared;
use crate::{Error, Event};

/// What a file is for; decides its key and whether it survives the mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Readable as long as the data key exists.
    Durable,
    /// Encrypted under a key that lives only in memory: unreadable after the mount ends.
    Temporary,
}

/// One encrypted file with its backing descriptor. Shared by all who have it open; `&self`
/// everywhere; offsets and lengths are logical (plaintext) bytes.
pub struct CryptFile {
    pub(crate) shared: Arc<Shared>,
    pub(crate) backing: Box<dyn Backing>,
    pub(crate) ino: u64,
    kind: FileKind,
    /// Mirror of the size in `state`, so that [`CryptFile::len`] never waits.
    len: AtomicU64,
    pub(crate) state: RwLock<State>,
    pub(crate) marks: Mutex<Marks>,
    poisoned: AtomicBool,
}

/// What the file is at this moment.
pub(crate) enum State {
    /// No header yet, no byte.
    Empty,
    /// Readable and writable.
    Open(Box<Body>),
    /// A temporary file of an earlier mount: its key is gone for good.
    Stale,
    /// The header is not what this store wrote.
    Damaged(&'static str),
}

/// An opened file with a header.
pub(crate) struct Body {
    pub(crate) header: Header,
    pub(crate) keys: FileKeys,
    len: AtomicU64,
    /// Units that have a code or are being written: at least as many as the size needs.
    /// Writes that grow the file side by side reserve their units here.
    pub(crate) reserved: Mutex<u64>,
    pub(crate) groups: RwLock<HashMap<u32, Arc<Group>>>,
}

impl Body {
    fn new(header: Header, keys: FileKeys, len: u64) -> Self {
        let (reserved, groups) = (Mutex::new(units_for(len)), RwLock::new(HashMap::new()));
        Self { header, keys, len: AtomicU64::new(len), reserved, groups }
    }

    /// Logical size in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }
}

/// Groups that the log durably calls dirty.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    pub(crate) groups: DirtySet,
    /// Groups that the next mark takes at once; doubles, so that random writes over a large
    /// file wait for the log only a few times.
    pub(crate) step: u32,
}

impl CryptFile {
    /// Opens the file behind `backing`. Fails only when the backing file cannot be read: a file
    /// with a bad header opens, has a size and can be unlinked, but gives EIO for its content.
    pub(crate) fn open(
        shared: Arc<Shared>,
        backing: Box<dyn Backing>,
        ino: u64,
        kind: FileKind,
    ) -> Result<Self, Error> {
        let failed = |source| Error::Io { doing: "read a file header", source };
        let physical = backing.len().map_err(failed)?;
        let (state, len) = Self::examine(&shared, &*backing, physical).map_err(failed)??;
        if let State::Damaged(reason) = &state {
            shared.tampered(backing.describe(), None, reason);
        }
        Ok(Self {
            shared,
            backing,
            ino,
            kind,
            len: AtomicU64::new(len),
            state: RwLock::new(state),
            marks: Mutex::new(Marks::default()),
            poisoned: AtomicBool::new(false),
        })
    }

    fn examine(
        shared: &Shared,
        backing: &dyn Backing,
        physical: u64,
    ) -> std::io::Result<Result<(State, u64), Error>> {
        if physical < UNIT {
            return Ok(Ok((State::Empty, 0)));
        }
        let mut page = [0u8; HEADER_BYTES];
        backing.read_at(0, &mut page)?;
        let guess = units_in(physical) * UNIT;
        let header = match Header::decode(&page, shared.keys.headers()) {
            Found::Header(header) => header,
            Found::Blank => return Ok(Ok((State::Damaged("file has lost its header"), guess))),
            Found::Foreign(reason) => return Ok(Ok((State::Damaged(reason), guess))),
        };
        let len = match header.size {
            Size::Physical(_) => guess,
            Size::Exact(bytes) => bytes.min(guess),
        };
        if header.mount_id.is_some_and(|id| id != shared.mount_id) {
            return Ok(Ok((State::Stale, len)));
        }
        if header.epoch != shared.epoch {
            return Ok(Ok((State::Damaged("file is of another key epoch"), guess)));
        }
        // Files that are not clean are still open, or were recovered before the mount.
        if header.mount_id.is_none() && !header.fits(physical) {
            return Ok(Ok((State::Damaged("file was cut or extended"), len)));
        }
        Ok(shared
            .keys
            .file(&header.file_id, header.mount_id.is_some())
            .map(|keys| (State::Open(Box::new(Body::new(header, keys, len))), len)))
    }

    /// Logical size in bytes.
    pub fn len(&self) -> u64 {
        self.len.load(Ordering::Acquire)
    }

    /// True when there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the file is, or on its first write would become, a temporary one.
    pub fn kind(&self) -> FileKind {
        match &*self.state.read() {
            State::Open(body) if body.header.mount_id.is_some() => FileKind::Temporary,
            State::Stale => FileKind::Temporary,
            State::Open(_) | State::Damaged(_) => FileKind::Durable,
            State::Empty => self.kind,
        }
    }

    /// The backing descriptor, for metadata only (`fstat`, `fchmod`, `futimens`, …).
    pub fn backing(&self) -> BorrowedFd<'_> {
        self.backing.fd().expect("because only real files are mounted")
    }

    /// Makes all that was written durable. Fails for good after the first failure (poison):
    /// the kernel may have dropped what it could not write, so a later success would be a lie.
    pub fn sync(&self, data_only: bool) -> Result<(), Error> {
        if self.is_poisoned() {
            return Err(Error::Poisoned);
        }
        if self.kind() == FileKind::Temporary {
            return Ok(());
        }
        self.backing.sync(data_only).map_err(|source| {
            self.poison(&source);
            Error::Io { doing: "sync a file", source }
        })
    }

    pub(crate) fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }

    /// Takes no more writes or syncs until the next mount.
    pub(crate) fn poison(&self, reason: &std::io::Error) {
        if !self.poisoned.swap(true, Ordering::AcqRel) {
            let file = self.backing.describe();
            self.shared.events.emit(Event::Poisoned { file, reason: reason.to_string() });
        }
    }

    pub(crate) fn set_size(&self, body: &Body, len: u64) {
        body.len.store(len, Ordering::Release);
        self.len.store(len, Ordering::Release);
    }

    /// Gives an empty file its id, keys and header.
    fn create(&self) -> Result<Body, Error> {
        let temporary = self.kind == FileKind::Temporary;
        let file_id = self.shared.new_id();
        let keys = self.shared.keys.file(&file_id, temporary)?;
        if !temporary {
            let record = Record::New { file_id, ino: self.ino };
            self.append_mark(record, 0, crate::engine::dirty::END)?;
        }
        let header = Header {
            file_id,
            epoch: self.shared.epoch,
            mount_id: temporary.then_some(self.shared.mount_id),
            size: Size::Physical(0),
        };
        self.write_header(&header)?;
        Ok(Body::new(header, keys, 0))
    }

    pub(crate) fn write_header(&self, header: &Header) -> Result<(), Error> {
        let page = header.encode(self.shared.keys.headers());
        self.backing.write_at(0, &page).map_err(|source| self.write_failed(source))
    }

    /// A full disk is the caller's to hear; anything else ends the trust in this file.
    pub(crate) fn write_failed(&self, source: std::io::Error) -> Error {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        if !matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge) {
            self.poison(&source);
        }
        Error::Io { doing: "write to the backing file", source }
    }

    pub(crate) fn tampered(&self, unit: Option<u64>, reason: &'static str) -> Error {
        let file = self.backing.describe();
        let what = match unit {
            Some(unit) => format!("{file}, unit {unit}: {reason}"),
            None => format!("{file}: {reason}"),
        };
        self.shared.tampered(file, unit, reason);
        Error::Tampered { what }
    }
}

impl std::fmt::Debug for CryptFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CryptFile")
            .field("ino", &self.ino)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
