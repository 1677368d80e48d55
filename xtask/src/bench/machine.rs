//! What a figure was measured on, without naming the machine.

use std::path::Path;
use std::process::Command;

use crate::proc;

/// One sentence: cores, processor, memory, kernel, disk's file system.
pub(super) fn describe(disk: &Path) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{cores} cores ({}), {} GiB memory, Linux {}, {}",
        field(&cpuinfo, "model name").unwrap_or("processor unknown"),
        memory_gib(&meminfo).unwrap_or(0),
        version(&release),
        file_system(disk).unwrap_or_else(|| "file system unknown".to_owned()),
    )
}

/// A warning when something else keeps the machine busy: such figures are not to be quoted.
pub(super) fn busy() -> Option<String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    let load: f64 = text.split_whitespace().next()?.parse().ok()?;
    // A core count is far below 2^52, so the conversion is exact.
    #[allow(clippy::cast_precision_loss, reason = "a core count is small")]
    let limit = cores as f64 / 2.0;
    (load > limit).then(|| format!("the machine is busy (load {load} on {cores} cores)"))
}

fn field<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let line = text.lines().find(|line| line.starts_with(key))?;
    Some(line.split_once(':')?.1.trim())
}

fn memory_gib(meminfo: &str) -> Option<u64> {
    let kib: u64 = field(meminfo, "MemTotal")?.split_whitespace().next()?.parse().ok()?;
    Some((kib + (1 << 19)) >> 20)
}

/// The numbers of a kernel release; what a builder appended may name a machine.
fn version(release: &str) -> &str {
    let release = release.trim();
    release.split(|c: char| !c.is_ascii_digit() && c != '.').next().unwrap_or(release)
}

fn file_system(path: &Path) -> Option<String> {
    let mut stat = Command::new("stat");
    let kind = proc::capture(stat.args(["-f", "-c", "%T"]).arg(path)).ok()?;
    Some(match kind.trim() {
        "ext2/ext3" => "ext4".to_owned(),
        kind => kind.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::{field, memory_gib, version};

    #[test]
    fn reads_proc() {
        assert_eq!(field("model name\t: Some CPU\n", "model name"), Some("Some CPU"));
        assert_eq!(memory_gib("MemTotal:       25165824 kB\n"), Some(24));
        assert_eq!(version("6.18.44-of-someone\n"), "6.18.44");
        assert_eq!(version("6.1\n"), "6.1");
    }
}
