//! The kernel and the machine: FUSE, memory, limits, randomness, time.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::process::Resource;

use super::Check;
use super::parse::{kernel_version, size, swap_areas};
use crate::home::Accounts;

/// A key's page and some: what `crypto` locks.
const LOCKED_MIN_BYTES: u64 = 1 << 20;
/// The file system keeps a descriptor for each file that PostgreSQL has open.
const DESCRIPTORS_MIN: u64 = 16_384;
/// FUSE with write-back cache and shared memory maps works well from here on.
const KERNEL_MIN: (u32, u32) = (5, 4);

pub(super) fn checks(accounts: Option<&Accounts>) -> Vec<Check> {
    vec![
        fuse_device(accounts),
        fuse_program(accounts),
        memory_lock(),
        core_dumps(),
        swap(),
        descriptors(),
        entropy(),
        clock(),
        kernel(),
    ]
}

fn fuse_device(accounts: Option<&Accounts>) -> Check {
    const NAME: &str = "fuse-device";
    const DEVICE: &str = "/dev/fuse";
    let Ok(meta) = fs::metadata(DEVICE) else {
        let fix = "load the module fuse; in a container, pass the device /dev/fuse in";
        return Check::fail(NAME, format!("there is no {DEVICE}"), fix);
    };
    let Some(Accounts { agent, starter, .. }) = accounts else {
        return Check::cannot_tell(NAME, "the OS user of the agents is not known");
    };
    let bits = match (meta.uid() == agent.uid, meta.gid() == agent.gid) {
        (true, _) => meta.mode() >> 6,
        (_, true) => meta.mode() >> 3,
        _ => meta.mode(),
    };
    let user = &agent.name;
    if bits & 0o6 == 0o6 {
        Check::ok(NAME, format!("OS user {user} may open {DEVICE}"))
    } else if starter.uid == 0 {
        // `up` gives it the mode that udev gives it.
        let fix = format!("chmod 0666 {DEVICE} (pgkeep up does it as root)");
        Check::warn(NAME, format!("OS user {user} may not open {DEVICE}"), fix)
    } else {
        let fix = format!("as root: chmod 0666 {DEVICE}");
        Check::fail(NAME, format!("OS user {user} may not open {DEVICE}"), fix)
    }
}

fn fuse_program(accounts: Option<&Accounts>) -> Check {
    const NAME: &str = "fusermount";
    const PLACES: [&str; 3] =
        ["/usr/bin/fusermount3", "/bin/fusermount3", "/usr/local/bin/fusermount3"];
    if accounts.is_some_and(|accounts| accounts.agent.uid == 0) {
        return Check::ok(NAME, "not needed: agents run as root");
    }
    let found = PLACES.iter().find_map(|place| Some((place, fs::metadata(place).ok()?)));
    match found {
        None => Check::fail(NAME, "fusermount3 is not installed", "cargo xtask deps"),
        Some((place, meta)) if meta.uid() == 0 && meta.mode() & 0o4000 != 0 => {
            Check::ok(NAME, format!("{place} may mount for others"))
        }
        Some((place, _)) => Check::fail(
            NAME,
            format!("{place} is not setuid root: only root can mount"),
            format!("as root: chown root {place} && chmod u+s {place}"),
        ),
    }
}

/// What root may raise is no obstacle for processes that root starts.
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn memory_lock() -> Check {
    const NAME: &str = "memory-lock";
    let limit = rustix::process::getrlimit(Resource::Memlock);
    match (limit.current, limit.maximum) {
        _ if is_root() => Check::ok(NAME, "keys can be locked in memory (root raises the limit)"),
        (None, _) | (_, None) => Check::ok(NAME, "keys can be locked in memory (no limit)"),
        (_, Some(hard)) if hard >= LOCKED_MIN_BYTES => {
            Check::ok(NAME, format!("keys can be locked in memory (limit {})", size(hard)))
        }
        (_, Some(hard)) => Check::warn(
            NAME,
            format!("only {} may be locked in memory: keys may reach swap", size(hard)),
            "raise memlock in /etc/security/limits.conf, or LimitMEMLOCK of the service",
        ),
    }
}

fn core_dumps() -> Check {
    const NAME: &str = "core-dumps";
    let Ok(pattern) = fs::read_to_string("/proc/sys/kernel/core_pattern") else {
        return Check::cannot_tell(NAME, "could not read /proc/sys/kernel/core_pattern");
    };
    if pattern.starts_with('|') {
        // A limit of zero does not stop a dump that goes to a program.
        Check::warn(
            NAME,
            "a program collects core dumps: a crash of PostgreSQL would hand rows to it",
            "as root: sysctl kernel.core_pattern=core, or tell the program to drop them",
        )
    } else {
        Check::ok(NAME, "processes that hold keys and PostgreSQL write no core dumps")
    }
}

fn swap() -> Check {
    const NAME: &str = "swap";
    let Ok(text) = fs::read_to_string("/proc/swaps") else {
        return Check::cannot_tell(NAME, "could not read /proc/swaps");
    };
    let areas = swap_areas(&text);
    let plain: Vec<&str> = areas.iter().copied().filter(|area| !is_encrypted(area)).collect();
    if areas.is_empty() {
        Check::ok(NAME, "there is no swap")
    } else if plain.is_empty() {
        Check::ok(NAME, "swap is encrypted or in memory")
    } else {
        Check::warn(
            NAME,
            format!("swap on {} is not encrypted: rows in memory may reach it", plain.join(", ")),
            "encrypt it (crypttab with a random key), or: swapoff -a",
        )
    }
}

/// A dm-crypt device, or compressed memory.
fn is_encrypted(area: &str) -> bool {
    let device = fs::canonicalize(area).unwrap_or_else(|_| area.into());
    let Some(name) = device.file_name().and_then(|name| name.to_str()) else { return false };
    let uuid = Path::new("/sys/block").join(name).join("dm/uuid");
    name.starts_with("zram") || fs::read_to_string(uuid).is_ok_and(|id| id.starts_with("CRYPT-"))
}

fn descriptors() -> Check {
    const NAME: &str = "descriptors";
    let limit = rustix::process::getrlimit(Resource::Nofile);
    match limit.maximum {
        _ if is_root() => Check::ok(NAME, "root raises the limit of open files"),
        None => Check::ok(NAME, "no limit of open files"),
        Some(hard) if hard >= DESCRIPTORS_MIN => {
            Check::ok(NAME, format!("up to {hard} open files a process"))
        }
        Some(hard) => Check::warn(
            NAME,
            format!("only {hard} open files a process: large databases will be slow"),
            format!("raise nofile to {DESCRIPTORS_MIN} or more in /etc/security/limits.conf"),
        ),
    }
}

fn entropy() -> Check {
    const NAME: &str = "entropy";
    let text = fs::read_to_string("/proc/sys/kernel/random/entropy_avail");
    match text.ok().and_then(|text| text.trim().parse::<u32>().ok()) {
        None => Check::cannot_tell(NAME, "could not read the kernel's entropy estimate"),
        Some(bits) if bits >= 128 => Check::ok(NAME, "the kernel's random generator is seeded"),
        Some(bits) => Check::warn(
            NAME,
            format!("the kernel has gathered only {bits} bits of entropy"),
            "wait a moment after boot, or install rng-tools",
        ),
    }
}

fn clock() -> Check {
    const NAME: &str = "clock";
    // Certificates would begin in the past of their authority.
    let built_after = jiff::civil::date(2026, 1, 1).at(0, 0, 0, 0).in_tz("UTC");
    if built_after.is_ok_and(|built| jiff::Timestamp::now() < built.timestamp()) {
        return Check::fail(NAME, "the clock is wrong: it is before 2026", "set the clock");
    }
    if Path::new("/run/systemd/timesync/synchronized").exists() {
        return Check::ok(NAME, "the clock is synchronized");
    }
    Check::cannot_tell(NAME, "the clock is plausible; whether it is synchronized is not known")
}

fn kernel() -> Check {
    const NAME: &str = "kernel";
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim();
    match kernel_version(release) {
        None => Check::cannot_tell(NAME, "could not read the kernel's version"),
        Some(version) if version >= KERNEL_MIN => Check::ok(NAME, format!("Linux {release}")),
        Some(_) => Check::warn(
            NAME,
            format!("Linux {release} is older than {}.{}", KERNEL_MIN.0, KERNEL_MIN.1),
            "update the kernel: its FUSE lacks what makes this fast",
        ),
    }
}
