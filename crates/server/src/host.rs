//! What the machine says about itself: free space, swap, its name.

use std::path::Path;

use base::Fault;

use crate::doors::{Host, Space};

/// The machine that this process runs on.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemHost;

impl Host for SystemHost {
    fn space(&self, path: &Path) -> Result<Space, Fault> {
        let stat = rustix::fs::statvfs(path).map_err(|errno| {
            let message = format!("could not read the free space of \"{}\"", path.display());
            Fault::new("space_unknown", message).detail(errno.to_string())
        })?;
        let unit = stat.f_frsize;
        Ok(Space { size_bytes: stat.f_blocks * unit, free_bytes: stat.f_bavail * unit })
    }

    fn swap_warnings(&self) -> Vec<String> {
        match std::fs::read_to_string("/proc/swaps") {
            Ok(text) => unencrypted_swaps(&text, is_encrypted_device),
            Err(e) => vec![format!("could not read /proc/swaps, so swap may be in clear: {e}")],
        }
    }

    fn hostname(&self) -> Option<String> {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        let name = name.trim();
        (!name.is_empty() && name != "(none)").then(|| name.to_owned())
    }
}

/// A sentence for each line of `/proc/swaps` that is not known to be encrypted or in memory.
fn unencrypted_swaps(text: &str, is_encrypted: impl Fn(&str) -> bool) -> Vec<String> {
    let devices = text.lines().skip(1).filter_map(|line| line.split_whitespace().next());
    devices
        .filter(|device| !device.starts_with("/dev/zram") && !is_encrypted(device))
        .map(|device| {
            format!(
                "swap is on and \"{device}\" is not known to be encrypted: \
                 memory of PostgreSQL may reach the disk in clear"
            )
        })
        .collect()
}

/// True for a device-mapper device whose target is dm-crypt.
fn is_encrypted_device(device: &str) -> bool {
    let Ok(real) = std::fs::canonicalize(device) else { return false };
    let Some(name) = real.file_name() else { return false };
    let uuid = Path::new("/sys/block").join(name).join("dm/uuid");
    std::fs::read_to_string(uuid).is_ok_and(|text| text.starts_with("CRYPT-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_only_swap_that_may_reach_a_disk_in_clear() {
        let head = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        let cases = [
            ("", 0),
            ("/dev/zram0 partition 100 0 5\n", 0),
            ("/dev/dm-1 partition 100 0 5\n", 0),
            ("/swapfile file 100 0 5\n/dev/sda2 partition 100 0 5\n", 2),
        ];
        for (lines, expected) in cases {
            let seen = unencrypted_swaps(&format!("{head}{lines}"), |d| d == "/dev/dm-1");
            assert_eq!(seen.len(), expected, "{lines}: {seen:?}");
        }
    }

    #[test]
    fn reads_the_free_space_of_a_folder() {
        let space = SystemHost.space(Path::new("/")).unwrap();
        assert!(space.size_bytes > 0 && space.free_bytes <= space.size_bytes);
        assert!(SystemHost.space(Path::new("/nowhere/at/all")).is_err());
    }
}
