//! The log files of a server as one endless stream: which file stands where in it.
//!
//! PostgreSQL begins a new file now and then and never goes back to an old one. The stream is all
//! of them one behind the other, each followed by one byte that stands for its end. Where a file
//! begins is written down before anything of it is sent, so that an offset means the same byte
//! for ever.

use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use base::{Fault, Random};
use serde::{Deserialize, Serialize};

/// Files that are remembered after they were sent.
const DONE_MAX: usize = 1000;

/// One file of the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LogFile {
    /// Its name in the folder of logs.
    pub(super) name: String,
    /// Its inode: another file of the same name is another file.
    pub(super) inode: u64,
    /// Offset of its first byte in the stream.
    pub(super) base: u64,
    /// Its length, once it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) len: Option<u64>,
}

impl LogFile {
    /// Offset behind its end, once it is over.
    pub(super) fn end(&self) -> Option<u64> {
        self.len.map(|len| self.base + len + 1)
    }
}

/// What is known of a server's log files; kept in a file beside the server's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stream {
    /// Its name: a random word, another one when this record was lost.
    pub(super) name: String,
    /// The files in their order.
    pub(super) files: Vec<LogFile>,
}

/// A file in the folder of logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) inode: u64,
    pub(super) len: u64,
    /// When it was written to last, in nanoseconds.
    pub(super) modified: i128,
}

impl Stream {
    /// Reads the record, or begins one.
    pub(super) fn open(path: &Path) -> Result<Self, Fault> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|e| {
                Fault::from_error("ship", format!("{} is not understood", path.display()), &e)
                    .hint("move it away; what is in the server's log is then sent once more")
            }),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let mut name = [0; 8];
                crypto::OsRandom.fill(&mut name);
                let stream = Self { name: hex::encode(name), files: Vec::new() };
                stream.save(path)?;
                Ok(stream)
            }
            Err(e) => {
                Err(Fault::from_error("ship", format!("could not read {}", path.display()), &e))
            }
        }
    }

    /// Writes the record: the old one or the new one is there after a crash.
    pub(super) fn save(&self, path: &Path) -> Result<(), Fault> {
        let bytes = serde_json::to_vec(self)
            .map_err(|e| Fault::from_error("ship", "could not write the stream's record", &e))?;
        server::replace_file(path, &bytes, 0o600).map_err(|e| {
            Fault::from_error("ship", format!("could not write {}", path.display()), &e)
        })
    }

    /// Takes note of what is in the folder: new files get their place, and those that are not the
    /// last any more are over. Answers whether the record changed.
    ///
    /// A file of a known name that is another one, or shorter than it was, is a new file; the old
    /// one ends where it was read up to (`sent`).
    pub(super) fn note(&mut self, mut found: Vec<Found>, sent: u64) -> bool {
        found.sort_by(|a, b| (a.modified, &a.name).cmp(&(b.modified, &b.name)));
        let before = self.clone();
        let is_known = |files: &[LogFile], file: &Found| {
            let read = |known: &LogFile| {
                sent.saturating_sub(known.base).min(known.len.unwrap_or(u64::MAX))
            };
            files.iter().any(|known| {
                known.name == file.name && known.inode == file.inode && file.len >= read(known)
            })
        };
        let fresh: Vec<Found> =
            found.iter().filter(|file| !is_known(&self.files, file)).cloned().collect();
        for file in fresh {
            let base = match self.files.last_mut() {
                None => 0,
                Some(last) => {
                    let as_found = found.iter().find(|f| {
                        f.name == last.name && f.inode == last.inode && f.name != file.name
                    });
                    let read = sent.saturating_sub(last.base);
                    // One that is gone ends where it was read up to.
                    let len = *last.len.get_or_insert(as_found.map_or(read, |f| f.len.max(read)));
                    last.base + len + 1
                }
            };
            self.files.push(LogFile { name: file.name, inode: file.inode, base, len: None });
        }
        let n_done =
            self.files.iter().take_while(|f| f.end().is_some_and(|end| end <= sent)).count();
        self.files.drain(..n_done.saturating_sub(DONE_MAX));
        *self != before
    }

    /// The file that the byte at `offset` is in, or will be.
    pub(super) fn file_at(&self, offset: u64) -> Option<&LogFile> {
        self.files
            .iter()
            .find(|file| offset >= file.base && file.end().is_none_or(|end| offset < end))
    }
}

/// The log files of a kind in a folder.
pub(super) fn found(folder: &Path, ending: &str) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if !name.ends_with(ending) {
            continue;
        }
        let about: Metadata = match entry.metadata() {
            Ok(about) => about,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        if about.is_file() {
            let modified =
                i128::from(about.mtime()) * 1_000_000_000 + i128::from(about.mtime_nsec());
            found.push(Found { name, inode: about.ino(), len: about.len(), modified });
        }
    }
    Ok(found)
}

/// The folder that PostgreSQL writes its log to: `current_logfiles` of the data directory knows.
pub(super) fn folder(pgdata: &Path, kind: &str) -> io::Result<Option<PathBuf>> {
    let text = match std::fs::read_to_string(pgdata.join("current_logfiles")) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let current = text.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(' '));
    Ok(current.and_then(|file| pgdata.join(file).parent().map(Path::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, inode: u64, len: u64, modified: i128) -> Found {
        Found { name: name.to_owned(), inode, len, modified }
    }

    fn places(stream: &Stream) -> Vec<(&str, u64, Option<u64>)> {
        stream.files.iter().map(|f| (f.name.as_str(), f.base, f.len)).collect()
    }

    #[test]
    fn files_stand_one_behind_the_other() {
        let mut stream = Stream { name: "s".to_owned(), files: Vec::new() };
        assert!(stream.note(vec![file("b", 2, 50, 20), file("a", 1, 100, 10)], 0));
        assert_eq!(places(&stream), [("a", 0, Some(100)), ("b", 101, None)]);
        assert!(!stream.note(vec![file("a", 1, 100, 10), file("b", 2, 70, 30)], 90));
        // The clock went back: the new file has an older name and an older time, and is new.
        assert!(
            stream.note(vec![file("a", 1, 100, 10), file("0", 3, 5, 5), file("b", 2, 70, 30)], 150)
        );
        assert_eq!(places(&stream), [("a", 0, Some(100)), ("b", 101, Some(70)), ("0", 172, None)]);
        assert_eq!(stream.file_at(100).unwrap().name, "a");
        assert_eq!(stream.file_at(101).unwrap().name, "b");
        assert_eq!(stream.file_at(172).unwrap().name, "0");
        assert_eq!(stream.file_at(999).unwrap().name, "0");
    }

    #[test]
    fn a_file_that_is_begun_anew_is_another_one() {
        let mut stream = Stream { name: "s".to_owned(), files: Vec::new() };
        stream.note(vec![file("a", 1, 100, 10)], 0);
        // Truncated and written again, all of the old one was sent.
        assert!(stream.note(vec![file("a", 1, 10, 20)], 100));
        assert_eq!(places(&stream), [("a", 0, Some(100)), ("a", 101, None)]);
        // Another file under the same name; nothing of the one before is there any more.
        assert!(stream.note(vec![file("a", 9, 10, 30)], 105));
        assert_eq!(places(&stream)[1..], [("a", 101, Some(4)), ("a", 106, None)]);
    }

    #[test]
    fn the_record_comes_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ship.json");
        let mut stream = Stream::open(&path).unwrap();
        assert_eq!(stream.name.len(), 16);
        stream.note(vec![file("a", 1, 100, 10)], 0);
        stream.save(&path).unwrap();
        assert_eq!(Stream::open(&path).unwrap(), stream);
        std::fs::write(&path, "{").unwrap();
        assert!(Stream::open(&path).is_err());
    }
}
