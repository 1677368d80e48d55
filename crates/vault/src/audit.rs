//! What was done with the vault, by whom, and how it ended. Never a key.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

/// One line of the audit file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditEntry<'a> {
    /// When.
    pub at: Timestamp,
    /// The OS user that asked.
    pub uid: u32,
    /// What it asked for.
    pub op: &'a str,
    /// For what: the name of a server or service.
    pub subject: &'a str,
    /// `ok`, or the code of the failure.
    pub outcome: &'a str,
}

/// Where audit entries go. An entry is durable when the call returns.
pub trait Audit: Send {
    /// Takes one entry.
    fn record(&mut self, entry: &AuditEntry<'_>) -> io::Result<()>;
}

/// JSON lines appended to one file.
///
/// After a failed write or sync nothing more is taken: a half line must not be followed by others
/// as if it were whole.
#[derive(Debug)]
pub struct AuditFile {
    file: Option<File>,
}

impl AuditFile {
    /// Opens or makes the file for appending.
    pub fn open(path: &Path) -> io::Result<Self> {
        let existed = path.exists();
        let mut file =
            fs::OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        if !existed {
            fs::File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        } else if ends_in_half_a_line(&mut file)? {
            file.write_all(b"\n")?;
        }
        Ok(Self { file: Some(file) })
    }
}

/// A crash while writing leaves one; the next entry must not be glued to it.
fn ends_in_half_a_line(file: &mut File) -> io::Result<bool> {
    if file.seek(SeekFrom::End(0))? == 0 {
        return Ok(false);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

impl Audit for AuditFile {
    fn record(&mut self, entry: &AuditEntry<'_>) -> io::Result<()> {
        let mut file = self
            .file
            .take()
            .ok_or_else(|| io::Error::other("an earlier audit record could not be written"))?;
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        file.write_all(&line)?;
        file.sync_data()?;
        self.file = Some(file);
        Ok(())
    }
}
