//! Offline verification of every unit of a store.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use crypto::{DataKey, OsRandom};
use rustix::fs::FlockOperation;
use serde::{Deserialize, Serialize};

use crate::doors::{Backing, OsVolume, Volume};
use crate::engine::header::{Found, HEADER_BYTES, Header};
use crate::engine::keys::{FileKeys, Id, StoreKeys};
use crate::engine::layout::{UNIT, first_unit, groups_for, mac_page_offset, unit_offset, units_in};
use crate::engine::log::Dirty;
use crate::engine::open::{read_header, read_log};
use crate::engine::recover::is_dirty;
use crate::{Error, Event};

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Files read.
    pub n_files: u64,
    /// Units read and compared with their codes.
    pub n_units: u64,
    /// Files under a memory-only key of an earlier mount: unreadable by design, not assessed.
    pub n_temporary: u64,
    /// True when the store was not stopped cleanly: units in dirty groups are not assessed.
    pub unclean: bool,
    /// Units in dirty groups, not assessed until the store is mounted once.
    pub n_not_assessed: u64,
    /// Everything that does not match.
    pub tampered: Vec<Event>,
}

struct Check<'a> {
    volume: Arc<dyn Volume>,
    keys: StoreKeys,
    dirty: HashMap<Id, Dirty>,
    seen: HashMap<Id, String>,
    report: Report,
    done_bytes: u64,
    total_bytes: u64,
    progress: &'a mut dyn FnMut(u64, u64),
}

/// Reads every unit of the store in `backing` and compares it with its authentication code.
/// `progress(done_bytes, total_bytes)` is called now and then. Writes nothing.
///
/// Fails with `InUse` while the store is mounted: its codes are ahead of the disk then.
pub fn check(
    backing: &Path,
    key: &DataKey,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, Error> {
    let lock = lock_shared(backing)?;
    let volume: Arc<dyn Volume> = Arc::new(OsVolume::new(backing, true));
    let (_, keys) = read_header(&*volume, key, DataKey::generate(&OsRandom))?
        .ok_or_else(|| Error::Format("it has no header".to_owned()))?;
    let replay = read_log(&*volume, &keys)?;
    let mut check = Check {
        volume: volume.clone(),
        keys,
        report: Report { unclean: !replay.clean, ..Report::default() },
        dirty: replay.dirty,
        seen: HashMap::new(),
        done_bytes: 0,
        total_bytes: 0,
        progress,
    };
    volume.each_file(&mut |_, _, file| {
        check.total_bytes += file.len().map_err(read_failed)?;
        Ok(())
    })?;
    check.run()?;
    drop(lock);
    Ok(check.report)
}

fn read_failed(source: std::io::Error) -> Error {
    Error::Io { doing: "read a file", source }
}

/// A shared lock: checks may run side by side, a mount may not.
fn lock_shared(backing: &Path) -> Result<std::fs::File, Error> {
    let lock = std::fs::File::open(backing.join("meta").join("lock"))
        .map_err(|_| Error::Format("the folder holds no store".to_owned()))?;
    match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockShared) {
        Ok(()) => Ok(lock),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::InUse),
        Err(e) => Err(Error::Io { doing: "lock the store", source: e.into() }),
    }
}

impl Check<'_> {
    fn run(&mut self) -> Result<(), Error> {
        let volume = self.volume.clone();
        volume.each_file(&mut |path, ino, file| self.file(path, ino, &*file))
    }

    fn bad(&mut self, path: &str, unit: Option<u64>, reason: &str) {
        self.report.tampered.push(Event::Tamper {
            file: path.to_owned(),
            unit,
            reason: reason.to_owned(),
        });
    }

    fn file(&mut self, path: &str, ino: u64, file: &dyn Backing) -> Result<(), Error> {
        let physical = file.len().map_err(read_failed)?;
        if physical < UNIT {
            self.report.n_files += 1;
            return Ok(());
        }
        let mut page = vec![0u8; UNIT as usize];
        file.read_at(0, &mut page).map_err(read_failed)?;
        let header = match Header::decode(&page, self.keys.headers()) {
            Found::Header(header) => header,
            Found::Blank if self.dirty.values().any(|file| file.new_ino == Some(ino)) => {
                self.report.n_files += 1;
                self.report.n_not_assessed += units_in(physical);
                return Ok(());
            }
            Found::Blank => {
                self.report.n_files += 1;
                self.bad(path, None, "file has lost its header");
                return Ok(());
            }
            Found::Foreign(reason) => {
                self.report.n_files += 1;
                self.bad(path, None, reason);
                return Ok(());
            }
        };
        if page[HEADER_BYTES..].iter().any(|byte| *byte != 0) {
            self.bad(path, None, "unused part of the file header is not zero");
        }
        if header.mount_id.is_some() {
            self.report.n_temporary += 1;
            return Ok(());
        }
        self.report.n_files += 1;
        if let Some(other) = self.seen.insert(header.file_id, path.to_owned()) {
            let reason = format!("file is a copy of {other}: both have the same identity");
            self.bad(path, None, &reason);
        }
        let n_units = units_in(physical);
        let keys = self.keys.file(&header.file_id, false)?;
        if !self.dirty.contains_key(&header.file_id) && !header.fits(physical) {
            self.bad(path, None, "file was cut or extended: its size does not fit its header");
        }
        for group in 0..groups_for(n_units) {
            self.group(path, file, &keys, &header.file_id, group, n_units)?;
        }
        Ok(())
    }

    fn group(
        &mut self,
        path: &str,
        file: &dyn Backing,
        keys: &FileKeys,
        file_id: &Id,
        group: u32,
        n_units: u64,
    ) -> Result<(), Error> {
        let first = first_unit(group);
        let stop = n_units.min(first_unit(group + 1));
        self.done_bytes += (stop - first + 1) * UNIT;
        if is_dirty(&self.dirty, file_id, group) {
            self.report.n_not_assessed += stop - first;
            return Ok(());
        }
        let mut codes = [0u8; UNIT as usize];
        file.read_at(mac_page_offset(group), &mut codes).map_err(read_failed)?;
        let mut units = vec![0u8; ((stop - first) * UNIT) as usize];
        file.read_at(unit_offset(first), &mut units).map_err(read_failed)?;
        let sealed = (first..).zip(units.chunks_exact(UNIT as usize));
        for ((number, unit), code) in sealed.zip(codes.as_chunks::<16>().0) {
            self.report.n_units += 1;
            if let Err(mismatch) = keys.verify(number, unit, code) {
                self.bad(path, Some(mismatch.unit), mismatch.reason);
            }
        }
        (self.progress)(self.done_bytes.min(self.total_bytes), self.total_bytes);
        Ok(())
    }
}
