//! Test programs from the crate registry, pinned and installed into the target folder.

use std::path::PathBuf;

use crate::failure::{Failure, Outcome};
use crate::{proc, repo, say};

/// A program to install: package name (also the program's) and version.
pub(super) struct Tool {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
}

impl Tool {
    /// Installs the program unless this version is there, and answers its path.
    pub(super) fn install(&self) -> Outcome<PathBuf> {
        let tools = repo::target_dir().join("tools");
        let program = tools.join("bin").join(self.name);
        let list = std::fs::read_to_string(tools.join(".crates.toml")).unwrap_or_default();
        if program.is_file() && list.contains(&format!("\"{} {} ", self.name, self.version)) {
            return Ok(program);
        }
        say::step(&format!("cargo install {} {}", self.name, self.version));
        let version = format!("={}", self.version);
        let words = ["install", "--locked", "--force", "--version", &version, self.name, "--root"];
        let mut command = proc::cargo(&repo::root(), &words);
        // The tool's crates are not ours: keep them out of the workspace's own build folders.
        command.arg(&tools).env("CARGO_TARGET_DIR", tools.join("build"));
        proc::run(&mut command)?;
        if program.is_file() {
            return Ok(program);
        }
        Err(Failure::new(format!("cargo installed {} but brought no program", self.name)))
    }
}
