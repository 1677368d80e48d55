//! One file on the simulated disk: content, sizes, holes, tampering.

use std::sync::Arc;

use crate::doors::sim::SimDisk;
use crate::engine::layout::{mac_page_offset, unit_offset};
use crate::engine::shared::Shared;
use crate::engine::sweep::{file, mount};
use crate::store::{close_shared, open_shared};
use crate::{CryptFile, Error, Event, FileKind};

fn all(file: &CryptFile) -> Vec<u8> {
    let mut bytes = vec![0xaa; file.len() as usize];
    assert_eq!(file.read_at(0, &mut bytes).unwrap(), bytes.len());
    bytes
}

/// Writes with `work`, then reads the result here and again after a clean remount.
fn check(work: impl Fn(&CryptFile), expected: &[u8]) {
    let disk = SimDisk::default();
    let (shared, _) = mount(&disk, 1).unwrap();
    let made = file(&disk, &shared, "f");
    work(&made);
    assert!(all(&made) == expected, "at once");
    drop(made);
    close_shared(&shared).unwrap();
    drop(shared);
    let (shared, events) = mount(&disk, 2).unwrap();
    let again = file(&disk, &shared, "f");
    assert!(all(&again) == expected, "after a remount");
    assert_eq!(*events.0.lock().unwrap(), []);
}

fn joined(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

#[test]
fn what_is_written_is_read() {
    check(|_| {}, b"");
    check(|f| f.write_at(0, b"hello").unwrap(), b"hello");
    check(|f| f.write_at(0, &[7; 8192]).unwrap(), &[7; 8192]);
    check(
        |f| {
            f.write_at(0, b"hello").unwrap();
            f.write_at(5, b" world").unwrap();
            f.write_at(0, b"J").unwrap();
        },
        b"Jello world",
    );
    check(
        |f| {
            f.write_at(0, &[1; 8192]).unwrap();
            f.write_at(4000, &[2; 200]).unwrap();
        },
        &joined(&[&[1; 4000], &[2; 200], &[1; 3992]]),
    );
    // Over a group boundary, and a gap that reads as zeros.
    check(
        |f| f.write_at(1_040_000, &[3; 20_000]).unwrap(),
        &joined(&[&[0; 1_040_000], &[3; 20_000]]),
    );
}

#[test]
fn sizes_change_both_ways() {
    check(|f| f.set_len(10_000).unwrap(), &[0; 10_000]);
    check(
        |f| {
            f.write_at(0, &[9; 10_000]).unwrap();
            f.set_len(5_000).unwrap();
            f.set_len(9_000).unwrap();
        },
        &joined(&[&[9; 5_000], &[0; 4_000]]),
    );
    check(
        |f| {
            f.write_at(0, &[9; 3_000_000]).unwrap();
            f.set_len(0).unwrap();
            f.write_at(0, b"x").unwrap();
        },
        b"x",
    );
}

#[test]
fn holes_are_punched_zeroed_and_allocated() {
    check(
        |f| {
            f.write_at(0, &[5; 20_000]).unwrap();
            f.punch_hole(100, 10_000).unwrap();
        },
        &joined(&[&[5; 100], &[0; 10_000], &[5; 9_900]]),
    );
    check(
        |f| {
            f.write_at(0, &[5; 5_000]).unwrap();
            f.zero_range(4_500, 10_000, false).unwrap();
        },
        &joined(&[&[5; 4_500], &[0; 10_000]]),
    );
    check(
        |f| {
            f.write_at(0, &[5; 5_000]).unwrap();
            f.allocate(0, 100_000, true).unwrap();
            f.punch_hole(4_999, 1).unwrap();
            f.punch_hole(5_000, 90_000).unwrap();
        },
        &joined(&[&[5; 4_999], &[0]]),
    );
    check(|f| f.allocate(0, 70_000, false).unwrap(), &[0; 70_000]);
}

#[test]
fn reads_stop_at_the_end() {
    let disk = SimDisk::default();
    let (shared, _) = mount(&disk, 1).unwrap();
    let f = file(&disk, &shared, "f");
    f.write_at(0, &[1; 5000]).unwrap();
    let mut buf = [0; 8192];
    assert_eq!(f.read_at(4096, &mut buf).unwrap(), 904);
    assert_eq!(f.read_at(5000, &mut buf).unwrap(), 0);
    assert_eq!(f.read_at(u64::MAX, &mut buf).unwrap(), 0);
    assert_eq!(f.read_at(4999, &mut buf[..1]).unwrap(), 1);
    assert!(matches!(f.write_at(1 << 44, b"x"), Err(Error::Refused(..))));
    assert!(matches!(f.write_at(u64::MAX, b"x"), Err(Error::Refused(..))));
    assert!(matches!(f.punch_hole(0, 0), Err(Error::Refused(..))));
}

fn clean_file(disk: &SimDisk, bytes: &[u8]) {
    let (shared, _) = mount(disk, 1).unwrap();
    file(disk, &shared, "f").write_at(0, bytes).unwrap();
    close_shared(&shared).unwrap();
}

/// Flips one bit at a physical offset of a clean file and reads all of it.
fn flipped(at: u64) -> (Result<usize, Error>, Vec<Event>) {
    let disk = SimDisk::default();
    clean_file(&disk, &[6; 2_000_000]);
    disk.flip("f", at as usize, 0x40);
    let (shared, events) = mount(&disk, 2).unwrap();
    let f = file(&disk, &shared, "f");
    let mut buf = vec![0; 2_000_000];
    let result = f.read_at(0, &mut buf);
    let events = events.0.lock().unwrap().clone();
    (result, events)
}

#[test]
fn a_changed_bit_is_an_error_and_an_event() {
    for (at, unit) in [
        (unit_offset(0), Some(0)),
        (unit_offset(300) + 4095, Some(300)),
        (mac_page_offset(0) + 16 * 5, Some(5)),
        (mac_page_offset(1) + 15, Some(256)),
        (0, None),
        (111, None),
    ] {
        let (result, events) = flipped(at);
        assert!(matches!(result, Err(Error::Tampered { .. })), "offset {at}");
        assert!(!events.is_empty(), "offset {at}");
        for event in events {
            let Event::Tamper { unit: told, .. } = event else { panic!("{event:?}") };
            assert_eq!(told, unit, "offset {at}");
        }
    }
}

#[test]
fn a_cut_file_is_noticed() {
    let disk = SimDisk::default();
    clean_file(&disk, &[6; 16_384]);
    let (_, backing) = disk.create("f");
    backing.set_len(backing.len().unwrap() - 4096).unwrap();
    backing.sync(true).unwrap();
    let (shared, _) = mount(&disk, 2).unwrap();
    let f = file(&disk, &shared, "f");
    assert!(matches!(f.read_at(0, &mut [0; 10]), Err(Error::Tampered { .. })));
}

#[test]
fn another_key_opens_nothing() {
    let disk = SimDisk::default();
    clean_file(&disk, b"x");
    let events = Arc::new(crate::engine::sweep::Events::default());
    let key = crypto::DataKey::take(&mut [43; 32]);
    let volume = Arc::new(disk);
    let random = Arc::new(crypto::OsRandom);
    let suite = crypto::MacSuite::GcmSiv;
    let result = crate::engine::open::open(volume, &key, true, suite, random, events);
    assert!(matches!(result, Err(Error::WrongKey)));
}

fn temporary(disk: &SimDisk, shared: &Arc<Shared>) -> Arc<CryptFile> {
    let (ino, backing) = disk.create("t");
    open_shared(shared, ino, backing, FileKind::Temporary).unwrap()
}

#[test]
fn temporary_files_do_not_outlive_the_mount() {
    let disk = SimDisk::default();
    let (shared, _) = mount(&disk, 1).unwrap();
    let t = temporary(&disk, &shared);
    t.write_at(10_000, &[4; 50_000]).unwrap();
    assert_eq!(all(&t), joined(&[&[0; 10_000], &[4; 50_000]]));
    t.sync(true).unwrap();
    drop(t);
    close_shared(&shared).unwrap();
    drop(shared);
    let (shared, _) = mount(&disk, 2).unwrap();
    let t = temporary(&disk, &shared);
    assert_eq!(t.kind(), FileKind::Temporary);
    assert!(t.read_at(0, &mut [0; 10]).is_err());
    assert!(t.write_at(0, b"x").is_err());
    t.set_len(0).unwrap();
    t.write_at(0, b"again").unwrap();
    assert_eq!(all(&t), b"again");
}

/// A second write to a dirty group must not cost a sync: that is what keeps commits fast.
#[test]
fn only_the_first_write_to_a_group_waits_for_the_log() {
    let disk = SimDisk::default();
    let (shared, _) = mount(&disk, 1).unwrap();
    let f = file(&disk, &shared, "f");
    f.write_at(0, &[1; 65_536]).unwrap();
    let before = disk.n_calls();
    for i in 0..8 {
        f.write_at(i * 8192, &[2; 8192]).unwrap();
    }
    assert_eq!(disk.n_calls() - before, 8, "one backing write each, nothing else");
    f.sync(true).unwrap();
    assert_eq!(disk.n_calls() - before, 9);
}

#[test]
fn a_failed_sync_is_never_forgotten() {
    let disk = SimDisk::default();
    let (shared, events) = mount(&disk, 1).unwrap();
    let f = file(&disk, &shared, "f");
    f.write_at(0, &[1; 4096]).unwrap();
    disk.cut_at(disk.n_calls() + 1);
    assert!(matches!(f.sync(true), Err(Error::Io { .. })));
    assert!(matches!(f.sync(true), Err(Error::Poisoned)));
    assert!(matches!(f.write_at(0, b"x"), Err(Error::Poisoned)));
    let events = events.0.lock().unwrap();
    assert!(matches!(events[..], [Event::Poisoned { .. }]), "told once: {events:?}");
}
