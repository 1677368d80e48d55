//! Writes the list of the files of `content/` that become part of the crate: checks, their
//! functions, evidence, feeds. So that a new file needs no other change.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    // As cargo runs it, not as it was compiled: a cached script may come from another checkout.
    let home = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let content = home.join("../../content");
    let mut text = String::new();
    for (list, folder, ending) in [
        ("CHECKS", "checks", "toml"),
        ("FUNCTIONS", "checks/functions", "kql"),
        ("EVIDENCE", "evidence", "toml"),
        ("PROVIDERS", "providers", "toml"),
        ("FEEDS", "feeds", "json"),
    ] {
        let folder = content.join(folder);
        let mut files = Vec::new();
        find(&folder, ending, &mut files)?;
        files.sort();
        let _ = writeln!(text, "pub(super) static {list}: &[(&str, &str)] = &[");
        for file in files {
            let name = file.strip_prefix(&folder).unwrap_or(&file).with_extension("");
            let _ = writeln!(text, "    ({:?}, include_str!({:?})),", name.display(), file);
        }
        text.push_str("];\n");
    }
    let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    fs::write(out.join("files.rs"), text)
}

/// Files of this ending in a folder and those below it; cargo looks at each of the folders again.
fn find(folder: &Path, ending: &str, files: &mut Vec<PathBuf>) -> io::Result<()> {
    println!("cargo::rerun-if-changed={}", folder.display());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            find(&path, ending, files)?;
        } else if path.extension().is_some_and(|found| found == ending) {
            files.push(path);
        }
    }
    Ok(())
}
