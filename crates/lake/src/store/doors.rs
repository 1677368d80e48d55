//! The doors of the store: a folder of files, a clock, randomness, and the place of tables. Tests
//! replace them to cut the power at any call, to fill the disk and to move time.

use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::folder::Folder;
pub use super::os::{OsClock, OsDisk};
use super::place::Place;

/// A file that is written from its start to its end.
pub trait DiskFile: Send + Sync + Debug {
    /// Writes all of `data` at the end; after an error any part of it may be there.
    ///
    /// # Errors
    /// Those of the disk.
    fn append(&mut self, data: &[u8]) -> io::Result<()>;
    /// Cuts.
    ///
    /// # Errors
    /// Those of the disk.
    fn cut(&mut self, len: u64) -> io::Result<()>;
    /// `fsync`: content and length are durable afterwards.
    ///
    /// # Errors
    /// Those of the disk. What was written since the last sync is then in doubt.
    fn sync(&mut self) -> io::Result<()>;
}

/// A name in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its last part
    pub name: String,
    /// Whether it is a folder
    pub is_folder: bool,
}

/// A folder of files. Paths are relative, with `/` between their parts.
pub trait Disk: Send + Sync + Debug {
    /// Makes a folder and those above it, durable; one that is there is fine.
    ///
    /// # Errors
    /// Those of the disk.
    fn make_folder(&self, path: &str) -> io::Result<()>;
    /// What is in a folder, sorted by name; nothing where there is no such folder.
    ///
    /// # Errors
    /// Those of the disk.
    fn list(&self, path: &str) -> io::Result<Vec<Entry>>;
    /// The whole file, refused when longer than `most` bytes.
    ///
    /// # Errors
    /// Those of the disk.
    fn read(&self, path: &str, most: u64) -> io::Result<Vec<u8>>;
    /// Up to `len` bytes of a file from a place on; fewer only at its end.
    ///
    /// # Errors
    /// Those of the disk.
    fn read_at(&self, path: &str, at: u64, len: usize) -> io::Result<Vec<u8>>;
    /// Makes a new file; its name is durable after [`Disk::sync_folder`].
    ///
    /// # Errors
    /// `AlreadyExists`, and those of the disk.
    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file to go on at its end.
    ///
    /// # Errors
    /// Those of the disk.
    fn open(&self, path: &str) -> io::Result<Box<dyn DiskFile>>;
    /// Gives a file a second name, in one step.
    ///
    /// # Errors
    /// `AlreadyExists` when that name is taken, and those of the disk.
    fn link(&self, from: &str, to: &str) -> io::Result<()>;
    /// Gives a file another name of the same folder, in one step; what had that name is gone.
    ///
    /// # Errors
    /// Those of the disk.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a name.
    ///
    /// # Errors
    /// Those of the disk.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Makes the names of a folder durable.
    ///
    /// # Errors
    /// Those of the disk.
    fn sync_folder(&self, path: &str) -> io::Result<()>;
    /// Takes the folder for this process; it is free again when the answer is dropped.
    ///
    /// # Errors
    /// `WouldBlock` when another has it.
    fn lock(&self) -> io::Result<Box<dyn Send + Sync>>;
    /// Where the engine finds a file.
    fn real_path(&self, path: &str) -> PathBuf;
}

/// What time it is.
pub trait Clock: Send + Sync + Debug {
    /// Ticks of 100 ns since the year 1, UTC.
    fn now(&self) -> i64;
}

/// Bytes that nobody can guess.
pub trait Random: Send + Sync + Debug {
    /// Fills all of `out`.
    ///
    /// # Errors
    /// The system has none.
    fn fill(&self, out: &mut [u8]) -> io::Result<()>;
}

/// All doors of a store.
#[derive(Debug, Clone)]
pub struct Doors {
    /// Its folder
    pub disk: Arc<dyn Disk>,
    /// Its clock
    pub clock: Arc<dyn Clock>,
    /// Its randomness
    pub random: Arc<dyn Random>,
    /// Where tables lie; `None`: in its folder
    pub place: Option<Arc<dyn Place>>,
}

impl Doors {
    /// Those of the operating system, over a folder.
    ///
    /// # Errors
    /// The folder cannot be made.
    pub fn of_folder(folder: impl Into<PathBuf>) -> io::Result<Self> {
        Ok(Self {
            disk: Arc::new(OsDisk::new(folder.into())?),
            clock: Arc::new(OsClock),
            random: Arc::new(OsClock),
            place: None,
        })
    }

    /// Where tables lie.
    pub(super) fn tables(&self) -> Arc<dyn Place> {
        let folder = || Folder::new(Arc::clone(&self.disk), Arc::clone(&self.random));
        self.place.clone().unwrap_or_else(|| Arc::new(folder()))
    }

    pub(super) fn uuid(&self) -> io::Result<u128> {
        uuid(&*self.random)
    }
}

/// 16 random bytes in the form of a UUID (RFC 9562, version 4).
pub(super) fn uuid(random: &dyn Random) -> io::Result<u128> {
    let mut bytes = [0; 16];
    random.fill(&mut bytes)?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Ok(u128::from_be_bytes(bytes))
}
