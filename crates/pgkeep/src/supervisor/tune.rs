//! Raises the kernel's write-back limits of a server's mount, which only root may do.

use base::{ExitCode, Fault, ServerName};
use serde_json::{Value, json};

use crate::home::Home;

/// Sets the block-device limits of `device` (`major:minor`), if that is the mount of `name`.
///
/// An agent may ask for its own mount only: the mount table says whose a device is.
pub(super) fn tune(home: &Home, name: &ServerName, device: &str) -> Result<Value, Fault> {
    let mounts = std::fs::read_to_string("/proc/self/mountinfo")
        .map_err(|e| Fault::from_error("tune", "could not read the mount table", &e))?;
    let mountpoint = home.server(name).join("mnt");
    if !is_mounted(&mounts, &mountpoint.to_string_lossy(), device) {
        let message = format!("device {device} is not the mount of server \"{name}\"");
        return Err(Fault::new("forbidden", message).exit(ExitCode::Forbidden));
    }
    let settings = cryptfs::fuse::tune(device).into_iter().map(|(setting, outcome)| {
        let error = outcome.err().map(|e| e.to_string());
        json!({ "setting": setting, "set": error.is_none(), "error": error })
    });
    Ok(json!({ "settings": settings.collect::<Vec<_>>() }))
}

/// Looks a mount up in the text of proc_pid_mountinfo(5).
fn is_mounted(mounts: &str, mountpoint: &str, device: &str) -> bool {
    mounts.lines().any(|line| {
        let mut fields = line.split(' ').skip(2);
        let found = (fields.next(), fields.nth(1).map(crate::fs::unescape));
        found == (Some(device), Some(mountpoint.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::is_mounted;

    #[test]
    fn finds_only_the_mount_itself() {
        let mounts = "36 35 0:45 / /h/servers/a/mnt rw,nosuid - fuse.cryptfs pgkeep rw\n\
                      37 35 0:46 / /h\\040x/servers/b/mnt rw - fuse.cryptfs pgkeep rw\n";
        assert!(is_mounted(mounts, "/h/servers/a/mnt", "0:45"));
        assert!(is_mounted(mounts, "/h x/servers/b/mnt", "0:46"));
        assert!(!is_mounted(mounts, "/h/servers/a/mnt", "0:46"), "another's device");
        assert!(!is_mounted(mounts, "/h/servers/a", "0:45"), "a folder above");
        assert!(!is_mounted("", "/h/servers/a/mnt", "0:45"));
    }
}
