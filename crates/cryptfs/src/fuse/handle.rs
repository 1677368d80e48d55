//! A backing object held open, and its attributes as the kernel wants them.

use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fuser::{FileAttr, INodeNo};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;

use super::class::Class;
use super::nodes::ROOT;
use crate::{CryptFile, Store};

/// Never follow a link, never become a terminal's owner, never wait for a fifo's other end.
const SAFE: OFlags =
    OFlags::CLOEXEC.union(OFlags::NOFOLLOW).union(OFlags::NOCTTY).union(OFlags::NONBLOCK);

/// Something of the backing tree that is open.
#[derive(Clone, Debug)]
pub(super) enum Handle {
    /// A folder (`O_PATH`).
    Folder(Arc<OwnedFd>),
    /// A regular file.
    File {
        /// Its contents in clear.
        file: Arc<CryptFile>,
        /// False when this process was only let read it.
        writable: bool,
    },
    /// A link, fifo, socket or device (`O_PATH`).
    Other(Arc<OwnedFd>),
    /// A regular file without readable contents, as it is when damaged or left over from an
    /// earlier mount's temporary files: can be seen, renamed and removed, but not opened.
    Unusable {
        /// Held with `O_PATH`.
        fd: Arc<OwnedFd>,
        /// What opening it answers.
        errno: Errno,
    },
}

impl Handle {
    /// The backing descriptor, for metadata.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Folder(fd) | Self::Other(fd) | Self::Unusable { fd, .. } => fd.as_fd(),
            Self::File { file, .. } => file.backing(),
        }
    }

    /// The file, if it is one with readable contents.
    pub(super) fn file(&self) -> Result<&Arc<CryptFile>, Errno> {
        match self {
            Self::File { file, .. } => Ok(file),
            Self::Unusable { errno, .. } => Err(*errno),
            Self::Folder(_) => Err(Errno::ISDIR),
            Self::Other(_) => Err(Errno::INVAL),
        }
    }

    /// A path to the object itself, for the calls that refuse an `O_PATH` descriptor.
    pub(super) fn proc_path(&self) -> String {
        use std::os::fd::AsRawFd;
        format!("/proc/self/fd/{}", self.fd().as_raw_fd())
    }

    /// Present attributes; the size is that of the contents in clear.
    pub(super) fn attr(&self) -> Result<FileAttr, Errno> {
        let stat = rustix::fs::fstat(self.fd())?;
        let size = match self {
            Self::File { file, .. } => file.len(),
            _ => stat.st_size as u64,
        };
        attr_of(&stat, size)
    }

    /// Whether attributes may be cached: those of unusable files may not.
    pub(super) fn is_usable(&self) -> bool {
        !matches!(self, Self::Unusable { .. })
    }
}

/// Opens `name` in `parent` with what its type needs. Never fails for a file without readable
/// contents: that is [`Handle::Unusable`].
pub(super) fn open_at(
    store: &Store,
    parent: BorrowedFd<'_>,
    class: Class,
    name: &OsStr,
    stat: &Stat,
) -> Result<Handle, Errno> {
    let path_only = |more| rustix::fs::openat(parent, name, OFlags::PATH | SAFE | more, NO_MODE);
    let handle = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Handle::Folder(Arc::new(path_only(OFlags::DIRECTORY)?)),
        FileType::RegularFile => match open_file(store, parent, class, name) {
            Ok(handle) => handle,
            Err(errno) => Handle::Unusable { fd: Arc::new(path_only(OFlags::empty())?), errno },
        },
        _ => Handle::Other(Arc::new(path_only(OFlags::empty())?)),
    };
    let now = rustix::fs::fstat(handle.fd())?;
    if now.st_ino != stat.st_ino || now.st_dev != stat.st_dev {
        return Err(Errno::STALE);
    }
    Ok(handle)
}

fn open_file(
    store: &Store,
    parent: BorrowedFd<'_>,
    class: Class,
    name: &OsStr,
) -> Result<Handle, Errno> {
    let open = |flags| rustix::fs::openat(parent, name, flags | SAFE, NO_MODE);
    let (fd, writable) = match open(OFlags::RDWR) {
        Ok(fd) => (fd, true),
        Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => (open(OFlags::RDONLY)?, false),
        Err(errno) => return Err(errno),
    };
    let file = store.file(fd, class.of_file(name)).map_err(|error| log_errno("open", &error))?;
    Ok(Handle::File { file, writable })
}

const NO_MODE: Mode = Mode::empty();

/// Creates the regular file `name`, readable and writable by this process whatever its mode.
pub(super) fn create_at(
    store: &Store,
    parent: BorrowedFd<'_>,
    class: Class,
    name: &OsStr,
    mode: Mode,
) -> Result<Handle, Errno> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | SAFE;
    let fd = rustix::fs::openat(parent, name, flags, mode)?;
    match store.file(fd, class.of_file(name)) {
        Ok(file) => Ok(Handle::File { file, writable: true }),
        Err(error) => {
            let errno = log_errno("create", &error);
            // Nobody has seen it yet; a file without a header must not stay behind.
            rustix::fs::unlinkat(parent, name, AtFlags::empty())?;
            Err(errno)
        }
    }
}

/// Opens the folder behind `handle` for reading its entries or syncing it.
pub(super) fn open_folder(handle: &Handle) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(handle.fd(), ".", flags, NO_MODE)
}

/// Attributes of `name` in `parent`, not following a link.
pub(super) fn stat_at(parent: BorrowedFd<'_>, name: &OsStr) -> Result<Stat, Errno> {
    rustix::fs::statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)
}

/// Logs what the errno alone would not say, and answers the errno.
pub(super) fn log_errno(doing: &'static str, error: &crate::Error) -> Errno {
    let errno = error.errno();
    if errno == Errno::IO {
        let source = std::error::Error::source(error).map(ToString::to_string);
        tracing::error!(doing, %error, source, "file operation failed");
    }
    errno
}

fn attr_of(stat: &Stat, size: u64) -> Result<FileAttr, Errno> {
    Ok(FileAttr {
        ino: INodeNo(stat.st_ino),
        size,
        blocks: stat.st_blocks as u64,
        atime: time(stat.st_atime, stat.st_atime_nsec as u32),
        mtime: modified_at(stat),
        ctime: time(stat.st_ctime, stat.st_ctime_nsec as u32),
        crtime: UNIX_EPOCH,
        kind: kind_of(FileType::from_raw_mode(stat.st_mode))?,
        perm: (stat.st_mode & 0o7777) as u16,
        nlink: stat.st_nlink as u32,
        uid: stat.st_uid,
        gid: stat.st_gid,
        rdev: encode_device(stat.st_rdev),
        blksize: 4096,
        flags: 0,
    })
}

/// The same attributes under the number by which the kernel knows the root.
pub(super) fn as_root(mut attr: FileAttr) -> FileAttr {
    attr.ino = INodeNo(ROOT);
    attr
}

/// A device number as FUSE carries it: 12 bits of major between 8 and 12 of minor.
fn encode_device(device: u64) -> u32 {
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    (minor & 0xff) | (major << 8) | ((minor & !0xff) << 12)
}

/// The counterpart of [`encode_device`].
pub(super) fn decode_device(device: u32) -> u64 {
    let major = (device & 0x000f_ff00) >> 8;
    let minor = (device & 0xff) | ((device >> 12) & 0x000f_ff00);
    rustix::fs::makedev(major, minor)
}

/// File types by the names of the FUSE crate.
pub(super) fn kind_of(kind: FileType) -> Result<fuser::FileType, Errno> {
    Ok(match kind {
        FileType::RegularFile => fuser::FileType::RegularFile,
        FileType::Directory => fuser::FileType::Directory,
        FileType::Symlink => fuser::FileType::Symlink,
        FileType::Fifo => fuser::FileType::NamedPipe,
        FileType::Socket => fuser::FileType::Socket,
        FileType::CharacterDevice => fuser::FileType::CharDevice,
        FileType::BlockDevice => fuser::FileType::BlockDevice,
        _ => return Err(Errno::IO),
    })
}

/// When `stat`'s object was modified last.
pub(super) fn modified_at(stat: &Stat) -> SystemTime {
    time(stat.st_mtime, stat.st_mtime_nsec as u32)
}

fn time(seconds: i64, nanos: u32) -> SystemTime {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let base = if seconds < 0 { UNIX_EPOCH - whole } else { UNIX_EPOCH + whole };
    base + Duration::from_nanos(u64::from(nanos))
}

#[cfg(test)]
mod tests {
    use super::{decode_device, encode_device};

    #[test]
    fn device_numbers_come_back() {
        for (major, minor) in [(0, 0), (1, 3), (8, 17), (259, 0), (0xfff, 0xf_ffff)] {
            let device = rustix::fs::makedev(major, minor);
            assert_eq!(decode_device(encode_device(device)), device, "{major}:{minor}");
        }
    }
}
