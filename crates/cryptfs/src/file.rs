//! One encrypted file.

use crate::Error;

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
#[derive(Debug)]
pub struct CryptFile {}

impl CryptFile {
    /// Logical size in bytes.
    pub fn len(&self) -> u64 {
        unreachable!("skeleton")
    }

    /// True when there is no byte.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads from `offset`; returns how many bytes, fewer than `buf` only at the end of the file.
    pub fn read_at(&self, _offset: u64, _buf: &mut [u8]) -> Result<usize, Error> {
        unreachable!("skeleton")
    }

    /// Writes all of `data`, growing the file when it ends past the size.
    pub fn write_at(&self, _offset: u64, _data: &[u8]) -> Result<(), Error> {
        unreachable!("skeleton")
    }

    /// Cuts or grows (with zeros) to `len`.
    pub fn set_len(&self, _len: u64) -> Result<(), Error> {
        unreachable!("skeleton")
    }

    /// `fallocate` mode 0 and `FALLOC_FL_KEEP_SIZE`: reserves space.
    pub fn allocate(&self, _offset: u64, _len: u64, _keep_size: bool) -> Result<(), Error> {
        unreachable!("skeleton")
    }

    /// `FALLOC_FL_PUNCH_HOLE` (always with keep size): the range reads as zeros, space is freed.
    pub fn punch_hole(&self, _offset: u64, _len: u64) -> Result<(), Error> {
        unreachable!("skeleton")
    }

    /// `FALLOC_FL_ZERO_RANGE`: the range reads as zeros; grows the file unless `keep_size`.
    pub fn zero_range(&self, _offset: u64, _len: u64, _keep_size: bool) -> Result<(), Error> {
        unreachable!("skeleton")
    }

    /// Makes all that was written durable. Fails for good after the first failure (poison).
    pub fn sync(&self, _data_only: bool) -> Result<(), Error> {
        unreachable!("skeleton")
    }

    /// The backing descriptor, for metadata only (`fstat`, `fchmod`, `futimens`, …).
    pub fn backing(&self) -> std::os::fd::BorrowedFd<'_> {
        unreachable!("skeleton")
    }
}
