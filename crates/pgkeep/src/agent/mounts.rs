//! The mount table, and the removal of a mount that no longer answers.

use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base::Fault;
use tokio::process::Command;

/// Detaching does not wait for anybody.
const DETACH_DEADLINE: Duration = Duration::from_secs(20);

/// True when something is mounted at `path` or below.
pub(super) fn is_mounted(path: &Path) -> Result<bool, Fault> {
    let table = std::fs::read("/proc/self/mountinfo")
        .map_err(|e| Fault::from_error("mounts", "could not read the mount table", &e))?;
    Ok(mountpoints(&table).any(|mountpoint| mountpoint.starts_with(path)))
}

/// Takes a mount away without waiting for those who use it. Works on one whose file system is
/// dead, and for ordinary users too, because it asks FUSE's own program.
pub(super) async fn detach(path: &Path) -> Result<(), Fault> {
    let run = Command::new("fusermount3")
        .args(["-u", "-z", "--"])
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .output();
    let message = || format!("could not unmount \"{}\"", path.display());
    let output = tokio::time::timeout(DETACH_DEADLINE, run)
        .await
        .map_err(|_| Fault::new("unmount", message()).detail("fusermount3 does not end"))?
        .map_err(|e| Fault::from_error("unmount", message(), &e).hint("install fuse3"))?;
    // Somebody else may have been faster: only what is mounted now counts.
    if output.status.success() || !is_mounted(path)? {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Fault::new("unmount", message()).detail(said.trim().to_owned()))
}

/// The fifth field of each line of proc_pid_mountinfo(5).
fn mountpoints(table: &[u8]) -> impl Iterator<Item = PathBuf> + '_ {
    let lines = table.split(|byte| *byte == b'\n');
    lines.filter_map(|line| line.split(|byte| *byte == b' ').nth(4)).map(unescape)
}

/// Blanks and backslashes stand there as three octal digits.
fn unescape(field: &[u8]) -> PathBuf {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((first, tail)) = rest.split_first() {
        let octal = tail
            .get(..3)
            .filter(|_| *first == b'\\')
            .and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 8).ok());
        match octal {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    PathBuf::from(std::ffi::OsString::from_vec(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_mountpoints_with_blanks() {
        let table = b"22 1 0:21 / /proc rw - proc proc rw\n\
            36 35 0:45 / /srv/pg\\040keep/servers/a/mnt rw,nosuid - fuse.cryptfs pgkeep rw\n";
        let seen: Vec<_> = mountpoints(table).collect();
        assert_eq!(seen, [Path::new("/proc"), Path::new("/srv/pg keep/servers/a/mnt")]);
    }

    #[test]
    fn knows_what_is_mounted() {
        assert!(is_mounted(Path::new("/proc")).unwrap());
        assert!(is_mounted(Path::new("/")).unwrap());
        assert!(!is_mounted(Path::new("/proc/self")).unwrap());
    }
}
