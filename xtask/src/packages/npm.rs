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
        let lock = FILES.map(|file| read(&from.join(file)));
        let [manifest, lock] = lock;
        let lock = manifest? + &lock?;
        let path = folder(name, &lock, |path| install(name, path, from))?;
        Ok(Self { path })
    }

    /// The folder, for Node.js to look into.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
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
