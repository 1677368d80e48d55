//! The search for readable text, by `grep` over raw bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::rig::Rig;

/// Which words were found, and in which files (relative to the folder that was searched).
pub(crate) type Found = BTreeMap<String, BTreeSet<PathBuf>>;

/// Searches every file below `folder` for any of `words`, as the store's owner.
///
/// A file that cannot be read fails the test: what was not searched proves nothing. Only files
/// that vanish meanwhile are passed over.
pub(crate) fn search(rig: &Rig, folder: &Path, words: &[String]) -> Found {
    let mut grep = rig.command("grep");
    grep.args(["-r", "-a", "-o", "-F", "--null", "--devices=skip", "-f", "-"]).arg(folder);
    let output = pipe(&mut grep, &words.join("\n"));
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        assert!(line.ends_with("No such file or directory"), "could not search: {line}");
    }
    let mut found = Found::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line = std::str::from_utf8(line).unwrap();
        let (path, word) = line.split_once('\0').expect("because of --null");
        let path = Path::new(path).strip_prefix(folder).unwrap();
        let files = found.entry(word.to_owned()).or_default();
        if !files.contains(path) {
            files.insert(path.to_owned());
        }
    }
    found
}

/// `grep` ends with 1 when it finds nothing, and that is no failure here.
fn pipe(command: &mut std::process::Command, input: &str) -> std::process::Output {
    use std::io::Write;
    use std::process::Stdio;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}
