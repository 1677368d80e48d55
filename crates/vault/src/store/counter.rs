//! The counter beside the store: how an older copy of the whole store is noticed.
//!
//! Two slots are written in turn, so that a write that was cut short leaves the other whole.
//! The ledger seals what stands in them.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::Error;

/// No slot holds more bytes.
pub const SLOT_MAX_BYTES: usize = 62;
/// A slot: its length as a 16-bit number, then its bytes.
const SLOT_BYTES: usize = 64;

/// Two small durable slots, kept elsewhere than in the store.
pub trait Counter: Send + Sync {
    /// What stands in the slots; empty for one that was never written.
    fn read(&self) -> Result<[Vec<u8>; 2], Error>;

    /// Replaces slot 0 or 1, durably.
    fn write(&self, slot: usize, body: &[u8]) -> Result<(), Error>;
}

/// [`Counter`] in one small file, written in place.
#[derive(Debug)]
pub struct CounterFile {
    path: PathBuf,
    file: Mutex<Option<File>>,
}

impl CounterFile {
    /// Names the file; nothing is read or made yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), file: Mutex::new(None) }
    }

    fn failed(&self, doing: &str) -> impl FnOnce(io::Error) -> Error {
        let doing = format!("{doing} {}", self.path.display());
        move |source| Error::File { doing, source }
    }
}

impl Counter for CounterFile {
    fn read(&self) -> Result<[Vec<u8>; 2], Error> {
        let mut slots = [Vec::new(), Vec::new()];
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(slots),
            Err(e) => return Err(self.failed("read")(e)),
        };
        for (index, slot) in slots.iter_mut().enumerate() {
            let mut bytes = [0; SLOT_BYTES];
            let at = (index * SLOT_BYTES) as u64;
            match file.read_exact_at(&mut bytes, at) {
                // A slot that is not there yet.
                Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {}
                Err(e) => return Err(self.failed("read")(e)),
                Ok(()) => {
                    let n = usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
                    *slot = bytes[2..].get(..n).unwrap_or_default().to_vec();
                }
            }
        }
        Ok(slots)
    }

    fn write(&self, slot: usize, body: &[u8]) -> Result<(), Error> {
        let mut bytes = [0; SLOT_BYTES];
        let n = u16::try_from(body.len()).unwrap_or(u16::MAX);
        bytes[..2].copy_from_slice(&n.to_be_bytes());
        bytes[2..]
            .get_mut(..body.len())
            .ok_or(io::ErrorKind::InvalidInput)
            .map_err(io::Error::from)
            .map_err(self.failed("write"))?
            .copy_from_slice(body);
        let mut held = self.file.lock();
        let mut write = || -> io::Result<()> {
            let file = match held.take() {
                Some(file) => file,
                None => open(&self.path)?,
            };
            file.write_all_at(&bytes, (slot % 2 * SLOT_BYTES) as u64)?;
            file.sync_data()?;
            *held = Some(file);
            Ok(())
        };
        write().map_err(self.failed("write"))
    }
}

fn open(path: &Path) -> io::Result<File> {
    let existed = path.exists();
    let file =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    if !existed {
        // Its full length at once, so that later writes change no metadata.
        file.write_all_at(&[0; 2 * SLOT_BYTES], 0)?;
        file.sync_all()?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_kept_apart_and_survive() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("counter");
        let counter = CounterFile::new(&path);
        assert_eq!(counter.read().unwrap(), [Vec::<u8>::new(), Vec::new()]);
        counter.write(0, b"one").unwrap();
        counter.write(1, &[7; SLOT_MAX_BYTES]).unwrap();
        counter.write(0, b"three").unwrap();
        let again = CounterFile::new(&path).read().unwrap();
        assert_eq!(again, [b"three".to_vec(), vec![7; SLOT_MAX_BYTES]]);
        assert!(counter.write(0, &[0; SLOT_MAX_BYTES + 1]).is_err());
    }
}
