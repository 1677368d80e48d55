//! A disk that loses power at a chosen step. What was not made durable may be there, in part or
//! not at all, when it comes back.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use parking_lot::Mutex;

use super::*;
use crate::{Address, AuditFolder, Change, Counter, Record, SealKey, SealSource, Store};

/// How the step that the power failed in was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cut {
    /// Nothing of it came to the disk.
    Nothing,
    /// A part came, where parts can come.
    Part,
    /// All of it came, but nobody was told.
    All,
}

/// Everything that lies on the disk.
#[derive(Clone, Default)]
pub(super) struct Disk {
    records: BTreeMap<Address, Record>,
    slots: [Vec<u8>; 2],
    seal: Option<[u8; 32]>,
    pending: Option<[u8; 32]>,
    files: BTreeMap<u32, Vec<u8>>,
    /// What was appended but not synced, to the newest file.
    unsynced: Vec<u8>,
    n_steps: usize,
    cut_at: Option<(usize, Cut)>,
    is_off: bool,
}

/// What a step that is about to be done does.
enum Step {
    Does,
    Fails(Cut),
}

#[derive(Clone, Default)]
pub(super) struct Machine(pub(super) Arc<Mutex<Disk>>);

impl Machine {
    /// Another machine with the same on its disk.
    pub(super) fn copy(&self) -> Self {
        Self(Arc::new(Mutex::new(self.0.lock().clone())))
    }

    /// Cuts the power at a step, counted from now on.
    pub(super) fn cut_at(&self, step: usize, cut: Cut) {
        let mut disk = self.0.lock();
        disk.n_steps = 0;
        disk.cut_at = Some((step, cut));
    }

    /// How many steps were done since the count began, and whether the power failed.
    pub(super) fn steps(&self) -> (usize, bool) {
        let disk = self.0.lock();
        (disk.n_steps, disk.is_off)
    }

    /// Brings the power back; of what was not synced, a part is there.
    pub(super) fn power_on(&self) {
        let mut disk = self.0.lock();
        let unsynced = std::mem::take(&mut disk.unsynced);
        let kept = match disk.cut_at {
            Some((_, Cut::Part)) => unsynced.len() / 2,
            Some((_, Cut::All)) => unsynced.len(),
            _ => 0,
        };
        if let Some(mut file) = disk.files.last_entry() {
            file.get_mut().extend_from_slice(&unsynced[..kept]);
        }
        disk.cut_at = None;
        disk.is_off = false;
        disk.n_steps = 0;
    }

    pub(super) fn doors(&self, clock: &Hand) -> Doors {
        Doors {
            store: Box::new(self.clone()),
            counter: Box::new(self.clone()),
            seals: Seals::new(Box::new(self.clone())),
            audit: Box::new(self.clone()),
            random: Box::new(OsRandom),
            clock: Box::new(clock.clone()),
            operators: vec![OPERATOR.uid],
            plane: PLANE.uid,
            hostnames: Vec::new(),
            authority: "vault.localhost:8443".to_owned(),
        }
    }

    /// Every line of the audit that is on the disk.
    pub(super) fn lines(&self) -> Vec<Value> {
        let disk = self.0.lock();
        let lines = disk.files.values().flat_map(|bytes| bytes.split(|b| *b == b'\n'));
        lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }

    fn step(&self) -> (parking_lot::MutexGuard<'_, Disk>, Step) {
        let mut disk = self.0.lock();
        let step = match disk.cut_at {
            _ if disk.is_off => Step::Fails(Cut::Nothing),
            Some((at, cut)) if at == disk.n_steps => {
                disk.is_off = true;
                Step::Fails(cut)
            }
            _ => {
                disk.n_steps += 1;
                Step::Does
            }
        };
        (disk, step)
    }

    /// Does `work` or loses it; it cannot come in parts.
    fn whole(&self, work: impl FnOnce(&mut Disk)) -> io::Result<()> {
        let (mut disk, step) = self.step();
        if matches!(step, Step::Does | Step::Fails(Cut::All)) {
            work(&mut disk);
        }
        match step {
            Step::Does => Ok(()),
            Step::Fails(_) => Err(io::Error::other("the power failed")),
        }
    }

    fn file(&self, work: impl FnOnce(&mut Disk)) -> Result<(), Error> {
        self.whole(work)
            .map_err(|source| Error::File { doing: "write to the simulated disk".into(), source })
    }
}

impl Store for Machine {
    fn read(&self) -> Result<Vec<Record>, Error> {
        Ok(self.0.lock().records.values().cloned().collect())
    }

    fn apply(&self, changes: &[Change]) -> Result<(), Error> {
        self.file(|disk| {
            for change in changes {
                match change {
                    Change::Put(record) => {
                        disk.records.insert(record.address.clone(), record.clone());
                    }
                    Change::Remove(address) => {
                        disk.records.remove(address);
                    }
                }
            }
        })
    }
}

impl Counter for Machine {
    fn read(&self) -> Result<[Vec<u8>; 2], Error> {
        Ok(self.0.lock().slots.clone())
    }

    fn write(&self, slot: usize, body: &[u8]) -> Result<(), Error> {
        let torn = {
            let disk = self.0.lock();
            disk.cut_at == Some((disk.n_steps, Cut::Part)) && !disk.is_off
        };
        let outcome = self.file(|disk| disk.slots[slot] = body.to_vec());
        if torn {
            self.0.lock().slots[slot] = body[..body.len() / 2].to_vec();
        }
        outcome
    }
}

impl SealSource for Machine {
    fn read(&self) -> Result<Option<SealKey>, Error> {
        Ok(self.0.lock().seal.map(Secret::new))
    }

    fn read_pending(&self) -> Result<Option<SealKey>, Error> {
        Ok(self.0.lock().pending.map(Secret::new))
    }

    fn write_pending(&self, key: &SealKey) -> Result<(), Error> {
        self.file(|disk| disk.pending = Some(*key.expose()))
    }

    fn commit(&self) -> Result<(), Error> {
        self.file(|disk| disk.seal = disk.pending.take())
    }

    fn remove(&self) -> Result<(), Error> {
        self.file(|disk| (disk.seal, disk.pending) = (None, None))
    }
}

impl AuditFolder for Machine {
    fn numbers(&self) -> io::Result<Vec<u32>> {
        Ok(self.0.lock().files.keys().copied().collect())
    }

    fn read(&self, number: u32) -> io::Result<Vec<u8>> {
        let disk = self.0.lock();
        disk.files.get(&number).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn truncate(&mut self, number: u32, length: u64) -> io::Result<()> {
        self.whole(|disk| {
            let file = disk.files.get_mut(&number).expect("because it was listed");
            file.truncate(usize::try_from(length).expect("because it is short"));
        })
    }

    fn begin(&mut self, number: u32) -> io::Result<()> {
        self.whole(|disk| {
            disk.files.insert(number, Vec::new());
        })
    }

    fn resume(&mut self, _number: u32) -> io::Result<()> {
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut disk = self.0.lock();
        if disk.is_off {
            return Err(io::Error::other("the power failed"));
        }
        disk.unsynced.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let (mut disk, step) = self.step();
        match step {
            Step::Does => {
                let unsynced = std::mem::take(&mut disk.unsynced);
                let mut file = disk.files.last_entry().expect("because one was begun");
                file.get_mut().extend_from_slice(&unsynced);
                Ok(())
            }
            // What of it came to the disk shows when the power is back.
            Step::Fails(_) => Err(io::Error::other("the power failed")),
        }
    }
}
