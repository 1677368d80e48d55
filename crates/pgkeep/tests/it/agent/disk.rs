//! A filling disk: read-only in time, writable again with room, never a crash.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::installation::Installation;

/// Large enough for a fresh cluster with its WAL, small enough to be filled at once.
const SIZE_MIB: u64 = 600;
const MIB: u64 = 1 << 20;

/// A small disk mounted in the server's place; unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(path: PathBuf) -> Self {
        std::fs::create_dir_all(&path).unwrap();
        let size = format!("size={SIZE_MIB}m,mode=0700");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&path);
        assert!(command.status().unwrap().success());
        Self(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What the disk has free at this moment; the server's own figure may be a sample ago.
fn free_bytes(disk: &Path) -> u64 {
    let stat = rustix::fs::statvfs(disk).unwrap();
    stat.f_bavail * stat.f_frsize
}

/// Writes a filler into the disk until at most this much is free. Others write and give room
/// meanwhile, so the disk is asked before each piece, and one found full is full enough.
fn fill(disk: &Path, name: &str, leave_bytes: u64) -> PathBuf {
    let path = disk.join(name);
    let mut file = File::create(&path).unwrap();
    let piece = vec![1_u8; 1 << 20];
    loop {
        let over = free_bytes(disk).saturating_sub(leave_bytes);
        let n = usize::try_from(over.min(MIB)).unwrap();
        match file.write_all(&piece[..n]) {
            Ok(()) if n > 0 => {}
            Ok(()) => return path,
            Err(e) if e.kind() == ErrorKind::StorageFull => return path,
            Err(e) => panic!("the filler: {e}"),
        }
    }
}

#[test]
fn a_filling_disk_makes_the_server_read_only_and_room_makes_it_writable() {
    if !rustix::process::geteuid().is_root() {
        println!("not tested: only root can mount a small disk");
        return;
    }
    let pk = Installation::up();
    let small = pk.home().join("servers/small");
    let disk = SmallDisk::mount(small.clone());
    let user = testkit::server_user();
    std::os::unix::fs::chown(&small, Some(user.uid), Some(user.gid)).unwrap();
    let port = crate::installation::free_port().to_string();
    pk.check(0, &["server", "create", "-n", "small", "--port", &port]);
    let shown =
        |pk: &Installation| pk.check(0, &["server", "show", "-n", "small", "-o", "json"]).json();
    let dsn = shown(&pk)["dsn"].as_str().unwrap().to_owned();
    let sql = |text: &str| super::installation::psql(&dsn, text);
    assert_eq!(sql("create table t as select 1 as a").code, 0);
    super::installation::until("the ballast is there", || {
        small.join("ballast").exists().then_some(())
    });

    // Somebody else fills the disk down to half of the soft limit.
    let soft = shown(&pk)["storage"]["soft_limit_bytes"].as_u64().unwrap();
    assert!(soft < SIZE_MIB * MIB / 4, "{soft}");
    let filler = fill(&small, "filler", soft / 2);
    let reason = super::installation::until("the server is read-only", || {
        let show = shown(&pk);
        let read_only = !show["storage"]["read_only_since"].is_null();
        read_only.then(|| show["state_reason"].as_str().unwrap().to_owned())
    });
    assert!(reason.starts_with("storage nearly full: read-only since"), "{reason}");
    assert_eq!(shown(&pk)["state"], "Ready");
    let refused = sql("insert into t values (2)");
    assert!(refused.err.contains("read-only transaction"), "{}", refused.err);
    assert_eq!(sql("select count(*) from t").out.trim(), "1");

    // Down to nearly nothing: the ballast goes, and PostgreSQL still ends its checkpoint.
    // Given up while the filler still grows, it makes room that is filled, too.
    let filler2 = fill(&small, "filler2", 2 * MIB);
    super::installation::until("the ballast is given up", || {
        (!small.join("ballast").exists()).then_some(())
    });
    assert_eq!(sql("checkpoint").code, 0);

    std::fs::remove_file(filler).unwrap();
    std::fs::remove_file(filler2).unwrap();
    super::installation::until("the server is writable", || {
        shown(&pk)["storage"]["read_only_since"].is_null().then_some(())
    });
    let written = sql("insert into t values (2)");
    assert_eq!(written.code, 0, "{}", written.err);
    assert_eq!(shown(&pk)["restarts"]["n_restarts"], 0, "it crashed on the way");
    pk.check(0, &["server", "stop", "-n", "small"]);
    drop(disk);
}
