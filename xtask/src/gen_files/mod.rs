//! `cargo xtask gen`: files that are made from other files and committed, so that drift is seen.

pub(crate) mod coverage;
pub(crate) mod licences;
mod spdx;

use std::path::Path;

use crate::args::{Accepts, Args};
use crate::failure::{Doing, Failure, Outcome};
use crate::{portal, repo, say};

const ACCEPTS: Accepts = Accepts { switches: &["--check", "--yes"], values: &[], n_words: 1 };

/// One generated file: its path below the root and what makes its text.
struct Generated {
    path: &'static str,
    text: fn(&Path) -> Outcome<String>,
}

const GENERATED: &[Generated] = &[
    Generated { path: "docs/licences.md", text: licences::document },
    Generated { path: "docs/baseline-coverage.md", text: coverage::document },
];

pub(crate) fn run(raw: &[String]) -> Outcome {
    let args = Args::parse(raw, &ACCEPTS)?;
    match args.words().first().map(String::as_str) {
        None if args.has("--check") => check(),
        None => write(),
        Some("screenshots") => portal::take_screenshots(args.assume_yes()),
        Some(other) => Err(Failure::usage(format!("nothing is generated under \"{other}\""))),
    }
}

/// Fails when a generated file is not what would be generated now.
pub(crate) fn check() -> Outcome {
    let root = repo::root();
    let mut stale = Vec::new();
    for file in GENERATED {
        let wanted = (file.text)(&root)?;
        if std::fs::read_to_string(root.join(file.path)).ok().as_deref() != Some(&wanted) {
            stale.push(file.path);
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(Failure::gate(format!("out of date: {}", stale.join(", ")))
        .hint("run `cargo xtask gen` and commit what it wrote"))
}

fn write() -> Outcome {
    let root = repo::root();
    for file in GENERATED {
        let (path, wanted) = (root.join(file.path), (file.text)(&root)?);
        if std::fs::read_to_string(&path).ok().as_deref() == Some(&wanted) {
            say::note(&format!("{} is up to date", file.path));
            continue;
        }
        std::fs::write(&path, wanted).doing(|| format!("write {}", file.path))?;
        say::note(&format!("wrote {}", file.path));
    }
    Ok(())
}
