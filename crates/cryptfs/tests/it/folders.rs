//! Names: renames, links, listing while removing, the folder that is not there.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::{FileExt, FileTypeExt, MetadataExt};

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use crate::fixture::Folders;

#[test]
fn rename_replaces_and_keeps_what_is_open() {
    let folders = Folders::new();
    let mount = folders.mount();
    let (old, new) = (mount.path("a"), mount.path("b"));
    std::fs::write(&old, "new").unwrap();
    std::fs::write(&new, "old").unwrap();
    let replaced = File::open(&new).unwrap();
    std::fs::rename(&old, &new).unwrap();
    assert_eq!(std::fs::read_to_string(&new).unwrap(), "new");
    assert!(!old.exists());
    let mut back = [0; 3];
    replaced.read_exact_at(&mut back, 0).unwrap();
    assert_eq!(&back, b"old");
    assert_eq!(replaced.metadata().unwrap().nlink(), 0);
    drop(replaced);
    mount.stop();
}

#[test]
fn rename_with_flags() {
    let folders = Folders::new();
    let mount = folders.mount();
    let (a, b) = (mount.path("a"), mount.path("b"));
    std::fs::write(&a, "1").unwrap();
    std::fs::create_dir(&b).unwrap();
    std::fs::write(mount.path("b/in"), "2").unwrap();
    let rename = |flags| rustix::fs::renameat_with(CWD, &a, CWD, &b, flags);
    assert_eq!(rename(RenameFlags::NOREPLACE), Err(Errno::EXIST));
    rename(RenameFlags::EXCHANGE).unwrap();
    assert_eq!(std::fs::read_to_string(&b).unwrap(), "1");
    assert_eq!(std::fs::read_to_string(mount.path("a/in")).unwrap(), "2");
    let whiteout = RenameFlags::WHITEOUT;
    let refused = rustix::fs::renameat_with(CWD, &b, CWD, mount.path("c"), whiteout);
    assert_eq!(refused, Err(Errno::INVAL));
    mount.stop();
}

#[test]
fn links_share_contents_and_count() {
    let folders = Folders::new();
    let mount = folders.mount();
    let (one, two) = (mount.path("xlogtemp.1"), mount.path("000000010000000000000001"));
    std::fs::write(&one, "segment").unwrap();
    std::fs::hard_link(&one, &two).unwrap();
    let (a, b) = (one.metadata().unwrap(), two.metadata().unwrap());
    assert_eq!((a.ino(), a.nlink(), b.nlink()), (b.ino(), 2, 2));
    std::fs::remove_file(&one).unwrap();
    assert_eq!(two.metadata().unwrap().nlink(), 1);
    assert_eq!(std::fs::read_to_string(&two).unwrap(), "segment");
    mount.stop();
}

#[test]
fn other_kinds_of_objects() {
    let folders = Folders::new();
    let mount = folders.mount();
    std::os::unix::fs::symlink("some/where", mount.path("link")).unwrap();
    assert_eq!(std::fs::read_link(mount.path("link")).unwrap().to_str(), Some("some/where"));
    let socket = std::os::unix::net::UnixListener::bind(mount.path("socket")).unwrap();
    std::os::unix::net::UnixStream::connect(mount.path("socket")).unwrap();
    assert!(mount.path("socket").metadata().unwrap().file_type().is_socket());
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let mknod =
        |name: &str, kind, device| rustix::fs::mknodat(CWD, mount.path(name), kind, mode, device);
    mknod("fifo", rustix::fs::FileType::Fifo, 0).unwrap();
    assert!(mount.path("fifo").metadata().unwrap().file_type().is_fifo());
    if rustix::process::geteuid().is_root() {
        let device = rustix::fs::makedev(1, 3);
        mknod("null", rustix::fs::FileType::CharacterDevice, device).unwrap();
        assert_eq!(mount.path("null").metadata().unwrap().rdev(), device);
        let refused = File::open(mount.path("null")).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(Errno::ACCESS.raw_os_error()));
    }
    drop(socket);
    mount.stop();
}

#[test]
fn listing_while_ten_thousand_entries_go_away() {
    const N: usize = 10_000;
    let folders = Folders::new();
    let mount = folders.mount();
    let folder = mount.path("base");
    std::fs::create_dir(&folder).unwrap();
    for n in 0..N {
        File::create(folder.join(format!("file-{n}"))).unwrap();
    }
    let mut seen = HashSet::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        std::fs::remove_file(entry.path()).unwrap();
        assert!(seen.insert(entry.file_name()), "{:?} came twice", entry.file_name());
    }
    assert_eq!(seen.len(), N);
    std::fs::remove_dir(&folder).unwrap();
    mount.stop();
}

#[test]
fn what_was_absent_appears_and_what_was_there_goes() {
    let folders = Folders::new();
    let mount = folders.mount();
    for round in 0..50 {
        let name = |kind: &str| mount.path(&format!("{kind}{round}"));
        for kind in ["create", "mkdir", "rename", "link", "symlink"] {
            assert!(!name(kind).exists());
        }
        File::create(name("create")).unwrap();
        std::fs::create_dir(name("mkdir")).unwrap();
        std::fs::hard_link(name("create"), name("link")).unwrap();
        std::os::unix::fs::symlink("create", name("symlink")).unwrap();
        std::fs::rename(name("create"), name("rename")).unwrap();
        assert!(!name("create").exists() && name("rename").exists() && name("link").exists());
        assert_eq!(name("rename").metadata().unwrap().nlink(), 2);
        std::fs::remove_file(name("rename")).unwrap();
        std::fs::remove_dir(name("mkdir")).unwrap();
        assert!(!name("rename").exists() && !name("mkdir").exists());
        assert_eq!(name("link").metadata().unwrap().nlink(), 1);
        assert_eq!(mount.root().metadata().unwrap().nlink(), 2);
    }
    mount.stop();
}

#[test]
fn temporary_files_do_not_become_durable_ones() {
    let folders = Folders::new();
    let mount = folders.mount();
    std::fs::create_dir_all(mount.path("base/pgsql_tmp/sub")).unwrap();
    let (spill, table) = (mount.path("base/pgsql_tmp/sub/spill"), mount.path("base/16384"));
    std::fs::write(&spill, "sorted rows").unwrap();
    std::fs::write(&table, "table").unwrap();
    let errno = |error: std::io::Error| error.raw_os_error();
    let refused = Err(Some(Errno::XDEV.raw_os_error()));
    assert_eq!(std::fs::rename(&spill, mount.path("base/1")).map_err(errno), refused);
    assert_eq!(std::fs::rename(&table, mount.path("base/t3_1")).map_err(errno), refused);
    assert_eq!(std::fs::hard_link(&table, mount.path("base/t3_2")).map_err(errno), refused);
    let folder = std::fs::rename(mount.path("base/pgsql_tmp/sub"), mount.path("base/sub"));
    assert_eq!(folder.map_err(errno), refused);
    std::fs::rename(&spill, mount.path("base/pgsql_tmp/spill")).unwrap();
    File::create(mount.path("base/t3_9")).unwrap();
    std::fs::rename(mount.path("base/t3_9"), mount.path("base/9")).unwrap();
    mount.stop();

    // Their key is gone; they can still be seen and removed, as PostgreSQL does at its start.
    let mount = folders.mount();
    let spill = mount.path("base/pgsql_tmp/spill");
    assert!(spill.symlink_metadata().is_ok());
    assert!(std::fs::read(&spill).is_err());
    std::fs::remove_file(&spill).unwrap();
    assert_eq!(std::fs::read_to_string(mount.path("base/16384")).unwrap(), "table");
    mount.stop();
}
