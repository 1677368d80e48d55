//! Owners, modes, times, figures; who may enter, and where a store may not be mounted.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use cryptfs::fuse::{Figures, Mount, MountOptions};
use cryptfs::{Error, Event};

use crate::fixture::Folders;

/// `nobody` on every Linux.
const NOBODY: u32 = 65534;

#[test]
fn modes_last_and_times_keep_hundredths() {
    let folders = Folders::new();
    let mount = folders.mount();
    let path = mount.path("f");
    std::fs::write(&path, "x").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
    let when = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    File::options().write(true).open(&path).unwrap().set_modified(when).unwrap();
    // The kernel keeps times at the grain that the mount asked for.
    let kept = SystemTime::UNIX_EPOCH + Duration::new(1_000_000_000, 120_000_000);
    assert_eq!(path.metadata().unwrap().modified().unwrap(), kept);
    std::fs::create_dir(mount.path("pgdata")).unwrap();
    std::fs::set_permissions(mount.path("pgdata"), PermissionsExt::from_mode(0o700)).unwrap();
    mount.stop();
    let mount = folders.mount();
    let meta = mount.path("f").metadata().unwrap();
    assert_eq!((meta.mode() & 0o7777, meta.len()), (0o640, 1));
    assert_eq!(mount.path("pgdata").metadata().unwrap().mode() & 0o7777, 0o700);
    mount.stop();
}

#[test]
fn a_write_moves_the_modification_time() {
    let folders = Folders::new();
    let mount = folders.mount();
    let path = mount.path("f");
    let file = File::create(&path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(path.metadata().unwrap().mtime(), 0);
    std::fs::write(&path, "x").unwrap();
    assert!(path.metadata().unwrap().mtime() > 1_000_000_000);
    // What the store writes for itself when it becomes clean is no change of the file.
    file.set_modified(SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000)).unwrap();
    file.sync_all().unwrap();
    drop(file);
    mount.stop();
    let mount = folders.mount();
    assert_eq!(path.metadata().unwrap().mtime(), 1000);
    mount.stop();
}

#[test]
fn a_mode_that_forbids_everything_does_not_forbid_its_creator() {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let folders = Folders::new();
    let mount = folders.mount();
    let path = mount.path("f");
    let mut options = File::options();
    let mut file = options.write(true).create_new(true).mode(0o000).open(&path).unwrap();
    file.write_all(b"secret").unwrap();
    file.sync_all().unwrap();
    assert_eq!(path.metadata().unwrap().mode() & 0o7777, 0);
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"secret");
    drop(file);
    mount.stop();
}

#[test]
fn others_cannot_enter() {
    if !rustix::process::geteuid().is_root() {
        println!("not run: only root can become another user");
        return;
    }
    let folders = Folders::new();
    let mount = folders.mount();
    let path = mount.path("world-readable");
    std::fs::write(&path, "x").unwrap();
    for folder in [mount.root().parent().unwrap(), mount.root()] {
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
    }
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
    let cat = |uid| {
        let mut command = Command::new("cat");
        command.arg(&path).uid(uid).gid(uid).stderr(Stdio::null()).output().unwrap()
    };
    assert!(cat(0).status.success());
    let refused = cat(NOBODY);
    assert!(!refused.status.success() && refused.stdout.is_empty());
    mount.stop();
}

#[test]
fn new_entries_belong_to_their_creator() {
    if !rustix::process::geteuid().is_root() {
        println!("not run: only root can serve files of others");
        return;
    }
    let folders = Folders::new();
    let options = MountOptions { allow_other: true, ..MountOptions::default() };
    let mount = folders.mount_with(&options);
    for folder in [mount.root().parent().unwrap(), mount.root()] {
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o777)).unwrap();
    }
    let shared = mount.path("shared");
    std::fs::create_dir(&shared).unwrap();
    std::os::unix::fs::chown(&shared, None, Some(7)).unwrap();
    std::fs::set_permissions(&shared, PermissionsExt::from_mode(0o2777)).unwrap();
    let script = "umask 027; echo x > f; mkdir d; ln -s t l; echo x > shared/f; mkdir shared/d";
    let mut command = Command::new("sh");
    command.args(["-c", script]).current_dir(mount.root()).uid(NOBODY).gid(NOBODY);
    assert!(command.status().unwrap().success());
    let check = |name: &str, gid, mode| {
        let meta = mount.path(name).symlink_metadata().unwrap();
        let found = (meta.uid(), meta.gid(), meta.mode() & 0o7777);
        assert_eq!(found, (NOBODY, gid, mode), "{name}");
    };
    check("f", NOBODY, 0o640);
    check("d", NOBODY, 0o750);
    check("l", NOBODY, 0o777);
    check("shared/f", 7, 0o640);
    check("shared/d", 7, 0o2750);
    mount.stop();
}

#[test]
fn a_write_takes_the_set_user_id_bit_away() {
    if !rustix::process::geteuid().is_root() {
        println!("not run: only root can serve files of others");
        return;
    }
    let folders = Folders::new();
    let options = MountOptions { allow_other: true, ..MountOptions::default() };
    let mount = folders.mount_with(&options);
    for folder in [mount.root().parent().unwrap(), mount.root()] {
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o777)).unwrap();
    }
    for (name, script) in [("a", "echo x >> a"), ("b", ": > b"), ("c", "truncate -s 9 c")] {
        std::fs::write(mount.path(name), "x").unwrap();
        std::fs::set_permissions(mount.path(name), PermissionsExt::from_mode(0o4777)).unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(mount.root()).uid(NOBODY).gid(NOBODY);
        assert!(command.status().unwrap().success());
        assert_eq!(mount.path(name).metadata().unwrap().mode() & 0o7777, 0o777, "{name}");
    }
    mount.stop();
}

#[test]
fn figures_are_readable_but_not_listed() {
    let folders = Folders::new();
    let mount = folders.mount();
    std::fs::write(mount.path("f"), vec![7; 100_000]).unwrap();
    File::open(mount.path("f")).unwrap().sync_all().unwrap();
    let figures = Figures::of_mount(mount.root()).unwrap();
    assert_eq!(figures.pid, std::process::id());
    assert!(figures.stats.written_bytes >= 100_000);
    assert_eq!(std::fs::read_dir(mount.root()).unwrap().count(), 1);
    let control = mount.path(".pgkeep-stats");
    assert!(std::fs::write(&control, "x").is_err());
    assert!(std::fs::remove_file(&control).is_err());
    assert!(std::fs::rename(mount.path("f"), &control).is_err());
    mount.stop();
}

#[test]
fn ready_names_a_device_with_limits() {
    let folders = Folders::new();
    let mount = folders.mount();
    let Event::Ready { device, mountpoint } =
        mount.events.wait(|event| matches!(event, Event::Ready { .. }))
    else {
        unreachable!("because it was asked for")
    };
    assert_eq!(std::path::Path::new(&mountpoint), mount.root());
    let ratio = std::fs::read_to_string(format!("/sys/class/bdi/{device}/max_ratio")).unwrap();
    for (setting, answer) in cryptfs::fuse::tune(&device) {
        println!("{setting}: {answer:?}; max_ratio is {}", ratio.trim());
    }
    assert!(cryptfs::fuse::tune("../..").iter().all(|(_, answer)| answer.is_err()));
    mount.stop();
}

#[test]
fn a_store_is_not_mounted_within_itself() {
    let folders = Folders::new();
    let mount = folders.mount();
    for inside in [folders.backing().join("tree"), folders.backing().parent().unwrap().into()] {
        let refused = Mount::new(
            mount.store.clone(),
            &inside,
            &MountOptions::default(),
            mount.events.clone(),
        );
        assert!(matches!(refused, Err(Error::Refused(..))), "{}", inside.display());
    }
    mount.stop();
}
