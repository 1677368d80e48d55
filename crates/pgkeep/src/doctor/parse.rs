//! Reading of kernel texts, apart from the reading of files.

/// Swap areas of /proc/swaps: the name of each.
pub(super) fn swap_areas(text: &str) -> Vec<&str> {
    text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect()
}

/// Major and minor number of a kernel release such as `6.1.0-18-amd64`.
pub(super) fn kernel_version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.trim().split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// A number of bytes for a person.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    for (unit, bytes_each) in UNITS {
        if bytes >= bytes_each {
            return format!("{} {unit}", bytes / bytes_each);
        }
    }
    format!("{bytes} bytes")
}
