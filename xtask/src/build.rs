//! `cargo xtask build`: the release binary with the portal in it. (Not a cargo build script: no
//! such script may build the portal here.)

use std::path::PathBuf;

use crate::args::{Accepts, Args};
use crate::failure::Outcome;
use crate::{proc, repo, say, web};

const ACCEPTS: Accepts = Accepts { switches: &[], values: &[], n_words: 0 };

pub(crate) fn run(raw: &[String]) -> Outcome {
    Args::parse(raw, &ACCEPTS)?;
    let binary = release()?;
    say::line(&binary.display().to_string());
    Ok(())
}

/// Builds `pgkeep` for use, exactly as locked, and returns its path.
pub(crate) fn release() -> Outcome<PathBuf> {
    web::build_if_possible()?;
    say::step("building pgkeep (release)");
    let words = ["build", "--release", "--locked", "--package", "pgkeep", "--bin", "pgkeep"];
    proc::run(&mut proc::cargo(&repo::root(), &words))?;
    Ok(release_path())
}

/// Builds an example program of a crate for release; answers where it lies.
pub(crate) fn example(package: &str, name: &str) -> Outcome<PathBuf> {
    say::step(&format!("building the example {name} of {package} (release)"));
    let words = ["build", "--release", "--locked", "--package", package, "--example", name];
    proc::run(&mut proc::cargo(&repo::root(), &words))?;
    Ok(repo::target_dir().join("release").join("examples").join(name))
}

/// Where the release binary lies once it is built.
pub(crate) fn release_path() -> PathBuf {
    repo::target_dir().join("release").join("pgkeep")
}
