//! Starting other programs and judging how they ended.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::failure::{Doing, Failure, Outcome};

/// Runs a command with the terminal's own input and output; anything but success is a failure.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let name = name_of(command);
    let status = command.status().doing(|| format!("run {name}"))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(format!("{name} failed")).detail(status.to_string()))
}

/// Runs a command and returns its standard output; what it said goes into the failure.
pub(crate) fn capture(command: &mut Command) -> Outcome<String> {
    let name = name_of(command);
    let output = output(command)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = if said.trim().is_empty() { String::from_utf8_lossy(&output.stdout) } else { said };
    Err(Failure::new(format!("{name} failed ({})", output.status)).detail(tail(&said, 20)))
}

/// Runs a command without input and returns everything about its end.
pub(crate) fn output(command: &mut Command) -> Outcome<Output> {
    let name = name_of(command);
    command.stdin(Stdio::null()).output().doing(|| format!("run {name}"))
}

/// The last lines of a text.
pub(crate) fn tail(text: &str, n_lines: usize) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    lines[lines.len().saturating_sub(n_lines)..].join("\n")
}

/// Ticks of the kernel's clock in a second, in which it counts CPU time.
pub(crate) fn ticks_per_second() -> Outcome<f64> {
    let text = capture(Command::new("getconf").arg("CLK_TCK"))?;
    text.trim().parse().map_err(|_| Failure::new(format!("getconf prints {text}")))
}

/// Finds a program in `PATH` or in the folders of system administration.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/bin", "/usr/sbin", "/bin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// A `cargo` command at the root of the workspace.
pub(crate) fn cargo<S: AsRef<OsStr>>(root: &Path, words: &[S]) -> Command {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(root).args(words);
    command
}

fn name_of(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().to_string();
    let first = command.get_args().next().and_then(OsStr::to_str).unwrap_or("-");
    if matches!(name.as_str(), "cargo" | "pgkeep" | "apt-get") && !first.starts_with('-') {
        name = format!("{name} {first}");
    }
    name
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    #[test]
    fn a_failed_command_says_what_it_said() {
        let failure =
            super::capture(Command::new("sh").args(["-c", "echo oh >&2; exit 3"])).unwrap_err();
        assert!(failure.message.contains("sh failed"), "{failure}");
        assert_eq!(failure.detail.as_deref(), Some("oh"));
    }

    #[test]
    fn tail_keeps_the_end() {
        assert_eq!(super::tail("a\nb\nc\n", 2), "b\nc");
        assert_eq!(super::tail("a", 5), "a");
    }
}
