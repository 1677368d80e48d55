//! The state behind the handlers: store, known inodes, open files. Lookup and attributes.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use fuser::{FileAttr, INodeNo, TimeOrNow};
use parking_lot::RwLock;
use rustix::fs::{AtFlags, Gid, Mode, Stat, Timespec, Timestamps, Uid};
use rustix::io::Errno;

use super::class::Class;
use super::control::{self, Control};
use super::handle::{self, Handle};
use super::nodes::{Nodes, Place, ROOT};
use crate::{CryptFile, Store};

/// What a handler answers.
pub(super) type Answer<T> = Result<T, Errno>;

/// What an open file handle of the kernel stands for.
#[derive(Clone, Debug)]
pub(super) enum Open {
    /// A file of the tree.
    File {
        /// Its number, to release it.
        ino: u64,
        /// Its contents.
        file: Arc<CryptFile>,
    },
    /// The figures of the store as they were at the open.
    Control(Arc<Vec<u8>>),
}

/// Everything the handlers share.
#[derive(Debug)]
pub(super) struct Face {
    pub(super) store: Arc<Store>,
    pub(super) nodes: Nodes<Handle>,
    pub(super) control: Control,
    opens: RwLock<HashMap<u64, Open>>,
    next_open: AtomicU64,
    /// Device of the backing tree; nothing on another one is shown.
    device: u64,
    is_root: bool,
}

/// Attributes to change; `None` leaves one as it is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Change {
    pub(super) mode: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) size: Option<u64>,
    pub(super) atime: Option<TimeOrNow>,
    pub(super) mtime: Option<TimeOrNow>,
}

impl Face {
    /// A face for `store` that keeps about `n_descriptors` idle descriptors.
    pub(super) fn new(store: Arc<Store>, n_descriptors: usize) -> Result<Self, Errno> {
        let tree = store.tree();
        let stat = rustix::fs::fstat(tree)?;
        let root = rustix::io::fcntl_dupfd_cloexec(tree, 3)?;
        Ok(Self {
            nodes: Nodes::new(Handle::Folder(Arc::new(root)), n_descriptors),
            control: Control::new(&stat),
            opens: RwLock::new(HashMap::new()),
            next_open: AtomicU64::new(1),
            device: stat.st_dev,
            is_root: rustix::process::geteuid().is_root(),
            store,
        })
    }

    /// The handle of an inode that the kernel knows.
    pub(super) fn handle(&self, ino: u64) -> Answer<Handle> {
        self.nodes.handle(ino, &|parent: &Handle, class, name, ino| {
            let stat = handle::stat_at(parent.fd(), name)?;
            if stat.st_ino != ino || stat.st_dev != self.device {
                return Err(Errno::STALE);
            }
            handle::open_at(&self.store, parent.fd(), class, name, &stat)
        })
    }

    /// Finds `name`; `None` when there is none, which the kernel may remember.
    pub(super) fn lookup(&self, parent: u64, name: &OsStr) -> Answer<Option<(FileAttr, bool)>> {
        if control::is_control(parent, name) {
            return Ok(Some((self.control.attr(), false)));
        }
        let folder = self.handle(parent)?;
        match handle::stat_at(folder.fd(), name) {
            Ok(stat) => self.enter(parent, &folder, name, &stat).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Makes what is at `name` known and answers its attributes and whether to cache them.
    pub(super) fn enter(
        &self,
        parent: u64,
        folder: &Handle,
        name: &OsStr,
        stat: &Stat,
    ) -> Answer<(FileAttr, bool)> {
        if stat.st_dev != self.device || stat.st_ino == ROOT || stat.st_ino == control::INO {
            return Err(Errno::IO);
        }
        let class = self.nodes.class(parent);
        let handle = match self.nodes.present(stat.st_ino) {
            Some(handle) => handle,
            None => handle::open_at(&self.store, folder.fd(), class, name, stat)?,
        };
        self.know(parent, name, handle)
    }

    /// Puts `handle` into the table as `name` in `parent`.
    pub(super) fn know(
        &self,
        parent: u64,
        name: &OsStr,
        handle: Handle,
    ) -> Answer<(FileAttr, bool)> {
        let attr = handle.attr()?;
        let class = match &handle {
            Handle::Folder(_) => self.nodes.class(parent).of_folder(name),
            _ => Class::Plain,
        };
        let usable = handle.is_usable();
        let fixed = self.is_fixed(&attr);
        self.nodes.found(attr.ino.0, Place::new(parent, name), class, handle, fixed);
        Ok((attr, usable))
    }

    /// Whether the mode keeps this process from opening the file once more.
    fn is_fixed(&self, attr: &FileAttr) -> bool {
        !self.is_root && attr.kind == fuser::FileType::RegularFile && attr.perm & 0o600 != 0o600
    }

    /// Present attributes.
    pub(super) fn getattr(&self, ino: u64) -> Answer<FileAttr> {
        if ino == control::INO {
            return Ok(self.control.attr());
        }
        let attr = self.handle(ino)?.attr()?;
        Ok(if ino == ROOT { handle::as_root(attr) } else { attr })
    }

    /// Changes attributes, the size first: a refused size changes nothing else.
    pub(super) fn setattr(&self, ino: u64, fh: Option<u64>, change: &Change) -> Answer<FileAttr> {
        if ino == control::INO {
            return Err(Errno::PERM);
        }
        let handle = self.handle(ino)?;
        if let Some(size) = change.size {
            let file = match fh {
                Some(fh) => self.open_file(fh)?,
                None => handle.file()?.clone(),
            };
            file.set_len(size).map_err(|error| handle::log_errno("truncate", &error))?;
        }
        if change.uid.is_some() || change.gid.is_some() {
            let (uid, gid) = (change.uid.map(Uid::from_raw), change.gid.map(Gid::from_raw));
            rustix::fs::chownat(handle.fd(), "", uid, gid, AtFlags::EMPTY_PATH)?;
        }
        if let Some(mode) = change.mode {
            chmod(&handle, Mode::from_raw_mode(mode & 0o7777))?;
        }
        if change.atime.is_some() || change.mtime.is_some() {
            let times = Timestamps {
                last_access: timespec(change.atime),
                last_modification: timespec(change.mtime),
            };
            match &handle {
                Handle::File { file, .. } => rustix::fs::futimens(file.backing(), &times)?,
                other => rustix::fs::utimensat(other.fd(), "", &times, AtFlags::EMPTY_PATH)?,
            }
        }
        let attr = handle.attr()?;
        if change.mode.is_some() || change.uid.is_some() {
            self.nodes.set_fixed(ino, self.is_fixed(&attr));
            if matches!(handle, Handle::File { writable: false, .. }) {
                self.nodes.give_back(ino);
            }
        }
        Ok(if ino == ROOT { handle::as_root(attr) } else { attr })
    }

    /// Gives a new entry the owner and mode that its creator asked for.
    ///
    /// Only root can give it to somebody else; a set-group-ID folder passes its group on.
    pub(super) fn adopt(
        &self,
        folder: &Handle,
        handle: &Handle,
        (uid, gid): (u32, u32),
        mode: Option<u32>,
    ) -> Answer<()> {
        let stat = rustix::fs::fstat(handle.fd())?;
        let mut mode_now = stat.st_mode & 0o7777;
        if self.is_root && (stat.st_uid, stat.st_gid) != (uid, gid) {
            let inherits = rustix::fs::fstat(folder.fd())?.st_mode & 0o2000 != 0;
            let gid = if inherits { stat.st_gid } else { gid };
            let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
            rustix::fs::chownat(handle.fd(), "", Some(uid), Some(gid), AtFlags::EMPTY_PATH)?;
            mode_now = rustix::fs::fstat(handle.fd())?.st_mode & 0o7777;
        }
        if let Some(mode) = mode {
            let inherited = match handle {
                Handle::Folder(_) => stat.st_mode & 0o2000,
                _ => 0,
            };
            let mode = (mode & 0o7777) | inherited;
            if mode != mode_now {
                chmod(handle, Mode::from_raw_mode(mode))?;
            }
        }
        Ok(())
    }

    /// Registers an open file and answers its number.
    pub(super) fn add_open(&self, open: Open) -> u64 {
        let fh = self.next_open.fetch_add(1, Ordering::Relaxed);
        self.opens.write().insert(fh, open);
        fh
    }

    /// What an open file handle stands for.
    pub(super) fn open_entry(&self, fh: u64) -> Answer<Open> {
        self.opens.read().get(&fh).cloned().ok_or(Errno::BADF)
    }

    /// The file behind an open file handle.
    pub(super) fn open_file(&self, fh: u64) -> Answer<Arc<CryptFile>> {
        match self.opens.read().get(&fh) {
            Some(Open::File { file, .. }) => Ok(file.clone()),
            Some(Open::Control(_)) => Err(Errno::INVAL),
            None => Err(Errno::BADF),
        }
    }

    /// The last user of an open file handle closed it.
    pub(super) fn remove_open(&self, fh: u64) {
        let open = self.opens.write().remove(&fh);
        if let Some(Open::File { ino, .. }) = open {
            self.nodes.unpin(ino);
        }
    }

    /// The kernel has forgotten an inode `n` times.
    pub(super) fn forget(&self, ino: INodeNo, n: u64) {
        if ino.0 != ROOT {
            self.nodes.forget(ino.0, n);
        }
    }
}

fn chmod(handle: &Handle, mode: Mode) -> Answer<()> {
    match handle {
        Handle::File { file, .. } => rustix::fs::fchmod(file.backing(), mode),
        Handle::Folder(_) | Handle::Other(_) | Handle::Unusable { .. } => {
            rustix::fs::chmod(handle.proc_path(), mode)
        }
    }
}

fn timespec(time: Option<TimeOrNow>) -> Timespec {
    match time {
        None => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_OMIT },
        Some(TimeOrNow::Now) => Timespec { tv_sec: 0, tv_nsec: rustix::fs::UTIME_NOW },
        Some(TimeOrNow::SpecificTime(time)) => since_epoch(time),
    }
}

/// Seconds since 1970, rounded down, and nanoseconds on top of them.
fn since_epoch(time: SystemTime) -> Timespec {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => {
            Timespec { tv_sec: after.as_secs() as i64, tv_nsec: after.subsec_nanos().into() }
        }
        Err(before) => {
            let before = before.duration();
            let borrow = i64::from(before.subsec_nanos() > 0);
            let nanos = (1_000_000_000 - i64::from(before.subsec_nanos())) % 1_000_000_000;
            Timespec { tv_sec: -(before.as_secs() as i64) - borrow, tv_nsec: nanos }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::since_epoch;

    #[test]
    fn times_before_1970_round_down() {
        let check = |time, seconds, nanos| {
            let spec = since_epoch(time);
            assert_eq!((spec.tv_sec, spec.tv_nsec), (seconds, nanos));
        };
        check(UNIX_EPOCH, 0, 0);
        check(UNIX_EPOCH + Duration::from_nanos(1_500_000_000), 1, 500_000_000);
        check(UNIX_EPOCH - Duration::from_nanos(1), -1, 999_999_999);
        check(UNIX_EPOCH - Duration::from_secs(2), -2, 0);
    }
}
