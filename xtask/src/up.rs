//! `cargo xtask up` and `down`: from a fresh machine to a running server, and back.

use std::process::Command;

use crate::args::{Accepts, Args};
use crate::failure::{Doing, Failure, Outcome};
use crate::{build, deps, say};

const UP: Accepts = Accepts {
    switches: &["--yes", "--no-sample"],
    values: &["--home", "--port", "--https-port"],
    n_words: 0,
};
const DOWN: Accepts = Accepts { switches: &[], values: &["--home"], n_words: 0 };

pub(crate) fn run_up(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &UP)?;
    deps::ensure(deps::PRODUCT, args.assume_yes())?;
    let binary = build::release()?;
    say::step("starting pgkeep");
    let mut command = Command::new(binary);
    command.args(["up", "--detach"]);
    for flag in UP.values {
        if let Some(value) = args.value(flag) {
            command.args([flag, value]);
        }
    }
    if args.has("--no-sample") {
        command.arg("--no-sample");
    }
    pass_through(&mut command)
}

pub(crate) fn run_down(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &DOWN)?;
    let binary = build::release_path();
    if !binary.is_file() {
        return Err(Failure::new("pgkeep is not built, so this work tree started nothing")
            .hint("`cargo xtask build` builds it; CARGO_TARGET_DIR must be the one used by `up`"));
    }
    let mut command = Command::new(binary);
    command.arg("down");
    if let Some(home) = args.value("--home") {
        command.args(["--home", home]);
    }
    pass_through(&mut command)
}

/// Runs pgkeep in the foreground; its exit code becomes ours, its words are its own.
fn pass_through(command: &mut Command) -> Outcome {
    let status = command.status().doing(|| "run pgkeep".to_owned())?;
    if status.success() {
        return Ok(());
    }
    let exit = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
    Err(Failure { exit, ..Failure::new("pgkeep did not succeed; see its message above") })
}
