//! What the portal is built from, as one number: has anything changed since?

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use crate::failure::{Doing, Outcome};

/// Folders of `web/` that the build does not read.
const NOT_READ: [&str; 3] = ["node_modules", "dist", "e2e"];
/// Of the root: the types of the API are made from it.
const DOCUMENT: &str = "docs/openapi.json";
/// Of `web/`: those types, which the build writes.
const MADE: &str = "src/api/schema.d.ts";

/// A number for paths and contents of all files that the build reads. It is no proof against
/// anyone, only a reason to build again.
pub(super) fn hash(web: &Path, root: &Path) -> Outcome<String> {
    let mut files = vec![root.join(DOCUMENT)];
    walk(web, &mut files, &NOT_READ)?;
    files.retain(|file| *file != web.join(MADE));
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        let bytes = std::fs::read(&file).doing(|| format!("read \"{}\"", file.display()))?;
        file.strip_prefix(root).unwrap_or(&file).hash(&mut hasher);
        bytes.hash(&mut hasher);
    }
    Ok(format!("{:016x}\n", hasher.finish()))
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>, not_read: &[&str]) -> Outcome {
    let reading = || format!("read folder \"{}\"", folder.display());
    for entry in std::fs::read_dir(folder).doing(reading)? {
        let entry = entry.doing(reading)?;
        let kind = entry.file_type().doing(reading)?;
        if not_read.contains(&&*entry.file_name().to_string_lossy()) {
            continue;
        }
        if kind.is_dir() {
            walk(&entry.path(), files, &[])?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn sees_every_change_but_of_what_is_made() {
        let root = std::env::temp_dir().join(format!("xtask-web-{}", std::process::id()));
        let web = root.join("web");
        let write = |path: &str, text: &str| {
            let path = web.join(path);
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let hash = || super::hash(&web, &root).unwrap();
        write("src/a.ts", "1");
        write("../docs/openapi.json", "{}");
        let first = hash();
        for made in ["dist/index.html", "node_modules/x/y.js", "e2e/a.spec.ts", super::MADE] {
            write(made, "made");
            assert_eq!(hash(), first, "{made}");
        }
        write("src/a.ts", "2");
        let second = hash();
        write("src/dist/b.ts", "");
        let third = hash();
        assert!(first != second && second != third);
        write("../docs/openapi.json", "[]");
        assert_ne!(hash(), third);
        std::fs::remove_dir_all(root).unwrap();
    }
}
