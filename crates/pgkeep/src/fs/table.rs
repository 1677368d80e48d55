//! The mount table: where stores of ours are mounted, dead ones too.

use std::path::Path;

use base::{ExitCode, Fault};
use cryptfs::fuse::Figures;

/// Looks the mountpoint up in proc_pid_mounts(5), without touching it.
pub(super) fn is_mounted(place: &Path) -> Result<bool, Fault> {
    let table = std::fs::read_to_string("/proc/self/mounts")
        .map_err(|error| Fault::from_error("mounts", "could not read the mount table", &error))?;
    Ok(is_listed(&table, place))
}

/// Refuses a place where a store is mounted already, and says what to do about a dead mount.
pub(super) fn refuse_mounted(mountpoint: &Path) -> Result<(), Fault> {
    let place = std::path::absolute(mountpoint)
        .map_err(|error| Fault::from_error("path", "cannot use the mountpoint", &error))?;
    if !is_mounted(&place)? {
        return Ok(());
    }
    let message = format!("a store is already mounted at {}", place.display());
    let fault =
        Fault::new("mounted", message).hint("run pgkeep fs unmount first").exit(ExitCode::Conflict);
    Err(match Figures::of_mount(&place) {
        Ok(figures) => fault.detail(format!("Process {} serves it.", figures.pid)),
        Err(_) => fault.detail("The mount does not answer; its process may have died."),
    })
}

fn is_listed(table: &str, place: &Path) -> bool {
    table.lines().any(|line| {
        let mut fields = line.split(' ').skip(1);
        let (at, kind) = (fields.next().map(unescape), fields.next());
        at.is_some_and(|at| Path::new(&at) == place) && kind == Some("fuse.cryptfs")
    })
}

/// A field of the kernel's mount tables (proc_pid_mountinfo(5)) as it is meant.
///
/// Spaces, tabs, line feeds and backslashes stand there as three octal digits.
pub(crate) fn unescape(field: &str) -> String {
    let mut text = field.to_owned();
    for (code, plain) in [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")] {
        text = text.replace(code, plain);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Path, is_listed};

    #[test]
    fn only_mounts_of_ours_count() {
        let table = "pgkeep /a\\040b/mnt fuse.cryptfs rw 0 0\n/dev/vda / ext4 rw 0 0\n";
        assert!(is_listed(table, Path::new("/a b/mnt")));
        assert!(!is_listed(table, Path::new("/")));
        assert!(!is_listed(table, Path::new("/a b")));
    }
}
