//! The FUSE device, which unprivileged processes must be able to open.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};

use super::apt::as_root;
use super::host::Host;
use crate::failure::{Failure, Outcome};
use crate::{proc, say};

const DEVICE: &str = "/dev/fuse";

/// Makes the device usable by PostgreSQL's operating-system user, or says how.
pub(super) fn open_device(host: &Host) -> Outcome {
    let is_device = || std::fs::metadata(DEVICE).ok().filter(|m| m.file_type().is_char_device());
    if is_device().is_none() {
        // A built-in driver shows the device at once; a module may only need to be loaded.
        let loaded = as_root(host, "modprobe", &["fuse"]).and_then(|mut c| proc::capture(&mut c));
        if loaded.is_err() || is_device().is_none() {
            return Err(Failure::new(format!("this machine has no {DEVICE}"))
                .detail("encryption at rest is a FUSE file system and cannot work without it")
                .hint("load the kernel module `fuse`; a container needs `--device /dev/fuse`"));
        }
    }
    let mode = is_device().map_or(0, |metadata| metadata.permissions().mode());
    if mode & 0o666 == 0o666 {
        return Ok(());
    }
    let change = as_root(host, "chmod", &["0666", DEVICE]).and_then(|mut c| proc::run(&mut c));
    match change {
        Ok(()) => {
            say::note(&format!("set {DEVICE} to mode 0666, as Debian's own rule does"));
            Ok(())
        }
        Err(failure) => Err(Failure::new(format!("only root can open {DEVICE}"))
            .detail(failure.message)
            .hint(format!("run as root: chmod 0666 {DEVICE}"))),
    }
}
