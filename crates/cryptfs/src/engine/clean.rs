//! Making dirty groups clean: data durable, codes durable, then the log says so.

use std::sync::Arc;

use super::dirty::END;
use super::header::{Header, Size};
use super::layout::{groups_for, mac_page_offset, units_for};
use super::log::Record;
use crate::file::{Body, State};
use crate::{CryptFile, Error};

/// Groups that can be cleaned now, with the version each had when it was looked at.
struct Candidates {
    versions: Vec<(u32, u64)>,
    len: u64,
    /// Nothing else is dirty: the file can become clean as a whole.
    is_all: bool,
}

impl CryptFile {
    /// Cleans the groups that had no write since `older_than` ticks before now.
    /// Returns whether the file is entirely clean afterwards.
    ///
    /// Holds no lock while the disk syncs; a group that is written meanwhile stays dirty.
    pub(crate) fn clean(&self, older_than: u64) -> Result<bool, Error> {
        if self.is_poisoned() {
            return Ok(false);
        }
        let Some(candidates) = self.candidates(older_than) else { return Ok(self.is_clean()) };
        let sync = || {
            self.backing.sync(true).map_err(|source| {
                self.poison(&source);
                Error::Io { doing: "sync a file", source }
            })
        };
        sync()?;
        let written = self.write_codes(&candidates)?;
        if candidates.is_all || !written.is_empty() {
            sync()?;
        }
        self.unmark(&candidates, &written);
        Ok(self.is_clean())
    }

    fn is_clean(&self) -> bool {
        self.marks.lock().groups.is_empty()
    }

    fn candidates(&self, older_than: u64) -> Option<Candidates> {
        let state = self.state.read();
        let State::Open(body) = &*state else { return None };
        let n_groups = groups_for(units_for(body.len()));
        let limit = self.shared.now().saturating_sub(older_than);
        let marked: Vec<u32> = {
            let marks = self.marks.lock();
            if marks.groups.is_empty() {
                return None;
            }
            marks.groups.below(n_groups).collect()
        };
        let n_marked = marked.len();
        let versions: Vec<(u32, u64)> = marked
            .into_iter()
            .filter_map(|number| {
                let group = known(body, number);
                let Some(group) = group else { return Some((number, 0)) };
                let codes = group.read();
                (codes.tick <= limit || !codes.ahead).then_some((number, codes.version))
            })
            .collect();
        let is_all = versions.len() == n_marked;
        (is_all || !versions.is_empty()).then_some(Candidates { versions, len: body.len(), is_all })
    }

    /// Writes the codes that are ahead of the disk; returns what was written.
    fn write_codes(&self, candidates: &Candidates) -> Result<Vec<u32>, Error> {
        let state = self.state.read();
        let State::Open(body) = &*state else { return Ok(Vec::new()) };
        let n_groups = groups_for(units_for(body.len()));
        let mut written = Vec::new();
        if candidates.is_all && body.len() == candidates.len {
            let page = clean_header(body).encode(self.shared.keys.headers());
            self.backing.write_quietly(0, &page).map_err(|source| self.write_failed(source))?;
        }
        for (number, version) in &candidates.versions {
            // A group that was cut off meanwhile must not grow the file again.
            let Some(group) = known(body, *number).filter(|_| *number < n_groups) else { continue };
            let codes = group.read();
            let Some(page) = codes.page.as_ref().filter(|_| codes.ahead) else { continue };
            if codes.version == *version {
                self.backing
                    .write_quietly(mac_page_offset(*number), &page[..])
                    .map_err(|source| self.write_failed(source))?;
                written.push(*number);
            }
        }
        Ok(written)
    }

    /// Takes out of the log what was not touched since it was looked at.
    fn unmark(&self, candidates: &Candidates, written: &[u32]) {
        let mut state = self.state.write();
        let State::Open(body) = &mut *state else { return };
        let n_groups = groups_for(units_for(body.len()));
        let mut still_dirty = false;
        let mut clean: Vec<u32> = Vec::new();
        for (number, version) in &candidates.versions {
            match known(body, *number) {
                None => clean.push(*number),
                Some(group) => {
                    let mut codes = group.write();
                    if codes.version == *version
                        && (!codes.ahead || written.binary_search(number).is_ok())
                    {
                        codes.ahead = false;
                        clean.push(*number);
                    } else {
                        still_dirty = true;
                    }
                }
            }
        }
        let mut marks = self.marks.lock();
        let file_id = body.header.file_id;
        if candidates.is_all
            && !still_dirty
            && body.len() == candidates.len
            && marks.groups.below(n_groups).eq(clean.iter().copied())
        {
            body.header = clean_header(body);
            self.shared.log.append(Record::Clean { file_id, from: 0, to: END });
            marks.groups.remove(0, END);
            marks.step = 0;
            return;
        }
        for (from, to) in runs(&clean) {
            self.shared.log.append(Record::Clean { file_id, from, to });
            marks.groups.remove(from, to);
        }
    }
}

fn known(body: &Body, number: u32) -> Option<Arc<super::codes::Group>> {
    body.groups.read().get(&number).cloned()
}

/// The header of the file as it will be once it is clean.
fn clean_header(body: &Body) -> Header {
    let mut header = body.header;
    if let Size::Physical(bytes) = &mut header.size {
        *bytes = body.len();
    }
    header
}

/// Ascending numbers as ranges.
fn runs(numbers: &[u32]) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((_, to)) if *to == *number => *to += 1,
            _ => runs.push((*number, *number + 1)),
        }
    }
    runs
}
