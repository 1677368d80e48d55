//! Limits of the kernel for one mount that only root may raise.

use std::io;
use std::path::Path;

/// Settings under `/sys/class/bdi/MAJOR:MINOR`.
///
/// A FUSE mount starts with 1 % of the dirty pages that the machine allows, strictly kept, so
/// that a checkpoint sleeps; and with 128 KiB of read-ahead.
const SETTINGS: [(&str, &str); 3] =
    [("max_ratio", "40"), ("strict_limit", "0"), ("read_ahead_kb", "1024")];

/// Raises the limits of the mount with this device number (`major:minor`, from
/// [`Event::Ready`](crate::Event::Ready)) and answers for each setting whether it worked.
///
/// Public, because a supervisor running as root does it for mounts of others.
pub fn tune(device: &str) -> Vec<(&'static str, io::Result<()>)> {
    let is_device = !device.is_empty() && device.bytes().all(|b| b.is_ascii_digit() || b == b':');
    SETTINGS
        .iter()
        .map(|(name, value)| {
            let path = Path::new("/sys/class/bdi").join(device).join(name);
            let answer = if is_device {
                std::fs::write(path, value)
            } else {
                Err(io::ErrorKind::InvalidInput.into())
            };
            (*name, answer)
        })
        .collect()
}
