//! `cargo xtask lint`: formatting and clippy, both without mercy.

use crate::args::{Accepts, Args};
use crate::failure::{Failure, Outcome};
use crate::{proc, repo, say};

const ACCEPTS: Accepts = Accepts { switches: &[], values: &[], n_words: 0 };

pub(crate) fn run(raw: &[String]) -> Outcome {
    Args::parse(raw, &ACCEPTS)?;
    check()
}

/// Fails when a file is not formatted or clippy has anything to say.
pub(crate) fn check() -> Outcome {
    let root = repo::root();
    say::step("rustfmt");
    proc::run(&mut proc::cargo(&root, &["fmt", "--all", "--", "--check"]))
        .map_err(|_| Failure::gate("some files are not formatted").hint("run `cargo fmt --all`"))?;
    say::step("clippy");
    // With what is left out of a usual build: the tests compile that one.
    let words = [
        "clippy",
        "--workspace",
        "--all-targets",
        "--features",
        "pgkeep/otlp",
        "--locked",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ];
    proc::run(&mut proc::cargo(&root, &words))
        .map_err(|_| Failure::gate("clippy has objections").hint("they are printed above"))?;
    say::step("the usual build, which has fewer features");
    let words = ["check", "-p", "pgkeep", "--bins", "--locked", "--quiet"];
    proc::run(&mut proc::cargo(&root, &words))
        .map_err(|_| Failure::gate("the usual build is broken").hint("it is what `up` builds"))
}
