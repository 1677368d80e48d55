//! One changed byte in any unit of a stopped store is noticed, and the right unit is named.

use std::collections::BTreeSet;

use super::damage::{stopped_store, tampered};
use super::rig::{Random, Rig};
use super::units::{PIECE, Raw, Unit, stored, units};

const N_UNITS: usize = 1_000;
const N_BATCHES: usize = 10;
/// Bytes of a file header that are in use, and covered by its code.
const HEADER_BYTES: u64 = 128;

#[tokio::test(flavor = "multi_thread")]
async fn one_byte_in_any_unit_is_noticed() {
    let mut random = Random::seeded();
    println!("seed  PGKEEP_TEST_SEED={}", random.seed);
    let rig = stopped_store().await;
    let files = stored(&rig.tree());
    let mut all = units(&files);
    println!("store  {} files, {} units", files.len(), all.len());
    shuffle(&mut all, &mut random);
    let mut n_named = 0;
    for batch in all[..N_UNITS].chunks(N_UNITS / N_BATCHES) {
        let at: Vec<_> = batch.iter().map(|u| (u, u.offset() + random.below(PIECE))).collect();
        n_named += flip_and_check(&rig, &at, &mut random);
    }
    println!("units changed by one byte  {N_UNITS}, named by the check  {n_named}");
    assert_eq!(n_named, N_UNITS, "not every changed unit was named");

    // The codes themselves: a changed code makes its unit fail.
    let at: Vec<_> =
        all[..100].iter().map(|unit| (unit, unit.code_offset() + random.below(16))).collect();
    let n_codes = flip_and_check(&rig, &at, &mut random);
    println!("codes changed by one byte  100, named by the check  {n_codes}");
    assert_eq!(n_codes, 100, "not every changed code was named");

    assert_eq!(rig.check().0, 0, "the store is whole again");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_byte_in_any_header_is_noticed() {
    let mut random = Random::seeded();
    println!("seed  PGKEEP_TEST_SEED={}", random.seed);
    let rig = stopped_store().await;
    let mut files = stored(&rig.tree());
    shuffle(&mut files, &mut random);
    files.truncate(200);
    let flips: Vec<_> = files
        .iter()
        .map(|f| (f.file.as_str(), random.below(HEADER_BYTES), 1u8 << random.below(8)))
        .collect();
    let flip_all = || {
        for (file, offset, bits) in &flips {
            Raw::open(&rig.tree().join(file)).flip(*offset, *bits);
        }
    };
    flip_all();
    let (code, report) = rig.check();
    flip_all();
    let named: BTreeSet<String> = tampered(&report).into_iter().map(|(file, _)| file).collect();
    let n_named = files.iter().filter(|stored| named.contains(&stored.file)).count();
    println!("headers changed by one byte  {}, named by the check  {n_named}", files.len());
    assert_eq!((code, n_named), (6, files.len()));
    assert_eq!(named.len(), files.len(), "no other file was named");
    assert_eq!(rig.check().0, 0, "the store is whole again");
}

/// Flips bits of one byte at each place, checks, restores; returns how many units were named.
/// A unit that was not changed must not be named.
fn flip_and_check(rig: &Rig, places: &[(&Unit, u64)], random: &mut Random) -> usize {
    let bits: Vec<u8> = places.iter().map(|_| 1 + random.below(255) as u8).collect();
    let flip_all = || {
        for ((unit, offset), bits) in places.iter().zip(&bits) {
            Raw::open(&rig.tree().join(&unit.file)).flip(*offset, *bits);
        }
    };
    flip_all();
    let (code, report) = rig.check();
    flip_all();
    assert_eq!(code, 6, "a store with changed units passes the gate");
    let changed: BTreeSet<_> =
        places.iter().map(|(unit, _)| (unit.file.clone(), Some(unit.number))).collect();
    let named: BTreeSet<_> = tampered(&report).into_iter().collect();
    let wrong: Vec<_> = named.difference(&changed).take(5).collect();
    assert!(wrong.is_empty(), "named without having been changed: {wrong:?}");
    for (file, unit) in changed.difference(&named).take(5) {
        println!("not named  {file}, unit {unit:?}");
    }
    changed.intersection(&named).count()
}

fn shuffle<T>(list: &mut [T], random: &mut Random) {
    for at in (1..list.len()).rev() {
        list.swap(at, random.below(at as u64 + 1) as usize);
    }
}
