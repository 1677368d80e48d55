//! The encrypted tree of one backing folder.

use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use base::Random;
use crypto::{DataKey, MacSuite, OsRandom};
use parking_lot::Mutex;
use rustix::fs::{FlockOperation, Mode, OFlags};
use serde::{Deserialize, Serialize};

use crate::doors::{OsFile, OsVolume};
use crate::engine::shared::Shared;
use crate::engine::{log, open};
use crate::{CryptFile, Error, Event, EventSink, FileKind};

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Make the store when the folder is empty or missing.
    pub create: bool,
    /// Groups without a write for so long are made clean in the background.
    pub clean_after: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { create: true, clean_after: Duration::from_secs(60) }
    }
}

/// Figures of a running store; `fs stat` prints them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Groups (1 MiB each) whose authentication codes are only in memory now: the window in
    /// which a change made right after a crash would be accepted.
    pub n_dirty_groups: u64,
    /// Files with at least one dirty group.
    pub n_dirty_files: u64,
    /// Times a first write to a clean group had to wait for the dirty log.
    pub n_log_syncs: u64,
    /// Units read that failed their check since the mount.
    pub n_tampered: u64,
    /// Bytes decrypted since the mount.
    pub read_bytes: u64,
    /// Bytes encrypted since the mount.
    pub written_bytes: u64,
}

/// One second: the grain of idle time.
const TICK: Duration = Duration::from_secs(1);
/// What the cleaner may take of each second: its syncs compete with commits for the disk.
const ROUND: Duration = Duration::from_millis(50);
/// Dirty groups above which the oldest are cleaned without waiting: 16 GiB of data.
const MAX_DIRTY_GROUPS: u64 = 16 << 10;
/// Groups whose codes may stay in memory (4 KiB each): 128 MiB for 32 GiB of data.
const MAX_CACHED_GROUPS: usize = 32 << 10;

/// An open store. Dropping it without [`Store::close`] is an unclean stop.
pub struct Store {
    shared: Arc<Shared>,
    tree: File,
    /// Held for as long as the store is open.
    _lock: File,
    cleaner: Mutex<Option<Cleaner>>,
}

struct Cleaner {
    stop: mpsc::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Store {
    /// Opens (or makes) the store in `backing` and recovers it after an unclean stop.
    ///
    /// Fails with `WrongKey`, `Format`, `InUse` or `Io`; never changes what it cannot open.
    pub fn open(
        backing: &Path,
        key: &DataKey,
        options: &StoreOptions,
        events: Arc<dyn EventSink>,
    ) -> Result<Arc<Self>, Error> {
        let lock = prepare(backing, options.create)?;
        let began = Instant::now();
        let volume = Arc::new(OsVolume::new(backing, false));
        let random: Arc<dyn Random> = Arc::new(OsRandom);
        let shared =
            open::open(volume, key, options.create, MacSuite::GcmSiv, random, events.clone())?;
        if let Some(recovery) = &shared.1 {
            events.emit(Event::Recovered {
                n_groups: recovery.n_groups,
                n_accepted: recovery.n_accepted,
                files: recovery.files.clone(),
                duration_ms: began.elapsed().as_millis() as u64,
            });
        }
        let shared = Arc::new(shared.0);
        let tree = open_folder(&backing.join("tree"))?;
        let cleaner = start_cleaner(shared.clone(), options.clean_after)?;
        Ok(Arc::new(Self { shared, tree, _lock: lock, cleaner: Mutex::new(Some(cleaner)) }))
    }

    /// The folder that holds the tree (names and folders are plain): all `*at` calls start here.
    pub fn tree(&self) -> BorrowedFd<'_> {
        self.tree.as_fd()
    }

    /// The encrypted file behind `fd` (a regular file of the tree, opened O_RDWR, or O_RDONLY
    /// when it may not be written). The same inode always gives the same `CryptFile`.
    /// `kind` counts only while the file has no header yet, that is while it is empty.
    pub fn file(&self, fd: OwnedFd, kind: FileKind) -> Result<Arc<CryptFile>, Error> {
        let stat = rustix::fs::fstat(&fd)
            .map_err(|e| Error::Io { doing: "look at a file", source: e.into() })?;
        open_shared(&self.shared, stat.st_ino, Box::new(OsFile::new(fd)), kind)
    }

    /// Makes everything clean and durable and marks the store as cleanly stopped.
    /// Call after the unmount, when no `CryptFile` is used any more.
    ///
    /// Fails, and leaves the store unclean, when a file is poisoned or the disk fails.
    pub fn close(&self) -> Result<(), Error> {
        if let Some(cleaner) = self.cleaner.lock().take() {
            drop(cleaner.stop);
            if cleaner.thread.join().is_err() {
                return Err(Error::Poisoned);
            }
        }
        rustix::fs::syncfs(&self.tree)
            .map_err(|e| Error::Io { doing: "sync the backing file system", source: e.into() })?;
        close_shared(&self.shared)
    }

    /// Present figures.
    pub fn stats(&self) -> Stats {
        let counters = &self.shared.counters;
        let files: Vec<_> = self.shared.dirty.lock().values().cloned().collect();
        Stats {
            n_dirty_groups: files.iter().map(|file| file.n_dirty_groups()).sum(),
            n_dirty_files: files.len() as u64,
            n_log_syncs: counters.n_log_syncs.load(Ordering::Relaxed),
            n_tampered: counters.n_tampered.load(Ordering::Relaxed),
            read_bytes: counters.read_bytes.load(Ordering::Relaxed),
            written_bytes: counters.written_bytes.load(Ordering::Relaxed),
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("shared", &self.shared).finish_non_exhaustive()
    }
}

/// One `CryptFile` for an inode, whoever asks.
pub(crate) fn open_shared(
    shared: &Arc<Shared>,
    ino: u64,
    backing: Box<dyn crate::doors::Backing>,
    kind: FileKind,
) -> Result<Arc<CryptFile>, Error> {
    if let Some(file) = shared.open.lock().get(&ino).and_then(std::sync::Weak::upgrade) {
        return Ok(file);
    }
    let file = Arc::new(CryptFile::open(shared.clone(), backing, ino, kind)?);
    let mut open = shared.open.lock();
    // Another thread may have been faster; then its file is the one.
    if let Some(other) = open.get(&ino).and_then(std::sync::Weak::upgrade) {
        return Ok(other);
    }
    open.insert(ino, Arc::downgrade(&file));
    Ok(file)
}

/// Cleans every file, then ends the log's generation as clean.
pub(crate) fn close_shared(shared: &Shared) -> Result<(), Error> {
    let files: Vec<_> = shared.dirty.lock().drain().collect();
    for (_, file) in files {
        if is_gone(&file) {
            continue;
        }
        if !file.clean(0)? {
            return Err(Error::Poisoned);
        }
    }
    let generation = shared.new_id();
    log::write_clean(&*shared.volume, generation, &shared.keys.log(&generation))
}

/// Unlinked, and nobody but the cleaner holds it: nothing of it will ever be read.
fn is_gone(file: &Arc<CryptFile>) -> bool {
    Arc::strong_count(file) == 1 && matches!(file.backing.n_links(), Ok(0))
}

fn start_cleaner(shared: Arc<Shared>, after: Duration) -> Result<Cleaner, Error> {
    let (stop, stopped) = mpsc::channel();
    let after = after.as_secs().max(1);
    let work = move || {
        while stopped.recv_timeout(TICK) == Err(mpsc::RecvTimeoutError::Timeout) {
            shared.tick.fetch_add(1, Ordering::Relaxed);
            clean_round(&shared, after);
        }
    };
    let thread = std::thread::Builder::new()
        .name("cryptfs-clean".to_owned())
        .spawn(work)
        .map_err(|source| Error::Io { doing: "start a thread", source })?;
    Ok(Cleaner { stop, thread })
}

/// One round of the cleaner. What fails here poisons its file and is told as an event.
fn clean_round(shared: &Shared, after: u64) {
    let mut files: Vec<_> =
        shared.dirty.lock().iter().map(|(ino, file)| (*ino, file.clone())).collect();
    let n_dirty: u64 = files.iter().map(|(_, file)| file.n_dirty_groups()).sum();
    let is_full = n_dirty > MAX_DIRTY_GROUPS;
    let after = if is_full { after.min(1) } else { after };
    let until = Instant::now() + ROUND;
    // Each round begins elsewhere, so that a file that is never done cannot starve the others.
    files.sort_unstable_by_key(|(ino, _)| *ino);
    if !files.is_empty() {
        let begin = shared.now() as usize % files.len();
        files.rotate_left(begin);
    }
    for (ino, file) in files {
        if !is_full && Instant::now() > until {
            break;
        }
        let mut dirty = shared.dirty.lock();
        // Two: the registry's and this loop's. Nothing else can get hold of an unlinked file.
        let gone = Arc::strong_count(&file) == 2 && matches!(file.backing.n_links(), Ok(0));
        if gone {
            dirty.remove(&ino);
            file.forget_marks();
            continue;
        }
        drop(dirty);
        if let Ok(true) = file.clean(after) {
            let mut dirty = shared.dirty.lock();
            if file.n_dirty_groups() == 0 && file.marks.lock().groups.is_empty() {
                dirty.remove(&ino);
            }
        }
    }
    evict(shared);
    if shared.log.is_long() {
        let generation = shared.new_id();
        let mac = shared.keys.log(&generation);
        // A failure is remembered by the log, which then refuses all new marks.
        let _ = shared.log.compact(&*shared.volume, generation, mac);
    }
}

/// Keeps the codes of clean groups within their share of memory.
fn evict(shared: &Shared) {
    let files: Vec<_> = {
        let mut open = shared.open.lock();
        open.retain(|_, file| file.strong_count() > 0);
        open.values().filter_map(std::sync::Weak::upgrade).collect()
    };
    let n_cached: usize = files.iter().map(|file| file.n_cached_groups()).sum();
    if n_cached > MAX_CACHED_GROUPS {
        files.iter().for_each(|file| file.evict_groups());
    }
}

/// Makes the folders of a new store, takes the lock.
fn prepare(backing: &Path, create: bool) -> Result<File, Error> {
    let io = |doing| move |source| Error::Io { doing, source };
    let meta = backing.join("meta");
    if create && !meta.exists() {
        std::fs::create_dir_all(backing).map_err(io("make the backing folder"))?;
        let mut entries = std::fs::read_dir(backing).map_err(io("read the backing folder"))?;
        if entries.next().is_some() {
            let why = "the folder is not empty and holds no store";
            return Err(Error::Format(why.to_owned()));
        }
        std::fs::create_dir(backing.join("tree")).map_err(io("make the tree folder"))?;
        rustix::fs::chmod(backing.join("tree"), Mode::RWXU)
            .map_err(|e| Error::Io { doing: "protect the tree folder", source: e.into() })?;
        std::fs::create_dir(&meta).map_err(io("make the meta folder"))?;
        rustix::fs::chmod(&meta, Mode::RWXU)
            .map_err(|e| Error::Io { doing: "protect the meta folder", source: e.into() })?;
        File::open(backing).and_then(|f| f.sync_all()).map_err(io("sync the backing folder"))?;
    } else if !meta.is_dir() || !backing.join("tree").is_dir() {
        return Err(Error::Format("the folder holds no store".to_owned()));
    }
    let lock = open_lock(&meta)?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(lock),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::InUse),
        Err(e) => Err(Error::Io { doing: "lock the store", source: e.into() }),
    }
}

fn open_lock(meta: &Path) -> Result<File, Error> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(meta.join("lock"))
        .map_err(|source| Error::Io { doing: "lock the store", source })
}

fn open_folder(path: &Path) -> Result<File, Error> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::open(path, flags, Mode::empty())
        .map(File::from)
        .map_err(|e| Error::Io { doing: "open the tree folder", source: e.into() })
}
