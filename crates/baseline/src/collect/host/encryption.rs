//! `DataStorage` and `OtherStorage`: what lies under the server's files, layer by layer, and
//! whether it is encrypted.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

use kql::plan::Schema;
use kql::value::Json;
use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

use super::postmaster::{self, Postmaster};
use super::{Filled, Host, backups};
use crate::derive::{Given, row};

const MOUNTS: &str = "/proc/self/mountinfo";
const SYSTEM_LOG: &str = "/var/log";
/// Devices that stand on each other.
const DEPTH_MAX: usize = 8;
const LINKS_MAX: usize = 10_000;

/// A mounted file system.
#[derive(Debug, Clone)]
struct Mount {
    device: String,
    point: PathBuf,
    kind: String,
    source: String,
}

/// What a path lies on.
#[derive(Debug, Clone, Default)]
pub(super) struct Layer {
    pub(super) mount_point: PathBuf,
    pub(super) kind: String,
    pub(super) source: String,
    /// `block`, `folder`, `files`: how it is encrypted; `none`, `memory`, `remote`, `unknown`
    pub(super) protection: &'static str,
    /// Where its key comes from: `prompt`, `tpm`, `token`, `volatile`, `vault`, `file`,
    /// `protected file`, `unknown`
    pub(super) key: &'static str,
    /// Where that is a file, its path; never what is in it
    pub(super) key_file: String,
    /// What lies below: devices, or the folder of ciphertext
    pub(super) below: Vec<PathBuf>,
}

impl Layer {
    pub(super) fn is_protected(&self) -> bool {
        matches!(self.protection, "block" | "folder" | "files")
    }
}

/// Fills `DataStorage`: what the data directory lies on.
pub(super) fn data(host: &Host, _: &Given<'_>, schema: &Schema) -> Filled {
    describe(host, vec![("data", host.pgdata().to_owned())], Filled::default(), schema)
}

/// Fills `OtherStorage`: what everything else lies on.
pub(super) fn others(host: &Host, given: &Given<'_>, schema: &Schema) -> Filled {
    let mut filled = Filled::default();
    let places = places(host, given, &mut filled);
    describe(host, places, filled, schema)
}

fn describe(
    host: &Host,
    places: Vec<(&'static str, PathBuf)>,
    mut filled: Filled,
    schema: &Schema,
) -> Filled {
    for (purpose, path) in places {
        let layer = match under(host, &path) {
            Ok(layer) => layer,
            Err(error) => {
                filled.lack(&path, &error);
                continue;
            }
        };
        filled.rows.push(row(
            schema,
            &[
                ("purpose", Json::String(purpose.into())),
                ("path", text(&path)),
                ("mount_point", text(&layer.mount_point)),
                ("file_system", Json::String(layer.kind.as_str().into())),
                ("source", Json::String(layer.source.as_str().into())),
                ("protection", Json::String(layer.protection.into())),
                ("key", Json::String(layer.key.into())),
                ("key_file", Json::String(layer.key_file.as_str().into())),
            ],
        ));
    }
    filled
}

fn text(path: &Path) -> Json {
    Json::String(path.display().to_string().into())
}

/// Where the server keeps what.
fn places(host: &Host, given: &Given<'_>, filled: &mut Filled) -> Vec<(&'static str, PathBuf)> {
    let setting = |name: &str| {
        let mut rows = given.rows("Settings").filter(|row| row.text("name") == name);
        rows.next().map_or("", |row| row.text("setting"))
    };
    let mut places = vec![("WAL", host.path("pg_wal"))];
    match fs::read_dir(host.path("pg_tblspc")) {
        Ok(entries) => {
            let links = entries.take(LINKS_MAX).filter_map(|entry| Some(entry.ok()?.path()));
            places.extend(links.map(|path| ("tablespace", path)));
        }
        Err(error) => filled.lack(&host.path("pg_tblspc"), &error),
    }
    if setting("logging_collector") == "on" {
        places.push(("log", host.path(setting("log_directory"))));
    }
    if setting("logging_collector") != "on" {
        match standard_error(host) {
            Ok(place) => places.extend(place.map(|place| ("log", place))),
            Err(error) => filled.lack(Path::new("/proc"), &error),
        }
    }
    if setting("log_destination").contains("syslog") {
        places.push(("log", PathBuf::from(SYSTEM_LOG)));
    }
    match cores(host) {
        Ok(folder) => places.extend(folder.map(|folder| ("core", folder))),
        Err(error) => filled.lack(Path::new("/proc/sys/kernel/core_pattern"), &error),
    }
    let repositories = backups::folders(host, given, filled);
    places.extend(repositories.into_iter().map(|path| ("backup", path)));
    // Each folder once for each purpose.
    let mut seen = BTreeSet::new();
    places.retain(|place| seen.insert(place.clone()));
    places
}

/// Where the server's standard error goes: a file, or the system's log behind a pipe or a socket.
fn standard_error(host: &Host) -> io::Result<Option<PathBuf>> {
    let target = fs::read_link(postmaster::of(Postmaster::find(host)?.pid, "fd/2"))?;
    Ok(match target.to_str() {
        Some("/dev/null") => None,
        Some(text) if text.starts_with('/') => target.parent().map(Path::to_owned),
        _ => Some(PathBuf::from(SYSTEM_LOG)),
    })
}

/// Where the kernel puts what was in memory when a process crashed; nowhere where it does not.
fn cores(host: &Host) -> io::Result<Option<PathBuf>> {
    let pattern = host.text("/proc/sys/kernel/core_pattern")?;
    let pattern = pattern.trim();
    if let Some(program) = pattern.strip_prefix('|') {
        let known = [("systemd-coredump", "/var/lib/systemd/coredump"), ("apport", "/var/crash")];
        let folder = known.iter().find(|(name, _)| program.contains(name));
        let folder = folder.ok_or_else(|| {
            io::Error::other(format!("where {program} puts core dumps is not known"))
        })?;
        return Ok(Some(PathBuf::from(folder.1)));
    }
    let limits = fs::read_to_string(postmaster::of(Postmaster::find(host)?.pid, "limits"))?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size"));
    let is_off = line.and_then(|line| line.split_whitespace().next()) == Some("0");
    let folder = Path::new(pattern).parent().unwrap_or(Path::new(""));
    let folder = if folder.is_absolute() { folder.to_owned() } else { host.pgdata().join(folder) };
    Ok((!is_off && !pattern.is_empty()).then_some(folder))
}

/// What a path lies on; where it is not there yet, what its folder does.
pub(super) fn under(host: &Host, path: &Path) -> io::Result<Layer> {
    layer(host, path, 0)
}

fn layer(host: &Host, path: &Path, depth: usize) -> io::Result<Layer> {
    if depth > DEPTH_MAX {
        return Err(io::Error::other("layers lie upon each other without end"));
    }
    let real = real(host, path)?;
    let mounts = mounts(&host.text(MOUNTS)?)?;
    // Of those at one place the last is what is seen.
    let on = mounts.iter().rev().filter(|mount| real.starts_with(&mount.point));
    let on = on.max_by_key(|mount| mount.point.components().count());
    let mount = on.ok_or_else(|| io::Error::other("no file system is mounted there"))?;
    let mut found = Layer {
        mount_point: mount.point.clone(),
        kind: mount.kind.clone(),
        source: mount.source.clone(),
        key: "unknown",
        ..Layer::default()
    };
    match mount.kind.as_str() {
        "tmpfs" | "ramfs" => found.protection = "memory",
        "fuse.cryptfs" if mount.source == "pgkeep" => {
            (found.protection, found.key) = ("files", "vault");
            found.below.extend(mount.point.parent().map(|home| home.join("data")));
        }
        "fuse.gocryptfs" | "fuse.cryfs" | "fuse.securefs" | "ecryptfs" => {
            found.protection = "files";
            found.below.push(PathBuf::from(&mount.source));
            by_fstab(host, &mut found, depth)?;
        }
        "fuse.encfs" => (found.protection, found.key) = ("files", "unknown"),
        kind if is_remote(kind) => found.protection = "remote",
        "zfs" | "bcachefs" | "overlay" | "9p" | "virtiofs" => found.protection = "unknown",
        kind if kind.starts_with("fuse") => found.protection = "unknown",
        _ => block(host, mount, &mut found, depth)?,
    }
    if found.protection == "none" && is_fscrypt(&host.path(&real))? {
        (found.protection, found.key) = ("folder", "unknown");
    }
    Ok(found)
}

fn is_remote(kind: &str) -> bool {
    let kinds = ["nfs", "nfs4", "cifs", "smb3", "ceph", "glusterfs", "fuse.sshfs", "fuse.s3fs"];
    kinds.contains(&kind)
}

/// A path without links, as the host names it; of what is not there, its nearest folder.
fn real(host: &Host, path: &Path) -> io::Result<PathBuf> {
    let mut at = host.path(path);
    let real = loop {
        match at.canonicalize() {
            Ok(real) => break real,
            Err(error) if error.kind() == io::ErrorKind::NotFound && at.pop() => {}
            Err(error) => return Err(error),
        }
    };
    let data = host.pgdata().canonicalize()?;
    let root = host.root.canonicalize();
    match root.ok().and_then(|root| real.strip_prefix(root).ok().map(Path::to_owned)) {
        Some(rest) if !real.starts_with(&data) => Ok(Path::new("/").join(rest)),
        _ => Ok(real),
    }
}

/// Lines of `mountinfo` (proc_pid_mountinfo(5)).
fn mounts(text: &str) -> io::Result<Vec<Mount>> {
    let lines = text.lines().map(|line| {
        let (head, tail) = line.split_once(" - ")?;
        let mut head = head.split(' ').skip(2);
        let mut tail = tail.split(' ');
        let device = head.next()?.to_owned();
        let point = PathBuf::from(plain(head.nth(1)?));
        Some(Mount { device, point, kind: tail.next()?.to_owned(), source: plain(tail.next()?) })
    });
    let all: Option<Vec<Mount>> = lines.collect();
    all.ok_or_else(|| io::Error::other("a line is not as it should be"))
}

/// `\040` and the like are characters.
fn plain(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (code, is)| text.replace(code, is))
}

/// A file system on devices.
fn block(host: &Host, mount: &Mount, found: &mut Layer, depth: usize) -> io::Result<()> {
    let folder = if mount.device.starts_with("0:") {
        // Such as Btrfs, whose number is not that of a device.
        let device = fs::canonicalize(host.path(&mount.source))?;
        let name = device.file_name().ok_or_else(|| io::Error::other("it has no device"))?;
        Path::new("/sys/class/block").join(name)
    } else {
        Path::new("/sys/dev/block").join(&mount.device)
    };
    let mut names = Vec::new();
    let is_encrypted = encrypted(host, &folder, 0, &mut names, &mut found.below)?;
    found.protection = if is_encrypted { "block" } else { "none" };
    for name in names {
        by_crypttab(host, &name, found, depth)?;
    }
    Ok(())
}

/// Whether all devices below one are encrypted; the names of those that are, and what they lie on.
fn encrypted(
    host: &Host,
    folder: &Path,
    depth: usize,
    names: &mut Vec<String>,
    below: &mut Vec<PathBuf>,
) -> io::Result<bool> {
    if depth > DEPTH_MAX {
        return Err(io::Error::other("devices stand upon each other without end"));
    }
    if !host.path(folder).try_exists()? {
        return Err(io::Error::other(format!("{} is not there", folder.display())));
    }
    let is_crypt = match host.text(folder.join("dm/uuid")) {
        Ok(uuid) => uuid.starts_with("CRYPT-"),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    };
    let slaves = match fs::read_dir(host.path(folder.join("slaves"))) {
        Ok(entries) => {
            let names: io::Result<Vec<_>> = entries.map(|entry| Ok(entry?.file_name())).collect();
            names?
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error),
    };
    if is_crypt {
        names.push(host.text(folder.join("dm/name"))?.trim().to_owned());
        below.extend(slaves.iter().map(|slave| Path::new("/dev").join(slave)));
        return Ok(true);
    }
    let mut is_all = !slaves.is_empty();
    for slave in slaves {
        is_all &= encrypted(host, &folder.join("slaves").join(slave), depth + 1, names, below)?;
    }
    Ok(is_all)
}

/// Where the key of a device comes from when the host starts (crypttab(5)).
fn by_crypttab(host: &Host, name: &str, found: &mut Layer, depth: usize) -> io::Result<()> {
    let text = match host.text("/etc/crypttab") {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let line = lines.into_iter().find(|words| words.first() == Some(&name));
    let Some(words) = line else {
        // Nothing opens it by itself.
        found.key = if found.key == "file" { "file" } else { "prompt" };
        return Ok(());
    };
    let key = words.get(2).copied().unwrap_or("none");
    let options = words.get(3).copied().unwrap_or("");
    let key_of = match key {
        "none" | "-" if options.contains("tpm2-device=") => "tpm",
        "none" | "-" if options.contains("fido2-device=") => "token",
        "none" | "-" if options.contains("pkcs11-uri=") => "token",
        "none" | "-" => "prompt",
        "/dev/urandom" | "/dev/random" => "volatile",
        path => return by_file(host, path, found, depth),
    };
    if found.key != "file" {
        found.key = key_of;
    }
    Ok(())
}

/// A mount that takes its key from a file by itself.
fn by_fstab(host: &Host, found: &mut Layer, depth: usize) -> io::Result<()> {
    let text = match host.text("/etc/fstab") {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let mut lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let point = found.mount_point.display().to_string();
    let line = lines.find(|words| words.get(1) == Some(&point.as_str()));
    let options = line.and_then(|words| words.get(3).copied()).unwrap_or("");
    let file = options.split(',').find_map(|option| {
        let (name, value) = option.split_once('=')?;
        name.contains("passfile").then_some(value)
    });
    match file {
        Some(file) => by_file(host, file, found, depth),
        None => {
            found.key = "prompt";
            Ok(())
        }
    }
}

/// A key in a file is as safe as what the file lies on.
fn by_file(host: &Host, path: &str, found: &mut Layer, depth: usize) -> io::Result<()> {
    let file = layer(host, Path::new(path), depth + 1)?;
    let is_itself = file.mount_point == found.mount_point;
    let is_safe = file.is_protected() && !is_itself && file.key != "file";
    if found.key != "file" {
        found.key = if is_safe { "protected file" } else { "file" };
        path.clone_into(&mut found.key_file);
    }
    Ok(())
}

/// Whether a folder is encrypted by the file system itself (fscrypt, statx(2)).
fn is_fscrypt(path: &Path) -> io::Result<bool> {
    let found = statx(CWD, path, AtFlags::empty(), StatxFlags::BASIC_STATS)?;
    Ok(found.stx_attributes.contains(StatxAttributes::ENCRYPTED))
}

/// Whether a path is on the same device as the data.
pub(super) fn is_beside_data(host: &Host, path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.dev() == fs::metadata(host.pgdata())?.dev())
}

#[cfg(test)]
mod tests {
    use super::mounts;

    #[test]
    fn mounts_are_read() {
        let text = "27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
                    28 27 0:25 / /mnt/a\\040b rw - fuse.gocryptfs /srv/c rw\n";
        let found = mounts(text).unwrap();
        assert_eq!((found[0].device.as_str(), found[0].kind.as_str()), ("254:0", "ext4"));
        assert_eq!(found[1].point.to_str(), Some("/mnt/a b"));
        assert_eq!(found[1].source, "/srv/c");
        assert!(mounts("odd").is_err());
    }
}
