//! Where data lies: the file system of each place, what is free on it and whether it is encrypted
//! below.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use kql::plan::Schema;
use kql::value::Json;

use super::stat::{found, number, text};
use super::{Filled, Host};
use crate::derive::{Given, row};

/// Devices that lie on one another.
const DEPTH_MAX: usize = 12;

/// File systems that encrypt by themselves.
const ENCRYPTING: [&str; 5] =
    ["fuse.gocryptfs", "fuse.encfs", "fuse.pgkeep", "fuse.cryfs", "ecryptfs"];

/// A line of mountinfo (proc_pid_mountinfo(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mount {
    device: String,
    at: PathBuf,
    kind: String,
    source: String,
}

impl Mount {
    fn parse(line: &str) -> Option<Self> {
        let (left, right) = line.split_once(" - ")?;
        let left: Vec<&str> = left.split(' ').collect();
        let mut right = right.split(' ');
        let (kind, source) = (right.next()?.to_owned(), right.next()?.to_owned());
        let at = PathBuf::from(unescaped(left.get(4)?));
        Some(Self { device: (*left.get(2)?).to_owned(), at, kind, source: unescaped(&source) })
    }
}

/// Octal escapes of space, tab, newline and backslash.
fn unescaped(text: &str) -> String {
    let pairs = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// How data on a place is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// A cipher lies below
    Encrypted,
    /// None does
    Plain,
    /// In memory, which goes with the power
    Memory,
    /// This machine cannot tell: a network, ZFS, layers
    Unknown,
}

impl Kept {
    fn name(self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Plain => "plain",
            Self::Memory => "memory",
            Self::Unknown => "unknown",
        }
    }
}

/// `Storage`: data, WAL, log, tablespaces, temporary files of the system, and swap.
pub(super) fn storage(host: &Host, given: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let mountinfo = Path::new("/proc/self/mountinfo");
    let mounts: Vec<Mount> = match host.text(mountinfo) {
        Ok(text) => text.lines().filter_map(Mount::parse).collect(),
        Err(error) => {
            filled.lack(mountinfo, &error);
            return filled;
        }
    };
    let mut places = vec![
        ("data", String::new(), host.pgdata().to_owned()),
        ("wal", String::new(), host.pgdata().join("pg_wal")),
        ("system temp", "/tmp".to_owned(), PathBuf::from("/tmp")),
        ("system temp", "/var/tmp".to_owned(), PathBuf::from("/var/tmp")),
    ];
    let setting = |name: &str| {
        let found = given.rows("Settings").find(|setting| setting.text("name") == name);
        found.map(|setting| setting.text("setting").to_owned()).unwrap_or_default()
    };
    let log = setting("log_directory");
    if !log.is_empty() && setting("logging_collector") == "on" {
        places.push(("log", String::new(), host.pgdata().join(log)));
    }
    let temp = setting("temp_tablespaces");
    let temp: Vec<&str> = temp.split(',').map(|name| name.trim().trim_matches('"')).collect();
    for space in given.rows("Tablespaces") {
        let (name, location) = (space.text("name"), space.text("location"));
        if location.is_empty() {
            continue;
        }
        let is_temp = space.is("temporary") || temp.contains(&name);
        let purpose = if is_temp { "temp tablespace" } else { "tablespace" };
        places.push((purpose, name.to_owned(), PathBuf::from(location)));
    }
    let push = |purpose: &str, name: &str, path: &Path, filled: &mut Filled| {
        let real = fs::canonicalize(host.path(path)).ok();
        let mount = mount_of(&mounts, real.as_deref().unwrap_or(path));
        let space = real.as_deref().map(space).transpose();
        let (size, free) = match space {
            Ok(space) => space.unzip(),
            Err(error) => {
                filled.lack(path, &error);
                (None, None)
            }
        };
        let kept = mount.map_or(Kept::Unknown, |mount| kept(host, mount));
        let percent = size.zip(free).filter(|(size, _)| *size > 0);
        let percent = percent.map(|(size, free)| free as f64 * 100.0 / size as f64);
        let long = |bytes: Option<u64>| bytes.map_or(Json::Null, number);
        let cells = [
            ("purpose", text(purpose)),
            ("name", text(name)),
            ("path", text(path.display().to_string())),
            ("mount", text(mount.map_or_else(String::new, |m| m.at.display().to_string()))),
            ("filesystem", text(mount.map_or("", |m| m.kind.as_str()))),
            ("source", text(mount.map_or("", |m| m.source.as_str()))),
            ("kept", text(kept.name())),
            ("size", long(size)),
            ("free", long(free)),
            ("free_percent", percent.map_or(Json::Null, Json::Real)),
        ];
        filled.rows.push(row(schema, &cells));
    };
    for (purpose, name, path) in &places {
        push(purpose, name, path, &mut filled);
    }
    let swaps = Path::new("/proc/swaps");
    let swaps = match host.text(swaps) {
        Ok(text) => text,
        Err(error) => {
            filled.lack(swaps, &error);
            String::new()
        }
    };
    for line in swaps.lines().skip(1) {
        let mut fields = line.split_whitespace();
        let (Some(source), Some(kind)) = (fields.next(), fields.next()) else { continue };
        let source = unescaped(source);
        if kind == "file" {
            push("swap", &source, Path::new(&source), &mut filled);
            continue;
        }
        let kept = of_source(host, &source).map_or(Kept::Unknown, |name| device(host, &name, 0));
        let cells = [
            ("purpose", text("swap")),
            ("name", text(&source)),
            ("path", text(&source)),
            ("source", text(&source)),
            ("kept", text(kept.name())),
        ];
        filled.rows.push(row(schema, &cells));
    }
    filled
}

/// Bytes of a file system, and those that others than root can still use.
fn space(path: &Path) -> io::Result<(u64, u64)> {
    let found = rustix::fs::statvfs(path)?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok((bytes(found.f_blocks), bytes(found.f_bavail)))
}

/// The mount that a path is on: the deepest, and of several at one place the last.
fn mount_of<'a>(mounts: &'a [Mount], path: &Path) -> Option<&'a Mount> {
    let over = mounts.iter().enumerate().filter(|(_, mount)| path.starts_with(&mount.at));
    over.max_by_key(|(n, mount)| (mount.at.components().count(), *n)).map(|(_, mount)| mount)
}

fn kept(host: &Host, mount: &Mount) -> Kept {
    match mount.kind.as_str() {
        "tmpfs" | "ramfs" | "devtmpfs" => Kept::Memory,
        kind if ENCRYPTING.contains(&kind) => Kept::Encrypted,
        "ext2" | "ext3" | "ext4" | "xfs" | "btrfs" | "f2fs" | "jfs" | "reiserfs" => {
            let name = by_number(host, &mount.device).or_else(|| of_source(host, &mount.source));
            name.map_or(Kept::Unknown, |name| device(host, &name, 0))
        }
        _ => Kept::Unknown,
    }
}

/// The folder of a block device by its numbers.
fn by_number(host: &Host, device: &str) -> Option<PathBuf> {
    let path = PathBuf::from(format!("/sys/dev/block/{device}"));
    host.path(&path).exists().then_some(path)
}

/// The folder of a block device by its name in /dev.
fn of_source(host: &Host, source: &str) -> Option<PathBuf> {
    if let Some(name) = source.strip_prefix("/dev/mapper/") {
        for entry in super::files::names(host, Path::new("/sys/class/block")).ok()? {
            let path = Path::new("/sys/class/block").join(entry);
            if host.text(path.join("dm/name")).is_ok_and(|known| known.trim() == name) {
                return Some(path);
            }
        }
        return None;
    }
    let path = Path::new("/sys/class/block").join(source.strip_prefix("/dev/")?);
    host.path(&path).exists().then_some(path)
}

/// How a device keeps what is on it, by itself or by all that it lies on.
fn device(host: &Host, folder: &Path, depth: usize) -> Kept {
    if depth > DEPTH_MAX {
        return Kept::Unknown;
    }
    let name = fs::canonicalize(host.path(folder)).unwrap_or_else(|_| folder.to_owned());
    if name.file_name().is_some_and(|name| name.to_string_lossy().starts_with("zram")) {
        return Kept::Memory;
    }
    match found(host.text(folder.join("dm/uuid"))) {
        Ok(Some(uuid)) if uuid.starts_with("CRYPT-") => return Kept::Encrypted,
        Ok(_) => {}
        Err(_) => return Kept::Unknown,
    }
    // A partition has no slaves of its own; its disk may be one that is encrypted.
    let slaves = match super::files::names(host, &folder.join("slaves")) {
        Ok(slaves) => slaves,
        Err(_) => return Kept::Unknown,
    };
    if slaves.is_empty() {
        let is_part = host.path(folder.join("partition")).exists();
        let disk = name.parent().and_then(Path::file_name).filter(|_| is_part);
        return match disk {
            Some(disk) => device(host, &Path::new("/sys/class/block").join(disk), depth + 1),
            None => Kept::Plain,
        };
    }
    let each = slaves
        .iter()
        .map(|name| device(host, &Path::new("/sys/class/block").join(name), depth + 1));
    let each: Vec<Kept> = each.collect();
    let all = |kept| each.iter().all(|each| *each == kept);
    match () {
        () if all(Kept::Encrypted) => Kept::Encrypted,
        () if each.contains(&Kept::Plain) => Kept::Plain,
        () => Kept::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mount_of_a_path() {
        let text = "21 1 8:1 / / rw - ext4 /dev/sda1 rw\n\
                    22 21 0:5 / /srv rw shared:1 - xfs /dev/mapper/x rw\n\
                    23 21 0:6 / /srv rw - tmpfs tmpfs rw\n\
                    24 21 0:7 / /srv\\040b rw - tmpfs tmpfs rw\n";
        let mounts: Vec<Mount> = text.lines().filter_map(Mount::parse).collect();
        let of = |path: &str| mount_of(&mounts, Path::new(path)).map(|mount| mount.device.as_str());
        assert_eq!(of("/srv/pg"), Some("0:6"));
        assert_eq!(of("/srv b/pg"), Some("0:7"));
        assert_eq!(of("/var"), Some("8:1"));
    }
}
