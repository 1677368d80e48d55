//! Changing size and allocation: truncate, allocate, punch, zero.

use rustix::io::Errno;

use super::{Body, CryptFile, State};
use crate::Error;
use crate::engine::dirty::END;
use crate::engine::layout::{
    GROUP_UNITS, MAX_BYTES, UNIT, by_group, group_of, groups_for, mac_page_offset, physical_len,
    slot_of, unit_offset, units_for,
};

impl CryptFile {
    /// Cuts or grows (with zeros) to `len`.
    pub fn set_len(&self, len: u64) -> Result<(), Error> {
        if self.is_poisoned() {
            return Err(Error::Poisoned);
        }
        if len > MAX_BYTES {
            return Err(Error::Refused("file would grow too large", Errno::FBIG));
        }
        let mut state = self.state.write();
        if len == 0 {
            match &*state {
                State::Empty => return Ok(()),
                // Emptied, the file has nothing left that needs the lost key.
                State::Stale => {
                    self.backing.set_len(0).map_err(|source| self.write_failed(source))?;
                    *state = State::Empty;
                    self.len.store(0, std::sync::atomic::Ordering::Release);
                    return Ok(());
                }
                _ => {}
            }
        }
        let body = self.writable(&mut state)?;
        if len > body.len() {
            self.grow(body, len)
        } else if len < body.len() {
            self.shrink(body, len)
        } else {
            Ok(())
        }
    }

    fn grow(&self, body: &mut Body, len: u64) -> Result<(), Error> {
        let (old_units, new_units) = (units_for(body.len()), units_for(len));
        if new_units > old_units {
            self.mark(body, group_of(old_units), END)?;
            self.fill_holes(body, old_units, new_units)?;
            self.backing
                .set_len(physical_len(new_units))
                .map_err(|source| self.write_failed(source))?;
        }
        self.resize_header(body, len)
    }

    fn shrink(&self, body: &mut Body, len: u64) -> Result<(), Error> {
        let units = units_for(len);
        self.mark(body, group_of(units), END)?;
        if !len.is_multiple_of(UNIT) {
            // Nothing of what was cut off stays in the last unit.
            let mut unit = [0u8; UNIT as usize];
            self.read_units(body, units - 1, units, &mut unit)?;
            unit[(len % UNIT) as usize..].fill(0);
            self.store(body, units - 1, &mut unit)?;
        }
        self.resize_header(body, len)?;
        self.backing.set_len(physical_len(units)).map_err(|source| self.write_failed(source))?;
        body.groups.write().retain(|number, _| *number < groups_for(units));
        Ok(())
    }

    /// Gives the units `from..to` the code of a hole. They are zeros on disk, or will be.
    pub(super) fn fill_holes(&self, body: &Body, from: u64, to: u64) -> Result<(), Error> {
        if body.keys.mac.is_none() {
            return Ok(());
        }
        for (number, from, to) in by_group(from, to) {
            let codes: Vec<_> = (from..to).map(|unit| body.keys.hole_code(unit)).collect();
            let group = body.group(number);
            let mut held = self.lock_for_write(body, number, &group)?;
            held.put(slot_of(from), &codes, self.shared.now());
        }
        Ok(())
    }

    /// `fallocate` mode 0 and `FALLOC_FL_KEEP_SIZE`: reserves space.
    pub fn allocate(&self, offset: u64, len: u64, keep_size: bool) -> Result<(), Error> {
        let end = range_end(offset, len)?;
        if self.is_poisoned() {
            return Err(Error::Poisoned);
        }
        let mut state = self.state.write();
        let body = self.writable(&mut state)?;
        let (first, stop) = (offset / UNIT, units_for(end));
        // Code pages of the range are reserved along, or a later write of them could fail.
        let from = if first.is_multiple_of(GROUP_UNITS) {
            mac_page_offset(group_of(first))
        } else {
            unit_offset(first)
        };
        self.backing
            .allocate(from, physical_len(stop) - from)
            .map_err(|source| Error::Io { doing: "reserve space in the backing file", source })?;
        if !keep_size && end > body.len() { self.grow(body, end) } else { Ok(()) }
    }

    /// `FALLOC_FL_PUNCH_HOLE` (always with keep size): the range reads as zeros, space is freed.
    pub fn punch_hole(&self, offset: u64, len: u64) -> Result<(), Error> {
        let end = range_end(offset, len)?;
        self.zero(offset, end, false)
    }

    /// `FALLOC_FL_ZERO_RANGE`: the range reads as zeros; grows the file unless `keep_size`.
    pub fn zero_range(&self, offset: u64, len: u64, keep_size: bool) -> Result<(), Error> {
        let end = range_end(offset, len)?;
        self.zero(offset, end, true)?;
        if !keep_size && end > self.len() {
            let mut state = self.state.write();
            let body = self.writable(&mut state)?;
            if end > body.len() {
                self.grow(body, end)?;
            }
        }
        Ok(())
    }

    /// Zeros `offset..end` inside the file. With `keep_blocks` the space stays reserved.
    fn zero(&self, offset: u64, end: u64, keep_blocks: bool) -> Result<(), Error> {
        if self.is_poisoned() {
            return Err(Error::Poisoned);
        }
        let mut state = self.state.write();
        let body = self.writable(&mut state)?;
        let end = end.min(body.len());
        if offset >= end {
            return Ok(());
        }
        // The last unit ends with the file: what lies behind its end is zeros anyway.
        let stop = if end == body.len() { units_for(end) } else { end / UNIT };
        let first = units_for(offset);
        if first > stop {
            return self.zero_inside(body, offset, end);
        }
        if first * UNIT > offset {
            self.zero_inside(body, offset, first * UNIT)?;
        }
        if stop * UNIT < end {
            self.zero_inside(body, stop * UNIT, end)?;
        }
        for (number, from, to) in by_group(first, stop) {
            let group = body.group(number);
            let mut held = self.lock_for_write(body, number, &group)?;
            let (at, bytes) = (unit_offset(from), (to - from) * UNIT);
            self.backing.punch(at, bytes).map_err(|source| self.write_failed(source))?;
            if keep_blocks {
                // Reserving again may fail on a full disk; the zeros are in place all the same.
                self.backing.allocate(at, bytes).map_err(|source| self.write_failed(source))?;
            }
            if body.keys.mac.is_some() {
                let codes: Vec<_> = (from..to).map(|unit| body.keys.hole_code(unit)).collect();
                held.put(slot_of(from), &codes, self.shared.now());
            }
        }
        Ok(())
    }

    /// Zeros part of one unit.
    fn zero_inside(&self, body: &Body, from: u64, to: u64) -> Result<(), Error> {
        let number = from / UNIT;
        debug_assert!(to <= (number + 1) * UNIT, "because callers cut at units");
        let mut unit = [0u8; UNIT as usize];
        self.read_units(body, number, number + 1, &mut unit)?;
        unit[(from % UNIT) as usize..(to - number * UNIT) as usize].fill(0);
        self.store(body, number, &mut unit)
    }
}

fn range_end(offset: u64, len: u64) -> Result<u64, Error> {
    if len == 0 {
        return Err(Error::Refused("range is empty", Errno::INVAL));
    }
    offset
        .checked_add(len)
        .filter(|end| *end <= MAX_BYTES)
        .ok_or(Error::Refused("file would grow too large", Errno::FBIG))
}
