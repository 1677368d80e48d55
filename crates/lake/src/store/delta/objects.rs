//! The files of one table in the place of tables.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use crate::store::doors::Doors;
use crate::store::error::{Doing as _, StoreResult};
use crate::store::place::Place;
use crate::store::terms;

pub(super) use crate::store::folder::ASIDE;
pub(super) use crate::store::place::Put;

/// Files of one folder of a place.
#[derive(Debug, Clone)]
pub(crate) struct Objects {
    place: Arc<dyn Place>,
    folder: String,
}

impl Objects {
    pub(super) fn new(doors: &Doors, folder: &str) -> Self {
        Self { place: doors.tables(), folder: folder.to_owned() }
    }

    pub(crate) fn place(&self) -> &Arc<dyn Place> {
        &self.place
    }

    /// Where a file is in the place.
    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }

    /// Puts a new file under a name of its own.
    pub(super) fn put(&self, name: &str, bytes: Vec<u8>) -> io::Result<()> {
        self.place.put(&self.path(name), bytes)
    }

    /// Puts a file where nobody has put one. After an error it may or may not be there.
    pub(super) fn put_if_absent(&self, name: &str, bytes: Vec<u8>) -> io::Result<Put> {
        self.place.put_if_absent(&self.path(name), bytes)
    }

    /// Puts a file in the place of one of that name, in one step.
    pub(super) fn replace(&self, name: &str, bytes: Vec<u8>) -> io::Result<()> {
        self.place.replace(&self.path(name), bytes)
    }

    /// Removes a data file and its side-car, where they are there.
    pub(crate) fn remove_file(&self, name: &str) -> StoreResult<()> {
        for name in [name, &terms::sidecar_name(name)] {
            let path = self.path(name);
            match self.place.remove(&path) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                removed => removed.doing(|| format!("removing \"{path}\""))?,
            }
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
            match self.place.settle(&path) {
                // Nothing was ever in it.
                Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                done => done.doing(|| format!("syncing \"{path}\""))?,
            }
        }
        Ok(())
    }
}
