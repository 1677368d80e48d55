//! The power-cut sweep: a workload is cut at every write and sync, the disk keeps a random part
//! of what was not synced, and the store must reopen without losing a synced byte.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use crypto::{DataKey, MacSuite};

use super::open::open;
use super::shared::Shared;
use crate::doors::sim::{Dice, DiceRandom, SimDisk};
use crate::store::{close_shared, open_shared};
use crate::{CryptFile, Error, Event, EventSink, FileKind};

#[derive(Default)]
pub(crate) struct Events(pub(crate) Mutex<Vec<Event>>);

impl EventSink for Events {
    fn emit(&self, event: Event) {
        self.0.lock().unwrap().push(event);
    }
}

pub(crate) fn key() -> DataKey {
    DataKey::take(&mut [42; 32])
}

pub(crate) fn mount(disk: &SimDisk, seed: u64) -> Result<(Arc<Shared>, Arc<Events>), Error> {
    let events = Arc::new(Events::default());
    let random = Arc::new(DiceRandom(Mutex::new(Dice(seed))));
    let volume = Arc::new(disk.clone());
    open(volume, &key(), true, MacSuite::GcmSiv, random, events.clone())
        .map(|(shared, _)| (Arc::new(shared), events))
}

pub(crate) fn file(disk: &SimDisk, shared: &Arc<Shared>, name: &str) -> Arc<CryptFile> {
    let (ino, backing) = disk.create(name);
    open_shared(shared, ino, backing, FileKind::Durable).unwrap()
}

/// What a file may look like after a power cut: as synced, or any state since.
#[derive(Clone, Debug, Default)]
struct Model {
    now: Vec<u8>,
    since_sync: Vec<Vec<u8>>,
}

impl Model {
    fn change(&mut self, work: impl FnOnce(&mut Vec<u8>)) {
        self.since_sync.push(self.now.clone());
        work(&mut self.now);
    }

    fn synced(&mut self) {
        self.since_sync.clear();
    }

    fn assert_allows(&self, found: &[u8], context: &str) {
        let states = || self.since_sync.iter().chain([&self.now]);
        let shortest = states().map(Vec::len).min().unwrap();
        assert!(found.len() >= shortest, "{context}: lost bytes from {} on", found.len());
        for (at, byte) in found.iter().enumerate() {
            let allowed = states().any(|state| state.get(at).map_or(*byte == 0, |b| b == byte));
            assert!(allowed, "{context}: byte {at} is {byte}, never was");
        }
    }
}

/// One pseudo-random step on one of three files; the model hears of it before the disk does.
fn step(
    dice: &mut Dice,
    disk: &SimDisk,
    shared: &Arc<Shared>,
    models: &mut BTreeMap<&'static str, Model>,
) -> Result<(), Error> {
    let name = ["pages", "text", "late"][dice.below(3) as usize];
    let model = models.entry(name).or_default();
    let file = file(disk, shared, name);
    let unit = 4096;
    let aligned = name != "text";
    let size = |dice: &mut Dice, max: u64| {
        if aligned { dice.below(max / unit) * unit } else { dice.below(max) }
    };
    match dice.below(12) {
        0..=4 => {
            let at = size(dice, 40_000) as usize;
            let n = (size(dice, 20_000) as usize).max(if aligned { unit as usize } else { 1 });
            let byte = dice.roll() as u8 | 1;
            let data: Vec<u8> = (0..n).map(|i| byte.wrapping_add((i / 16) as u8)).collect();
            model.change(|now| {
                now.resize(now.len().max(at + n), 0);
                now[at..at + n].copy_from_slice(&data);
            });
            file.write_at(at as u64, &data)
        }
        5 => {
            let at = model.now.len();
            let n = if aligned { 2 * unit as usize } else { 1 + dice.below(300) as usize };
            let data = vec![dice.roll() as u8 | 1; n];
            model.change(|now| now.extend_from_slice(&data));
            file.write_at(at as u64, &data)
        }
        6 => {
            let len = size(dice, 50_000);
            model.change(|now| now.resize(len as usize, 0));
            file.set_len(len)
        }
        7 if model.now.len() > 100 => {
            let at = dice.below(model.now.len() as u64);
            let n = 1 + dice.below(9000);
            let end = model.now.len().min((at + n) as usize);
            model.change(|now| now[at as usize..end].fill(0));
            file.punch_hole(at, n)
        }
        8 | 9 => {
            file.sync(true)?;
            model.synced();
            Ok(())
        }
        10 => {
            // A clean file is also a synced one.
            if file.clean(0)? {
                model.synced();
            }
            Ok(())
        }
        _ => {
            let generation = shared.new_id();
            shared.log.compact(&*shared.volume, generation, shared.keys.log(&generation))
        }
    }
}

fn run(seed: u64, disk: &SimDisk, n_steps: u64) -> BTreeMap<&'static str, Model> {
    let mut models = BTreeMap::new();
    let mut dice = Dice(seed);
    let Ok((shared, _)) = mount(disk, seed) else { return models };
    for _ in 0..n_steps {
        if step(&mut dice, disk, &shared, &mut models).is_err() {
            return models;
        }
    }
    if close_shared(&shared).is_ok() {
        models.values_mut().for_each(Model::synced);
    }
    models
}

fn content(file: &CryptFile, context: &str) -> Vec<u8> {
    let mut bytes = vec![0; file.len() as usize];
    let n = file.read_at(0, &mut bytes).unwrap_or_else(|e| panic!("{context}: {e}"));
    assert_eq!(n, bytes.len(), "{context}");
    bytes
}

fn verify(disk: &SimDisk, models: &BTreeMap<&'static str, Model>, context: &str) {
    let (shared, events) = mount(disk, 7).unwrap_or_else(|e| panic!("{context}: {e}"));
    for (name, model) in models {
        let file = file(disk, &shared, name);
        let found = content(&file, &format!("{context}, {name}"));
        model.assert_allows(&found, &format!("{context}, {name}"));
        // What lies behind the end is zeros, also when the file grows over it.
        let end = file.len();
        file.set_len(end + 10_000).unwrap();
        let grown = content(&file, context);
        assert!(grown[end as usize..].iter().all(|b| *b == 0), "{context}, {name}: stale bytes");
        file.write_at(end, b"after the cut").unwrap();
    }
    assert_eq!(*events.0.lock().unwrap(), [], "{context}");
    close_shared(&shared).unwrap();
    let (shared, events) = mount(disk, 8).unwrap();
    for name in models.keys() {
        content(&file(disk, &shared, name), context);
    }
    assert_eq!(*events.0.lock().unwrap(), [], "{context}");
}

/// Seeds are fixed so that a failure names its case; built with `PGKEEP_SWEEP_SEEDS=N` set, N run.
#[test]
fn power_cut_at_every_write_and_sync() {
    let seeds = std::option_env!("PGKEEP_SWEEP_SEEDS").and_then(|n| n.parse().ok()).unwrap_or(6);
    let mut n_cuts = 0;
    for seed in 1..=seeds {
        let whole = SimDisk::default();
        let models = run(seed, &whole, 40);
        verify(&whole.after_power_cut(&mut Dice(seed), 0), &models, &format!("seed {seed}, whole"));
        for cut in 1..=whole.n_calls() {
            for keep in [0, 50, 100] {
                let disk = SimDisk::default();
                disk.cut_at(cut);
                let models = run(seed, &disk, 40);
                let after = disk.after_power_cut(&mut Dice(seed ^ cut ^ keep), keep);
                verify(&after, &models, &format!("seed {seed}, cut {cut}, keep {keep}"));
                n_cuts += 1;
            }
        }
    }
    println!("{n_cuts} power cuts over {seeds} seeds, every store reopened");
}

/// Power may also go during recovery, again and again.
#[test]
fn power_cut_during_recovery() {
    for seed in 1..=4 {
        let disk = SimDisk::default();
        disk.cut_at(120);
        let models = run(seed, &disk, 60);
        let after = disk.after_power_cut(&mut Dice(seed), 50);
        let probe = after.after_power_cut(&mut Dice(seed), 100);
        mount(&probe, 3).unwrap();
        for cut in 1..=probe.n_calls() {
            let again = after.after_power_cut(&mut Dice(cut), 100);
            again.cut_at(cut);
            drop(mount(&again, 3));
            let twice = again.after_power_cut(&mut Dice(cut), 50);
            verify(&twice, &models, &format!("seed {seed}, cut {cut} in recovery"));
        }
    }
}
