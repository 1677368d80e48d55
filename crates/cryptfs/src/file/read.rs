//! Reading: fetch, verify, decrypt.

use std::cell::RefCell;
use std::sync::atomic::Ordering;

use super::{Body, CryptFile, State};
use crate::Error;
use crate::engine::layout::{UNIT, by_group, slot_of, unit_offset, units_for};
use crate::engine::unit::Mismatch;

thread_local! {
    /// One buffer a thread for units on their way to the backing file, and for those around a
    /// request that does not begin or end at one.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Runs `work` with `len` bytes of the thread's buffer, whose content is undefined. They begin
/// at a page, as writing past the page cache demands.
pub(super) fn with_scratch<T>(len: usize, work: impl FnOnce(&mut [u8]) -> T) -> T {
    const PAGE: usize = UNIT as usize;
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < len + PAGE {
            scratch.resize(len + PAGE, 0);
        }
        let skip = scratch.as_ptr().addr().wrapping_neg() % PAGE;
        work(&mut scratch[skip..skip + len])
    })
}

impl CryptFile {
    /// Reads from `offset`; returns how many bytes, fewer than `buf` only at the end of the file.
    ///
    /// Fails with `Tampered` when a unit in the range does not match its code.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<usize, Error> {
        let state = self.state.read();
        let body = match &*state {
            State::Empty => return Ok(0),
            State::Open(body) => body,
            State::Stale if offset >= self.len() => return Ok(0),
            State::Stale => {
                let why = "temporary file of an earlier mount: its key is gone";
                return Err(Error::Refused(why, rustix::io::Errno::IO));
            }
            State::Damaged(reason) => return Err(self.tampered(None, reason)),
        };
        let end = body.len().min(offset.saturating_add(buf.len() as u64));
        if offset >= end {
            return Ok(0);
        }
        let wanted = (end - offset) as usize;
        let (first, stop) = (offset / UNIT, units_for(end));
        let whole = ((stop - first) * UNIT) as usize;
        if offset.is_multiple_of(UNIT) && whole <= buf.len() {
            self.read_units(body, first, stop, &mut buf[..whole])?;
        } else {
            with_scratch(whole, |units| {
                self.read_units(body, first, stop, units)?;
                let skip = (offset - first * UNIT) as usize;
                buf[..wanted].copy_from_slice(&units[skip..skip + wanted]);
                Ok::<_, Error>(())
            })?;
        }
        self.shared.counters.read_bytes.fetch_add(wanted as u64, Ordering::Relaxed);
        Ok(wanted)
    }

    /// Reads, verifies and decrypts the units `first..stop`.
    pub(super) fn read_units(
        &self,
        body: &Body,
        first: u64,
        stop: u64,
        units: &mut [u8],
    ) -> Result<(), Error> {
        let mut rest = units;
        for (number, from, to) in by_group(first, stop) {
            let (part, after) = rest.split_at_mut(((to - from) * UNIT) as usize);
            rest = after;
            self.read_part(body, number, from, part)?;
        }
        Ok(())
    }

    /// The units of one group from `from` on.
    fn read_part(&self, body: &Body, number: u32, from: u64, part: &mut [u8]) -> Result<(), Error> {
        let fetch = |part: &mut [u8]| {
            let n = self
                .backing
                .read_at(unit_offset(from), part)
                .map_err(|source| Error::Io { doing: "read from the backing file", source })?;
            part[n..].fill(0);
            Ok::<_, Error>(())
        };
        if body.keys.mac.is_none() {
            fetch(part)?;
            body.keys.open(from, part);
            return Ok(());
        }
        let group = body.group(number);
        let mut codes = group.read();
        if codes.page.is_none() {
            drop(codes);
            self.read_codes(number, &mut group.write())?;
            codes = group.read();
        }
        // Data and codes are compared under one lock: a writer changes both or none.
        fetch(part)?;
        for (unit, sealed) in (from..).zip(part.chunks_exact(UNIT as usize)) {
            let code = codes.code(slot_of(unit));
            if let Err(Mismatch { unit, reason }) = body.keys.verify(unit, sealed, &code) {
                return Err(self.tampered(Some(unit), reason));
            }
        }
        drop(codes);
        body.keys.open(from, part);
        Ok(())
    }
}
