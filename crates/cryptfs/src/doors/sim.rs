//! A simulated disk that can lose power at any call and keeps what was not synced only in part.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex};

use super::{Backing, Visit, Volume};
use crate::Error;

const SECTOR: usize = 512;

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Vec<u8>),
    SetLen(usize),
    Punch(usize, usize),
}

#[derive(Clone, Debug, Default)]
struct Inode {
    durable: Vec<u8>,
    current: Vec<u8>,
    /// Since the last sync, in order.
    changes: Vec<Change>,
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Write(at, data) => {
                if bytes.len() < at + data.len() {
                    bytes.resize(at + data.len(), 0);
                }
                bytes[*at..at + data.len()].copy_from_slice(data);
            }
            Change::SetLen(len) => bytes.resize(*len, 0),
            Change::Punch(at, len) => {
                let end = (at + len).min(bytes.len());
                if *at < end {
                    bytes[*at..end].fill(0);
                }
            }
        }
    }

    /// The sectors of a write, each of which reaches the disk or not.
    fn pieces(&self) -> Vec<Change> {
        let Change::Write(at, data) = self else { return vec![self.clone()] };
        let mut pieces = Vec::new();
        let mut from = 0;
        while from < data.len() {
            let to = ((at + from) / SECTOR * SECTOR + SECTOR - at).min(data.len());
            pieces.push(Change::Write(at + from, data[from..to].to_vec()));
            from = to;
        }
        pieces
    }
}

#[derive(Debug, Default)]
struct World {
    inodes: BTreeMap<u64, Inode>,
    meta: BTreeMap<String, u64>,
    /// Names as they were before the last rename whose folder is not synced yet.
    meta_durable: BTreeMap<String, u64>,
    tree: BTreeMap<String, u64>,
    next_ino: u64,
    n_calls: u64,
    cut_at: Option<u64>,
    is_off: bool,
}

/// A small deterministic generator for the simulation (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }
}

/// Deterministic "randomness" behind the door.
pub(crate) struct DiceRandom(pub(crate) Mutex<Dice>);

impl base::Random for DiceRandom {
    fn fill(&self, out: &mut [u8]) {
        let mut dice = self.0.lock().unwrap();
        for byte in out {
            *byte = dice.roll() as u8;
        }
    }
}

/// The simulated disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimDisk(Arc<Mutex<World>>);

impl SimDisk {
    /// Power goes at the n-th call that changes or syncs something.
    pub(crate) fn cut_at(&self, n: u64) {
        self.0.lock().unwrap().cut_at = Some(n);
    }

    pub(crate) fn n_calls(&self) -> u64 {
        self.0.lock().unwrap().n_calls
    }

    /// Makes an empty file in the tree; names are durable at once here.
    pub(crate) fn create(&self, name: &str) -> (u64, Box<dyn Backing>) {
        let mut world = self.0.lock().unwrap();
        let ino = match world.tree.get(name) {
            Some(ino) => *ino,
            None => {
                let ino = world.new_inode();
                world.tree.insert(name.to_owned(), ino);
                ino
            }
        };
        (ino, Box::new(SimFile { disk: self.clone(), ino }))
    }

    /// What is on the platters after the power came back: each sector, size change and rename
    /// that was not synced is there with a chance of `keep` in 100.
    pub(crate) fn after_power_cut(&self, dice: &mut Dice, keep: u64) -> Self {
        let world = self.0.lock().unwrap();
        let mut after =
            World { tree: world.tree.clone(), next_ino: world.next_ino, ..World::default() };
        after.meta =
            if dice.below(100) < keep { world.meta.clone() } else { world.meta_durable.clone() };
        after.meta_durable = after.meta.clone();
        for (ino, inode) in &world.inodes {
            let mut bytes = inode.durable.clone();
            for piece in inode.changes.iter().flat_map(Change::pieces) {
                if dice.below(100) < keep {
                    piece.apply(&mut bytes);
                }
            }
            let inode = Inode { durable: bytes.clone(), current: bytes, changes: Vec::new() };
            after.inodes.insert(*ino, inode);
        }
        Self(Arc::new(Mutex::new(after)))
    }

    /// Flips bits of one stored byte, behind everyone's back.
    pub(crate) fn flip(&self, name: &str, at: usize, bits: u8) {
        let mut world = self.0.lock().unwrap();
        let ino = world.tree[name];
        let inode = world.inodes.get_mut(&ino).unwrap();
        inode.current[at] ^= bits;
        inode.durable.clone_from(&inode.current);
    }
}

impl World {
    fn new_inode(&mut self) -> u64 {
        self.next_ino += 1;
        self.inodes.insert(self.next_ino, Inode::default());
        self.next_ino
    }

    /// Counts a call; fails from the cut on.
    fn call(&mut self) -> io::Result<()> {
        if self.is_off {
            return Err(io::Error::other("power is off"));
        }
        self.n_calls += 1;
        if self.cut_at == Some(self.n_calls) {
            self.is_off = true;
        }
        Ok(())
    }

    fn change(&mut self, ino: u64, change: Change) -> io::Result<()> {
        self.call()?;
        let is_off = self.is_off;
        let inode = self.inodes.get_mut(&ino).expect("because inodes are never removed");
        change.apply(&mut inode.current);
        inode.changes.push(change);
        // The call during which power went may have reached the disk, but nobody hears of it.
        if is_off { Err(io::Error::other("power is off")) } else { Ok(()) }
    }

    fn sync(&mut self, ino: u64) -> io::Result<()> {
        self.call()?;
        if self.is_off {
            return Err(io::Error::other("power is off"));
        }
        let inode = self.inodes.get_mut(&ino).expect("because inodes are never removed");
        inode.durable.clone_from(&inode.current);
        inode.changes.clear();
        Ok(())
    }
}

struct SimFile {
    disk: SimDisk,
    ino: u64,
}

impl SimFile {
    fn with<T>(&self, work: impl FnOnce(&mut World) -> T) -> T {
        work(&mut self.disk.0.lock().unwrap())
    }
}

impl Backing for SimFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.with(|world| {
            if world.is_off {
                return Err(io::Error::other("power is off"));
            }
            let bytes = &world.inodes[&self.ino].current;
            let from = (offset as usize).min(bytes.len());
            let n = buf.len().min(bytes.len() - from);
            buf[..n].copy_from_slice(&bytes[from..from + n]);
            Ok(n)
        })
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|world| world.change(self.ino, Change::Write(offset as usize, data.to_vec())))
    }

    fn write_quietly(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.write_at(offset, data)
    }

    fn len(&self) -> io::Result<u64> {
        self.with(|world| Ok(world.inodes[&self.ino].current.len() as u64))
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.with(|world| world.change(self.ino, Change::SetLen(len as usize)))
    }

    fn allocate(&self, _offset: u64, _len: u64) -> io::Result<()> {
        self.with(World::call)
    }

    fn punch(&self, offset: u64, len: u64) -> io::Result<()> {
        self.with(|world| world.change(self.ino, Change::Punch(offset as usize, len as usize)))
    }

    fn sync(&self, _data_only: bool) -> io::Result<()> {
        self.with(|world| world.sync(self.ino))
    }

    fn describe(&self) -> String {
        format!("inode {}", self.ino)
    }

    fn n_links(&self) -> io::Result<u64> {
        Ok(1)
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl Volume for SimDisk {
    fn meta(&self, name: &str) -> io::Result<Option<Box<dyn Backing>>> {
        let world = self.0.lock().unwrap();
        let ino = world.meta.get(name).copied();
        Ok(ino.map(|ino| Box::new(SimFile { disk: self.clone(), ino }) as Box<dyn Backing>))
    }

    fn replace_meta(&self, name: &str, content: &[u8]) -> io::Result<Box<dyn Backing>> {
        let mut world = self.0.lock().unwrap();
        world.call()?;
        let ino = world.new_inode();
        world.change(ino, Change::Write(0, content.to_vec()))?;
        world.sync(ino)?;
        world.meta.insert(name.to_owned(), ino);
        world.call()?;
        if world.is_off {
            return Err(io::Error::other("power is off"));
        }
        world.meta_durable = world.meta.clone();
        Ok(Box::new(SimFile { disk: self.clone(), ino }))
    }

    fn each_file(&self, visit: &mut Visit<'_>) -> Result<(), Error> {
        let tree = self.0.lock().unwrap().tree.clone();
        for (name, ino) in tree {
            visit(&name, ino, Box::new(SimFile { disk: self.clone(), ino }))?;
        }
        Ok(())
    }
}
