//! The doors to the real operating system.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::doors::{Clock, Disk, DiskFile, Entry, Random};

/// The file that says who has the folder.
const LOCK: &str = "store.lock";

/// A folder of the local file system.
#[derive(Debug)]
pub struct OsDisk {
    root: PathBuf,
}

impl OsDisk {
    /// Over a folder, made where it is missing.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(root: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&root)?;
        Ok(Self { root: root.canonicalize()? })
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

#[derive(Debug)]
struct OsFile(File);

impl DiskFile for OsFile {
    fn append(&mut self, data: &[u8]) -> io::Result<()> {
        self.0.write_all(data)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        // The file is open for appending: the next write goes to the new end.
        self.0.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_all()
    }
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

impl Disk for OsDisk {
    fn make_folder(&self, path: &str) -> io::Result<()> {
        let mut at = self.root.clone();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let above = at.clone();
            at.push(part);
            match std::fs::create_dir(&at) {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
            // One that is there may be there in memory only.
            sync(&above)?;
        }
        Ok(())
    }

    fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        let inside = match std::fs::read_dir(self.at(path)) {
            Ok(inside) => inside,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(entries),
            Err(e) => return Err(e),
        };
        for entry in inside {
            let entry = entry?;
            let is_folder = entry.file_type()?.is_dir();
            entries.push(Entry { name: entry.file_name().to_string_lossy().into(), is_folder });
        }
        entries.sort();
        Ok(entries)
    }

    fn read(&self, path: &str, most: u64) -> io::Result<Vec<u8>> {
        let file = File::open(self.at(path))?;
        let len = file.metadata()?.len();
        if len > most {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                format!("{len} bytes, where at most {most} are read"),
            ));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(0));
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read_at(&self, path: &str, at: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.at(path))?;
        file.seek(io::SeekFrom::Start(at))?;
        let mut bytes = Vec::with_capacity(len);
        file.take(len as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = File::options().append(true).create_new(true).open(self.at(path))?;
        Ok(Box::new(OsFile(file)))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(OsFile(File::options().append(true).open(self.at(path))?)))
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::hard_link(self.at(from), self.at(to))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        std::fs::remove_file(self.at(path))
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        sync(&self.at(path))
    }

    fn lock(&self) -> io::Result<Box<dyn Send + Sync>> {
        let file = File::options().write(true).create(true).truncate(false).open(self.at(LOCK))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    fn real_path(&self, path: &str) -> PathBuf {
        self.at(path)
    }
}

/// The system's clock and its randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct OsClock;

impl Clock for OsClock {
    fn now(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        kql::value::UNIX_EPOCH + i64::try_from(since.as_nanos() / 100).unwrap_or(0)
    }
}

impl Random for OsClock {
    fn fill(&self, out: &mut [u8]) -> io::Result<()> {
        File::open("/dev/urandom")?.read_exact(out)
    }
}
