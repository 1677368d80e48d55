//! One group's authentication codes in memory.

use parking_lot::RwLock;

use super::unit::{Code, NO_CODE};
use crypto::MAC_BYTES;

/// The codes of 256 units, and how they relate to what is on disk.
pub(crate) struct Codes {
    /// As many codes as the MAC page holds; `None` until read.
    pub(crate) page: Option<Box<[u8; 4096]>>,
    /// Memory is ahead of the MAC page on disk.
    pub(crate) ahead: bool,
    /// Rises with each change, so that a cleaner sees whether it was overtaken.
    pub(crate) version: u64,
    /// Tick of the last change or use.
    pub(crate) tick: u64,
}

/// A group of an open file.
pub(crate) type Group = RwLock<Codes>;

impl Codes {
    pub(crate) fn unread() -> Self {
        Self { page: None, ahead: false, version: 0, tick: 0 }
    }

    /// The code in `slot`; the page must have been read.
    pub(crate) fn code(&self, slot: usize) -> Code {
        let at = slot * MAC_BYTES;
        self.page.as_ref().map_or(NO_CODE, |page| {
            page[at..at + MAC_BYTES].try_into().expect("because the range has 16 bytes")
        })
    }

    /// Puts codes in from `slot` on; the page must have been read.
    pub(crate) fn put(&mut self, slot: usize, codes: &[Code], tick: u64) {
        let page = self.page.as_mut().expect("because the page is read before it is changed");
        for (place, code) in page[slot * MAC_BYTES..].chunks_exact_mut(MAC_BYTES).zip(codes) {
            place.copy_from_slice(code);
        }
        self.ahead = true;
        self.version += 1;
        self.tick = tick;
    }
}
