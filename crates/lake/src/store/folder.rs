//! The place that is a part of the store's own folder.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

use super::doors::{Disk, DiskFile, Random, uuid};
use super::place::{Item, Parts, Place, Put, Reading, Upload, Where};

/// The folder of tables in that of the store.
pub(super) const TABLES: &str = "tables";
/// How the names of files begin while they are written; what is left of them is removed when the
/// store is opened.
pub(super) const ASIDE: &str = ".aside-";
/// Bytes written with one call.
const PIECE: usize = 1 << 20;

/// The folder `tables/` behind the doors of the store.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    disk: Arc<dyn Disk>,
    random: Arc<dyn Random>,
}

impl Folder {
    pub(super) fn new(disk: Arc<dyn Disk>, random: Arc<dyn Random>) -> Self {
        Self { disk, random }
    }

    /// Writes a file beside the one that is meant, and answers its name.
    fn aside(&self, folder: &str, bytes: &[u8]) -> io::Result<String> {
        let aside = format!("{folder}/{ASIDE}{:032x}", uuid(&*self.random)?);
        self.write(&aside, bytes)?;
        Ok(aside)
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.disk.create(path)?;
        let written = bytes.chunks(PIECE).try_for_each(|piece| file.append(piece));
        let done = written.and_then(|()| file.sync());
        if done.is_err() {
            // Nobody names it yet.
            let _ = self.disk.remove(path);
        }
        done
    }
}

/// The path on the disk.
fn at(path: &str) -> String {
    if path.is_empty() { TABLES.to_owned() } else { format!("{TABLES}/{path}") }
}

/// The folder of a path on the disk.
fn above(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl Place for Folder {
    fn url(&self) -> Option<&str> {
        None
    }

    fn list(&self, folder: &str) -> io::Result<Vec<Item>> {
        let entries = self.disk.list(&at(folder))?.into_iter();
        let item = |entry: super::Entry| Item {
            name: entry.name,
            is_folder: entry.is_folder,
            put_at: None,
        };
        Ok(entries.map(item).collect())
    }

    fn read(&self, path: &str, most: u64) -> io::Result<Vec<u8>> {
        self.disk.read(&at(path), most)
    }

    fn parts(&self, path: &str, _len: u64) -> io::Result<Arc<dyn Parts>> {
        Ok(Arc::new(OfDisk { disk: Arc::clone(&self.disk), path: at(path) }))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn Upload>> {
        let path = at(path);
        let folder = above(&path).to_owned();
        self.disk.make_folder(&folder)?;
        let file = self.disk.create(&path)?;
        Ok(Box::new(Growing { disk: Arc::clone(&self.disk), file, folder }))
    }

    fn put(&self, path: &str, bytes: Vec<u8>) -> io::Result<()> {
        let path = at(path);
        let folder = above(&path);
        self.disk.make_folder(folder)?;
        self.write(&path, &bytes)?;
        self.disk.sync_folder(folder)
    }

    fn put_if_absent(&self, path: &str, bytes: Vec<u8>) -> io::Result<Put> {
        let path = at(path);
        let folder = above(&path);
        self.disk.make_folder(folder)?;
        // Aside, then a second name in one step.
        let aside = self.aside(folder, &bytes)?;
        let linked = self.disk.link(&aside, &path);
        let removed = self.disk.remove(&aside);
        match linked {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(Put::Taken),
            Err(e) => return Err(e),
        }
        removed?;
        self.disk.sync_folder(folder)?;
        Ok(Put::Done)
    }

    fn replace(&self, path: &str, bytes: Vec<u8>) -> io::Result<()> {
        let path = at(path);
        let folder = above(&path);
        let aside = self.aside(folder, &bytes)?;
        self.disk.rename(&aside, &path)?;
        self.disk.sync_folder(folder)
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        self.disk.remove(&at(path))
    }

    fn settle(&self, folder: &str) -> io::Result<()> {
        self.disk.sync_folder(&at(folder))
    }

    fn lies(&self, path: &str) -> Where {
        Where::File(self.disk.real_path(&at(path)))
    }

    fn engine(&self) -> Option<Reading> {
        None
    }
}

/// A file of the disk while it is written.
#[derive(Debug)]
struct Growing {
    disk: Arc<dyn Disk>,
    file: Box<dyn DiskFile>,
    folder: String,
}

impl Upload for Growing {
    fn append(&mut self, data: &[u8]) -> io::Result<()> {
        data.chunks(PIECE).try_for_each(|piece| self.file.append(piece))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.file.sync()?;
        self.disk.sync_folder(&self.folder)
    }
}

#[derive(Debug)]
struct OfDisk {
    disk: Arc<dyn Disk>,
    path: String,
}

impl Parts for OfDisk {
    fn read_at(&self, at: u64, len: usize) -> io::Result<Bytes> {
        self.disk.read_at(&self.path, at, len).map(Bytes::from)
    }
}
