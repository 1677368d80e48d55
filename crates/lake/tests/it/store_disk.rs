//! A simulated disk: the power goes at any call that changes something, and what was not synced
//! is lost; or it is full from a call on.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};

use lake::store::{Disk, DiskFile, Entry};

/// A folder for what is left after a power cut: in memory where there is such a place, as there
/// are hundreds and each is synced.
pub(crate) fn scratch() -> tempfile::TempDir {
    let memory = tempfile::tempdir_in("/dev/shm");
    memory.unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

#[derive(Debug, Clone, Default)]
struct Inode {
    durable: Vec<u8>,
    current: Vec<u8>,
}

#[derive(Debug, Default)]
struct World {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    n_calls: u64,
    cut_at: Option<u64>,
    is_off: bool,
    is_full: bool,
    /// Syncs wait while it is shut
    gate: Arc<Gate>,
}

#[derive(Debug, Default)]
struct Gate {
    is_shut: Mutex<bool>,
    opened: Condvar,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct SimDisk(Arc<Mutex<World>>);

fn off() -> io::Error {
    io::Error::other("power is off")
}

impl World {
    fn call(&mut self) -> io::Result<()> {
        self.n_calls += 1;
        self.is_off |= self.cut_at == Some(self.n_calls);
        if self.is_off { Err(off()) } else { Ok(()) }
    }
}

impl SimDisk {
    pub(crate) fn cutting_at(n: u64) -> Self {
        let disk = Self::default();
        disk.0.lock().unwrap().cut_at = Some(n);
        disk
    }

    pub(crate) fn is_off(&self) -> bool {
        self.0.lock().unwrap().is_off
    }

    pub(crate) fn fill_up(&self, on: bool) {
        self.0.lock().unwrap().is_full = on;
    }

    pub(crate) fn shut_gate(&self, on: bool) {
        let gate = Arc::clone(&self.0.lock().unwrap().gate);
        *gate.is_shut.lock().unwrap() = on;
        gate.opened.notify_all();
    }

    /// What is on the platters: `tail` percent of what was appended to a file since its last sync
    /// is there too, and names that were not synced where `names` says so.
    fn platters(&self, tail: usize, names: bool) -> BTreeMap<String, Vec<u8>> {
        let world = self.0.lock().unwrap();
        let found = if names { &world.names } else { &world.durable_names };
        let bytes = |ino: usize| {
            let inode = &world.inodes[ino];
            let mut bytes = inode.durable.clone();
            if inode.current.len() > bytes.len() {
                let more = (inode.current.len() - bytes.len()) * tail / 100;
                bytes.extend_from_slice(&inode.current[bytes.len()..][..more]);
            }
            bytes
        };
        found.iter().map(|(path, ino)| (path.clone(), bytes(*ino))).collect()
    }

    /// Writes what is on the platters to a folder.
    pub(crate) fn after(&self, folder: &Path, tail: usize, names: bool) {
        for (path, bytes) in self.platters(tail, names) {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
    }

    /// The disk as it is when the power comes back, to go at another call.
    pub(crate) fn again(&self, tail: usize, names: bool, cut_at: u64) -> Self {
        let disk = Self::cutting_at(cut_at);
        let mut world = disk.0.lock().unwrap();
        for (path, bytes) in self.platters(tail, names) {
            let ino = world.inodes.len();
            world.inodes.push(Inode { durable: bytes.clone(), current: bytes });
            world.names.insert(path.clone(), ino);
            world.durable_names.insert(path, ino);
        }
        drop(world);
        disk
    }
}

#[derive(Debug)]
struct SimFile(SimDisk, usize);

impl DiskFile for SimFile {
    fn append(&mut self, data: &[u8]) -> io::Result<()> {
        let mut world = self.0.0.lock().unwrap();
        let call = world.call();
        let is_full = world.is_full;
        // A failed write leaves a part.
        let len = if call.is_err() || is_full { data.len() / 2 } else { data.len() };
        world.inodes[self.1].current.extend_from_slice(&data[..len]);
        call?;
        if is_full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        let mut world = self.0.0.lock().unwrap();
        world.call()?;
        world.inodes[self.1].current.truncate(len as usize);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let gate = Arc::clone(&self.0.0.lock().unwrap().gate);
        let is_shut = gate.is_shut.lock().unwrap();
        drop(gate.opened.wait_while(is_shut, |is_shut| *is_shut).unwrap());
        let mut world = self.0.0.lock().unwrap();
        world.call()?;
        let inode = &mut world.inodes[self.1];
        inode.durable.clone_from(&inode.current);
        Ok(())
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl Disk for SimDisk {
    fn make_folder(&self, _path: &str) -> io::Result<()> {
        self.0.lock().unwrap().call()
    }

    fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        let world = self.0.lock().unwrap();
        let mut entries = BTreeMap::new();
        for rest in world.names.keys().filter_map(|n| n.strip_prefix(&format!("{path}/"))) {
            let (name, is_folder) =
                rest.split_once('/').map_or((rest, false), |(name, _)| (name, true));
            entries.insert(name.to_owned(), is_folder);
        }
        Ok(entries.into_iter().map(|(name, is_folder)| Entry { name, is_folder }).collect())
    }

    fn read(&self, path: &str, _most: u64) -> io::Result<Vec<u8>> {
        let world = self.0.lock().unwrap();
        let ino = *world.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(world.inodes[ino].current.clone())
    }

    fn read_at(&self, path: &str, at: u64, len: usize) -> io::Result<Vec<u8>> {
        let bytes = self.read(path, u64::MAX)?;
        let rest = bytes.get(at as usize..).unwrap_or_default();
        Ok(rest[..len.min(rest.len())].to_vec())
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut world = self.0.lock().unwrap();
        world.call()?;
        if world.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        world.inodes.push(Inode::default());
        let ino = world.inodes.len() - 1;
        world.names.insert(path.to_owned(), ino);
        Ok(Box::new(SimFile(self.clone(), ino)))
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn DiskFile>> {
        let world = self.0.lock().unwrap();
        let ino = *world.names.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(SimFile(self.clone(), ino)))
    }

    fn link(&self, from: &str, to: &str) -> io::Result<()> {
        let mut world = self.0.lock().unwrap();
        world.call()?;
        if world.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let ino = *world.names.get(from).ok_or(io::ErrorKind::NotFound)?;
        world.names.insert(to.to_owned(), ino);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut world = self.0.lock().unwrap();
        world.call()?;
        let ino = world.names.remove(from).ok_or(io::ErrorKind::NotFound)?;
        world.names.insert(to.to_owned(), ino);
        Ok(())
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        let mut world = self.0.lock().unwrap();
        world.call()?;
        world.names.remove(path).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_folder(&self, path: &str) -> io::Result<()> {
        let mut world = self.0.lock().unwrap();
        world.call()?;
        let mut durable = std::mem::take(&mut world.durable_names);
        durable.retain(|name, _| parent(name) != path);
        let now = world.names.iter().filter(|(name, _)| parent(name) == path);
        durable.extend(now.map(|(name, ino)| (name.clone(), *ino)));
        world.durable_names = durable;
        Ok(())
    }

    fn lock(&self) -> io::Result<Box<dyn Send + Sync>> {
        Ok(Box::new(()))
    }

    fn real_path(&self, path: &str) -> PathBuf {
        Path::new("/nowhere").join(path)
    }
}
