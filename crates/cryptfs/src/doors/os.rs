//! The doors to the real operating system.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, FallocateFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};

use super::{Backing, Visit, Volume};
use crate::Error;

/// Writes of this size come from a cache that is being emptied: nobody reads them soon.
const EARLY_WRITE_BYTES: usize = 256 << 10;

/// A file of the backing file system.
pub(crate) struct OsFile {
    file: File,
}

impl OsFile {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self { file: File::from(fd) }
    }
}

impl Backing for OsFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match self.file.read_at(&mut buf[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.file.write_all_at(data, offset)?;
        if data.len() >= EARLY_WRITE_BYTES {
            // Starts writing to the disk now, while the next request is being encrypted, and
            // gives back pages that the mount caches in clear anyway. Only a wish: a refusal
            // changes nothing.
            let len = std::num::NonZero::new(data.len() as u64);
            let _ = rustix::fs::fadvise(&self.file, offset, len, Advice::DontNeed);
        }
        Ok(())
    }

    fn write_quietly(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let before = rustix::fs::fstat(&self.file)?;
        self.write_at(offset, data)?;
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
            last_modification: Timespec {
                tv_sec: before.st_mtime,
                tv_nsec: before.st_mtime_nsec.cast_signed(),
            },
        };
        Ok(rustix::fs::futimens(&self.file, &times)?)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        Ok(rustix::fs::fallocate(&self.file, FallocateFlags::KEEP_SIZE, offset, len)?)
    }

    fn punch(&self, offset: u64, len: u64) -> io::Result<()> {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        match rustix::fs::fallocate(&self.file, flags, offset, len) {
            // A backing file system without holes still has to read as zeros.
            Err(rustix::io::Errno::OPNOTSUPP) => {
                let end = (offset + len).min(self.len()?);
                let zeros = [0u8; 4096];
                let mut at = offset;
                while at < end {
                    let n = (end - at).min(4096);
                    self.write_at(at, &zeros[..n as usize])?;
                    at += n;
                }
                Ok(())
            }
            other => Ok(other?),
        }
    }

    fn sync(&self, data_only: bool) -> io::Result<()> {
        if data_only { self.file.sync_data() } else { self.file.sync_all() }
    }

    fn describe(&self) -> String {
        let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&self.file));
        let path = std::fs::read_link(link).ok().map(|p| p.to_string_lossy().into_owned());
        match path {
            Some(path) => match path.split_once("/tree/") {
                Some((_, inside)) => inside.to_owned(),
                None => path,
            },
            None => "(unknown file)".to_owned(),
        }
    }

    fn n_links(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.nlink())
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.file.as_fd())
    }
}

/// A backing folder: `meta/` for what the file system knows, `tree/` for what it keeps.
pub(crate) struct OsVolume {
    root: PathBuf,
    read_only: bool,
}

impl OsVolume {
    pub(crate) fn new(root: &Path, read_only: bool) -> Self {
        Self { root: root.to_owned(), read_only }
    }

    fn meta_path(&self, name: &str) -> PathBuf {
        self.root.join("meta").join(name)
    }

    fn open(&self, path: &Path) -> io::Result<OwnedFd> {
        let access = if self.read_only { OFlags::RDONLY } else { OFlags::RDWR };
        let flags = access | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        match rustix::fs::open(path, flags, Mode::empty()) {
            // A file without write permission can still be verified.
            Err(rustix::io::Errno::ACCESS) => {
                let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
                Ok(rustix::fs::open(path, flags, Mode::empty())?)
            }
            other => Ok(other?),
        }
    }

    fn walk(
        &self,
        folder: &Path,
        inside: &Path,
        seen: &mut HashSet<u64>,
        visit: &mut Visit<'_>,
    ) -> Result<(), Error> {
        let failed = |source| Error::Io { doing: "walk the backing folder", source };
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let path = inside.join(entry.file_name());
            if kind.is_dir() {
                self.walk(&entry.path(), &path, seen, visit)?;
            } else if kind.is_file() {
                let file = OsFile::new(self.open(&entry.path()).map_err(failed)?);
                let ino = file.file.metadata().map_err(failed)?.ino();
                if seen.insert(ino) {
                    visit(&path.to_string_lossy(), ino, Box::new(file))?;
                }
            }
        }
        Ok(())
    }
}

impl Volume for OsVolume {
    fn meta(&self, name: &str) -> io::Result<Option<Box<dyn Backing>>> {
        match self.open(&self.meta_path(name)) {
            Ok(fd) => Ok(Some(Box::new(OsFile::new(fd)))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e),
        }
    }

    fn replace_meta(&self, name: &str, content: &[u8]) -> io::Result<Box<dyn Backing>> {
        let (path, aside) = (self.meta_path(name), self.meta_path(&format!("{name}.new")));
        let file =
            File::options().read(true).write(true).create(true).truncate(true).open(&aside)?;
        rustix::fs::fchmod(&file, Mode::RUSR | Mode::WUSR)?;
        file.write_all_at(content, 0)?;
        file.sync_all()?;
        std::fs::rename(&aside, &path)?;
        File::open(self.root.join("meta"))?.sync_all()?;
        Ok(Box::new(OsFile { file }))
    }

    fn each_file(&self, visit: &mut Visit<'_>) -> Result<(), Error> {
        self.walk(&self.root.join("tree"), Path::new(""), &mut HashSet::new(), visit)
    }
}
