//! The seal: where the outermost key comes from, and what state that leaves the vault in.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base::Secret;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Whether the vault can work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Keys are in memory.
    Unsealed,
    /// No key is in memory.
    Sealed,
    /// There is nothing in it yet.
    Uninitialized,
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unsealed => "unsealed",
            Self::Sealed => "sealed",
            Self::Uninitialized => "uninitialized",
        })
    }
}

/// 32 bytes that open the root key.
pub type SealKey = Secret<[u8; 32]>;

/// Where the seal key is kept. Making one has two steps, so that a crash in between can neither
/// lose the key of a filled store nor leave a key that fits nothing.
pub trait SealSource: Send {
    /// The key in use.
    fn read(&self) -> Result<Option<SealKey>, Error>;

    /// A key that was made but not yet put in use.
    fn read_pending(&self) -> Result<Option<SealKey>, Error>;

    /// Keeps a new key aside, durably.
    fn write_pending(&self, key: &SealKey) -> Result<(), Error>;

    /// Puts the pending key in use, durably. Never replaces a key that is in use.
    fn commit(&self) -> Result<(), Error>;
}

/// A seal key in a file: the weakest seal, since whoever can copy the folder can open it.
#[derive(Debug)]
pub struct SealFile {
    path: PathBuf,
}

impl SealFile {
    /// Names the file; nothing is read yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    fn pending(&self) -> PathBuf {
        self.path.with_extension("key.new")
    }
}

impl SealSource for SealFile {
    fn read(&self) -> Result<Option<SealKey>, Error> {
        read_key(&self.path)
    }

    fn read_pending(&self) -> Result<Option<SealKey>, Error> {
        read_key(&self.pending())
    }

    fn write_pending(&self, key: &SealKey) -> Result<(), Error> {
        let path = self.pending();
        let write = || -> io::Result<()> {
            match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            let mut file =
                fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            file.write_all(key.expose())?;
            file.sync_all()?;
            sync_parent(&path)
        };
        write().map_err(|source| Error::File { doing: "write the seal key".to_owned(), source })
    }

    fn commit(&self) -> Result<(), Error> {
        let commit = || -> io::Result<()> {
            // A link fails where a rename would replace.
            fs::hard_link(self.pending(), &self.path)?;
            fs::remove_file(self.pending())?;
            sync_parent(&self.path)
        };
        commit()
            .map_err(|source| Error::File { doing: "put the seal key in use".to_owned(), source })
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

fn read_key(path: &Path) -> Result<Option<SealKey>, Error> {
    let failed = |source| Error::File { doing: format!("read {}", path.display()), source };
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(e)),
    };
    let meta = file.metadata().map_err(failed)?;
    if meta.mode() & 0o077 != 0 {
        return Err(Error::Sealed(format!(
            "{} may be read by others (mode {:o}, expected 600)",
            path.display(),
            meta.mode() & 0o777
        )));
    }
    if meta.len() != 32 {
        return Err(Error::Sealed(format!(
            "{} has {} bytes, expected 32",
            path.display(),
            meta.len()
        )));
    }
    let mut key = Secret::new([0; 32]);
    file.read_exact(key.expose_mut()).map_err(failed)?;
    Ok(Some(key))
}
