//! The seal key in a file.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use base::Secret;

use super::{SealKey, SealSource};
use crate::Error;

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
            erase(&path)?;
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
            fs::rename(self.pending(), &self.path)?;
            sync_parent(&self.path)
        };
        commit()
            .map_err(|source| Error::File { doing: "put the seal key in use".to_owned(), source })
    }

    fn remove(&self) -> Result<(), Error> {
        let remove = || -> io::Result<()> {
            erase(&self.path)?;
            erase(&self.pending())?;
            sync_parent(&self.path)
        };
        remove().map_err(|source| Error::File { doing: "remove the seal key".to_owned(), source })
    }
}

/// Overwrites and removes a file. A file system that copies on write keeps the old bytes.
fn erase(path: &Path) -> io::Result<()> {
    let mut file = match fs::OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(0).min(4096);
    file.write_all(&vec![0; length])?;
    file.sync_all()?;
    fs::remove_file(path)
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
