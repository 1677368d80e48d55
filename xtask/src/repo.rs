//! Where things lie: the root of the work tree, cargo's target folder, the source files.

use std::path::{Path, PathBuf};

use crate::failure::{Doing, Outcome};

/// The root of the work tree.
pub(crate) fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Cargo's target folder, always absolute.
pub(crate) fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// One file of the work tree.
#[derive(Debug, Clone)]
pub(crate) struct SourceFile {
    /// Path below the root, with forward slashes.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
}

/// Kinds of file that the tidy rules read.
const TEXT: &[&str] =
    &["rs", "toml", "md", "sql", "sh", "json", "yaml", "yml", "html", "css", "ts"];
/// Files without an ending that are read too.
const TEXT_NAMES: &[&str] = &["run", ".gitignore"];
/// Folders that hold nothing of ours.
const SKIPPED: &[&str] = &[".git", "target", "node_modules", "dist"];

/// Reads every text file of the work tree, sorted by path; build output is left out.
pub(crate) fn source_files(root: &Path) -> Outcome<Vec<SourceFile>> {
    let mut found = Vec::new();
    walk(root, root, &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<SourceFile>) -> Outcome {
    // Cargo marks every target folder with this file, whatever the folder is called.
    if folder.join("CACHEDIR.TAG").exists() {
        return Ok(());
    }
    let reading = || format!("read folder \"{}\"", folder.display());
    for entry in std::fs::read_dir(folder).doing(reading)? {
        let entry = entry.doing(reading)?;
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        let kind = entry.file_type().doing(reading)?;
        if kind.is_dir() && !SKIPPED.contains(&name.as_ref()) {
            walk(root, &path, found)?;
        } else if kind.is_file() && is_text(&path, &name) {
            let text = std::fs::read_to_string(&path)
                .doing(|| format!("read \"{}\" as UTF-8 text", path.display()))?;
            let path = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            found.push(SourceFile { path, text });
        }
    }
    Ok(())
}

fn is_text(path: &Path, name: &str) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    TEXT.contains(&ending) || TEXT_NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn finds_this_very_file() {
        let files = super::source_files(&super::root()).unwrap();
        assert!(files.iter().any(|file| file.path == "xtask/src/repo.rs"));
        assert!(files.iter().all(|file| !file.path.starts_with(".git/")));
    }
}
