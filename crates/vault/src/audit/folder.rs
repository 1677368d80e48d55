//! The door to the folder that holds the audit's files.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

/// Numbered files, of which the newest is appended to.
pub trait AuditFolder: Send {
    /// The numbers of the files, ascending.
    fn numbers(&self) -> io::Result<Vec<u32>>;

    /// The whole of a file.
    fn read(&self, number: u32) -> io::Result<Vec<u8>>;

    /// How many bytes a file has.
    fn length(&self, number: u32) -> io::Result<u64> {
        Ok(self.read(number)?.len() as u64)
    }

    /// A part of a file: `n_bytes` from `offset` on, fewer at its end.
    fn read_part(&self, number: u32, offset: u64, n_bytes: u64) -> io::Result<Vec<u8>> {
        let whole = self.read(number)?;
        let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(whole.len());
        Ok(whole[at(offset)..at(offset.saturating_add(n_bytes))].to_vec())
    }

    /// Cuts a file, durably.
    fn truncate(&mut self, number: u32, length: u64) -> io::Result<()>;

    /// Makes a file where there is none, durably, and appends to it from now on.
    fn begin(&mut self, number: u32) -> io::Result<()>;

    /// Appends to a file that is there from now on.
    fn resume(&mut self, number: u32) -> io::Result<()>;

    /// Writes at the end of the file; not yet durable.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes durable what was appended.
    fn sync(&mut self) -> io::Result<()>;
}

/// [`AuditFolder`] on the disk: `audit-NNNNNN.jsonl` in one folder.
#[derive(Debug)]
pub struct FolderFiles {
    folder: PathBuf,
    file: Option<File>,
}

impl FolderFiles {
    /// Names the folder; it is made when the first file is.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), file: None }
    }

    fn path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("audit-{number:06}.jsonl"))
    }

    fn open_file(&mut self) -> io::Result<&mut File> {
        self.file.as_mut().ok_or_else(|| io::Error::other("no audit file is open"))
    }
}

impl AuditFolder for FolderFiles {
    fn numbers(&self) -> io::Result<Vec<u32>> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let number = name
                .to_str()
                .and_then(|name| name.strip_prefix("audit-")?.strip_suffix(".jsonl"))
                .and_then(|digits| digits.parse::<u32>().ok());
            numbers.extend(number);
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn read(&self, number: u32) -> io::Result<Vec<u8>> {
        fs::read(self.path(number))
    }

    fn length(&self, number: u32) -> io::Result<u64> {
        Ok(fs::metadata(self.path(number))?.len())
    }

    fn read_part(&self, number: u32, offset: u64, n_bytes: u64) -> io::Result<Vec<u8>> {
        let mut file = File::open(self.path(number))?;
        file.seek(io::SeekFrom::Start(offset))?;
        let mut part = Vec::new();
        file.take(n_bytes).read_to_end(&mut part)?;
        Ok(part)
    }

    fn truncate(&mut self, number: u32, length: u64) -> io::Result<()> {
        let file = fs::OpenOptions::new().write(true).open(self.path(number))?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn begin(&mut self, number: u32) -> io::Result<()> {
        self.file = None;
        fs::create_dir_all(&self.folder)?;
        let path = self.path(number);
        let file = fs::OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
        file.sync_all()?;
        File::open(&self.folder)?.sync_all()?;
        self.file = Some(file);
        Ok(())
    }

    fn resume(&mut self, number: u32) -> io::Result<()> {
        self.file = Some(fs::OpenOptions::new().append(true).open(self.path(number))?);
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.open_file()?.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.open_file()?.sync_data()
    }
}
