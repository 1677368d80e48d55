//! Contents: reading, writing, holes, sizes, reserving and freeing space, ways of opening.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};

use rustix::fs::{FallocateFlags, OFlags};
use rustix::io::Errno;

use crate::fixture::{Folders, noise};

const MIB: usize = 1 << 20;

fn create(path: &std::path::Path) -> File {
    File::options().read(true).write(true).create_new(true).open(path).unwrap()
}

#[test]
fn what_is_written_is_read_back_after_a_remount() {
    let folders = Folders::new();
    let sizes = [0, 1, 15, 16, 4095, 4096, 4097, 8192, MIB - 1, MIB, MIB + 1, 3 * MIB + 77];
    let mount = folders.mount();
    for size in sizes {
        let path = mount.path(&format!("f{size}"));
        std::fs::write(&path, noise(size as u64, size)).unwrap();
        assert!(std::fs::read(&path).unwrap() == noise(size as u64, size), "{size}");
    }
    mount.stop();
    let mount = folders.mount();
    for size in sizes {
        let path = mount.path(&format!("f{size}"));
        assert_eq!(path.metadata().unwrap().len(), size as u64);
        assert!(std::fs::read(&path).unwrap() == noise(size as u64, size), "{size}");
    }
    mount.stop();
}

#[test]
fn nothing_readable_lies_in_the_backing_folder() {
    let folders = Folders::new();
    let canary = b"canary-7f3a91-must-not-be-seen".repeat(500);
    let mount = folders.mount();
    let file = create(&mount.path("rows"));
    file.write_all_at(&canary, 4096).unwrap();
    file.sync_all().unwrap();
    let backing = folders.backing().join("tree/rows");
    let stored = std::fs::read(&backing).unwrap();
    assert!(stored.len() >= canary.len());
    assert!(!stored.windows(14).any(|part| part == b"canary-7f3a91-"));
    drop(file);
    mount.stop();
}

#[test]
fn unlinked_files_live_as_long_as_they_are_open() {
    let folders = Folders::new();
    let mount = folders.mount();
    let path = mount.path("dropped");
    let file = create(&path);
    file.write_all_at(b"first", 0).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(!path.exists());
    assert_eq!(std::fs::read_dir(mount.root()).unwrap().count(), 0);
    file.write_all_at(&noise(3, MIB), 5).unwrap();
    file.sync_all().unwrap();
    file.set_len(MIB as u64).unwrap();
    let mut back = vec![0; 5];
    file.read_exact_at(&mut back, 0).unwrap();
    assert_eq!(back, b"first");
    assert_eq!(file.metadata().unwrap().len(), MIB as u64);
    let again = create(&path);
    assert_eq!(again.metadata().unwrap().len(), 0);
    drop((file, again));
    mount.stop();
}

#[test]
fn truncating_and_growing_leaves_zeros_not_old_bytes() {
    let folders = Folders::new();
    let mount = folders.mount();
    let file = create(&mount.path("relation"));
    let other = File::options().read(true).write(true).open(mount.path("relation")).unwrap();
    file.write_all_at(&noise(9, 3 * MIB), 0).unwrap();
    for cut in [3 * MIB - 5, MIB + 100, 4096, 100, 0] {
        other.set_len(cut as u64).unwrap();
        assert_eq!(file.metadata().unwrap().len(), cut as u64);
        other.set_len(2 * MIB as u64).unwrap();
        let mut back = vec![1; 2 * MIB];
        file.read_exact_at(&mut back, 0).unwrap();
        assert!(back[..cut.min(2 * MIB)] == noise(9, 3 * MIB)[..cut.min(2 * MIB)], "{cut}");
        assert!(back[cut.min(2 * MIB)..].iter().all(|byte| *byte == 0), "{cut}");
    }
    let size = file.try_clone().unwrap().seek(SeekFrom::End(0)).unwrap();
    assert_eq!(size, 2 * MIB as u64);
    drop((file, other));
    mount.stop();
}

#[test]
fn holes_read_as_zeros() {
    let folders = Folders::new();
    let mount = folders.mount();
    let file = create(&mount.path("sparse"));
    file.write_all_at(b"end", 10 * MIB as u64).unwrap();
    let mut back = vec![1; 64 * 1024];
    for offset in [0, MIB - 100, 5 * MIB, 10 * MIB - 64 * 1024] {
        file.read_exact_at(&mut back, offset as u64).unwrap();
        assert!(back.iter().all(|byte| *byte == 0), "{offset}");
    }
    file.sync_all().unwrap();
    drop(file);
    mount.stop();
    let mount = folders.mount();
    let all = std::fs::read(mount.path("sparse")).unwrap();
    assert_eq!(all.len(), 10 * MIB + 3);
    assert!(all[..10 * MIB].iter().all(|byte| *byte == 0) && &all[10 * MIB..] == b"end");
    mount.stop();
}

#[test]
fn space_is_reserved_freed_and_zeroed() {
    let folders = Folders::new();
    let mount = folders.mount();
    let file = create(&mount.path("f"));
    let allocate = |flags, offset: usize, len: usize| {
        rustix::fs::fallocate(&file, flags, offset as u64, len as u64)
    };
    allocate(FallocateFlags::empty(), 0, 2 * MIB).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 2 * MIB as u64);
    allocate(FallocateFlags::KEEP_SIZE, 0, 4 * MIB).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 2 * MIB as u64);

    let mut model = noise(4, 2 * MIB);
    file.write_all_at(&model, 0).unwrap();
    let punch = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    for (offset, len) in [(100, 50), (4096, 8192), (MIB - 10, 5000), (2 * MIB - 3, 9)] {
        allocate(punch, offset, len).unwrap();
        let end = (offset + len).min(model.len());
        model[offset..end].fill(0);
        assert!(std::fs::read(mount.path("f")).unwrap() == model, "punch {offset}+{len}");
    }
    allocate(FallocateFlags::ZERO_RANGE | FallocateFlags::KEEP_SIZE, 70_000, 99_999).unwrap();
    model[70_000..169_999].fill(0);
    assert!(std::fs::read(mount.path("f")).unwrap() == model);
    allocate(FallocateFlags::ZERO_RANGE, 2 * MIB - 1000, 5000).unwrap();
    model.resize(2 * MIB + 4000, 0);
    model[2 * MIB - 1000..].fill(0);
    assert!(std::fs::read(mount.path("f")).unwrap() == model);

    for refused in [FallocateFlags::COLLAPSE_RANGE, FallocateFlags::INSERT_RANGE] {
        assert_eq!(allocate(refused, 0, 4096), Err(Errno::OPNOTSUPP));
    }
    drop(file);
    mount.stop();
    let mount = folders.mount();
    assert!(std::fs::read(mount.path("f")).unwrap() == model);
    mount.stop();
}

#[test]
fn appends_from_two_descriptors_do_not_overwrite_each_other() {
    let folders = Folders::new();
    let mount = folders.mount();
    let open = || File::options().append(true).create(true).open(mount.path("log")).unwrap();
    let (mut one, mut two) = (open(), open());
    for n in 0..500 {
        writeln!(one, "one {n}").unwrap();
        writeln!(two, "two {n}").unwrap();
    }
    drop((one, two));
    mount.stop();
    let mount = folders.mount();
    let text = std::fs::read_to_string(mount.path("log")).unwrap();
    let expected: String = (0..500).map(|n| format!("one {n}\ntwo {n}\n")).collect();
    assert!(text == expected);
    mount.stop();
}

#[test]
fn direct_io_and_the_page_cache_see_the_same() {
    let folders = Folders::new();
    let mount = folders.mount();
    let path = mount.path("f");
    let cached = create(&path);
    let direct = File::options()
        .read(true)
        .write(true)
        .custom_flags(OFlags::DIRECT.bits() as i32)
        .open(&path)
        .unwrap();
    let mut buffer = vec![0; 3 * 8192];
    let start = buffer.as_ptr().align_offset(4096);
    let page = &mut buffer[start..start + 8192];
    page.copy_from_slice(&noise(8, 8192));
    direct.write_all_at(page, 8192).unwrap();
    let mut back = vec![0; 8192];
    cached.read_exact_at(&mut back, 8192).unwrap();
    assert!(back == page);
    cached.write_all_at(&noise(77, 8192), 8192).unwrap();
    direct.read_exact_at(page, 8192).unwrap();
    assert!(page == noise(77, 8192));
    drop((cached, direct));
    mount.stop();
}

#[test]
fn wal_survives() {
    let folders = Folders::new();
    let mount = folders.mount();
    std::fs::create_dir(mount.path("pg_wal")).unwrap();
    let segment = mount.path("pg_wal/000000010000000000000001");
    let making = mount.path("pg_wal/xlogtemp.99");
    let file = create(&making);
    for n in 0..32 {
        file.write_all_at(&vec![0; MIB / 2], n * MIB as u64 / 2).unwrap();
    }
    file.sync_all().unwrap();
    drop(file);
    std::fs::rename(&making, &segment).unwrap();
    let file = File::options().read(true).write(true).open(&segment).unwrap();
    for n in 0..64_u64 {
        file.write_all_at(&noise(n, 8192), n * 8192).unwrap();
        file.sync_data().unwrap();
    }
    // Not aligned, as a recycled or archived segment may be written.
    file.write_all_at(b"odd", 12_345_678).unwrap();
    let mut other = File::open(&segment).unwrap();
    let mut back = vec![0; 64 * 8192];
    other.read_exact(&mut back).unwrap();
    assert!(back.chunks(8192).zip(0..).all(|(page, n)| page == noise(n, 8192)));
    assert_eq!(segment.metadata().unwrap().len(), 16 * MIB as u64);
    drop((file, other));
    mount.stop();
    let mount = folders.mount();
    let all = std::fs::read(mount.path("pg_wal/000000010000000000000001")).unwrap();
    assert_eq!(all.len(), 16 * MIB);
    assert!(all[..64 * 8192] == back[..] && &all[12_345_678..12_345_681] == b"odd");
    mount.stop();
}
