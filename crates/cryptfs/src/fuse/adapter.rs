//! From requests of the kernel to the handlers of [`Face`], and their answers back.
//!
//! No decision is taken here but these: what the kernel may do by itself (init flags), what it
//! shall not ask again (`ENOSYS`), and what happens when a handler panics.

use std::ffi::OsStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use fuser::{
    BsdFileFlags, CopyFileRangeFlags, FileHandle, Filesystem, Generation, INodeNo, InitFlags,
    KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyLseek, ReplyOpen, ReplyStatfs, ReplyWrite,
    ReplyXattr, Request, TimeOrNow, WriteFlags,
};
use rustix::fs::AtFlags;
use rustix::io::Errno;

use super::face::{Answer, Change, Face};
use super::files::MAX_REQUEST_BYTES;
use super::folders::Entry;
use crate::{Event, EventSink};

/// How long the kernel may trust names and attributes: nobody else changes them.
const FOREVER: Duration = Duration::from_secs(24 * 3600);
/// For what may change by itself.
const NEVER: Duration = Duration::ZERO;
/// Grain of the modification times that the kernel keeps. With write-back cache each new time has
/// to be told to us before a sync; at a coarse grain that is at most a hundred times a second
/// instead of once a commit.
const TIME_GRAIN: Duration = Duration::from_millis(10);
/// Requests in flight that nobody waits for: read-ahead and write-back.
const MAX_BACKGROUND: u16 = 64;
/// Of an entry that is not there: number 0 says so, and that the kernel may remember it.
const ABSENT: INodeNo = INodeNo(0);
/// Inode numbers are not reused while the kernel knows them, so one generation is enough.
const GENERATION: Generation = Generation(0);

/// The face behind the trait of the FUSE crate.
pub(super) struct Adapter {
    face: Face,
    events: Arc<dyn EventSink>,
    /// A handler panicked: what it left half done is unknown, so nothing is changed any more.
    broken: AtomicBool,
}

impl Adapter {
    pub(super) fn new(face: Face, events: Arc<dyn EventSink>) -> Self {
        Self { face, events, broken: AtomicBool::new(false) }
    }

    /// Runs a handler that only looks.
    fn look<T>(&self, name: &str, handler: impl FnOnce() -> Answer<T>) -> Result<T, fuser::Errno> {
        let answer = catch_unwind(AssertUnwindSafe(handler)).unwrap_or_else(|_| {
            self.broken.store(true, Ordering::Release);
            tracing::error!(operation = name, "file system handler panicked; read-only from now");
            self.events.emit(Event::Poisoned {
                file: "all files".to_owned(),
                reason: format!("internal error in {name}"),
            });
            Err(Errno::IO)
        });
        answer.map_err(errno)
    }

    /// Runs a handler that changes something, unless an earlier one panicked.
    fn change<T>(
        &self,
        name: &str,
        handler: impl FnOnce() -> Answer<T>,
    ) -> Result<T, fuser::Errno> {
        if self.broken.load(Ordering::Acquire) {
            return Err(fuser::Errno::EIO);
        }
        self.look(name, handler)
    }
}

fn errno(errno: Errno) -> fuser::Errno {
    fuser::Errno::from_i32(errno.raw_os_error())
}

fn send_entry(reply: ReplyEntry, answer: Result<Entry, fuser::Errno>) {
    match answer {
        Ok((attr, lasting)) => {
            let ttl = if lasting { FOREVER } else { NEVER };
            reply.entry(&ttl, &attr, GENERATION);
        }
        Err(errno) => reply.error(errno),
    }
}

fn send_empty(reply: ReplyEmpty, answer: Result<(), fuser::Errno>) {
    match answer {
        Ok(()) => reply.ok(),
        Err(errno) => reply.error(errno),
    }
}

fn caller(request: &Request) -> (u32, u32) {
    (request.uid(), request.gid())
}

impl Filesystem for Adapter {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> std::io::Result<()> {
        let wanted = [
            InitFlags::FUSE_WRITEBACK_CACHE,
            InitFlags::FUSE_EXPLICIT_INVAL_DATA,
            InitFlags::FUSE_PARALLEL_DIROPS,
            InitFlags::FUSE_ASYNC_DIO,
            InitFlags::FUSE_CACHE_SYMLINKS,
            InitFlags::FUSE_NO_OPENDIR_SUPPORT,
            InitFlags::FUSE_DIRECT_IO_ALLOW_MMAP,
        ];
        for flag in wanted {
            if config.add_capabilities(flag).is_err() {
                tracing::info!(?flag, "the kernel does not know this FUSE capability");
            }
        }
        // Err is the nearest value that is allowed, which is what we take then.
        if let Err(nearest) = config.set_max_write(MAX_REQUEST_BYTES) {
            config.set_max_write(nearest).ok();
        }
        if let Err(nearest) = config.set_max_readahead(MAX_REQUEST_BYTES) {
            config.set_max_readahead(nearest).ok();
        }
        config.set_time_granularity(TIME_GRAIN).ok();
        config.set_max_background(MAX_BACKGROUND).ok();
        config.set_congestion_threshold(MAX_BACKGROUND * 3 / 4).ok();
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        match self.look("lookup", || self.face.lookup(parent.0, name)) {
            Ok(Some(entry)) => send_entry(reply, Ok(entry)),
            Ok(None) => {
                let mut attr = match self.look("lookup", || self.face.getattr(parent.0)) {
                    Ok(attr) => attr,
                    Err(errno) => return reply.error(errno),
                };
                attr.ino = ABSENT;
                reply.entry(&FOREVER, &attr, GENERATION);
            }
            Err(errno) => reply.error(errno),
        }
    }

    fn forget(&self, _: &Request, ino: INodeNo, n: u64) {
        self.look("forget", || {
            self.face.forget(ino, n);
            Ok(())
        })
        .ok();
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.look("getattr", || self.face.getattr(ino.0)) {
            Ok(attr) => reply.attr(&FOREVER, &attr),
            Err(errno) => reply.error(errno),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        atime: Option<TimeOrNow>,
        mtime: Option<TimeOrNow>,
        _ctime: Option<SystemTime>,
        fh: Option<FileHandle>,
        _crtime: Option<SystemTime>,
        _chgtime: Option<SystemTime>,
        _bkuptime: Option<SystemTime>,
        _flags: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let change = Change { mode, uid, gid, size, atime, mtime };
        let fh = fh.map(|fh| fh.0);
        match self.change("setattr", || self.face.setattr(ino.0, fh, &change)) {
            Ok(attr) => reply.attr(&FOREVER, &attr),
            Err(errno) => reply.error(errno),
        }
    }

    fn readlink(&self, _: &Request, ino: INodeNo, reply: ReplyData) {
        match self.look("readlink", || self.face.readlink(ino.0)) {
            Ok(target) => reply.data(&target),
            Err(errno) => reply.error(errno),
        }
    }

    fn mknod(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        rdev: u32,
        reply: ReplyEntry,
    ) {
        let handler = || self.face.mknod(caller(request), parent.0, name, mode, rdev);
        send_entry(reply, self.change("mknod", handler));
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        reply: ReplyEntry,
    ) {
        let handler = || self.face.mkdir(caller(request), parent.0, name, mode);
        send_entry(reply, self.change("mkdir", handler));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let handler = || self.face.remove(parent.0, name, AtFlags::empty());
        send_empty(reply, self.change("unlink", handler));
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let handler = || self.face.remove(parent.0, name, AtFlags::REMOVEDIR);
        send_empty(reply, self.change("rmdir", handler));
    }

    fn symlink(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        let handler = || self.face.symlink(caller(request), parent.0, name, target);
        send_entry(reply, self.change("symlink", handler));
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let (from, to) = ((parent.0, name), (new_parent.0, new_name));
        send_empty(reply, self.change("rename", || self.face.rename(from, to, flags)));
    }

    fn link(&self, _: &Request, ino: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        send_entry(reply, self.change("link", || self.face.link(ino.0, parent.0, name)));
    }

    fn open(&self, _: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        match self.look("open", || self.face.open(ino.0, flags.0)) {
            Ok((fh, flags)) => reply.opened(FileHandle(fh), flags),
            Err(errno) => reply.error(errno),
        }
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _umask: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        let handler = || self.face.create(caller(request), parent.0, name, mode, flags);
        match self.change("create", handler) {
            Ok(((attr, _), fh, flags)) => {
                reply.created(&FOREVER, &attr, GENERATION, FileHandle(fh), flags);
            }
            Err(errno) => reply.error(errno),
        }
    }

    fn read(
        &self,
        _: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        size: u32,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let mut reply = Some(reply);
        let answer = self.look("read", || {
            self.face.read(fh.0, offset, size, |bytes| {
                if let Some(reply) = reply.take() {
                    reply.data(bytes);
                }
            })
        });
        if let (Err(errno), Some(reply)) = (answer, reply) {
            reply.error(errno);
        }
    }

    fn write(
        &self,
        _: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        data: &[u8],
        write_flags: WriteFlags,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let drops = write_flags.contains(WriteFlags::FUSE_WRITE_KILL_SUIDGID);
        match self.change("write", || self.face.write(fh.0, offset, data, drops)) {
            Ok(n) => reply.written(n),
            Err(errno) => reply.error(errno),
        }
    }

    /// Nothing to do at `close`, and the kernel need not ask again: the cache was written back
    /// before, and errors belong to `fsync`.
    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.error(fuser::Errno::ENOSYS);
    }

    fn release(
        &self,
        _: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        _flags: OpenFlags,
        _lock_owner: Option<LockOwner>,
        _flush: bool,
        reply: ReplyEmpty,
    ) {
        let answer = self.look("release", || {
            self.face.remove_open(fh.0);
            Ok(())
        });
        send_empty(reply, answer);
    }

    fn fsync(
        &self,
        _: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        data_only: bool,
        reply: ReplyEmpty,
    ) {
        send_empty(reply, self.change("fsync", || self.face.fsync(fh.0, data_only)));
    }

    /// Folders have no state of their own here: the kernel opens them by itself from now on.
    fn opendir(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.error(fuser::Errno::ENOSYS);
    }

    fn readdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let answer = self.look("readdir", || {
            self.face.readdir(ino.0, offset, |ino, next, kind, name| {
                reply.add(INodeNo(ino), next, kind, name)
            })
        });
        match answer {
            Ok(()) => reply.ok(),
            Err(errno) => reply.error(errno),
        }
    }

    fn fsyncdir(
        &self,
        _: &Request,
        ino: INodeNo,
        _fh: FileHandle,
        _data_only: bool,
        reply: ReplyEmpty,
    ) {
        send_empty(reply, self.change("fsyncdir", || self.face.fsyncdir(ino.0)));
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        match self.look("statfs", || self.face.statfs()) {
            Ok(s) => reply.statfs(
                s.f_blocks,
                s.f_bfree,
                s.f_bavail,
                s.f_files,
                s.f_ffree,
                s.f_bsize as u32,
                s.f_namemax as u32,
                s.f_frsize as u32,
            ),
            Err(errno) => reply.error(errno),
        }
    }

    /// `ENOSYS` once, and the kernel knows that there are none: it would ask before each write.
    fn getxattr(&self, _: &Request, _: INodeNo, _: &OsStr, _size: u32, reply: ReplyXattr) {
        reply.error(fuser::Errno::ENOSYS);
    }

    fn setxattr(
        &self,
        _: &Request,
        _: INodeNo,
        _: &OsStr,
        _value: &[u8],
        _flags: i32,
        _position: u32,
        reply: ReplyEmpty,
    ) {
        reply.error(fuser::Errno::ENOSYS);
    }

    fn listxattr(&self, _: &Request, _: INodeNo, _size: u32, reply: ReplyXattr) {
        reply.error(fuser::Errno::ENOSYS);
    }

    fn removexattr(&self, _: &Request, _: INodeNo, _: &OsStr, reply: ReplyEmpty) {
        reply.error(fuser::Errno::ENOSYS);
    }

    fn fallocate(
        &self,
        _: &Request,
        _ino: INodeNo,
        fh: FileHandle,
        offset: u64,
        len: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let handler = || self.face.fallocate(fh.0, offset, len, mode);
        send_empty(reply, self.change("fallocate", handler));
    }

    /// The kernel answers `SEEK_DATA` and `SEEK_HOLE` by itself: all is data up to the end.
    fn lseek(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        _offset: i64,
        _whence: i32,
        reply: ReplyLseek,
    ) {
        reply.error(fuser::Errno::ENOSYS);
    }

    /// Copying ciphertext would copy another file's key; callers fall back to read and write.
    fn copy_file_range(
        &self,
        _: &Request,
        _ino_in: INodeNo,
        _fh_in: FileHandle,
        _offset_in: u64,
        _ino_out: INodeNo,
        _fh_out: FileHandle,
        _offset_out: u64,
        _len: u64,
        _flags: CopyFileRangeFlags,
        reply: ReplyWrite,
    ) {
        reply.error(fuser::Errno::ENOSYS);
    }
}

#[cfg(test)]
mod tests;
