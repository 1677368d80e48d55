//! Writing: encrypt, mark, write, remember the codes.

use std::sync::atomic::Ordering;

use rustix::io::Errno;

use super::read::with_scratch;
use super::{Body, CryptFile, State};
use crate::Error;
use crate::engine::codes::Codes;
use crate::engine::dirty::END;
use crate::engine::header::Size;
use crate::engine::layout::{
    MAX_BYTES, UNIT, by_group, group_of, physical_len, slot_of, unit_offset, units_for,
};
use crate::engine::unit::Code;

impl CryptFile {
    /// Writes all of `data`, growing the file when it ends past the size.
    pub fn write_at(&self, offset: u64, data: &[u8]) -> Result<(), Error> {
        if self.is_poisoned() {
            return Err(Error::Poisoned);
        }
        if data.is_empty() {
            return Ok(());
        }
        let end = offset.checked_add(data.len() as u64).filter(|end| *end <= MAX_BYTES);
        let end = end.ok_or(Error::Refused("file would grow too large", Errno::FBIG))?;
        self.shared.counters.written_bytes.fetch_add(data.len() as u64, Ordering::Relaxed);
        if offset.is_multiple_of(UNIT) && end.is_multiple_of(UNIT) {
            let state = self.state.read();
            if let State::Open(body) = &*state
                && (end <= body.len() || matches!(body.header.size, Size::Physical(_)))
            {
                return self.write_shared(body, offset, end, data);
            }
        }
        let mut state = self.state.write();
        let body = self.writable(&mut state)?;
        self.write_exclusive(body, offset, end, data)
    }

    /// A write of whole units, side by side with others. One that grows the file takes the units
    /// up to its end first, so that nobody else calls them holes.
    fn write_shared(&self, body: &Body, offset: u64, end: u64, data: &[u8]) -> Result<(), Error> {
        let (first, stop) = (offset / UNIT, end / UNIT);
        let grows = end > body.len();
        if grows {
            let mut reserved = body.reserved.lock();
            if stop > *reserved {
                self.mark(body, group_of((*reserved).min(first)), END)?;
                self.fill_holes(body, *reserved, first)?;
                *reserved = stop;
            }
        }
        let result = with_scratch(data.len(), |units| {
            units.copy_from_slice(data);
            self.store(body, first, units)
        });
        if grows {
            let reserved = body.reserved.lock();
            match &result {
                Ok(()) if end > body.len() => self.set_size(body, end),
                Ok(()) => {}
                Err(_) => self.abandon(body, first, stop),
            }
            drop(reserved);
        }
        result
    }

    /// What a failed growth leaves behind reads as zeros, should the file ever reach so far.
    fn abandon(&self, body: &Body, first: u64, stop: u64) {
        for (_, from, to) in by_group(first, stop) {
            if let Err(error) = self.backing.punch(unit_offset(from), (to - from) * UNIT) {
                self.poison(&error);
                return;
            }
        }
        if self.fill_holes(body, first, stop).is_err() {
            self.poison(&std::io::Error::other("codes of a failed write could not be reset"));
        }
    }

    /// With the file to oneself: units that were reserved and never arrived are cut off.
    pub(super) fn settle_reserved(&self, body: &Body) -> Result<(), Error> {
        let units = units_for(body.len());
        let mut reserved = body.reserved.lock();
        if *reserved > units {
            self.backing
                .set_len(physical_len(units))
                .map_err(|source| self.write_failed(source))?;
        }
        *reserved = units;
        Ok(())
    }

    /// The body of a file that can be written, made when the file was empty.
    pub(super) fn writable<'a>(&self, state: &'a mut State) -> Result<&'a mut Body, Error> {
        if let State::Empty = state {
            *state = State::Open(Box::new(self.create()?));
        }
        match state {
            State::Open(body) => {
                self.settle_reserved(body)?;
                Ok(body)
            }
            State::Damaged(reason) => Err(self.tampered(None, reason)),
            State::Stale | State::Empty => {
                Err(Error::Refused("temporary file of an earlier mount", Errno::IO))
            }
        }
    }

    /// A write that grows the file, or begins or ends inside a unit.
    fn write_exclusive(
        &self,
        body: &mut Body,
        offset: u64,
        end: u64,
        data: &[u8],
    ) -> Result<(), Error> {
        let (old_len, old_units) = (body.len(), units_for(body.len()));
        let (first, stop) = (offset / UNIT, units_for(end));
        if stop > old_units {
            self.mark(body, group_of(old_units), END)?;
            self.fill_holes(body, old_units, first)?;
        }
        let whole = ((stop - first) * UNIT) as usize;
        let result = with_scratch(whole, |units| {
            let size = UNIT as usize;
            let (begin_inside, end_inside) =
                (!offset.is_multiple_of(UNIT), !end.is_multiple_of(UNIT));
            // What a unit holds around the written range stays; past the old size that is zeros.
            for (unit, is_partial) in [(first, begin_inside), (stop - 1, end_inside)] {
                if is_partial {
                    let at = ((unit - first) as usize) * size;
                    units[at..at + size].fill(0);
                    if unit < old_units {
                        self.read_units(body, unit, unit + 1, &mut units[at..at + size])?;
                    }
                }
            }
            let skip = (offset - first * UNIT) as usize;
            units[skip..skip + data.len()].copy_from_slice(data);
            self.store(body, first, units)
        });
        if let Err(error) = result {
            self.undo_growth(old_units, stop);
            return Err(error);
        }
        self.resize_header(body, old_len.max(end))
    }

    /// After a failed growth the file physically ends where it did. An error here leaves extra
    /// units behind, which is what `poison` is for.
    fn undo_growth(&self, old_units: u64, stop: u64) {
        if stop > old_units
            && let Err(error) = self.backing.set_len(physical_len(old_units))
        {
            self.poison(&error);
        }
    }

    /// Makes `len` the size; the header says so where it cannot be seen from the physical size.
    pub(super) fn resize_header(&self, body: &mut Body, len: u64) -> Result<(), Error> {
        let is_exact = matches!(body.header.size, Size::Exact(_));
        if len != body.len() && (is_exact || !len.is_multiple_of(UNIT)) {
            let mut header = body.header;
            header.size = Size::Exact(len);
            self.write_header(&header)?;
            body.header = header;
        }
        self.set_size(body, len);
        *body.reserved.lock() = units_for(len);
        Ok(())
    }

    /// Encrypts whole `units` in place and writes them; the first is number `first`.
    pub(super) fn store(&self, body: &Body, first: u64, units: &mut [u8]) -> Result<(), Error> {
        let codes = body.keys.seal(first, units);
        let stop = first + units.len() as u64 / UNIT;
        for (number, from, to) in by_group(first, stop) {
            let (a, b) = ((from - first) as usize, (to - first) as usize);
            let sealed = &units[a * UNIT as usize..b * UNIT as usize];
            if body.keys.mac.is_none() {
                self.backing
                    .write_at(unit_offset(from), sealed)
                    .map_err(|source| self.write_failed(source))?;
                continue;
            }
            let group = body.group(number);
            let mut held = self.lock_for_write(body, number, &group)?;
            match self.backing.write_at(unit_offset(from), sealed) {
                Ok(()) => held.put(slot_of(from), &codes[a..b], self.shared.now()),
                Err(source) => {
                    self.settle(body, from, sealed, &codes[a..b], &mut held);
                    return Err(self.write_failed(source));
                }
            }
        }
        Ok(())
    }

    /// After a failed write: each unit that did arrive gets its new code, the others keep theirs.
    fn settle(&self, body: &Body, from: u64, sealed: &[u8], new: &[Code], held: &mut Codes) {
        let size = UNIT as usize;
        let mut unit = vec![0u8; size];
        for (number, (sealed, code)) in (from..).zip(sealed.chunks_exact(size).zip(new)) {
            let there = self.backing.read_at(unit_offset(number), &mut unit);
            if there.is_ok_and(|n| n == size) && unit == sealed {
                debug_assert!(body.keys.verify(number, &unit, code).is_ok());
                held.put(slot_of(number), &[*code], self.shared.now());
            }
        }
    }
}
