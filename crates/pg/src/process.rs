//! Processes that live in a data directory, seen through /proc.

use std::path::{Path, PathBuf};

/// Whether process `pid` has `data_dir` as its working directory, as every server process has.
pub(crate) fn works_in(pid: u32, data_dir: &Path) -> bool {
    std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == canonical(data_dir))
}

/// All processes that work in `data_dir` and that we may look at.
pub(crate) fn all_in(data_dir: &Path) -> Vec<u32> {
    let data_dir = canonical(data_dir);
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| {
        std::fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == data_dir)
    })
    .collect()
}

fn canonical(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}
