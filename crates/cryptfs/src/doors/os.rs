//! The doors to the real operating system.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{FallocateFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};

use super::{Backing, Visit, Volume};
use crate::Error;

/// Writes of this size come from a cache that is being emptied: nobody reads them soon.
const DIRECT_BYTES: usize = 256 << 10;
/// What memory, offset and length must be a multiple of to go past the page cache. More than
/// any disk in use asks for.
const DIRECT_ALIGN: usize = 4096;

/// A file of the backing file system.
///
/// Large writes go past the page cache: the mount holds the same pages in clear, and a second
/// copy would only push others out.
pub(crate) struct OsFile {
    file: File,
    /// The same file with `O_DIRECT`, opened by the first large write; `None` where the backing
    /// file system refuses.
    direct: OnceLock<Option<File>>,
}

impl OsFile {
    pub(crate) fn new(fd: OwnedFd) -> Self {
        Self { file: File::from(fd), direct: OnceLock::new() }
    }

    fn direct(&self) -> Option<&File> {
        self.direct.get_or_init(|| open_direct(&self.file).ok()).as_ref()
    }

    /// Writes as much of `data` as goes past the page cache, from its start.
    fn write_direct(&self, offset: u64, data: &[u8]) -> usize {
        let is_aligned = data.as_ptr().addr().is_multiple_of(DIRECT_ALIGN)
            && offset.is_multiple_of(DIRECT_ALIGN as u64);
        if data.len() < DIRECT_BYTES || !is_aligned {
            return 0;
        }
        let Some(file) = self.direct() else { return 0 };
        let whole = data.len() - data.len() % DIRECT_ALIGN;
        let mut done = 0;
        while done < whole {
            // Whatever goes wrong here the ordinary write finds too, and reports.
            match file.write_at(&data[done..whole], offset + done as u64) {
                Ok(n) if n > 0 && n.is_multiple_of(DIRECT_ALIGN) => done += n,
                _ => break,
            }
        }
        done
    }
}

/// The same file under a descriptor of its own, past the page cache.
fn open_direct(file: &File) -> io::Result<File> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::DIRECT | OFlags::CLOEXEC;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
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
        let done = self.write_direct(offset, data);
        self.file.write_all_at(&data[done..], offset + done as u64)
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
        let link = format!("/proc/self/fd/{}", self.file.as_raw_fd());
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
        Ok(Box::new(OsFile::new(file.into())))
    }

    fn each_file(&self, visit: &mut Visit<'_>) -> Result<(), Error> {
        self.walk(&self.root.join("tree"), Path::new(""), &mut HashSet::new(), visit)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::{Backing, DIRECT_ALIGN, DIRECT_BYTES, OsFile};

    /// A buffer with `len` bytes from an aligned place on, and where that is.
    fn aligned(len: usize, fill: u8) -> (Vec<u8>, usize) {
        let buffer = vec![fill; len + DIRECT_ALIGN];
        let skip = buffer.as_ptr().addr().wrapping_neg() % DIRECT_ALIGN;
        (buffer, skip)
    }

    #[test]
    fn large_writes_and_the_page_cache_agree() {
        let file = tempfile::tempfile().unwrap();
        let other = file.try_clone().unwrap();
        let door = OsFile::new(file.into());
        let len = DIRECT_BYTES + 3 * DIRECT_ALIGN;
        // Pages of the old content are in the cache when the large write passes it.
        door.write_at(0, &[1; 10_000]).unwrap();
        let (buffer, skip) = aligned(len, 2);
        let n = door.write_direct(4096, &buffer[skip..skip + len]);
        assert!(n == len || door.direct().is_none(), "{n} of {len}");
        door.write_at(4096, &buffer[skip..skip + len]).unwrap();
        door.write_at(8190, &[3; 4]).unwrap();
        let mut back = vec![0; 4096 + len];
        assert_eq!(door.read_at(0, &mut back).unwrap(), back.len());
        let mut expected = vec![2; 4096 + len];
        expected[..4096].fill(1);
        expected[8190..8194].fill(3);
        assert!(back == expected);
        door.sync(true).unwrap();
        other.read_exact_at(&mut back, 0).unwrap();
        assert!(back == expected);
    }

    #[test]
    fn what_is_not_aligned_is_written_all_the_same() {
        let door = OsFile::new(tempfile::tempfile().unwrap().into());
        let (buffer, skip) = aligned(DIRECT_BYTES + 8192, 7);
        for (offset, from, len) in
            [(1, skip, DIRECT_BYTES), (0, skip + 1, DIRECT_BYTES), (4096, skip, DIRECT_BYTES + 5)]
        {
            let data = &buffer[from..from + len];
            if offset == 1 || from != skip {
                assert_eq!(door.write_direct(offset, data), 0);
            }
            door.write_at(offset, data).unwrap();
            let mut back = vec![0; len];
            assert_eq!(door.read_at(offset, &mut back).unwrap(), len);
            assert!(back == data);
        }
    }
}
