//! After an unclean stop: bring every dirty group into a state that can be verified again.
//!
//! A unit of a dirty group that does not match its code is what a crash leaves behind. It is
//! accepted once, gets a code for what it is now, and is counted and reported.

use std::collections::HashMap;

use super::dirty::END;
use super::header::{Found, HEADER_BYTES, Header, Size};
use super::keys::{FileKeys, Id, StoreKeys};
use super::layout::{
    UNIT, first_unit, groups_for, mac_page_offset, physical_len, unit_offset, units_for, units_in,
};
use super::log::Dirty;
use crate::Error;
use crate::doors::{Backing, Volume};

/// Files named in the report; all are counted.
const MAX_NAMED: usize = 100;

/// The least that a disk writes as a whole.
const SECTOR: usize = 512;

/// What recovery did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Recovery {
    pub(crate) n_groups: u64,
    pub(crate) n_accepted: u64,
    pub(crate) files: Vec<String>,
}

/// Recovers all files that the log calls dirty. May be interrupted and begun again.
pub(crate) fn recover(
    volume: &dyn Volume,
    keys: &StoreKeys,
    epoch: u32,
    dirty: &HashMap<Id, Dirty>,
) -> Result<Recovery, Error> {
    let new_files: HashMap<u64, Id> =
        dirty.iter().filter_map(|(id, file)| Some((file.new_ino?, *id))).collect();
    let mut done = Recovery::default();
    if dirty.is_empty() {
        return Ok(done);
    }
    volume.each_file(&mut |path, ino, file| {
        let failed = |source| Error::Io { doing: "recover a file", source };
        let physical = file.len().map_err(failed)?;
        if physical < UNIT {
            return Ok(());
        }
        let mut page = [0u8; HEADER_BYTES];
        file.read_at(0, &mut page).map_err(failed)?;
        let mut header = match Header::decode(&page, keys.headers()) {
            Found::Header(header) => header,
            Found::Blank => {
                // Its data may have reached the disk before its header did.
                let Some(file_id) = new_files.get(&ino) else { return Ok(()) };
                Header { file_id: *file_id, epoch, mount_id: None, size: Size::Physical(0) }
            }
            Found::Foreign(_) => return Ok(()),
        };
        let Some(marks) = dirty.get(&header.file_id) else { return Ok(()) };
        if header.mount_id.is_some() || header.epoch != epoch {
            return Ok(());
        }
        let file_keys = keys.file(&header.file_id, false)?;
        let n_accepted = recover_file(&*file, &file_keys, keys, &mut header, marks, &mut done)?;
        done.n_accepted += n_accepted;
        if n_accepted > 0 && done.files.len() < MAX_NAMED {
            done.files.push(path.to_owned());
        }
        Ok(())
    })?;
    Ok(done)
}

/// One file; returns how many of its units were accepted.
fn recover_file(
    file: &dyn Backing,
    file_keys: &FileKeys,
    keys: &StoreKeys,
    header: &mut Header,
    marks: &Dirty,
    done: &mut Recovery,
) -> Result<u64, Error> {
    let failed = |source| Error::Io { doing: "recover a file", source };
    // A unit that was being appended ends where it ends; the rest of it is zeros.
    let mut n_units = units_in(file.len().map_err(failed)?);
    header.size = match header.size {
        Size::Physical(_) => Size::Physical(n_units * UNIT),
        Size::Exact(bytes) => {
            // Growth that was never synced is dropped; a size cut short is what is left.
            n_units = n_units.min(units_for(bytes));
            Size::Exact(bytes.min(n_units * UNIT))
        }
    };
    file.set_len(physical_len(n_units)).map_err(failed)?;
    file.write_at(0, &header.encode(keys.headers())).map_err(failed)?;
    let mut n_accepted = 0;
    for group in marks.groups.below(groups_for(n_units)) {
        done.n_groups += 1;
        n_accepted += recover_group(file, file_keys, group, n_units).map_err(failed)?;
    }
    if let Size::Exact(bytes) = header.size
        && !bytes.is_multiple_of(UNIT)
    {
        zero_tail(file, file_keys, bytes).map_err(failed)?;
    }
    file.sync(false).map_err(failed)?;
    Ok(n_accepted)
}

fn recover_group(
    file: &dyn Backing,
    keys: &FileKeys,
    group: u32,
    n_units: u64,
) -> std::io::Result<u64> {
    let first = first_unit(group);
    let stop = n_units.min(first_unit(group + 1));
    let mut codes = [0u8; UNIT as usize];
    file.read_at(mac_page_offset(group), &mut codes)?;
    let mut units = vec![0u8; ((stop - first) * UNIT) as usize];
    file.read_at(unit_offset(first), &mut units)?;
    let mut n_accepted = 0;
    let slots = codes.as_chunks_mut::<16>().0;
    let each = (first..).zip(units.chunks_exact_mut(UNIT as usize)).zip(slots);
    for ((number, unit), code) in each {
        if keys.verify(number, unit, code).is_err() {
            if fill_torn_hole(keys, number, unit) {
                file.write_at(unit_offset(number), unit)?;
            }
            *code = keys.accept(number, unit);
            n_accepted += 1;
        }
    }
    file.write_at(mac_page_offset(group), &codes)?;
    Ok(n_accepted)
}

/// A hole that was being written when the power went: sectors that did not arrive are zeros on
/// disk and must read as zeros, not as the decryption of zeros. Returns whether `unit` changed.
fn fill_torn_hole(keys: &FileKeys, number: u64, unit: &mut [u8]) -> bool {
    let missing: Vec<bool> = unit.chunks_exact(SECTOR).map(super::unit::is_zero).collect();
    if missing.iter().all(|gone| *gone) || !missing.contains(&true) {
        return false;
    }
    keys.open(number, unit);
    for (sector, gone) in unit.chunks_exact_mut(SECTOR).zip(missing) {
        if gone {
            sector.fill(0);
        }
    }
    keys.seal(number, unit);
    true
}

/// Clears what lies behind the end of the file in its last unit.
fn zero_tail(file: &dyn Backing, keys: &FileKeys, bytes: u64) -> std::io::Result<()> {
    let number = bytes / UNIT;
    let mut unit = vec![0u8; UNIT as usize];
    file.read_at(unit_offset(number), &mut unit)?;
    keys.open(number, &mut unit);
    let tail = &mut unit[(bytes % UNIT) as usize..];
    if super::unit::is_zero(tail) {
        return Ok(());
    }
    tail.fill(0);
    let code = keys.seal(number, &mut unit)[0];
    file.write_at(unit_offset(number), &unit)?;
    let slot = super::layout::slot_of(number) as u64 * 16;
    file.write_at(mac_page_offset(super::layout::group_of(number)) + slot, &code)
}

/// Whether a file's group is dirty in the log, for the offline check.
pub(crate) fn is_dirty(dirty: &HashMap<Id, Dirty>, file_id: &Id, group: u32) -> bool {
    debug_assert!(group != END, "because END is no group");
    dirty.get(file_id).is_some_and(|file| file.groups.contains(group))
}
