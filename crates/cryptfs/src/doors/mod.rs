//! The doors to the backing file system: everything the core reads or writes goes through them,
//! so that power cuts and failing disks can be simulated at each call.

mod os;
#[cfg(test)]
pub(crate) mod sim;

use std::io;
use std::os::fd::BorrowedFd;

pub(crate) use os::{OsFile, OsVolume};

/// One file of the backing file system. Offsets and lengths are physical bytes.
pub(crate) trait Backing: Send + Sync {
    /// Fills `buf` from `offset`; returns how much, less than `buf` only at the end.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;
    /// Writes all of `data`.
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()>;
    /// Present size.
    fn len(&self) -> io::Result<u64>;
    /// Cuts, or grows with zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Reserves blocks without changing the size.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<()>;
    /// Frees blocks; the range reads as zeros afterwards.
    fn punch(&self, offset: u64, len: u64) -> io::Result<()>;
    /// Writes all of `data` without showing it in the modification time: for what belongs to
    /// the format and not to the content.
    fn write_quietly(&self, offset: u64, data: &[u8]) -> io::Result<()>;
    /// `fdatasync`, or `fsync` when not `data_only`.
    fn sync(&self, data_only: bool) -> io::Result<()>;
    /// Path inside the tree for a person, or the inode where no path is known.
    fn describe(&self) -> String;
    /// Number of names; 0 once unlinked.
    fn n_links(&self) -> io::Result<u64>;
    /// The descriptor, where there is one.
    fn fd(&self) -> Option<BorrowedFd<'_>>;
}

/// A visitor of [`Volume::each_file`]: path, inode number, the file.
pub(crate) type Visit<'a> = dyn FnMut(&str, u64, Box<dyn Backing>) -> Result<(), crate::Error> + 'a;

/// The backing folder as the core sees it: a few meta files and a tree of encrypted ones.
pub(crate) trait Volume: Send + Sync {
    /// Opens a meta file; `None` when it does not exist.
    fn meta(&self, name: &str) -> io::Result<Option<Box<dyn Backing>>>;
    /// Makes a meta file from scratch with this content, durable, replacing any older one in
    /// one step (write aside, sync, rename, sync the folder), and opens it.
    fn replace_meta(&self, name: &str, content: &[u8]) -> io::Result<Box<dyn Backing>>;
    /// Calls `visit` for every regular file of the tree, each inode once.
    fn each_file(&self, visit: &mut Visit<'_>) -> Result<(), crate::Error>;
}
