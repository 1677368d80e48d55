//! What a Delta table needs of the place where it lies: the seam to object stores.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use crate::store::doors::{Disk, Doors};
use crate::store::error::{Doing as _, StoreResult};
use crate::store::terms;

/// Bytes written with one call.
pub(super) const PIECE: usize = 1 << 20;

/// Whether an object could be put under a name that nothing else had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Put {
    Done,
    Taken,
}

/// Files of one folder of the store, whole and durable.
#[derive(Debug, Clone)]
pub(crate) struct Objects {
    doors: Doors,
    folder: String,
}

impl Objects {
    pub(super) fn new(doors: Doors, folder: String) -> Self {
        Self { doors, folder }
    }

    pub(super) fn disk(&self) -> &Arc<dyn Disk> {
        &self.doors.disk
    }

    /// Puts a new object under a name of its own; folders are made.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        self.disk().make_folder(folder)?;
        self.write(&path, bytes)?;
        self.disk().sync_folder(folder)
    }

    /// Removes a data file and its side-car, where they are there.
    pub(crate) fn remove_file(&self, name: &str) -> StoreResult<()> {
        for name in [name, &terms::sidecar_name(name)] {
            let removed = self.remove_if_there(name);
            removed.doing(|| format!("removing \"{}\"", self.path(name)))?;
        }
        Ok(())
    }

    /// Makes durable that data files and their side-cars are gone.
    pub(crate) fn sync_folders_of(&self, names: &[String]) -> StoreResult<()> {
        let folder = |name: &str| Some(name.rsplit_once('/')?.0.to_owned());
        let of_terms = names.iter().map(|name| terms::sidecar_name(name));
        let folders: BTreeSet<String> =
            names.iter().cloned().chain(of_terms).filter_map(|name| folder(&name)).collect();
        for name in folders {
            let path = self.path(&name);
            match self.disk().sync_folder(&path) {
                // Nothing was ever in it.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                done => done.doing(|| format!("syncing \"{path}\""))?,
            }
        }
        Ok(())
    }

    /// Removes an object, where it is there.
    fn remove_if_there(&self, name: &str) -> io::Result<()> {
        match self.remove(name) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    /// Removes an object.
    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk().remove(&self.path(name))
    }

    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    /// Puts an object where nobody has put one: aside, then a second name in one step. After an
    /// error it may or may not be there.
    pub(super) fn put_if_absent(&self, name: &str, bytes: &[u8]) -> io::Result<Put> {
        let path = self.path(name);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        self.disk().make_folder(&folder)?;
        let aside = format!("{folder}/{ASIDE}{:032x}", self.doors.uuid()?);
        self.write(&aside, bytes)?;
        let linked = self.disk().link(&aside, &path);
        let removed = self.disk().remove(&aside);
        match linked {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => return Ok(Put::Taken),
            Err(e) => return Err(e),
        }
        removed?;
        self.disk().sync_folder(&folder)?;
        Ok(Put::Done)
    }

    /// Puts an object in the place of one of that name, in one step.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(name);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let aside = format!("{folder}/{ASIDE}{:032x}", self.doors.uuid()?);
        self.write(&aside, bytes)?;
        self.disk().rename(&aside, &path)?;
        self.disk().sync_folder(&folder)
    }

    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.disk().create(path)?;
        let written = bytes.chunks(PIECE).try_for_each(|piece| file.append(piece));
        let done = written.and_then(|()| file.sync());
        if done.is_err() {
            // Nobody names it yet.
            let _ = self.disk().remove(path);
        }
        done
    }
}

/// How names in the log begin while they are written; what is left of them is removed when
/// the store is opened.
pub(super) const ASIDE: &str = ".aside-";
