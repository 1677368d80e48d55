//! npm packages in a folder of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{folder, read};
use crate::failure::{Doing, Failure, Outcome};
use crate::{proc, say};

const FILES: [&str; 2] = ["package.json", "package-lock.json"];

/// A folder with `node_modules`.
#[derive(Debug)]
pub(crate) struct Modules {
    path: PathBuf,
}

impl Modules {
    /// Installs what the lock file in `from` names, or finds it installed. Runs no scripts of
    /// packages.
    pub(crate) fn make(name: &str, from: &Path) -> Outcome<Self> {
        let [manifest, lock] = FILES.map(|file| read(&from.join(file)));
        let made_from = wanted(&manifest?).to_owned() + &lock?;
        let path = folder(name, &made_from, |path| install(name, path, from))?;
        Ok(Self { path })
    }

    /// The folder, for Node.js to look into.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// What a manifest wants installed: a new script is no reason to install all again.
fn wanted(manifest: &str) -> &str {
    let at = ["\"dependencies\"", "\"devDependencies\""].map(|field| manifest.find(field));
    at.into_iter().flatten().min().map_or(manifest, |at| &manifest[at..])
}

fn install(name: &str, path: &Path, from: &Path) -> Outcome {
    let npm = proc::find("npm")
        .ok_or_else(|| Failure::new("there is no npm").hint("`cargo xtask deps` installs it"))?;
    say::step(&format!("npm packages of {name}"));
    for file in FILES {
        std::fs::copy(from.join(file), path.join(file))
            .doing(|| format!("copy \"{}\"", from.join(file).display()))?;
    }
    let words = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
    proc::capture(Command::new(npm).args(words).current_dir(path)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::wanted;

    #[test]
    fn scripts_do_not_count() {
        let manifest = |script: &str| {
            format!(r#"{{"scripts":{{"x":"{script}"}},"dependencies":{{"a":"1"}}}}"#)
        };
        assert_eq!(wanted(&manifest("1")), wanted(&manifest("2")));
        assert!(wanted(&manifest("1")).contains(r#""a":"1""#));
        assert_eq!(wanted("{}"), "{}");
    }
}
