//! The door to where published files lie: the tables, a folder each. The write-ahead log and the
//! lock stay in the local folder whatever this is.
//!
//! Paths are relative, with `/` between their parts: `Events/_delta_log/…`. What a call says it
//! has done is whole, durable and seen by all; after an error it may or may not be done.

use std::fmt::Debug;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::object_store::ObjectStore;

/// Whether something could be put under a name that nothing else had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is there
    Done,
    /// Something else is
    Taken,
}

/// A name in a folder of a place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// Its last part
    pub name: String,
    /// Whether it is a folder
    pub is_folder: bool,
    /// When it was put there, in milliseconds since 1970, where a write that nobody waits for any
    /// more may still take effect; `None` where none can
    pub put_at: Option<i64>,
}

/// A file on its way to a place; nobody sees it before it is finished.
pub trait Upload: Send + Debug {
    /// Goes on with `data`.
    ///
    /// # Errors
    /// Those of the place; the upload is then of no use.
    fn append(&mut self, data: &[u8]) -> io::Result<()>;
    /// Makes it whole and durable. Called once.
    ///
    /// # Errors
    /// Those of the place.
    fn finish(&mut self) -> io::Result<()>;
}

/// A file whose parts are read in any order.
pub trait Parts: Send + Sync + Debug {
    /// `len` bytes from a place on; fewer only at the end.
    ///
    /// # Errors
    /// Those of the place.
    fn read_at(&self, at: u64, len: usize) -> io::Result<Bytes>;
}

/// Where the engine finds a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// On this machine
    File(PathBuf),
    /// Under this name in the object store of [`Place::engine`]
    Object(String),
}

/// What the engine reads objects through, and by which URL it knows it.
#[derive(Debug, Clone)]
pub struct Reading {
    pub(crate) url: ObjectStoreUrl,
    pub(crate) store: Arc<dyn ObjectStore>,
}

/// Where the files of tables lie.
pub trait Place: Send + Sync + Debug {
    /// Its URL, in which there is no secret; `None` for the local folder.
    fn url(&self) -> Option<&str>;
    /// What is in a folder, sorted by name; nothing where there is no such folder.
    ///
    /// # Errors
    /// Those of the place.
    fn list(&self, folder: &str) -> io::Result<Vec<Item>>;
    /// The whole file, refused when longer than `most` bytes.
    ///
    /// # Errors
    /// `NotFound`, `FileTooLarge`, and those of the place.
    fn read(&self, path: &str, most: u64) -> io::Result<Vec<u8>>;
    /// Several whole files, at the same time where that is faster.
    fn read_all(&self, paths: &[String], most: u64) -> Vec<io::Result<Vec<u8>>> {
        paths.iter().map(|path| self.read(path, most)).collect()
    }
    /// A file of this length, to be read in parts.
    ///
    /// # Errors
    /// Those of the place.
    fn parts(&self, path: &str, len: u64) -> io::Result<Arc<dyn Parts>>;
    /// Begins a new file under a name of its own.
    ///
    /// # Errors
    /// Those of the place.
    fn create(&self, path: &str) -> io::Result<Box<dyn Upload>>;
    /// Puts a new file under a name of its own.
    ///
    /// # Errors
    /// Those of the place.
    fn put(&self, path: &str, bytes: Vec<u8>) -> io::Result<()>;
    /// Puts a file where nobody has put one, in one step.
    ///
    /// # Errors
    /// Those of the place.
    fn put_if_absent(&self, path: &str, bytes: Vec<u8>) -> io::Result<Put>;
    /// Puts a file in the place of one of that name, in one step.
    ///
    /// # Errors
    /// Those of the place.
    fn replace(&self, path: &str, bytes: Vec<u8>) -> io::Result<()>;
    /// Removes a file; durable after [`Place::settle`].
    ///
    /// # Errors
    /// `NotFound` where the place can tell, and those of the place.
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Makes durable which names a folder has.
    ///
    /// # Errors
    /// Those of the place.
    fn settle(&self, folder: &str) -> io::Result<()>;
    /// Where the engine finds a file.
    fn lies(&self, path: &str) -> Where;
    /// What the engine reads [`Where::Object`] through.
    fn engine(&self) -> Option<Reading>;
}
