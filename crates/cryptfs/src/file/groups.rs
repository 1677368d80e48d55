//! A file's groups: their codes in memory, and marking them dirty before they are overwritten.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::RwLockWriteGuard;

use super::{Body, CryptFile, State};
use crate::Error;
use crate::engine::codes::{Codes, Group};
use crate::engine::dirty::END;
use crate::engine::layout::{groups_for, mac_page_offset, units_for};
use crate::engine::log::Record;

/// Largest number of groups that one mark takes ahead.
const MAX_STEP: u32 = 64;

impl Body {
    /// The group, made known if it was not.
    pub(crate) fn group(&self, number: u32) -> Arc<Group> {
        if let Some(group) = self.groups.read().get(&number) {
            return group.clone();
        }
        self.groups
            .write()
            .entry(number)
            .or_insert_with(|| Arc::new(Group::new(Codes::unread())))
            .clone()
    }
}

impl CryptFile {
    /// Makes sure that a group's codes are in memory.
    pub(super) fn read_codes(&self, number: u32, codes: &mut Codes) -> Result<(), Error> {
        if codes.page.is_none() {
            let mut page = Box::new([0u8; 4096]);
            self.backing
                .read_at(mac_page_offset(number), &mut page[..])
                .map_err(|source| Error::Io { doing: "read authentication codes", source })?;
            codes.page = Some(page);
        }
        codes.tick = self.shared.now();
        Ok(())
    }

    /// Locks a group for a change, with its codes in memory and its dirty mark durable.
    pub(super) fn lock_for_write<'a>(
        &self,
        body: &Body,
        number: u32,
        group: &'a Group,
    ) -> Result<RwLockWriteGuard<'a, Codes>, Error> {
        let mut codes = group.write();
        self.read_codes(number, &mut codes)?;
        self.mark(body, number, number + 1)?;
        Ok(codes)
    }

    /// Makes the groups `from..to` dirty in the log, durably, unless they are already.
    pub(super) fn mark(&self, body: &Body, from: u32, to: u32) -> Result<(), Error> {
        if body.keys.mac.is_none() {
            return Ok(());
        }
        let (from, to) = {
            let mut marks = self.marks.lock();
            let done = match to {
                END => marks.groups.contains(END - 1) && marks.groups.contains(from),
                to => (from..to).all(|group| marks.groups.contains(group)),
            };
            if done {
                return Ok(());
            }
            // Neighbours are taken along: fewer waits, at the price of a wider window.
            let step = marks.step.max(1);
            marks.step = (step * 2).min(MAX_STEP);
            let start = from - from % step;
            (start, if to == END { END } else { to.max(start + step) })
        };
        self.append_mark(Record::Dirty { file_id: body.header.file_id, from, to }, from, to)
    }

    pub(super) fn append_mark(&self, record: Record, from: u32, to: u32) -> Result<(), Error> {
        let log = &self.shared.log;
        let seq = log.append(record);
        if log.wait(seq)? {
            self.shared.counters.n_log_syncs.fetch_add(1, Ordering::Relaxed);
        }
        self.marks.lock().groups.insert(from, to);
        self.keep_until_clean();
        Ok(())
    }

    /// Registers the file with the cleaner, which holds it open until it is clean.
    fn keep_until_clean(&self) {
        let mut dirty = self.shared.dirty.lock();
        if !dirty.contains_key(&self.ino)
            && let Some(this) = self.shared.open.lock().get(&self.ino).and_then(|f| f.upgrade())
        {
            dirty.insert(self.ino, this);
        }
    }

    /// Groups of the file as it is now that the log calls dirty.
    pub(crate) fn n_dirty_groups(&self) -> u64 {
        let n_groups = groups_for(units_for(self.len()));
        self.marks.lock().groups.below(n_groups).count() as u64
    }

    /// Groups whose codes are in memory.
    pub(crate) fn n_cached_groups(&self) -> usize {
        match &*self.state.read() {
            State::Open(body) => body.groups.read().len(),
            _ => 0,
        }
    }

    /// Drops codes that can be read again and that nobody is using.
    pub(crate) fn evict_groups(&self) {
        if let State::Open(body) = &*self.state.read() {
            // With the map locked nobody can get hold of a group: one reference is the map's.
            body.groups.write().retain(|_, group| {
                Arc::strong_count(group) > 1 || group.try_read().is_none_or(|codes| codes.ahead)
            });
        }
    }

    /// An unlinked file that nobody holds: the log need not remember it.
    pub(crate) fn forget_marks(&self) {
        if let State::Open(body) = &*self.state.read() {
            let file_id = body.header.file_id;
            self.shared.log.append(Record::Clean { file_id, from: 0, to: END });
        }
        self.marks.lock().groups.remove(0, END);
    }
}
