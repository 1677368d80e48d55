//! `.pgkeep-stats`: a file in the root of every mount that tells the store's figures.
//!
//! It is in no listing and takes no writes. It is not an extended attribute, because the kernel
//! asks for one (`security.capability`) before every write unless it has learnt that there are
//! none at all.

use std::ffi::OsStr;
use std::path::Path;
use std::time::SystemTime;

use fuser::{FileAttr, FileType, INodeNo};
use rustix::fs::Stat;
use serde::{Deserialize, Serialize};

use super::handle;
use super::nodes::ROOT;
use crate::{Error, Stats};

/// The inode of the file; no backing file system hands this number out.
pub(super) const INO: u64 = u64::MAX - 1;
/// Its name in the root.
const NAME: &str = ".pgkeep-stats";
/// More than the figures ever need.
const MAX_BYTES: u64 = 64 * 1024;

/// What a mount tells about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// The process that serves the mount.
    pub pid: u32,
    /// What the store counts.
    #[serde(flatten)]
    pub stats: Stats,
}

impl Figures {
    /// Asks the mount at `mountpoint`. Fails with `NotFound` where no store is mounted.
    pub fn of_mount(mountpoint: &Path) -> Result<Self, Error> {
        use std::io::Read;
        let doing = "read the figures of the mount";
        let io = |source| Error::Io { doing, source };
        let file = std::fs::File::open(mountpoint.join(NAME)).map_err(io)?;
        let mut text = String::new();
        file.take(MAX_BYTES).read_to_string(&mut text).map_err(io)?;
        serde_json::from_str(&text).map_err(|error| io(error.into()))
    }
}

/// True for the name of the control file.
pub(super) fn is_control(parent: u64, name: &OsStr) -> bool {
    parent == ROOT && name == NAME
}

/// The control file of one mount.
#[derive(Debug)]
pub(super) struct Control {
    uid: u32,
    gid: u32,
    born_at: SystemTime,
}

impl Control {
    /// A control file with the owner of the root.
    pub(super) fn new(root: &Stat) -> Self {
        Self { uid: root.st_uid, gid: root.st_gid, born_at: handle::modified_at(root) }
    }

    /// Its attributes: readable for the owner, size unknown as in `/proc`.
    pub(super) fn attr(&self) -> FileAttr {
        FileAttr {
            ino: INodeNo(INO),
            size: 0,
            blocks: 0,
            atime: self.born_at,
            mtime: self.born_at,
            ctime: self.born_at,
            crtime: self.born_at,
            kind: FileType::RegularFile,
            perm: 0o400,
            nlink: 1,
            uid: self.uid,
            gid: self.gid,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }
}

/// The contents for one reader.
pub(super) fn contents(stats: Stats) -> Vec<u8> {
    let figures = Figures { pid: std::process::id(), stats };
    let mut text = serde_json::to_vec(&figures).expect("because numbers always serialise");
    text.push(b'\n');
    text
}
