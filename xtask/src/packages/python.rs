//! Python packages in a virtual environment of their own.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{folder, read};
use crate::failure::{Failure, Outcome};
use crate::{proc, say};

/// A virtual environment.
#[derive(Debug)]
pub(crate) struct Environment {
    path: PathBuf,
}

impl Environment {
    /// Makes the environment that `requirements` describes, or finds it made. The file names
    /// every package with its version, those that others need included.
    pub(crate) fn make(name: &str, requirements: &Path) -> Outcome<Self> {
        let lock = read(requirements)?;
        let path = folder(name, &lock, |path| install(name, path, requirements))?;
        Ok(Self { path })
    }

    /// Its interpreter.
    pub(crate) fn python(&self) -> PathBuf {
        self.path.join("bin").join("python")
    }

    /// Fetches the source archives that `requirements` names, checksums included, into `to`.
    pub(crate) fn fetch_sources(&self, requirements: &Path, to: &Path) -> Outcome {
        let mut pip = self.pip("download");
        pip.args(["--no-deps", "--no-binary", ":all:", "--require-hashes", "--dest"]).arg(to);
        proc::capture(pip.arg("--requirement").arg(requirements)).map(drop)
    }

    fn pip(&self, verb: &str) -> Command {
        let mut pip = Command::new(self.python());
        pip.args(["-m", "pip", verb, "--quiet", "--disable-pip-version-check", "--no-input"]);
        pip
    }
}

fn install(name: &str, path: &Path, requirements: &Path) -> Outcome {
    let python = proc::find("python3").ok_or_else(|| {
        Failure::new("there is no python3").hint("`cargo xtask deps` installs it")
    })?;
    say::step(&format!("Python packages of {name}"));
    proc::capture(Command::new(python).args(["-m", "venv"]).arg(path))
        .map_err(|failure| failure.hint("Debian's package python3-venv is needed"))?;
    let environment = Environment { path: path.to_owned() };
    // Without dependencies: what the file does not name must not come in.
    let mut pip = environment.pip("install");
    proc::capture(pip.args(["--no-deps", "--requirement"]).arg(requirements)).map(drop)
}
