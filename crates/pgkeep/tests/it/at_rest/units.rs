//! The backing files as an attacker edits them: positions come from the format's table, not
//! from our code.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Bytes of a unit, of a page of codes and of a header.
pub(crate) const PIECE: u64 = 4096;
/// Bytes of one group with its page of codes.
pub(crate) const GROUP: u64 = 257 * PIECE;

/// One unit of one file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Unit {
    /// Path in the tree, which is the path in the mount.
    pub(crate) file: String,
    /// Number of the unit.
    pub(crate) number: u64,
}

impl Unit {
    /// Where its ciphertext begins in the backing file.
    pub(crate) fn offset(&self) -> u64 {
        PIECE * (1 + 257 * (self.number / 256) + 1 + self.number % 256)
    }

    /// Where its authentication code begins.
    pub(crate) fn code_offset(&self) -> u64 {
        PIECE * (1 + 257 * (self.number / 256)) + 16 * (self.number % 256)
    }
}

/// A regular file of the tree and how many units it has.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// Path in the tree.
    pub(crate) file: String,
    /// Units, the last of which may be there in part.
    pub(crate) n_units: u64,
}

/// All files below `tree` that hold data, in order of their names.
pub(crate) fn stored(tree: &Path) -> Vec<Stored> {
    let (mut files, mut folders) = (Vec::new(), vec![tree.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                let pieces = entry.metadata().unwrap().len().div_ceil(PIECE).saturating_sub(1);
                let n_units = pieces / 257 * 256 + (pieces % 257).saturating_sub(1);
                let path = entry.path();
                let file = path.strip_prefix(tree).unwrap().to_str().unwrap().to_owned();
                if n_units > 0 {
                    files.push(Stored { file, n_units });
                }
            }
        }
    }
    files.sort_by(|a, b| a.file.cmp(&b.file));
    files
}

/// All units of these files.
pub(crate) fn units(files: &[Stored]) -> Vec<Unit> {
    let of = |stored: &Stored| {
        let file = stored.file.clone();
        (0..stored.n_units).map(move |number| Unit { file: file.clone(), number })
    };
    files.iter().flat_map(of).collect()
}

/// A backing file, opened for tampering.
pub(crate) struct Raw(File);

impl Raw {
    pub(crate) fn open(path: &Path) -> Self {
        Self(File::options().read(true).write(true).open(path).unwrap())
    }

    pub(crate) fn read(&self, offset: u64, length: u64) -> Vec<u8> {
        let mut bytes = vec![0; length as usize];
        self.0.read_exact_at(&mut bytes, offset).unwrap();
        bytes
    }

    pub(crate) fn write(&self, offset: u64, bytes: &[u8]) {
        self.0.write_all_at(bytes, offset).unwrap();
    }

    pub(crate) fn len(&self) -> u64 {
        self.0.metadata().unwrap().len()
    }

    pub(crate) fn set_len(&self, length: u64) {
        self.0.set_len(length).unwrap();
    }

    /// Flips bits of one byte; flipping again restores it.
    pub(crate) fn flip(&self, offset: u64, bits: u8) {
        assert_ne!(bits, 0, "a flip that changes nothing proves nothing");
        let byte = self.read(offset, 1)[0];
        self.write(offset, &[byte ^ bits]);
    }
}

/// A backing file as it was, put back on drop: bytes and owner.
pub(crate) struct Restore {
    path: PathBuf,
    bytes: Vec<u8>,
    owner: (u32, u32),
}

impl Restore {
    pub(crate) fn of(path: &Path) -> Self {
        let metadata = std::fs::metadata(path).unwrap();
        let owner = (metadata.uid(), metadata.gid());
        Self { path: path.to_owned(), bytes: std::fs::read(path).unwrap(), owner }
    }

    pub(crate) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Some of the bytes kept.
    pub(crate) fn part(&self, offset: u64, length: u64) -> Vec<u8> {
        self.bytes[offset as usize..(offset + length) as usize].to_vec()
    }

    /// Leaves the file as it is now.
    pub(crate) fn forget(mut self) {
        self.path.clear();
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        if self.path.as_os_str().is_empty() {
            return;
        }
        let (uid, gid) = self.owner;
        std::fs::write(&self.path, &self.bytes).unwrap();
        std::os::unix::fs::chown(&self.path, Some(uid), Some(gid)).unwrap();
    }
}
