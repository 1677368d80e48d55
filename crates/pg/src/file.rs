//! Durable replacement of small files in the data directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use base::{Changed, Secret};

use crate::{Error, Result, RunAs};

/// The largest configuration file that is read.
const LIMIT_BYTES: u64 = 4 << 20;

/// Replaces `path` by `bytes`, mode 0600, owned by `owner`: temporary file, fsync, rename, fsync
/// of the folder. Does nothing when the content is there already.
pub(crate) fn replace(path: &Path, bytes: &[u8], owner: &RunAs) -> Result<Changed> {
    // The file may hold a key: the copy of it is wiped.
    if read(path)?.map(Secret::new).is_some_and(|old| old.expose() == bytes) {
        return Ok(Changed::Unchanged);
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".pgkeep-new");
    let temporary = path.with_file_name(name);
    let written = write_new(&temporary, bytes, owner).and_then(|()| fs::rename(&temporary, path));
    if let Err(source) = written {
        // The temporary file is of no use; that it cannot be removed changes nothing.
        let _ = fs::remove_file(&temporary);
        return Err(Error::file("write file", path)(source));
    }
    sync_parent(path)?;
    Ok(Changed::Changed)
}

fn write_new(path: &Path, bytes: &[u8], owner: &RunAs) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    if !owner.is_current() {
        std::os::unix::fs::fchown(&file, Some(owner.uid), Some(owner.gid))?;
    }
    file.write_all(bytes)?;
    file.sync_all()
}

/// Removes `path` durably; says whether it was there.
pub(crate) fn remove(path: &Path) -> Result<Changed> {
    match fs::remove_file(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Changed::Unchanged),
        Err(error) => return Err(Error::file("remove file", path)(error)),
    }
    sync_parent(path)?;
    Ok(Changed::Changed)
}

/// Reads a small file whole; `None` when it is not there.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file("open file", path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(LIMIT_BYTES + 1).read_to_end(&mut bytes).map_err(Error::file("read file", path))?;
    if bytes.len() as u64 > LIMIT_BYTES {
        let detail = format!("it is larger than {LIMIT_BYTES} bytes");
        return Err(Error::Damaged { path: path.to_owned(), detail });
    }
    Ok(Some(bytes))
}

/// Reads a small text file; bytes that are not UTF-8 are replaced.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>> {
    Ok(read(path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// Makes a folder of mode 0700 owned by `owner`, if it is not there.
pub(crate) fn make_dir(path: &Path, owner: &RunAs) -> Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => {
            return Ok(());
        }
        Err(error) => return Err(Error::file("create directory", path)(error)),
    }
    if !owner.is_current() {
        std::os::unix::fs::chown(path, Some(owner.uid), Some(owner.gid))
            .map_err(Error::file("hand over directory", path))?;
    }
    sync_parent(path)
}

fn sync_parent(path: &Path) -> Result<()> {
    let parent = path.parent().unwrap_or(Path::new("/"));
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .map_err(Error::file("flush directory", parent))
}
