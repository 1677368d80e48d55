//! What is done with an open file: open, read, write, sync, reserve and free space.

use std::cell::RefCell;

use fuser::FopenFlags;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use super::control;
use super::face::{Answer, Face, Open};
use super::handle::{self, Handle};

/// No request is longer: the largest that was agreed with the kernel.
pub(super) const MAX_REQUEST_BYTES: u32 = 1 << 20;

const KEEP_SIZE: i32 = 0x01;
const PUNCH_HOLE: i32 = 0x02;
const ZERO_RANGE: i32 = 0x10;

/// Set-user-ID and set-group-ID.
const PRIVILEGE_BITS: u32 = 0o6000;

thread_local! {
    /// One buffer a worker for what is read, so that a read costs no allocation.
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Face {
    /// Opens a file that the kernel has found allowed to be opened with `flags`.
    pub(super) fn open(&self, ino: u64, flags: i32) -> Answer<(u64, FopenFlags)> {
        let flags = OFlags::from_bits_retain(flags as u32);
        let writes = flags.intersects(OFlags::WRONLY | OFlags::RDWR);
        if ino == control::INO {
            if writes {
                return Err(Errno::ACCESS);
            }
            let text = control::contents(self.store.stats());
            let fh = self.add_open(Open::Control(text.into()));
            return Ok((fh, FopenFlags::FOPEN_DIRECT_IO));
        }
        if !self.nodes.pin(ino) {
            return Err(Errno::STALE);
        }
        let answer = self.handle(ino).and_then(|handle| self.open_pinned(ino, handle, writes));
        if answer.is_err() {
            self.nodes.unpin(ino);
        }
        answer
    }

    fn open_pinned(&self, ino: u64, handle: Handle, writes: bool) -> Answer<(u64, FopenFlags)> {
        let file = handle.file()?.clone();
        if writes && matches!(handle, Handle::File { writable: false, .. }) {
            return Err(Errno::ACCESS);
        }
        Ok((self.add_open(Open::File { ino, file }), FopenFlags::FOPEN_KEEP_CACHE))
    }

    /// Reads up to `size` bytes and hands them to `take`.
    pub(super) fn read(
        &self,
        fh: u64,
        offset: u64,
        size: u32,
        take: impl FnOnce(&[u8]),
    ) -> Answer<()> {
        let file = match self.open_entry(fh)? {
            Open::File { file, .. } => file,
            Open::Control(text) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
                let end = start.saturating_add(size as usize).min(text.len());
                take(&text[start..end]);
                return Ok(());
            }
        };
        if size > MAX_REQUEST_BYTES {
            return Err(Errno::INVAL);
        }
        BUFFER.with_borrow_mut(|buffer| {
            if buffer.len() < size as usize {
                buffer.resize(size as usize, 0);
            }
            let buffer = &mut buffer[..size as usize];
            let n = file.read_at(offset, buffer).map_err(|e| handle::log_errno("read", &e))?;
            take(&buffer[..n]);
            Ok(())
        })
    }

    /// Writes all of `data`.
    pub(super) fn write(
        &self,
        fh: u64,
        offset: u64,
        data: &[u8],
        drops_privileges: bool,
    ) -> Answer<u32> {
        let file = self.open_file(fh)?;
        file.write_at(offset, data).map_err(|error| handle::log_errno("write", &error))?;
        if drops_privileges {
            let mode = rustix::fs::fstat(file.backing())?.st_mode & 0o7777;
            if mode & PRIVILEGE_BITS != 0 {
                let mode = Mode::from_raw_mode(mode & !PRIVILEGE_BITS);
                rustix::fs::fchmod(file.backing(), mode)?;
            }
        }
        Ok(u32::try_from(data.len()).expect("because a request is at most 1 MiB"))
    }

    /// Makes the file durable; `data_only` leaves metadata that reading does not need.
    pub(super) fn fsync(&self, fh: u64, data_only: bool) -> Answer<()> {
        match self.open_entry(fh)? {
            Open::File { file, .. } => {
                file.sync(data_only).map_err(|error| handle::log_errno("sync", &error))
            }
            Open::Control(_) => Ok(()),
        }
    }

    /// `fallocate(2)` in the modes that PostgreSQL and its tools use.
    pub(super) fn fallocate(&self, fh: u64, offset: u64, len: u64, mode: i32) -> Answer<()> {
        let file = self.open_file(fh)?;
        let answer = match mode {
            0 => file.allocate(offset, len, false),
            KEEP_SIZE => file.allocate(offset, len, true),
            mode if mode == PUNCH_HOLE | KEEP_SIZE => file.punch_hole(offset, len),
            ZERO_RANGE => file.zero_range(offset, len, false),
            mode if mode == ZERO_RANGE | KEEP_SIZE => file.zero_range(offset, len, true),
            _ => return Err(Errno::OPNOTSUPP),
        };
        answer.map_err(|error| handle::log_errno("allocate", &error))
    }
}
