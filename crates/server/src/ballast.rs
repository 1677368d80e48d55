//! A file that only takes up room, to be given up when the disk is full.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::FallocateFlags;

use crate::{Error, durable};

/// True when the ballast is there.
pub(crate) fn exists(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.len() > 0)
}

/// Makes the ballast, really allocated. Leaves nothing behind when there is no room.
pub(crate) fn make(path: &Path, size_bytes: u64) -> Result<(), Error> {
    if size_bytes == 0 || exists(path) {
        return Ok(());
    }
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::io("create", path))?;
    let allocated = rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, size_bytes);
    if let Err(errno) = allocated {
        remove(path)?;
        return Err(Error::io("allocate", path)(errno.into()));
    }
    file.sync_all().map_err(Error::io("sync", path))
}

/// Gives the room back.
pub(crate) fn remove(path: &Path) -> Result<(), Error> {
    match std::fs::remove_file(path) {
        Ok(()) => durable::sync_parent(path),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(Error::io("remove", path)(e)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn takes_room_for_real_and_gives_it_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ballast");
        make(&path, 1 << 20).unwrap();
        assert!(path.metadata().unwrap().blocks() * 512 >= 1 << 20);
        make(&path, 1 << 20).unwrap();
        remove(&path).unwrap();
        remove(&path).unwrap();
        assert!(!exists(&path));
    }
}
